/** From the question that a sweep's function may ask to the signal that long work takes.
 * @module */

/** A signal that aborts once a sweep is told to stop; dispose of it when the work is over. */
export function signalOf(stopped: () => boolean): AbortSignal & Disposable {
  const controller = new AbortController();
  const timer = setInterval(() => stopped() && controller.abort(), 100);
  return Object.assign(controller.signal, { [Symbol.dispose]: () => clearInterval(timer) });
}
