import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import {
  descriptionBits,
  layerEvidence,
  log2Binomials,
  log2Sum,
  rowBits,
} from "lib/attack/evidence.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** The largest point probability of ±1 combinations of k draws, by convolution. */
function peak(masses: number[], k: number, plus: number): number {
  let sum = new Map([[0, 1]]);
  for (let draw = 0; draw < k; draw++) {
    const next = new Map<number, number>();
    for (const [at, p] of sum) {
      masses.forEach((mass, value) => {
        const to = at + (draw < plus ? value : -value);
        next.set(to, (next.get(to) ?? 0) + p * mass);
      });
    }
    sum = next;
  }
  return Math.max(...sum.values());
}

Deno.test("rowBits() never exceeds what k draws really tell, uniform or skew, by convolution", () => {
  const uniform = (m: number) => new Array<number>(m).fill(1 / m);
  const draws: [number, number[]][] = [
    ...[2, 3, 4, 7, 20].map((m): [number, number[]] => [1 / m, uniform(m)]),
    ...[0.55, 0.7, 0.9, 0.99].map((q): [number, number[]] => [q, [q, 1 - q]]),
    [0.4, [0.3, 0.4, 0.3]], // no m fits: judged as ½
  ];
  for (const [q, masses] of draws) {
    for (const k of [1, 2, 3, 4, 5, 8, 16, 40]) {
      for (const plus of [k, Math.floor(k / 2)]) {
        const real = -Math.log2(peak(masses, k, plus));
        assertLess(rowBits(q, k), real + 1e-9, `q ${q}, k ${k}, ${plus} with plus`);
        if (k === 40 && q !== 0.4) assertLess(real - rowBits(q, k), 0.6);
      }
    }
  }
});

Deno.test("layerEvidence() finds q of Gaussian integers near 1/(σ·√(2π))", () => {
  const W1 = gaussian(seededRng(1), 100 * 200).map((w) => Math.round(50 * w));
  const { rows, rank, deadPixels, full, bits } = layerEvidence(W1, 200);
  assertEquals([rank, deadPixels, full, rows.length], [100, 0, false, 1]);
  const expected = 1 / (50 * Math.sqrt(2 * Math.PI));
  assert(rows[0].q > expected * 0.99 && rows[0].q < expected * 1.5, `${rows[0].q}`);
  assertLess(100 * 7, bits[9]);
});

Deno.test("layerEvidence() counts the same where integers are near each other and where they are far apart", () => {
  const W1 = gaussian(seededRng(3), 60 * 90).map((w) => Math.round(4 * w));
  // Column 7 on its own; equal to column 4 but for the sign in two rows of three; equal and opposite in turn.
  const seventh = [
    (_: number) => 0,
    (row: number) => row % 3 > 0 ? -1 : 0,
    (row: number) => 1 - 2 * (row % 2),
  ];
  const q = seventh.map((sign) => {
    const like = W1.map((w, at) => at % 90 === 7 && sign(Math.floor(at / 90)) * W1[at - 3] || w);
    const [near, far] = [1, 2 ** 24].map((scale) => layerEvidence(like.map((w) => scale * w), 90));
    assertEquals(near.rows, far.rows);
    return near.rows[0].q;
  });
  assertLess(q[0], 0.2);
  assertAlmostEquals(q[1], 2 / 3, 0.1);
  assertAlmostEquals(q[2], 1 / 2, 0.1);
});

Deno.test("log2Binomials() and log2Sum() match values by hand", () => {
  assertAlmostEquals(log2Binomials(5, 5)[2], Math.log2(10), 1e-12);
  assertAlmostEquals(log2Binomials(40, 20)[20], Math.log2(137846528820), 1e-9);
  assertEquals([log2Binomials(7, 7)[0], log2Binomials(7, 0)[0]], [0, 0]);
  assertAlmostEquals(log2Binomials(7, 7)[7], 0, 1e-12);
  assertAlmostEquals(log2Sum(Float64Array.of(3, 3, 4)), 5, 1e-12);
  assertEquals(log2Sum(new Float64Array()), -Infinity);
  assertAlmostEquals(log2Sum(Float64Array.of(-5000, -5000)), -4999, 1e-9);
});

Deno.test("descriptionBits() of all 2-pixel images satisfy Kraft's inequality", () => {
  // A description of c bits stands for at most 2^c images: Σ 2^−c ≤ 1 for pixels of any value.
  let sum = 0;
  for (let a = 0; a < 256; a++) {
    for (let b = 0; b < 256; b++) sum += 2 ** -descriptionBits([a, b], [1, 2, 1]);
  }
  assertLess(sum, 1);
});

Deno.test("descriptionBits() is small for black, sparse and smooth images, and for noise at most raw", () => {
  const shape = [16, 16, 1] as const;
  const image = (value: (i: number, j: number) => number) =>
    descriptionBits(Float64Array.from({ length: 256 }, (_, p) => value(p >> 4, p & 15)), shape);
  const black = image(() => 0);
  assertLess(black, 10);
  const dots = image((i, j) => i % 8 === 0 && j % 8 === 0 ? 200 : 0);
  assertLess(dots, 90);
  const slope = image((i, j) => i + 2 * j);
  assertLess(slope, 1100);
  const noise = image((i, j) => (i * 7919 + j * 104729) % 256);
  assert(black < dots && dots < slope && slope < noise);
  assertLess(noise, 256 * 8 + 20);
  // By columns as cheap as by rows; channels apart.
  assertEquals(image((i, j) => 2 * i + j), slope);
  const colour = (k: number) => [200, 90, 10][k];
  const flat = Float64Array.from({ length: 768 }, (_, at) => colour(at % 3));
  assertLess(descriptionBits(flat, [16, 16, 3]), 3400);
});
