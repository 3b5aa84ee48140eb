/** The rotation between two white coordinates, from the moments of classes on both sides: least squares in its entries,
 * then the orthogonal matrix next to it.
 * @module */
import { sgemm } from "../../math/blas.ts";
import { dot, multiplyTransposed, transpose } from "../../math/dense.ts";
import { symmetricEigen } from "../../math/eigen.ts";
import type { ClassMoments } from "./align_moments.ts";

/** How much a mean counts beside a covariance. */
const MEAN_WEIGHT = 3;

/** Steps of conjugate gradients: they end before noise of the moments is fitted. */
const STEPS = 60;

/** Below this share of the largest, squared singular values of Q are rounding. */
const SMALLEST = 1e-10;

/** The orthogonal Q `[D, D]` next to the least squares solution of Q·m_c = mean_c and Q·S_c = (Cov_c − N)·Q, by conjugate
 * gradients on the normal equations. */
export async function rotation(
  ours: ClassMoments,
  theirs: ClassMoments,
  noise: Float64Array,
  breathe: () => Promise<void>,
): Promise<Float64Array> {
  const D = noise.length;
  const met = Array.from(theirs.counts.keys()).filter((label) => theirs.counts[label] > 1);
  const pick = (means: readonly Float64Array[]) =>
    Float64Array.from(met.flatMap((c) => [...means[c]]));
  const pairs = met.map((label) => {
    const C = theirs.covariances[label].slice();
    for (let k = 0; k < D; k++) C[k * D + k] -= noise[k];
    return { S: Float32Array.from(ours.covariances[label]), C: Float32Array.from(C) };
  });
  const [m, z] = [ours, theirs].map(({ means }) => transpose(pick(means), met.length, D));
  const weighted = m.map((value) => MEAN_WEIGHT * value);
  const outer = multiplyTransposed(weighted, m, { n: met.length });
  const apply = (Q: Float64Array) => {
    const out = multiplyTransposed(Q, outer, { n: D });
    const q = Float32Array.from(Q);
    const rest = new Float32Array(Q.length);
    for (const { S, C } of pairs) {
      const twice = commutator(commutator(q, S, C, D), S, C, D);
      for (let at = 0; at < rest.length; at++) rest[at] += twice[at];
    }
    return out.map((value, at) => value + rest[at]);
  };
  const Q = new Float64Array(D * D);
  let residual = multiplyTransposed(z, weighted, { n: met.length });
  let direction = residual.slice();
  let square0 = dot(residual, residual);
  for (let step = 0; step < STEPS && square0 > 0; step++) {
    const image = apply(direction);
    const length = square0 / dot(direction, image);
    if (!Number.isFinite(length)) break;
    direction.forEach((value, at) => Q[at] += length * value);
    residual = residual.map((value, at) => value - length * image[at]);
    const after = dot(residual, residual);
    direction = direction.map((value, at) => residual[at] + after / square0 * value);
    square0 = after;
    await breathe();
  }
  return polar(Q, D);
}

/** X·S − C·X in float32, all `[D, D]`. */
function commutator(X: Float32Array, S: Float32Array, C: Float32Array, D: number): Float32Array {
  const [left, right] = [new Float32Array(X.length), new Float32Array(X.length)];
  sgemm({ m: D, n: D, k: D, A: X, B: S, C: left });
  sgemm({ m: D, n: D, k: D, A: C, B: X, C: right });
  for (let at = 0; at < left.length; at++) left[at] -= right[at];
  return left;
}

/** M·(MᵀM)^(−1/2). */
function polar(M: Float64Array, D: number): Float64Array {
  const columns = transpose(M, D, D);
  const { values, vectors } = symmetricEigen(multiplyTransposed(columns, columns, { n: D }));
  const least = SMALLEST * values[0];
  const scaled = vectors.map((value, at) =>
    value / Math.sqrt(Math.sqrt(Math.max(values[Math.floor(at / D)], least)))
  );
  const root = transpose(scaled, D, D); // its product with its transpose is (MᵀM)^(−1/2)
  return multiplyTransposed(M, multiplyTransposed(root, root, { n: D }), { n: D });
}
