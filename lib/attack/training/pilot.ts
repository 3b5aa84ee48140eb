/** The pilot of a hijack: a linear encoder of public images and its inverse.
 *
 * Code u is the image's u-th principal component, not centred, divided by its deviation, so that a layer without bias
 * can be it; images come back as Σ code·deviation·component, with what the mean image has outside the components.
 * @module */
import { multiplyTransposed, transpose } from "../../math/dense.ts";
import type { LabelledImages } from "./recovery.ts";

/** An encoder that the server has chosen. */
export interface Pilot {
  /** Numbers of a code. */
  readonly d: number;
  /** Codes `[count, d]` of images, bytes. */
  encode(x: Uint8Array): Float64Array;
  /** Images `[count, n]`, 0..255, of codes. */
  decode(Z: Float64Array, labels: Uint8Array): Float64Array;
}

/** The leading d principal components of public images, by subspace iteration. */
export function pilotOf({ x, y }: LabelledImages, d: number): Pilot {
  const count = y.length;
  const n = x.length / count;
  const mean = new Float64Array(n);
  x.forEach((value, at) => mean[at % n] += value / 255 / count);
  const C = Float64Array.from(x, (value, at) => value / 255 - mean[at % n]);
  const Ct = transpose(C, count, n);
  const S = multiplyTransposed(Ct, Ct, { n: count }); // [n, n]
  let V: Float64Array = Float64Array.from(
    { length: d * n },
    (_, at) => Math.sin(at * 12.9898 + 78.233) * 43758.5453 % 1,
  );
  orthonormalise(V, d, n);
  for (let round = 0; round < 30; round++) {
    V = multiplyTransposed(V, S, { n });
    orthonormalise(V, d, n);
  }
  const deviation = new Float64Array(d);
  const SV = multiplyTransposed(V, S, { n });
  for (let u = 0; u < d; u++) {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += V[u * n + p] * SV[u * n + p];
    deviation[u] = Math.sqrt(Math.max(sum / count, 1e-6));
  }
  const Vt = transpose(V, d, n);
  return {
    d,
    encode(images) {
      const Z = multiplyTransposed(Float64Array.from(images, (value) => value / 255), V, { n });
      return Z.map((value, at) => value / deviation[at % d]);
    },
    decode(Z) {
      // mean·V is part of the codes; what of the mean lies outside the components is added
      const scaled = Z.map((value, at) => value * deviation[at % d]);
      const X = multiplyTransposed(scaled, Vt, { n: d });
      const inside = multiplyTransposed(multiplyTransposed(mean, V, { n }), Vt, { n: d });
      return X.map((value, at) =>
        255 * Math.min(1, Math.max(0, value + mean[at % n] - inside[at % n]))
      );
    },
  };
}

/** Gram and Schmidt, twice. */
function orthonormalise(V: Float64Array, d: number, n: number): void {
  for (let u = 0; u < d; u++) {
    const row = V.subarray(u * n, (u + 1) * n);
    for (let again = 0; again < 2; again++) {
      for (let w = 0; w < u; w++) {
        let sum = 0;
        for (let p = 0; p < n; p++) sum += row[p] * V[w * n + p];
        for (let p = 0; p < n; p++) row[p] -= sum * V[w * n + p];
      }
    }
    const norm = Math.hypot(...row);
    for (let p = 0; p < n; p++) row[p] /= norm;
  }
}
