/** Fast draws for experiments that take a hundred million of them. They are not secret: a party that needs noise
 * which nobody can repeat takes `math/rng.ts`.
 * @module */
import type { Rng } from "../math/rng.ts";

/** Draws by xoshiro128++, started from 16 bytes of a stream.
 * @see D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021. */
export class Draws {
  readonly #state: Uint32Array;

  /** @param rng where the start comes from. */
  constructor(rng: Rng) {
    this.#state = new Uint32Array(rng.bytes(16).slice().buffer);
  }

  /** An integer in [0, 2³²). */
  word(): number {
    const s = this.#state;
    const sum = s[0] + s[3] | 0;
    const result = (sum << 7 | sum >>> 25) + s[0] >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 11 | s[3] >>> 21;
    return result;
  }

  /** A number in [0, 1). */
  uniform(): number {
    return this.word() / 2 ** 32;
  }

  /** An integer in [from, to]. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.uniform() * (to - from + 1));
  }

  /** Adds `sigma`·N(0, 1) to each value, by Box and Muller's transform. */
  addNormal(values: Float32Array, sigma: number): void {
    for (let i = 0; i < values.length; i += 2) {
      const radius = sigma * Math.sqrt(-2 * Math.log((this.word() + 1) / 2 ** 32));
      const angle = 2 * Math.PI * this.uniform();
      values[i] += radius * Math.cos(angle);
      if (i + 1 < values.length) values[i + 1] += radius * Math.sin(angle);
    }
  }
}
