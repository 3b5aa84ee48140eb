/** A sweep for the tests: 300 cheap points whose rows follow from their seeds, and some that misbehave.
 * @module */
import { defineSweep } from "lib/sweep/grid.ts";

const count = (length: number) => Array.from({ length }, (_, i) => i);

/** `busyMs` blocks the Worker; "throw" and "crash" fail for ever, "odd" yields a row that JSON cannot hold. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "probe",
  version: 1,
  fields: {
    index: { type: "integer", min: 0, max: 999_999 },
    busyMs: { type: "real", min: 0, max: 10_000 },
    mode: { type: "choice", choices: ["fine", "throw", "crash", "odd"] },
  },
  columns: ["value", "text", "even", "gap"],
  grids: [{ index: count(300), busyMs: [0], mode: ["fine"] }],
  run({ index, busyMs, mode }, { seed, stopped }) {
    const end = performance.now() + busyMs;
    while (performance.now() < end && !stopped());
    if (mode === "throw") throw new Error(`point ${index} throws`);
    if (mode === "crash") {
      setTimeout(() => {
        throw new Error(`point ${index} crashes its Worker (expected in this test's output)`);
      });
      return Promise.withResolvers<never>().promise;
    }
    const value = mode === "odd" ? NaN : seed % 1000;
    return { value, text: `"${index}",\n`, even: index % 2 === 0, gap: null };
  },
});
