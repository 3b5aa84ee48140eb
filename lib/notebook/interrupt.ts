/** The stop button. Deno's kernel dies of SIGINT unless somebody listens; here the signal aborts the
 * running cell's AbortSignal and a fresh one takes its place, so that the kernel and its variables
 * live on. Only awaiting code can be stopped: long loops take a `signal`.
 *
 * It listens from the moment this module is loaded, which the first line of a notebook sees to.
 * @module */
import { kernel } from "./show.ts";

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
