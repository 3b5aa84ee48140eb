/** The flags of a task out of a file, JSON or YAML: the keys are the flags' names, the values what the flags take, paths
 * relative to the file. What does not fit is one line that names the file and the key.
 *
 * JSON is read as the YAML 1.2 that it is, so there is one reader. Aliases are refused, since few bytes of them can
 * stand for any number of values, and tags, which would name types of another program.
 * @module */
import { dirname, resolve } from "node:path";
import { parseDocument, visit } from "yaml";
import { DataError } from "../data/dataset.ts";
import { readBytes } from "../data/read_bytes.ts";
import { shown } from "../data/tensor.ts";
import { type Flag, meant, type Values } from "./args.ts";

/** A file of a few flags; more is some other file. */
const MAX_BYTES = 65_536;

/** Reads a task's flags out of a file.
 * @param path absolute.   @param flags those that the file may have.
 * @returns a value for each flag that the file has.
 * @throws {DataError} no such file, not text, JSON or YAML, not a map, an unknown or repeated key, a value that the flag
 * does not take. */
export async function readConfig<const F extends Record<string, Flag>>(
  path: string,
  flags: F,
): Promise<Partial<Values<F>>> {
  return parseConfig(path, await readBytes(path, MAX_BYTES), flags);
}

/** The same of a file's bytes. @param file its path: what others in it are relative to. */
export function parseConfig<const F extends Record<string, Flag>>(
  file: string,
  bytes: Uint8Array,
  flags: F,
): Partial<Values<F>> {
  const names = Object.keys(flags);
  const values = Object.entries(mapOf(file, bytes)).map(([key, value]) => {
    if (!Object.hasOwn(flags, key)) {
      const name = meant(key, names);
      const advice = name === undefined
        ? `the keys are ${names.join(", ")}`
        : `did you mean ${name}?`;
      throw new DataError(`Cannot use ${file}: unknown key "${shown(key)}": ${advice}`);
    }
    return [key, valueOf(file, key, flags[key], value)];
  });
  return Object.fromEntries(values);
}

/** The one map of a file. */
function mapOf(file: string, bytes: Uint8Array): Record<string, unknown> {
  const refuse = (why: string) => new DataError(`Cannot read ${file}: ${why}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); // takes a byte order mark off
  } catch {
    throw refuse("it is not UTF-8 text: save it as UTF-8");
  }
  if (text.trim() === "") {
    throw refuse("it is empty; deno task audit --example prints one to begin with");
  }
  let content: unknown;
  try {
    const document = parseDocument(text, { stringKeys: true, prettyErrors: true });
    const wrong = [...document.errors, ...document.warnings][0];
    if (wrong) throw new Error(wrong.message.split("\n")[0].replace(/:$/, ""));
    visit(document, {
      Alias: () => {
        throw new Error("a value begins with * (an alias or a pattern): write the values out");
      },
    });
    content = document.toJS();
  } catch (error) { // one that is nested too deep overflows the stack
    const { message } = error as Error;
    throw refuse(error instanceof RangeError ? "it is nested too deep" : shownLine(message));
  }
  if (content === null) throw refuse("it has comments only: take the # from the keys that you set");
  if (typeof content !== "object" || Array.isArray(content)) {
    throw refuse("expected keys and values, such as weights: model.safetensors");
  }
  return content as Record<string, unknown>;
}

const shownLine = (message: string) =>
  message.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?").slice(0, 200);

/** A value as the flag has it. */
function valueOf(file: string, key: string, flag: Flag, value: unknown): unknown {
  const refuse = (expected: string): never => {
    const got = value === null ? "nothing" : shown(JSON.stringify(value));
    throw new DataError(`Cannot use ${file}: ${key} must be ${expected}: got ${got}`);
  };
  const path = (text: unknown, expected: string) =>
    typeof text === "string" && text !== "" ? resolve(dirname(file), text) : refuse(expected);
  switch (flag.type) {
    case "switch":
      return typeof value === "boolean" ? value : refuse("true or false");
    case "integer": {
      const { min, max } = flag;
      const fits = Number.isSafeInteger(value) && value as number >= min && value as number <= max;
      return fits ? value : refuse(`an integer in [${min}, ${max}]`);
    }
    case "choice":
      return flag.choices.some((choice) => choice === value)
        ? value
        : refuse(`one of ${flag.choices.join(", ")}`);
    case "path":
      return path(value, "a path");
    case "paths": {
      const paths = Array.isArray(value) ? value : [value];
      if (paths.length === 0) refuse("a path, or a list of paths");
      return paths.map((one) => path(one, "a path, or a list of paths"));
    }
    case "text":
      return typeof value === "string" && value !== ""
        ? value
        : refuse('text: put it in quotes, such as "5"');
  }
}
