import { assert, assertEquals, assertLess } from "@std/assert";
import { layerEvidence, rowBits } from "lib/attack/layer_evidence.ts";
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

Deno.test("layerEvidence() remembers one layer, by content", () => {
  const W1 = gaussian(seededRng(2), 20 * 30).map((w) => Math.round(50 * w));
  const first = layerEvidence(W1, 30);
  assert(layerEvidence(W1.slice(), 30) === first);
  const other = W1.slice();
  other.fill(0, 0, 30);
  assertEquals(layerEvidence(other, 30).rank, 19);
  assertEquals(layerEvidence(W1, 30).rank, 20);
  assertEquals(layerEvidence(W1, 60).rank, 10);
});
