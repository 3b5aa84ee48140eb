/** The fields that the README of the audit documents, and a JSON file held to them.
 * @module */

/** A row of the README's table. */
export interface Field {
  readonly types: readonly string[];
  /** The words that a text may be; null: any. */
  readonly words: readonly string[] | null;
}

/** Reads the table of fields. */
export function fieldsOf(readme: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const [, path, type, meaning] of readme.matchAll(/^\| `([^`]+)` +\| ([^|]+)\| (.+)\|$/gm)) {
    const words = meaning.startsWith("`")
      ? [...meaning.matchAll(/`([^`]+)`/g)].map(([, w]) => w)
      : null;
    fields.set(path, { types: type.trim().split(/, | or /), words });
  }
  return fields;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** Holds a value to the fields.
 * @param seen takes the paths that are there.   @returns a line for each thing that the README does not say. */
export function schemaProblems(
  json: unknown,
  fields: ReadonlyMap<string, Field>,
  seen: Set<string>,
): string[] {
  const problems: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) return value.forEach((item) => walk(item, `${path}[]`));
    if (typeof value === "object" && value !== null) {
      const below = path === "" ? "" : `${path}.`;
      const isNamed = fields.has(`${below}*`);
      const keys = [...fields.keys()].filter((field) => field.startsWith(below))
        .map((field) => field.slice(below.length).split(/[.[]/)[0]);
      const missing = isNamed ? [] : [...new Set(keys)].filter((key) => !(key in value));
      for (const key of missing) problems.push(`${below}${key} is missing`);
      for (const [key, item] of Object.entries(value)) walk(item, `${below}${isNamed ? "*" : key}`);
      return;
    }
    const field = fields.get(path), type = typeOf(value);
    seen.add(path);
    if (field === undefined) return void problems.push(`${path} is not documented`);
    const fits = field.types.includes(type) || type === "integer" && field.types.includes("number");
    if (!fits) problems.push(`${path} is ${type}, not ${field.types.join(" or ")}`);
    const isWord = field.words === null || typeof value !== "string" || field.words.includes(value);
    if (!isWord) problems.push(`${path} is "${value}", not one of ${field.words}`);
  };
  walk(json, "");
  return problems;
}
