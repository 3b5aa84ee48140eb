/** Notebooks as files: nbformat 4.5, read with checks and written as Jupyter writes them (keys sorted,
 * one space of indentation, texts as lists of lines), so that a rerun or a save in JupyterLab gives the
 * smallest diff. `deno fmt` leaves this layout alone.
 * @see https://nbformat.readthedocs.io/en/latest/format_description.html
 * @module */
import { basename, dirname } from "node:path";
import type { Output } from "./outputs.ts";
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

function joinLines(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) {
    return value.join("");
  }
  throw new NotebookFormatError(`${where} is neither text nor a list of lines`);
}

/** Texts that nbformat stores as lists of lines. Base64 and JSON values stay whole. */
const isLineMime = (mime: string) =>
  mime.startsWith("text/") || mime === "image/svg+xml" || mime === "application/javascript";

function readOutput(output: unknown, where: string): Output {
  if (!isObject(output)) throw new NotebookFormatError(`${where} is no object`);
  switch (output.output_type) {
    case "stream":
      return { ...output, text: joinLines(output.text, `${where}: text`) } as Output;
    case "display_data":
    case "execute_result": {
      if (!isObject(output.data)) throw new NotebookFormatError(`${where} has no data`);
      const data = Object.entries(output.data).map(([mime, value]) =>
        [mime, isLineMime(mime) ? joinLines(value, `${where}: ${mime}`) : value] as const
      );
      return { ...output, data: Object.fromEntries(data) } as Output;
    }
    case "error":
      return output as Output;
  }
  throw new NotebookFormatError(`${where} has the unknown type ${output.output_type}`);
}

function readCell(cell: unknown, index: number): Cell {
  const where = `cell ${index + 1}`;
  if (!isObject(cell)) throw new NotebookFormatError(`${where} is no object`);
  const { cell_type, id } = cell;
  if (cell_type !== "code" && cell_type !== "markdown" && cell_type !== "raw") {
    throw new NotebookFormatError(`${where} has the unknown type ${cell_type}`);
  }
  if (typeof id !== "string" || id === "") throw new NotebookFormatError(`${where} has no id`);
  const metadata = cell.metadata;
  if (!isObject(metadata)) throw new NotebookFormatError(`${where} has no metadata`);
  const read: Cell = { ...cell, cell_type, id, metadata, source: joinLines(cell.source, where) };
  if (cell_type === "code") {
    if (!Array.isArray(cell.outputs)) throw new NotebookFormatError(`${where} has no outputs list`);
    read.outputs = cell.outputs.map((output, i) => readOutput(output, `${where}, output ${i + 1}`));
    read.execution_count = typeof cell.execution_count === "number" ? cell.execution_count : null;
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
  if (!isObject(raw)) throw new NotebookFormatError("it is no JSON object");
  const { nbformat, nbformat_minor, metadata, cells } = raw;
  if (nbformat !== 4 || typeof nbformat_minor !== "number" || nbformat_minor < 5) {
    throw new NotebookFormatError(`it is nbformat ${nbformat}.${nbformat_minor}, not 4.5`);
  }
  if (!isObject(metadata)) throw new NotebookFormatError("it has no metadata");
  if (!Array.isArray(cells)) throw new NotebookFormatError("it has no list of cells");
  const read = cells.map(readCell);
  const ids = new Set(read.map(({ id }) => id));
  if (ids.size < read.length) throw new NotebookFormatError("two of its cells have the same id");
  return { nbformat, nbformat_minor, metadata, cells: read };
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

function writeOutput(output: Output): Json {
  if (output.output_type === "stream") return { ...output, text: splitLines(output.text) };
  if (output.output_type === "error") return { ...output };
  const data = Object.entries(output.data).map(([mime, value]) =>
    [mime, isLineMime(mime) && typeof value === "string" ? splitLines(value) : value] as const
  );
  return { ...output, data: Object.fromEntries(data) };
}

/** The notebook as the text of its file. */
export function formatIpynb(notebook: Ipynb): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(cell.source),
    ...(cell.outputs && { outputs: cell.outputs.map(writeOutput) }),
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
  const temporary = await Deno.makeTempFile({ dir: dirname(path), prefix: ".", suffix: ".ipynb~" });
  try {
    await Deno.writeTextFile(temporary, formatIpynb(notebook));
    await Deno.chmod(temporary, 0o644);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** The cells, as `cell 3`, whose outputs name an absolute path of this machine: none is to be committed. */
export function cellsNamingPaths(
  notebook: Ipynb,
  paths: readonly string[] = [ROOT, "file:///"],
): string[] {
  return codeCells(notebook)
    .filter(({ cell }) => {
      const text = JSON.stringify(
        cell.outputs,
        (key, value) => key.startsWith("image/") ? "" : value,
      );
      return paths.some((path) => text.includes(path));
    })
    .map(({ number }) => `cell ${number}`);
}
