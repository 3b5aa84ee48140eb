/** What `deno check` and `deno lint` do for files, done for notebooks' cells, with the answers given as
 * `notebook cell N, line M`; and whether a notebook stands as a whole clean run left it.
 * @module */
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  cellsNamingPaths,
  codeCells,
  type Ipynb,
  NotebookFormatError,
  readIpynb,
} from "lib/tools/ipynb.ts";
import { type NotebookModule, notebookModule, type Trailing } from "./notebook_module.ts";
import { BARE_IMPORT } from "./trailing_plugin.ts";
import { ROOT } from "lib/tools/workspace.ts";

const CONFIG = join(ROOT, "deno.json");
const BARE_EXPRESSION =
  "the cell ends in the value of a bare expression; the kernel may display it under another " +
  "cell: `await nb.show(…)` it or give it a name";

interface LintReport {
  diagnostics: {
    filename: string;
    range: { start: { line: number; col: number } };
    message: string;
    code: string;
    hint: string | null;
  }[];
}

async function deno(
  ...args: string[]
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Lints files; a file that does not parse is left to the type checker, which says where. */
async function lint(config: string, files: readonly string[]): Promise<LintReport["diagnostics"]> {
  const { stdout, stderr } = await deno("lint", "--json", "--config", config, ...files);
  try {
    return (JSON.parse(stdout) as LintReport).diagnostics;
  } catch {
    throw new Error(`deno lint did not answer: ${stderr.trim()}`);
  }
}

/** The places in the cells that may give them their values, and the values that are sure to be displayed. */
async function trailingExpressions(
  directory: string,
  files: string[],
): Promise<{ trailing: Trailing[]; problems: string[] }> {
  const config = join(directory, "lint.json");
  const plugins = [join(import.meta.dirname!, "trailing_plugin.ts")];
  const rules = { tags: [], include: ["notebook/trailing-expression"] };
  await Deno.writeTextFile(config, JSON.stringify({ lint: { plugins, rules } }));
  const places = (await lint(config, files)).map(({ filename, range, message }) => ({
    number: parseInt(basename(filename)),
    line: range.start.line,
    column: range.start.col + 1,
    message,
  }));
  const { imports = [], trailing = [] } = Object.groupBy(
    places,
    ({ message }) => message === BARE_IMPORT ? "imports" : "trailing",
  );
  const problems = imports.map(({ number, line, column }) =>
    `cell ${number}, line ${line}:${column}: ${BARE_IMPORT}`
  );
  return { trailing, problems };
}

/** Checks the cells' format one by one. `deno fmt --check` on the notebook itself (2.9.6) reports every
 * cell that does not end in a newline, which none does, and which `deno fmt` does not change; so deno.json
 * excludes the notebooks from it. */
async function formatProblems(files: readonly string[]): Promise<string[]> {
  const { stderr } = await deno("fmt", "--check", "--config", CONFIG, ...files);
  return [...stderr.matchAll(/^from .*?(\d+)\.(?:ts|md):$/gm)]
    .map(([, number]) =>
      `cell ${number}: not formatted: deno fmt --no-config --line-width 100 notebooks`
    );
}

/** Writes each cell into a file of its own, named by its number. */
async function writeCells(directory: string, notebook: Ipynb): Promise<string[]> {
  const files: string[] = [];
  for (const [index, { cell_type, source }] of notebook.cells.entries()) {
    if (cell_type === "raw" || source.trim() === "") continue;
    const suffix = cell_type === "code" ? "ts" : "md";
    const file = join(directory, `${index + 1}.${suffix}`);
    await Deno.writeTextFile(file, source + "\n");
    files.push(file);
  }
  return files;
}

/** Turns the type checker's report into one problem for each error. */
function typeProblems(report: string, url: string, module: NotebookModule): string[] {
  const problems: string[] = [];
  for (const block of report.split(/\n\s*\n/)) {
    const place = block.lastIndexOf(`${url}:`);
    // Unused names are the linter's business: it knows that `_name` is meant.
    if (place < 0 || /^(Check .*\n)?TS6133/.test(block)) continue;
    const [line, column] = block.slice(place + url.length + 1).split(":").map((n) => parseInt(n));
    const at = module.locate(line, column);
    const start = block.search(/^(TS\d+|error)/m);
    const text = block.slice(Math.max(start, 0), block.lastIndexOf("\n", place)).split("\n")[0];
    const message = at.trailing
      ? BARE_EXPRESSION
      : text.replace(" [ERROR]", "").replace("error: ", "");
    problems.push(`cell ${at.number}, line ${at.line}:${at.column}: ${message}`);
  }
  return problems;
}

/** Type-checks and lints a notebook's cells, and checks their format, with the options of `deno.json`.
 * @returns one line for each problem. */
export async function checkCells(notebook: Ipynb): Promise<string[]> {
  if (codeCells(notebook).length === 0) return [];
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "check-notebook-" }));
  try {
    const plain = join(directory, "notebook.ts");
    const typed = join(directory, "notebook_typed.ts");
    const plainModule = notebookModule(notebook);
    const files = await writeCells(directory, notebook);
    const { trailing, problems } = await trailingExpressions(
      directory,
      files.filter((f) => f.endsWith(".ts")),
    );
    const typedModule = notebookModule(notebook, trailing);
    await Deno.writeTextFile(plain, plainModule.text);
    await Deno.writeTextFile(typed, typedModule.text);
    const { success, stderr } = await deno("check", "--config", CONFIG, typed);
    const typing = success ? [] : typeProblems(stderr, pathToFileURL(typed).href, typedModule);
    const onlyUnused = /TS6133/.test(stderr);
    if (!success && typing.length === 0 && !onlyUnused) typing.push(stderr.trim());
    problems.push(...typing);
    for (const { range, message, code, hint } of await lint(CONFIG, [plain])) {
      const { number, line, column } = plainModule.locate(range.start.line, range.start.col + 1);
      problems.push(`cell ${number}, line ${line}:${column}: ${message} (${code}) ${hint ?? ""}`);
    }
    problems.push(...await formatProblems(files));
    return problems.map((problem) => problem.trimEnd());
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const STOP_BUTTON = "lib/notebook/notebook.ts";

/** Whether the stop button works from the first line on. @returns one line for each problem. */
export function checkStart(notebook: Ipynb): string[] {
  const first = codeCells(notebook).at(0);
  const line = first?.cell.source.split(/(?<=;)\n/)[0] ?? "";
  if (first === undefined || line.endsWith(`from "${STOP_BUTTON}";`)) return [];
  return [
    `cell ${first.number}: it does not begin with the import of ${STOP_BUTTON}: until then a stop ends the kernel`,
  ];
}

/** Whether the notebook is the record of one whole clean run. @returns one line for each problem. */
export function checkRecord(notebook: Ipynb): string[] {
  const problems: string[] = [];
  const language = notebook.metadata.language_info as { name?: string } | undefined;
  if (language?.name !== "typescript") {
    problems.push(
      `its metadata lacks language_info.name "typescript": deno fmt passes over its cells`,
    );
  }
  for (const [index, { cell, number }] of codeCells(notebook).entries()) {
    if (cell.execution_count !== index + 1) {
      const count = cell.execution_count ?? "none";
      problems.push(`cell ${number}: execution count ${count}, not ${index + 1}: run it all again`);
    }
    if (cell.outputs.some((output) => output.output_type === "error")) {
      problems.push(`cell ${number}: it holds an error output`);
    }
  }
  for (const cell of cellsNamingPaths(notebook)) {
    problems.push(`${cell}: its output shows an absolute path`);
  }
  return problems;
}

/** All checks on one notebook file. @returns one line for each problem, naming the notebook. */
export async function checkNotebook(path: string): Promise<string[]> {
  try {
    const notebook = await readIpynb(path);
    const problems = [
      ...await checkCells(notebook),
      ...checkStart(notebook),
      ...checkRecord(notebook),
    ];
    return problems.map((problem) => `${basename(path)} ${problem}`);
  } catch (error) {
    if (error instanceof NotebookFormatError) return [error.message];
    throw error;
  }
}
