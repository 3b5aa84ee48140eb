/** A long step of a cell: its progress display, the stop button, and one end for both.
 *
 * Deno's kernel dies of SIGINT unless somebody listens; here the signal aborts the running cell's AbortSignal and a
 * fresh one takes its place, so that the kernel and its variables live on. Only awaiting code can be stopped: long
 * loops take a `signal`. This module listens from the moment it is loaded, which a notebook's first line sees to.
 * @module */
import { type Progress, startProgress } from "./progress.ts";
import { kernel } from "./show.ts";

/** What the work is given; most of it goes on whole, as in `attack(views, { objective, ...on })`. */
export interface On {
  /** Aborted by the stop button. */
  readonly signal: AbortSignal;
  /** Moves the bar. */
  readonly onProgress: (done: number, total: number) => void;
  /** Shows a passing line of text in place of the bar; none of it is kept. */
  readonly onMessage: (text: string) => void;
}

/** How long stopped work may take to end by itself before it is left behind. */
const GRACE_MS = 2000;

/** Runs work under a progress display until it ends. When the signal aborts it rejects, whatever the work makes of
 * it: what follows in the cell never sees a half result.
 * @param options for tests; by default the stop button and a display of this label.
 * @throws what the work throws; the signal's reason when aborted. */
export async function runStep<T>(
  label: string,
  work: (on: On) => Promise<T>,
  { signal = interrupts.signal, bar = startProgress(label, 0) }: {
    signal?: AbortSignal;
    bar?: Progress;
  } = {},
): Promise<T> {
  let open = true; // work that was left behind no longer moves the bar
  const on: On = {
    signal,
    onProgress: (done, total) => open && bar.update(done, total),
    onMessage: (text) => open && bar.say(text),
  };
  const grace = afterAbort(signal, GRACE_MS);
  try {
    const result = await Promise.race([work(on), grace.over]);
    signal.throwIfAborted(); // it may have come too late for the work, or not been listened to
    await bar.done();
    signal.throwIfAborted();
    return result;
  } catch (error) {
    open = false;
    await bar.stopped();
    throw signal.aborted ? signal.reason : error; // a stop has many consequences and one cause
  } finally {
    grace.forget();
  }
}

/** A promise that rejects a while after the signal has aborted, until forgotten. */
function afterAbort(signal: AbortSignal, ms: number): { over: Promise<never>; forget(): void } {
  const { promise: over, reject } = Promise.withResolvers<never>();
  over.catch(() => {}); // mostly nobody waits for it any more
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = () => timer = setTimeout(() => reject(signal.reason), ms);
  signal.addEventListener("abort", start);
  return {
    over,
    forget() {
      signal.removeEventListener("abort", start);
      clearTimeout(timer);
    },
  };
}

/** A signal that can be aborted again and again. */
export class Interrupts {
  #controller = new AbortController();

  /** The signal of the cell that runs now. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts it and renews it. */
  trip(): void {
    const current = this.#controller;
    this.#controller = new AbortController();
    current.abort(new DOMException("Interrupted by the stop button", "AbortError"));
  }
}

/** The interrupts of this process; in a kernel they follow SIGINT, elsewhere Ctrl-C ends it as ever. */
export const interrupts = new Interrupts();
if (kernel() !== null) Deno.addSignalListener("SIGINT", () => interrupts.trip());

/** The signal before the first stop. */
export const FIRST_SIGNAL: AbortSignal = interrupts.signal;
