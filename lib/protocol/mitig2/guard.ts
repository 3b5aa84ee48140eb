/** What a client can do by itself against a server that steers: shorten the dz1 that it lets in, and add noise to
 * the z1 that it lets out.
 *
 *   dz1_j ← dz1_j · min(1, clip / ‖dz1_j‖);   z1_j ← z1_j + noise·N(0, I), drawn anew for each message
 *
 * Each alone stops nothing: without noise the smallest step can be read from z1, and without the clip a step of
 * enough length drowns any noise. Together they bound what one sample's step shows of another sample. They do not
 * bound what many steps together show, since the length of z1 stays the server's to raise: mitig3 normalises.
 * @module */
import { gaussian, secureRng } from "../../math/rng.ts";
import type { TrainableFirstLayer } from "../../nn/first_layer.ts";

/** What of it a client does; none of it is the paper's MITIG2. */
export interface Guard {
  /** The longest dz1 of a sample that is let in as it is; a longer one is shortened to it. Of the honest
   * ones 0.3 % are longer than 1 (notebook 06), so 1 costs no accuracy. */
  readonly clip?: number;
  /** Standard deviation of what is added to each number of z1. */
  readonly noise?: number;
}

/** Refuses a guard that guards nothing. @throws {RangeError} a clip or noise that is not positive and finite. */
export function checkGuard({ clip, noise }: Guard): void {
  for (const [name, value] of Object.entries({ clip, noise })) {
    if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
      throw new RangeError(
        `Cannot guard: ${name} = ${value} is not positive; leave it out for none`,
      );
    }
  }
}

/** Shortens each row that is longer than `clip` to that length.
 * @param dz1 `[m, units]`, finite.   @returns a copy. */
export function clipRows(dz1: Float32Array, units: number, clip: number): Float32Array {
  const clipped = dz1.slice();
  for (let at = 0; at < clipped.length; at += units) {
    let squares = 0;
    for (let u = at; u < at + units; u++) squares += clipped[u] ** 2;
    if (squares <= clip ** 2) continue;
    const factor = clip / Math.sqrt(squares);
    for (let u = at; u < at + units; u++) clipped[u] *= factor;
  }
  return clipped;
}

/** A first layer behind its guard: noise on all that leaves it, in training and in classifying, and the clip on all
 * that comes in.
 * @param first opened already; it is closed with the guard.
 * @throws as `checkGuard`. */
export function guarded(
  first: TrainableFirstLayer,
  units: number,
  guard: Guard,
): TrainableFirstLayer {
  checkGuard(guard);
  const { clip, noise } = guard;
  const rng = secureRng(); // no seed: noise that can be drawn again hides nothing
  const blurred = (z1: Float32Array) => {
    if (noise === undefined) return z1;
    const drawn = gaussian(rng, z1.length);
    return z1.map((z, at) => z + noise * drawn[at]);
  };
  return {
    prepare: (indices) => first.prepare(indices),
    forward: async () => blurred(await first.forward()),
    backward: (dz1) => first.backward(clip === undefined ? dz1 : clipRows(dz1, units, clip)),
    update: (divisor, learningRate) => first.update(divisor, learningRate),
    apply: async (indices) => blurred(await first.apply(indices)),
    state: () => first.state(),
    times: () => first.times(),
    [Symbol.dispose]: () => first[Symbol.dispose](),
  };
}
