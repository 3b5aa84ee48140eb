/** `deno task reproduce`: runs the notebooks through the real Deno kernel and refreshes their outputs
 * and figures. A notebook's file changes only when its whole run succeeded.
 * @module */
import { dirname, join } from "node:path";
import { runCommand, stopSignal } from "./args.ts";
import { cellsNamingPaths, readIpynb, writeIpynb } from "./ipynb.ts";
import type { Message } from "./jupyter_message.ts";
import { rewritesLines } from "../notebook/progress.ts";
import {
  headlineText,
  noteMemory,
  readResults,
  writeReadmeResults,
  writeTimes,
} from "./results.ts";
import { describeFailure, runNotebook } from "./run_notebook.ts";
import { FIGURES, notebookNames, NOTEBOOKS } from "./workspace.ts";

/** The longest a cell may take before its run counts as hung. */
const CELL_TIMEOUT_MS = { quick: 15 * 60_000, full: 4 * 3_600_000 };

/** Whether stdout is a terminal whose last line can be rewritten. */
const isLive = () => rewritesLines(Deno.stdout);

/** Prints a line. One that does not stay is rewritten by the next on a terminal, and left out in a plain log. */
function print(text: string, stays = true): void {
  if (isLive()) {
    const shown = stays ? "" : text.slice(0, Deno.consoleSize().columns - 1);
    Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${shown}`));
  }
  if (stays) console.log(text);
}

/** How one notebook is reproduced; the folders are the workspace's own except in tests. */
export interface ReproduceOptions {
  profile: "quick" | "full";
  notebooks: string;
  figures: string;
  signal?: AbortSignal;
}

/** Whether files can be written in these folders, found out before minutes of work: in a read-only checkout they
 * cannot. What is missing is made.
 * @throws {Error} with the first that cannot be written. */
export async function checkWritable(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".writable-" }));
    } catch (error) {
      const reason = (error as Error).message;
      throw new Error(`Cannot reproduce: ${folder} cannot be written (${reason})`);
    }
  }
}

/** Runs one notebook, checks what it left, writes it back. Prints its line.
 * @returns whether everything is in order. */
export async function reproduce(name: string, options: ReproduceOptions): Promise<boolean> {
  const { profile, notebooks, figures, signal } = options;
  const path = join(notebooks, `${name}.ipynb`);
  const textBefore = await Deno.readTextFile(path);
  const before = await writeTimes(join(figures, name));
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  let at = "";
  let said = "";
  const run = await runNotebook(await readIpynb(path), {
    cwd: notebooks,
    env: { FE_PROFILE: profile },
    timeoutMs: CELL_TIMEOUT_MS[profile],
    signal,
    onCell(done, total) {
      at = `${name}  cell ${done + 1}/${total}`;
      said = "";
      print(`${at}  ${seconds()}`, !isLive());
    },
    onOutput(message) {
      said = lastLine(message) ?? said;
      print(`${at}  ${seconds()}  ${said}`, false);
    },
  });
  const problems: string[] = [];
  let headline = "";
  if (signal?.aborted) {
    problems.push("interrupted");
  } else if (run.failure !== undefined) {
    problems.push(describeFailure(run.failure));
  } else {
    const { results, problems: missing } = await readResults(join(figures, name), profile, before);
    problems.push(...missing.map((problem) => `figures/${name}/${problem}`));
    if (results !== null) {
      headline = headlineText(results);
      if (run.peakMB !== undefined) await noteMemory(join(figures, name), results, run.peakMB);
    }
    const naming = cellsNamingPaths(run.notebook);
    problems.push(...naming.map((cell) => `${cell} shows an absolute path of this machine`));
  }
  if (await Deno.readTextFile(path) !== textBefore) {
    problems.push(`${name}.ipynb was edited while it ran: its outputs are not written`);
  }
  const isFine = problems.length === 0;
  if (isFine) await writeIpynb(path, run.notebook);
  const memory = run.peakMB === undefined ? "" : `, peak ${run.peakMB} MB`;
  print(`${name}  ${isFine ? "ok" : "FAILED"}  ${seconds()}${memory}  ${headline}`.trimEnd());
  for (const problem of problems) print(problem.replace(/^/gm, "  "));
  return isFine;
}

/** What a person would read last in an output: its text's last line. */
function lastLine({ content }: Message): string | undefined {
  const text = content.text ??
    (content.data as Record<string, unknown> | undefined)?.["text/plain"];
  return typeof text === "string" ? text.trimEnd().split("\n").at(-1) : undefined;
}

if (import.meta.main) {
  await runCommand({
    name: "reproduce",
    summary:
      "Runs the notebooks, refreshes their outputs and figures, prints their headline numbers.",
    flags: {
      profile: {
        type: "choice",
        choices: ["quick", "full"],
        default: "quick",
        help: "quick: minutes, smaller grids; full: the paper's sizes",
      },
      only: {
        type: "text",
        placeholder: "01",
        help: "only the notebooks whose name begins like this",
      },
    },
  }, async ({ profile, only }) => {
    const stop = stopSignal();
    const { signal } = stop;
    // The kernel must not outlive a closed terminal either.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => stop.abort());
    const names = notebookNames(only);
    const figures = names.map((name) => join(FIGURES, name));
    await checkWritable([NOTEBOOKS, ...figures, join(dirname(NOTEBOOKS), "data")]);
    let failed = 0;
    for (const name of names) {
      const options = { profile, notebooks: NOTEBOOKS, figures: FIGURES, signal };
      if (!await reproduce(name, options)) failed++;
      if (signal.aborted) return 130;
    }
    if (failed < names.length) await writeReadmeResults();
    return failed > 0 ? 1 : 0;
  });
}
