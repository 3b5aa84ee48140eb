/** Tables as text: `.csv` with commas, semicolons or tabs, with or without a first line of names, by csv-parse.
 * @module */
import { type CsvError, parse } from "csv-parse/sync";
import { refusal } from "./dataset.ts";
import { shown } from "./tensor.ts";

/** Of a file; as text it takes several times as much memory. */
const MAX_BYTES = 2 ** 27;

/** A table as its file has it. */
export interface CsvTable {
  /** Of the columns: the first line's, or "column 3", counted from 1. */
  readonly names: readonly string[];
  readonly cells: readonly (readonly string[])[];
  /** Of each row, the line it ends on. */
  readonly lines: readonly number[];
}

const OTHERS: readonly [begins: RegExp, what: string, way: string][] = [
  [/^1f8b|^425a68|^fd377a58|^377abcaf|^52617221|^28b52ffd/, "compressed", "unpack it first"],
  [/^d0cf11e0/, "an old Excel workbook", "save the sheet as CSV"],
  [/^50415231/, "Parquet", 'pandas.read_parquet("x").to_csv("x.csv", index=False)'],
  [/^(fffe|feff)/, "text in UTF-16", 'save it as "CSV UTF-8"'],
];

/** Whether a file is a table, or would be if it were saved as one: text, but of no image, page or pointer. */
export function isTableFile(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 512);
  const text = new TextDecoder("latin1").decode(head);
  const isText = !head.some((byte) => byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) &&
    !/^\s*(<|version https:)/.test(text);
  return isText || OTHERS.slice(1, 4).some(([begins]) => begins.test(head.toHex()));
}

function textOf(path: string, bytes: Uint8Array): string {
  const fail = refusal(`Cannot read ${path}`);
  const hex = bytes.subarray(0, 8).toHex();
  const [, what, way] = OTHERS.find(([begins]) => begins.test(hex)) ?? [];
  if (what !== undefined) fail(`it is ${what}: ${way}`);
  if (bytes.length > MAX_BYTES) {
    fail(`${Math.round(bytes.length / 1e6)} MB of text, at most 134: save fewer rows, or a .npy`);
  }
  if (bytes.subarray(0, 4096).includes(0)) fail("it is no text: .csv or .npy are tables");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail('its text is not UTF-8: save it as "CSV UTF-8"');
  }
}

const DELIMITERS = [",", ";", "\t"] as const;

/** The delimiter that the first line has most of. */
function delimiterOf(text: string): string {
  const line = (/\S[^\r\n]*/.exec(text)?.[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

/** Whether a cell is a number in digits; what only JavaScript takes for one, such as 0x10, is none. */
export const isNumber = (cell: string): boolean =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell);

/** Reads a table. The first line names the columns if a cell of it is no number where the second line has one, or if
 * the label is asked for by a name that stands in it.
 * @param options.label by which the first line may be known; @param options.limit reads only so many rows.
 * @throws {DataError} no text, rows of different lengths, a quote that is not closed, two columns of one name, no rows. */
export function parseCsv(
  path: string,
  bytes: Uint8Array,
  { label, limit = Infinity }: { label?: string; limit?: number } = {},
): CsvTable {
  const fail = refusal(`Cannot read ${path}`);
  const text = textOf(path, bytes);
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      ...{ bom: true, trim: true, skip_empty_lines: true, info: true },
      delimiter: delimiterOf(text),
      ...Number.isFinite(limit) ? { to: limit + 1 } : {},
    }) as unknown as typeof records;
  } catch (error) {
    const { code, message, lines, record } = error as CsvError;
    return fail(
      code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH"
        ? `line ${lines} has ${
          (record as string[]).length
        } cells, the lines before it have another number`
        : message,
    );
  }
  if (records.length === 0) fail("it has no rows");
  const [first, second] = records.map(({ record }) => record);
  const isNamed = label !== undefined && first.includes(label) && !isNumber(label) ||
    first.some((cell, j) => !isNumber(cell) && (second === undefined || isNumber(second[j])));
  const rows = isNamed ? records.slice(1) : records.slice(0, limit);
  if (rows.length === 0) fail("it has a line of names and no rows");
  const names = first.map((cell, j) => isNamed ? shown(cell) : `column ${j + 1}`);
  const twice = names.find((name, j) => names.indexOf(name) !== j);
  if (twice !== undefined) fail(`two columns are called "${twice}"`);
  return {
    names,
    cells: rows.map(({ record }) => record),
    lines: rows.map(({ info }) => info.lines),
  };
}
