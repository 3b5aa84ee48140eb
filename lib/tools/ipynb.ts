/** Notebooks as files: nbformat 4.5, read with checks and written as Jupyter writes them (keys sorted,
 * one space of indentation, texts as lists of lines), so that a rerun or a save in JupyterLab gives the
 * smallest diff. `deno fmt` leaves this layout alone.
 * @see https://nbformat.readthedocs.io/en/latest/format_description.html
 * @module */
import { basename, dirname } from "node:path";
import { writeAtomic } from "../data/write_atomic.ts";
import type { Output } from "./jupyter_message.ts";
import { ROOT } from "./workspace.ts";

/** A cell; `source` is one string here. Keys that we do not use are kept. */
export interface Cell {
  cell_type: "code" | "markdown" | "raw";
  id: string;
  metadata: Record<string, unknown>;
  source: string;
  /** Code cells only. */
  execution_count?: number | null;
  /** Code cells only. */
  outputs?: Output[];
  [key: string]: unknown;
}

/** A code cell: its outputs are there. */
export type CodeCell = Cell & { cell_type: "code"; outputs: Output[] };

/** A notebook as nbformat 4.5 has it. */
export interface Ipynb {
  nbformat: 4;
  nbformat_minor: number;
  metadata: Record<string, unknown>;
  cells: Cell[];
}

/** A file that is no nbformat 4.5 notebook. */
export class NotebookFormatError extends Error {
  override name = "NotebookFormatError";
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function check(holds: boolean, why: string): asserts holds {
  if (!holds) throw new NotebookFormatError(why);
}

function joinLines(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  const isLines = Array.isArray(value) && value.every((line) => typeof line === "string");
  check(isLines, `${where} is neither text nor a list of lines`);
  return (value as string[]).join("");
}

/** Texts that nbformat stores as lists of lines. Base64 and JSON values stay whole. */
const isLineMime = (mime: string) =>
  mime.startsWith("text/") || mime === "image/svg+xml" || mime === "application/javascript";

/** An output whose texts are turned from lists of lines, or into them. */
function withTexts(output: Json, turn: (text: unknown, name: string) => unknown): Json {
  if (output.output_type === "stream") return { ...output, text: turn(output.text, "text") };
  if (!isObject(output.data)) return output;
  const data = Object.entries(output.data).map(([mime, value]) =>
    [mime, isLineMime(mime) ? turn(value, mime) : value] as const
  );
  return { ...output, data: Object.fromEntries(data) };
}

function readOutput(output: unknown, where: string): Output {
  check(isObject(output), `${where} is no object`);
  const { output_type: type, data } = output;
  const isRich = type === "display_data" || type === "execute_result";
  check(isRich || type === "stream" || type === "error", `${where} has the unknown type ${type}`);
  check(!isRich || isObject(data), `${where} has no data`);
  return withTexts(output, (text, name) => joinLines(text, `${where}: ${name}`)) as Output;
}

const isCellType = (type: unknown): type is Cell["cell_type"] =>
  type === "code" || type === "markdown" || type === "raw";

function readCell(cell: unknown, index: number): Cell {
  const where = `cell ${index + 1}`;
  check(isObject(cell), `${where} is no object`);
  const { cell_type, id, metadata, outputs, execution_count: count } = cell;
  check(isCellType(cell_type), `${where} has the unknown type ${cell_type}`);
  check(typeof id === "string" && id !== "", `${where} has no id`);
  check(isObject(metadata), `${where} has no metadata`);
  const read: Cell = { ...cell, cell_type, id, metadata, source: joinLines(cell.source, where) };
  if (cell_type === "code") {
    check(Array.isArray(outputs), `${where} has no outputs list`);
    read.outputs = outputs.map((output, i) => readOutput(output, `${where}, output ${i + 1}`));
    read.execution_count = typeof count === "number" ? count : null;
  }
  return read;
}

/** Parses a notebook's text.
 * @throws {NotebookFormatError} no JSON, not nbformat 4.5 or later, a malformed or repeated cell. */
export function parseIpynb(text: string): Ipynb {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new NotebookFormatError(`it is no JSON: ${(error as Error).message}`);
  }
  check(isObject(raw), "it is no JSON object");
  const { nbformat, nbformat_minor: minor, metadata, cells } = raw;
  const isVersion = nbformat === 4 && typeof minor === "number" && minor >= 5;
  check(isVersion, `it is nbformat ${nbformat}.${minor}, not 4.5`);
  check(isObject(metadata), "it has no metadata");
  check(Array.isArray(cells), "it has no list of cells");
  const read = cells.map(readCell);
  const ids = new Set(read.map(({ id }) => id));
  check(ids.size === read.length, "two of its cells have the same id");
  return { nbformat: 4, nbformat_minor: minor as number, metadata, cells: read };
}

/** The notebook's code cells that hold more than white space, with their number among all cells. */
export function codeCells(notebook: Ipynb): { cell: CodeCell; number: number }[] {
  return notebook.cells
    .map((cell, index) => ({ cell: cell as CodeCell, number: index + 1 }))
    .filter(({ cell }) => cell.cell_type === "code" && cell.source.trim() !== "");
}

const splitLines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** The notebook as the text of its file. */
export function formatIpynb(notebook: Ipynb): string {
  const lines = (text: unknown) => typeof text === "string" ? splitLines(text) : text;
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(cell.source),
    ...cell.outputs && { outputs: cell.outputs.map((output) => withTexts({ ...output }, lines)) },
  }));
  return JSON.stringify(sorted({ ...notebook, cells }), null, 1) + "\n";
}

/** Reads a notebook file.
 * @throws {NotebookFormatError} naming the file. */
export async function readIpynb(path: string): Promise<Ipynb> {
  try {
    return parseIpynb(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof NotebookFormatError)) throw error;
    throw new NotebookFormatError(`Cannot read ${basename(path)}: ${error.message}`);
  }
}

/** Replaces a notebook file at once: no reader ever sees half of it. */
export async function writeIpynb(path: string, notebook: Ipynb): Promise<void> {
  await writeAtomic(dirname(path), { [basename(path)]: formatIpynb(notebook) });
}

/** The cells, as `cell 3`, whose outputs name an absolute path of this machine: none is to be committed. */
export function cellsNamingPaths(
  notebook: Ipynb,
  paths: readonly string[] = [ROOT, "file:///"],
): string[] {
  const withoutImages = (key: string, value: unknown) => key.startsWith("image/") ? "" : value;
  return codeCells(notebook).filter(({ cell }) => {
    const text = JSON.stringify(cell.outputs, withoutImages);
    return paths.some((path) => text.includes(path));
  }).map(({ number }) => `cell ${number}`);
}
