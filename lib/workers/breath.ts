/** Long work in one thread that the stop button and the display can still get into.
 * @module */

/** Longest stretch without a pause. */
const STRETCH_MS = 30;

/** A function to await between two pieces of work: pauses when the last pause was a while ago.
 * @throws (the returned function) the signal's reason when aborted. */
export function breather(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > STRETCH_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}
