/** A batch from its gradient: dW1 = dz1·X is a linear system for all images X of a batch at once.
 *
 * Whoever trains on ciphertexts makes dz1 and decrypts dW1. With no more images than hidden units, and dz1 of full
 * rank, X = (dz1ᵀ·dz1)⁻¹·dz1ᵀ·dW1: no program, no prior, no W1. Both sides are integers, so the rounded solution
 * can be put back into the equations exactly.
 *
 * @example Two images of three pixels behind two units
 * ```ts
 * import { fromGradient, type GradientRecovery } from "lib/attack/gradient.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const [dz1, X] = [[1, 2, 3, -1], [[0, 50, 255], [7, 0, 9]]];
 * const dW1 = [0, 1].flatMap((u) => X[0].map((x, p) => dz1[2 * u] * x + dz1[2 * u + 1] * X[1][p]));
 * const found: GradientRecovery = fromGradient(dz1, dW1, { hidden: 2, batch: 2, n: 3 });
 * assertEquals([...found.X!], X.flat());
 * ```
 * @module */
import {
  applyTransposed,
  cholesky,
  multiplyTransposed,
  solveCholesky,
  transpose,
} from "../math/dense.ts";

/** What a gradient says of a batch. */
export interface GradientRecovery {
  /** `[batch, n]` whole pixels; null where dz1 has not the rank of the batch. */
  readonly X: Int32Array | null;
  /** Of dz1; a sample whose dz1 is zero or repeats another's lowers it. */
  readonly rank: number;
  /** Whether the rounded images satisfy all equations exactly: with full rank they are then the images. */
  readonly solves: boolean;
}

/** Solves dz1·X = dW1 in integers.
 * @param dz1 `[hidden, batch]`.   @param dW1 `[hidden, n]`.
 * @throws {TypeError} lengths that are no such matrices. */
export function fromGradient(
  dz1: ArrayLike<number>,
  dW1: ArrayLike<number>,
  { hidden, batch, n }: { hidden: number; batch: number; n: number },
): GradientRecovery {
  if (dz1.length !== hidden * batch || dW1.length !== hidden * n) {
    throw new TypeError(
      `Cannot solve a gradient: ${dz1.length} and ${dW1.length} entries are not ` +
        `${hidden} × ${batch} and ${hidden} × ${n}`,
    );
  }
  const D = Float64Array.from(dz1);
  const columns = transpose(D, hidden, batch); // [batch, hidden]
  const gram = multiplyTransposed(columns, columns, { n: hidden, lower: true });
  const rank = cholesky(gram, batch);
  if (rank < batch) return { X: null, rank, solves: false };
  const X = new Int32Array(batch * n);
  const x = new Float64Array(batch);
  const left = new Float64Array(hidden);
  let solves = true;
  for (let pixel = 0; pixel < n; pixel++) {
    const residual = () => {
      for (let unit = 0; unit < hidden; unit++) {
        let sum = dW1[unit * n + pixel];
        for (let i = 0; i < batch; i++) sum -= D[unit * batch + i] * x[i];
        left[unit] = sum;
      }
    };
    x.fill(0);
    residual();
    // The normal equations square the condition number: two corrections bring the digits back.
    for (let round = 0; round < 3; round++) {
      solveCholesky(gram, applyTransposed(D, left)).forEach((dx, i) => x[i] += dx);
      if (round === 2) x.forEach((v, i) => X[i * n + pixel] = x[i] = Math.round(v));
      residual();
    }
    solves &&= left.every((v) => v === 0);
  }
  return { X, rank, solves };
}
