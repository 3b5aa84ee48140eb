/** The stop button. Deno's kernel dies of SIGINT unless somebody listens; here the signal aborts the
 * running cell's AbortSignal and a fresh one takes its place, so that the kernel and its variables
 * live on. Only awaiting code can be stopped: long loops take a `signal`.
 *
 * It listens from the moment this module is loaded, which the first line of a notebook sees to.
 * @module */
import { kernel } from "./kernel.ts";

export interface Interrupts {
  /** The signal of the cell that runs now. */
  readonly signal: AbortSignal;
  /** Aborts it and renews it. */
  trip(): void;
}

/** A signal that can be aborted again and again. */
export function createInterrupts(): Interrupts {
  let controller = new AbortController();
  return {
    get signal() {
      return controller.signal;
    },
    trip() {
      const current = controller;
      controller = new AbortController();
      current.abort(new DOMException("Interrupted by the stop button", "AbortError"));
    },
  };
}

const installed = createInterrupts();
if (kernel() !== null) Deno.addSignalListener("SIGINT", () => installed.trip());

/** The signal before the first stop. */
export const FIRST_SIGNAL: AbortSignal = installed.signal;

/** The interrupts of this process; in a kernel they follow SIGINT, elsewhere Ctrl-C ends it as ever. */
export function interrupts(): Interrupts {
  return installed;
}
