/** Progress of a long step: in a kernel one display that is updated in place, on a terminal one line
 * on stderr that rewrites itself, in a log a plain line every other second. At most ten counts a
 * second, however often it is told.
 * @module */
import { durationText, escapeHtml } from "../plot/theme.ts";
import { type Kernel, kernel, send } from "./show.ts";

/** A progress display. */
export interface Progress {
  /** `done` of `total`; the signature of an `onProgress` callback. */
  update(done: number, total?: number): void;
  /** Shows a line of text while there is no count. */
  say(text: string): void;
  /** Writes the final state and waits until it stands. Await it before the cell ends. */
  done(): Promise<void>;
  /** The same for work that was stopped or has failed. */
  stopped(): Promise<void>;
}

/** What a progress display shows. */
export interface ProgressState {
  label: string;
  done: number;
  /** 0 while it is not known. */
  total: number;
  elapsedMs: number;
  /** An estimate; null as long as there is nothing to base one on. */
  leftMs: number | null;
  /** What is being done, where nothing is counted. */
  said?: string;
  /** How it ended, once it has. */
  end?: "done" | "stopped";
}

/** Where the states go, and how often it wants one. */
export interface ProgressSink {
  readonly intervalMs: number;
  write(state: ProgressState): void | Promise<void>;
  /** Resolves when what was written has arrived. */
  flush(): Promise<void>;
}

/** "solving 12/40 (30 %), 4.1 s left", "solving 40/40 in 5.9 s" or "solving stopped at 12/40". */
export function progressText(state: ProgressState): string {
  const { label, done, total, elapsedMs, leftMs, said, end } = state;
  if (end === "stopped") return `${label} stopped${total > 0 ? ` at ${done}/${total}` : ""}`;
  const count = total > 0 ? `${label} ${done}/${total}` : label;
  if (end === "done") return `${count} in ${durationText(elapsedMs / 1000)}`;
  if (total === 0) return said === undefined ? `${label} …` : `${label}: ${said}`;
  const left = leftMs === null ? "" : `, ${durationText(leftMs / 1000)} left`;
  return `${count} (${Math.floor(100 * done / total)} %)${left}`;
}

/** An estimate rests on so much time of work, or on such a share of it. */
const SURE_MS = 2000;
const SURE_SHARE = 0.03;

/** The time left, from the rate since the first was done: what that took has starting in it (loading, tables, Workers
 * on their way up). Work that is done at once has no rate. */
class TimeLeft {
  #first: { at: number; done: number } | undefined;

  estimate(done: number, total: number, at: number): number | null {
    if (done === 0) return null;
    this.#first ??= { at, done };
    const [since, more] = [at - this.#first.at, done - this.#first.done];
    const sure = since >= SURE_MS || more >= SURE_SHARE * total;
    return sure && since > 0 && more > 0 ? since / more * (total - done) : null;
  }
}

function kernelSink(to: Kernel): ProgressSink {
  const displayId = crypto.randomUUID();
  let pending: Promise<void> | undefined;
  return {
    intervalMs: 100,
    write(state) {
      const text = progressText(state);
      const share = state.total > 0 ? `value="${state.done}" max="${state.total}"` : "";
      const bar = state.total === 0 && state.end ? "" : `<progress ${share}></progress> `;
      const data = { "text/plain": text, "text/html": bar + escapeHtml(text) };
      const content = { data, metadata: {}, transient: { display_id: displayId } };
      // In order, and not awaited by the computation that reports.
      pending = pending === undefined
        ? send(to, data, displayId)
        : pending.then(() => to.broadcast("update_display_data", content));
    },
    async flush() {
      await pending;
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
  };
}

/** Whether a line may be rewritten in place: a terminal, and one that is not asked to do without escape codes. */
export function rewritesLines(
  stream: { isTerminal(): boolean },
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): boolean {
  return stream.isTerminal() && variable("TERM") !== "dumb" && !variable("NO_COLOR");
}

function stderrSink(): ProgressSink {
  const rewrites = rewritesLines(Deno.stderr);
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  return {
    intervalMs: rewrites ? 100 : 2000,
    write(state) {
      const text = progressText(state);
      write(rewrites ? `\r\x1b[K${text}${state.end ? "\n" : ""}` : `${text}\n`);
    },
    flush: () => Promise.resolve(),
  };
}

/** Starts a progress display. `clock` (ms) and `sink` are for tests.
 * @param total 0 if the first update is to bring it.
 * @throws {RangeError} total is not a natural number. */
export function startProgress(
  label: string,
  total: number,
  { clock = () => performance.now(), sink }: { clock?: () => number; sink?: ProgressSink } = {},
): Progress {
  if (!Number.isInteger(total) || total < 0) {
    throw new RangeError(`Cannot show progress of "${label}": total is ${total}`);
  }
  const to = kernel();
  const out = sink ?? (to === null ? stderrSink() : kernelSink(to));
  const start = clock();
  const timeLeft = new TimeLeft();
  let last = -Infinity, count = 0, said: string | undefined;
  const write = (end?: "done" | "stopped") => {
    last = clock();
    const leftMs = timeLeft.estimate(count, total, last);
    out.write({ label, done: count, total, elapsedMs: last - start, leftMs, said, end });
  };
  const finish = async (end: "done" | "stopped") => {
    write(end);
    await out.flush();
  };
  write();
  return {
    update(done, of = total) {
      [count, total] = [Math.min(done, of), of];
      timeLeft.estimate(count, total, clock()); // notes when the first was done
      if (clock() - last >= out.intervalMs) write();
    },
    say(text) {
      said = text;
      write();
    },
    done: () => finish("done"),
    stopped: () => finish("stopped"),
  };
}
