/** What a client of split training may do to z1 before it goes up, and to what comes back.
 *
 * A channel sees the numbers of a part of a batch, `[m, units]`, and gives the ones that are sent and the way back
 * from the gradient by what was sent to the gradient by z1. `still` is what it does to images to be classified,
 * where nothing is drawn.
 * @module */
import type { Draws } from "./draws.ts";

/** A part of a batch at the client. */
export interface Batch {
  /** `[m, units]` */
  readonly z1: Float32Array;
  readonly units: number;
  /** `[m, n]`, the pixels that z1 is of. */
  readonly x: Uint8Array;
}

/** What goes up for a part, and the way back. */
export interface Sent {
  /** `[m, units]` */
  readonly z: Float32Array;
  /** From the gradient by z to that by z1. */
  back(dz: Float32Array): Float32Array;
}

/** What a client does to z1. */
export interface Channel {
  send(batch: Batch, draws: Draws): Sent;
  /** Without anything drawn. */
  still(z1: Float32Array, units: number): Float32Array;
}

/** z1 as it is: MITIG2. */
export const OPEN: Channel = { send: ({ z1 }) => ({ z: z1, back: (dz) => dz }), still: (z1) => z1 };

/** Each row shortened to a norm of at most `clip`: the rows, and what each was multiplied by. */
function clipped(z1: Float32Array, units: number, clip: number) {
  const z = z1.slice();
  const factors = new Float64Array(z1.length / units).fill(1);
  for (let i = 0; i < factors.length; i++) {
    const row = z.subarray(i * units, (i + 1) * units);
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (norm <= clip) continue;
    factors[i] = clip / norm;
    for (let u = 0; u < units; u++) row[u] *= factors[i];
  }
  return { z, factors };
}

/** z1 shortened to a norm of `clip`, with noise of deviation `sigma` in each number, new at each visit. Back through
 * s·z1 with s = clip/‖z1‖: s·(dz − z·⟨z, dz⟩/clip²). */
export function noisy(clip: number, sigma: number): Channel {
  return {
    send({ z1, units }, draws) {
      const { z, factors } = clipped(z1, units, clip);
      const sent = z.slice();
      draws.addNormal(sent, sigma);
      return {
        z: sent,
        back(dz) {
          const out = dz.slice();
          factors.forEach((factor, i) => {
            if (factor === 1) return;
            let inner = 0;
            for (let u = i * units; u < (i + 1) * units; u++) inner += z[u] * dz[u];
            for (let u = i * units; u < (i + 1) * units; u++) {
              out[u] = factor * (dz[u] - z[u] * inner / clip ** 2);
            }
          });
          return out;
        },
      };
    },
    still: (z1, units) => clipped(z1, units, clip).z,
  };
}

/** Each number left out, sent as 0, with probability `rate`, anew at each visit; the others are divided by 1 − rate. */
export function dropout(rate: number): Channel {
  return {
    send({ z1 }, draws) {
      const kept = new Float32Array(z1.length);
      for (let i = 0; i < kept.length; i++) kept[i] = draws.uniform() < rate ? 0 : 1 / (1 - rate);
      return {
        z: z1.map((value, i) => value * kept[i]),
        back: (dz) => dz.map((value, i) => value * kept[i]),
      };
    },
    still: (z1) => z1,
  };
}

const bits = (z1: Float32Array) => z1.map((value) => value > 0 ? 1 : 0);

/** The first activation at the client and in one bit, σ(z1) rounded; back as through σ, σ·(1 − σ).
 * @see Y. Bengio, N. Léonard, A. Courville, arXiv 1308.3432 (straight-through). */
export const ONE_BIT: Channel = {
  send: ({ z1 }) => ({
    z: bits(z1),
    back: (dz) =>
      dz.map((value, i) => {
        const a = 1 / (1 + Math.exp(-z1[i]));
        return value * a * (1 - a);
      }),
  }),
  still: bits,
};

/** Distances of all pairs of m rows, and the same less their row and column means: `[m, m]`. */
function distancesOf(rows: ArrayLike<number>, m: number) {
  const n = rows.length / m;
  const D = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let p = 0; p < n; p++) sum += (rows[i * n + p] - rows[j * n + p]) ** 2;
      D[i * m + j] = D[j * m + i] = Math.sqrt(sum);
    }
  }
  const means = new Float64Array(m);
  D.forEach((v, at) => means[Math.floor(at / m)] += v / m);
  const mean = means.reduce((sum, v) => sum + v, 0) / m;
  return { D, A: D.map((v, at) => v - means[Math.floor(at / m)] - means[at % m] + mean) };
}

/** The gradient by z1 of the squared distance correlation ⟨A, B⟩/√(⟨A, A⟩⟨B, B⟩) of z1 and the pixels. Since A and B are
 * centred, that by D is M = (B − A·⟨A, B⟩/⟨A, A⟩)/√(⟨A, A⟩⟨B, B⟩), and by row i Σ_j 2·M_ij·(z_i − z_j)/D_ij. */
function correlationGradient(z1: Float32Array, x: Uint8Array, m: number): Float64Array {
  const units = z1.length / m;
  const [{ D, A }, { A: B }] = [distancesOf(z1, m), distancesOf(x, m)];
  const inner = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, at) => sum + v * b[at], 0);
  const [aa, ab, bb] = [inner(A, A), inner(A, B), inner(B, B)];
  const out = new Float64Array(z1.length);
  if (aa === 0 || bb === 0) return out;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      const at = i * m + j;
      if (D[at] === 0) continue;
      const pull = 2 * (B[at] - A[at] * ab / aa) / Math.sqrt(aa * bb) / D[at];
      for (let u = 0; u < units; u++) {
        out[i * units + u] += pull * (z1[i * units + u] - z1[j * units + u]);
      }
    }
  }
  return out;
}

/** z1 as it is, with `weight` times the squared distance correlation of pixels and z1 in the client's loss.
 * @see P. Vepakomma et al., "NoPeek: information leakage reduction to share activations in distributed deep learning",
 * arXiv 2008.09161. */
export function noPeek(weight: number): Channel {
  return {
    send({ z1, units, x }) {
      const m = z1.length / units;
      return {
        z: z1,
        back(dz) {
          const push = correlationGradient(z1, x, m);
          return dz.map((value, i) => value + m * weight * push[i]); // dz is a sum over the part
        },
      };
    },
    still: (z1) => z1,
  };
}
