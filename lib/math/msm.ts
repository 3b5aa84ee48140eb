/** Multi-scalar multiplication Σ y_i · P_i for many small signed y over the same points.
 *
 * Decrypting the first layer of a network is one ciphertext (784 points) against hundreds of keys whose
 * entries have 8 to 17 bits, not 255. So each point gets a table of its small multiples, shared by all
 * keys; a y is cut into signed windows of w bits, digits in [−2^(w−1), 2^(w−1)], and a term costs one
 * addition per non-zero digit. Positive and negative digits are summed apart, which needs no negated
 * tables. w follows from counting the additions.
 * @module */
import type { Element, Group } from "./group.ts";

/** The window with the fewest additions for `vectors` y of `bits` bits over n points:
 * n·2^(w−1) for the tables and, per vector and digit, n·(1 − 2^−w) terms and w doublings. */
export function chooseWindow(n: number, vectors: number, bits: number): number {
  let best = 2;
  let bestCost = Infinity;
  for (let w = 2; w <= 10; w++) {
    const digits = Math.ceil((bits + 1) / w);
    const cost = n * 2 ** (w - 1) + vectors * digits * (n * (1 - 2 ** -w) + w);
    if (cost < bestCost) [best, bestCost] = [w, cost];
  }
  return best;
}

/** Signed digits of `value`, least significant first: value = Σ d_j · 2^(w·j), |d_j| ≤ 2^(w−1). */
export function signedDigits(value: number, window: number): number[] {
  const base = 2 ** window;
  const digits: number[] = [];
  for (let rest = value; rest !== 0;) {
    let digit = rest % base;
    if (digit > base / 2) digit -= base;
    else if (digit < -base / 2) digit += base;
    digits.push(digit);
    rest = (rest - digit) / base;
  }
  return digits;
}

/** What one digit position adds and subtracts. */
interface DigitTerms {
  plus: Element[];
  minus: Element[];
}

/** Σ y_i · points_i for every y in `vectors`.
 * @param onProgress called after each vector. */
export function multiScalar(
  group: Pick<Group, "identity" | "sum" | "bulk">,
  points: readonly Element[],
  vectors: readonly Int32Array[],
  onProgress?: (done: number, total: number) => void,
): Element[] {
  const largest = vectors.reduce((max, y) => y.reduce((m, v) => Math.max(m, Math.abs(v)), max), 1);
  const window = chooseWindow(points.length, vectors.length, Math.ceil(Math.log2(largest + 1)));
  if (group.bulk) return group.bulk.sums(points, vectors, window, onProgress);
  const tables = points.map((point) => { // tables[i][d − 1] = d · P_i
    const table = [point];
    for (let d = 2; d <= 2 ** (window - 1); d++) table.push(table[d - 2].add(point));
    return table;
  });
  return vectors.map((y, k) => {
    const terms: DigitTerms[] = [];
    for (let i = 0; i < y.length; i++) {
      signedDigits(y[i], window).forEach((digit, j) => {
        const term = terms[j] ??= { plus: [], minus: [] };
        if (digit > 0) term.plus.push(tables[i][digit - 1]);
        else if (digit < 0) term.minus.push(tables[i][-digit - 1]);
      });
    }
    let total = group.identity;
    for (const { plus, minus } of terms.reverse()) {
      for (let i = 0; i < window; i++) total = total.double();
      total = total.add(group.sum(plus)).add(group.sum(minus).negate());
    }
    onProgress?.(k + 1, vectors.length);
    return total;
  });
}
