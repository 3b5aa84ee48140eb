/** What a client of split training may do to the pixels of a batch, anew at each visit.
 * @module */
import type { Draws } from "./draws.ts";

/** With what each row of a batch is mixed, and how much of itself it keeps. */
export interface Mix {
  /** `[m]`, a row of the same batch. */
  readonly partner: Uint32Array;
  /** `[m]`, in [½, 1]. */
  readonly kept: Float64Array;
}

/** Changes pixels `[m, n]` in place. @returns what labels are to be mixed as, where pixels were mixed. */
export type Distortion = (
  x: Uint8Array,
  shape: readonly [height: number, width: number, channels: number],
  draws: Draws,
) => Mix | undefined;

/** Each image moved by up to `shift` pixels each way, and a square of side `side` about a random pixel set to 0.
 * @see T. DeVries, G. Taylor, arXiv 1708.04552 (cutout). */
export function shiftAndCut(shift: number, side: number): Distortion {
  return (x, [height, width, channels], draws) => {
    const n = height * width * channels;
    const from = new Uint8Array(n);
    for (let at = 0; at < x.length; at += n) {
      from.set(x.subarray(at, at + n));
      const [down, right] = [draws.integer(-shift, shift), draws.integer(-shift, shift)];
      const [top, left] = [height, width].map((size) =>
        draws.integer(0, size - 1) - Math.floor(side / 2)
      );
      for (let i = 0, p = at; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const [row, column] = [i - down, j - right];
          const outside = row < 0 || row >= height || column < 0 || column >= width;
          const cut = i >= top && i < top + side && j >= left && j < left + side;
          for (let c = 0; c < channels; c++, p++) {
            x[p] = outside || cut ? 0 : from[(row * width + column) * channels + c];
          }
        }
      }
    }
    return undefined;
  };
}

/** Each image mixed with another of its batch, pixels and labels alike: kept·x + (1 − kept)·x', kept uniform in [½, 1],
 * which is mixup with λ of Beta(1, 1), named after the image that has the larger share. Pixels round to bytes.
 * @see H. Zhang et al., "mixup: beyond empirical risk minimization", arXiv 1710.09412. */
export const mixup: Distortion = (x, [height, width, channels], draws) => {
  const n = height * width * channels;
  const m = x.length / n;
  const own = x.slice();
  const partner = Uint32Array.from({ length: m }, () => draws.integer(0, m - 1));
  const kept = Float64Array.from({ length: m }, () => (1 + draws.uniform()) / 2);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < n; p++) {
      const other = own[partner[i] * n + p];
      x[i * n + p] = Math.round(kept[i] * own[i * n + p] + (1 - kept[i]) * other);
    }
  }
  return { partner, kept };
};
