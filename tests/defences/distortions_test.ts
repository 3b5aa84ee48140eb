import { assert, assertEquals } from "@std/assert";
import { mixup, shiftAndCut } from "lib/defences/distortions.ts";
import { Draws } from "lib/defences/draws.ts";
import { mixedLossGradient } from "lib/defences/server.ts";
import { lossGradient } from "lib/nn/upper_layers.ts";
import { seededRng } from "lib/math/rng.ts";

Deno.test("shiftAndCut() moves an image by at most the shift, and cuts at most a square", () => {
  const shape = [10, 10, 1] as const;
  const x = new Uint8Array(200 * 100);
  for (let i = 0; i < 200; i++) x[i * 100 + 55] = 1 + i % 255;
  const places = new Set<number>();
  const before = x.slice();
  shiftAndCut(2, 3)(x, shape, new Draws(seededRng(1)));
  for (let i = 0; i < 200; i++) {
    const at = x.subarray(i * 100, (i + 1) * 100).findIndex((v) => v > 0);
    if (at < 0) continue;
    places.add(at);
    assertEquals(x[i * 100 + at], before[i * 100 + 55]);
    const [row, column] = [Math.floor(at / 10), at % 10];
    assert(Math.abs(row - 5) <= 2 && Math.abs(column - 5) <= 2);
  }
  assertEquals(places.size, 25);
  const white = new Uint8Array(100 * 100).fill(9);
  shiftAndCut(0, 3)(white, shape, new Draws(seededRng(2)));
  const cut = Array.from(
    { length: 100 },
    (_, i) => white.subarray(i * 100, (i + 1) * 100).filter((v) => v === 0).length,
  );
  assert(cut.every((count) => count >= 4 && count <= 9));
  const still = before.slice();
  shiftAndCut(0, 0)(still, shape, new Draws(seededRng(2)));
  assertEquals(still, before);
});

Deno.test("mixup() keeps the larger share of each image, and labels are mixed in the same shares", () => {
  const x = Uint8Array.of(200, 0, 0, 100, 40, 40);
  const own = x.slice();
  const mix = mixup(x, [1, 2, 1], new Draws(seededRng(3)))!;
  mix.kept.forEach((kept, i) => {
    assert(kept >= 0.5 && kept <= 1);
    for (let p = 0; p < 2; p++) {
      const expected = kept * own[2 * i + p] + (1 - kept) * own[2 * mix.partner[i] + p];
      assertEquals(x[2 * i + p], Math.round(expected));
    }
  });
  const z2 = Float32Array.of(1, 2, 3, 0, 1, 0);
  const labels = Uint8Array.of(0, 2);
  const whole = { partner: Uint32Array.of(1, 0), kept: Float64Array.of(1, 1) };
  assertEquals(mixedLossGradient(z2, labels, whole), lossGradient(z2, labels, "softmax"));
  const half = { partner: Uint32Array.of(1, 0), kept: Float64Array.of(0.5, 0.5) };
  const swapped = lossGradient(z2, labels.toReversed(), "softmax").dz2;
  mixedLossGradient(z2, labels, half).dz2.forEach((v, at) =>
    assert(Math.abs(v - (lossGradient(z2, labels, "softmax").dz2[at] + swapped[at]) / 2) < 1e-6)
  );
});
