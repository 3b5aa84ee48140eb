/** Runs one notebook from top to bottom in a fresh kernel, as Restart & Run All would.
 * @module */
import { codeCells, type Ipynb } from "./ipynb.ts";
import type { Message } from "./jupyter_message.ts";
import { type CellRun, Kernel } from "./kernel.ts";
import { MemoryWatch } from "./memory.ts";

/** What {@link runNotebook} needs besides the notebook. */
export interface RunOptions {
  /** The notebook's folder: cells find `../deno.json` from it. */
  cwd: string;
  env?: Record<string, string>;
  /** For each cell. */
  timeoutMs: number;
  /** Ends the kernel at once. */
  signal?: AbortSignal;
  onCell?: (done: number, total: number) => void;
  onOutput?: (message: Message) => void;
}

/** The cell that stopped a run, numbered among all cells of the notebook from 1. */
export interface Failure {
  number: number;
  source: string;
  run: CellRun;
}

/** A run's outcome: the notebook with its new outputs, and the failure that ended it early, if any. */
export interface NotebookRun {
  notebook: Ipynb;
  failure?: Failure;
  elapsedMs: number;
  /** The most memory that the kernel and what it started held, where /proc tells (`memory.ts`). */
  peakMB?: number;
}

/** Executes the notebook's code cells in order, up to the first that fails; the argument stays as it is.
 * @throws {KernelError} the kernel did not start. */
export async function runNotebook(notebook: Ipynb, options: RunOptions): Promise<NotebookRun> {
  const started = performance.now();
  const executed = structuredClone(notebook);
  for (const cell of executed.cells) {
    delete cell.metadata.execution; // Times of day, where a front end recorded them.
    if (cell.cell_type !== "code") continue;
    cell.outputs = [];
    cell.execution_count = null;
  }
  const cells = codeCells(executed);
  await using kernel = await Kernel.start(options.cwd, options.env);
  using memory = new MemoryWatch(kernel.pid);
  const stop = () => kernel.kill();
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop(); // Before there was a kernel to stop.
  let failure: Failure | undefined;
  try {
    for (const [done, { cell, number }] of cells.entries()) {
      options.onCell?.(done, cells.length);
      const run = await kernel.execute(cell.source, options);
      cell.outputs = run.outputs;
      cell.execution_count = run.executionCount;
      if (run.status !== "ok") {
        failure = { number, source: cell.source, run };
        break;
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
  const { peakMB } = memory;
  return { notebook: executed, failure, elapsedMs: performance.now() - started, peakMB };
}

/** A failure as text: which cell, its code with line numbers, the error. */
export function describeFailure({ number, source, run }: Failure): string {
  const lines = source.split("\n");
  const width = String(lines.length).length;
  const code = lines.map((line, i) => `  ${String(i + 1).padStart(width)} | ${line}`);
  const { name, message, traceback } = run.error!;
  const trace = traceback.filter((line) => line.trim().startsWith("at ") && !line.includes("ext:"));
  return [`cell ${number}: ${name}: ${message}`, ...trace, ...code].join("\n");
}
