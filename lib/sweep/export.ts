/** Rows as CSV (RFC 4180) and as JSON, and CSV back as rows: what a repository keeps of a sweep.
 * @module */
import { checkPoint, checkRow, pointKey, seedOf, type Sweep, type Value } from "./grid.ts";
import type { StoredRow } from "./store.ts";

const TIMES = ["attempts", "startedAt", "pointMs"] as const;

function header(sweep: Sweep): string[] {
  return [
    ...["version", ...Object.keys(sweep.fields), "seed", "status", ...sweep.columns],
    ...["error", ...TIMES],
  ];
}

/** One flat object a row: version, fields, seed, status, columns, error, times. A failed row has no columns. */
export function flatRow(sweep: Sweep, stored: StoredRow): Record<string, Value> {
  const { version } = sweep;
  const { point, seed, status, attempts, startedAt, pointMs } = stored;
  const rest = status === "done" ? stored.row : { error: stored.error };
  return { version, ...point, seed, status, ...rest, attempts, startedAt, pointMs };
}

function cell(value: Value | undefined): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** CSV of rows, with a header; null is an empty cell. */
export function formatCsv(sweep: Sweep, rows: readonly StoredRow[]): string {
  const names = header(sweep);
  const lines = rows.map((stored) => {
    const flat = flatRow(sweep, stored);
    return names.map((name) => cell(flat[name])).join(",");
  });
  return [names.join(","), ...lines, ""].join("\n");
}

/** JSON of rows: an array of flat objects. */
export function formatJson(sweep: Sweep, rows: readonly StoredRow[]): string {
  return JSON.stringify(rows.map((stored) => flatRow(sweep, stored)), null, 1);
}

/** Cells by line. A quoted cell may hold commas, quotes and line ends. */
function parseCells(text: string): string[][] {
  const lines: string[][] = [[]];
  for (
    const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)
  ) {
    const line = lines[lines.length - 1];
    line.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "") break;
    if (end !== ",") lines.push([]);
  }
  return lines.filter((line) => line.length > 1);
}

/** The value of a cell: a number, a truth, null where empty, else the text. */
function valueOf(text: string): Value {
  if (text === "") return null;
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Reads what {@linkcode formatCsv} wrote.
 * @throws {TypeError} another header, sweep version, point or row. {RangeError} a value outside its range. */
export function parseCsv(sweep: Sweep, text: string): StoredRow[] {
  const [names = [], ...lines] = parseCells(text);
  if (names.join() !== header(sweep).join()) {
    throw new TypeError(`Cannot read CSV of sweep ${sweep.name}: its header is ${names.join()}`);
  }
  return lines.map((line, at) => {
    const flat = Object.fromEntries(names.map((name, k) => [name, line[k] ?? ""]));
    if (line.length !== names.length || flat.version !== String(sweep.version)) {
      throw new TypeError(
        `Cannot read CSV of sweep ${sweep.name}: line ${at + 2} is cut off or of another version`,
      );
    }
    const pick = (wanted: readonly string[]) =>
      Object.fromEntries(wanted.map((name) => [name, valueOf(flat[name])]));
    const words = (name: string) => sweep.fields[name].type === "choice";
    const fields = Object.keys(sweep.fields);
    const point = checkPoint(sweep, {
      ...pick(fields),
      ...Object.fromEntries(fields.filter(words).map((name) => [name, flat[name]])),
    });
    return {
      key: pointKey(sweep, point),
      point,
      seed: seedOf(sweep, point),
      attempts: Number(flat.attempts),
      startedAt: flat.startedAt,
      pointMs: Number(flat.pointMs),
      ...flat.status === "done"
        ? { status: "done", row: checkRow(sweep, pick(sweep.columns)) }
        : { status: "failed", error: flat.error },
    };
  });
}
