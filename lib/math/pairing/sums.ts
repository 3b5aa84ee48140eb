/** Σ k_i·P_i in G1 and G2 for small signed integers k, on mcl's points in mcl's memory.
 *
 * Quadratic encryption multiplies ciphertexts by the public coefficients of a function, of 1 to 31 bits, and each
 * ciphertext meets few of them. So nothing is tabulated for a point: k is cut into signed digits, each digit's
 * points are summed in buckets (Pippenger), and the buckets by a running sum. All points are normalised, so that
 * most additions are mixed ones. The width of a digit follows from counting the additions.
 * @module */
import { signedDigits } from "../msm.ts";
import type { Mcl } from "./mcl_curve.ts";

/** The digit width with the fewest additions for n points and entries up to `largest`: per digit n·(1 − 2^−w)
 * mixed additions and 2·2^(w−1) full ones, each 1.4 times as dear. */
export function bucketWindow(n: number, largest: number): number {
  let best = 1;
  let bestCost = Infinity;
  for (let w = 1; w <= 8; w++) {
    const digits = Math.max(1, signedDigits(largest, w).length);
    const cost = digits * (n * (1 - 2 ** -w) + 1.4 * 2 ** w);
    if (cost < bestCost) [best, bestCost] = [w, cost];
  }
  return best;
}

/** Refuses vectors. @throws {TypeError} one whose length is not the number of elements. */
export function checkVectors(elements: readonly unknown[], vectors: readonly Int32Array[]): void {
  const at = vectors.findIndex(({ length }) => length !== elements.length);
  if (at < 0) return;
  const [length, expected] = [vectors[at].length, elements.length];
  throw new TypeError(
    `Cannot sum: vector ${at} has ${length} coefficients for ${expected} elements`,
  );
}

/** Prepares the sums of one source group.
 * @param size bytes of a point in mcl.
 * @returns (points, vectors) ↦ Σ k_i·P_i for each vector, normalised; the identity is all zeros. */
export function compileSums(mcl: Mcl, which: "G1" | "G2", size: number) {
  const [add, subtract, double, normalizeVec] = ["add", "sub", "dbl", "normalizeVec"]
    .map((name) => mcl[`_mclBn${which}_${name}`]);
  let at = 0;
  let capacity = 0;
  /** Room for that many points. mcl's memory grows, so views are taken anew. */
  const reserve = (points: number): number => {
    if (points > capacity) {
      if (at !== 0) mcl._free(at);
      at = mcl._malloc(points * size);
      capacity = points;
    }
    return at;
  };
  const view = (from: number, points: number) =>
    new Uint8Array(mcl.wasmMemory.buffer, from, points * size);

  return (points: readonly Uint8Array[], vectors: readonly Int32Array[]): Uint8Array[] => {
    checkVectors(points, vectors);
    const largest = vectors.reduce(
      (max, k) => k.reduce((m, v) => Math.max(m, Math.abs(v)), max),
      0,
    );
    const window = bucketWindow(points.length, largest);
    const buckets = 2 ** (window - 1);
    const pointsAt = reserve(points.length + buckets + 1 + vectors.length);
    const bucketsAt = pointsAt + points.length * size; // of the digits 1 … buckets
    const runningAt = bucketsAt + buckets * size;
    const sumsAt = runningAt + size;
    const all = view(pointsAt, points.length);
    points.forEach((point, i) => all.set(point, i * size));
    view(sumsAt, vectors.length).fill(0); // Z = 0: the identity

    vectors.forEach((vector, v) => {
      const sum = sumsAt + v * size;
      const digits = Array.from(vector, (k) => signedDigits(k, window));
      for (let j = Math.max(...digits.map(({ length }) => length)) - 1; j >= 0; j--) {
        for (let i = 0; i < window; i++) double(sum, sum);
        view(bucketsAt, buckets + 1).fill(0); // the running sum too
        digits.forEach(({ [j]: digit = 0 }, i) => {
          if (digit === 0) return;
          const bucket = bucketsAt + (Math.abs(digit) - 1) * size;
          (digit > 0 ? add : subtract)(bucket, bucket, pointsAt + i * size);
        });
        for (let b = buckets - 1; b >= 0; b--) {
          add(runningAt, runningAt, bucketsAt + b * size);
          add(sum, sum, runningAt);
        }
      }
    });
    normalizeVec(sumsAt, sumsAt, vectors.length);
    return vectors.map((_, v) => {
      const out = view(sumsAt + v * size, 1).slice();
      return isIdentity(out) ? out.fill(0) : out;
    });
  };
}

/** Whether a normalised point of mcl is the identity: its Z, the last third, is 0. */
export function isIdentity(point: Uint8Array): boolean {
  return point.subarray(2 * point.length / 3).every((byte) => byte === 0);
}
