import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Channel, dropout, noisy, noPeek, ONE_BIT, OPEN } from "lib/defences/channels.ts";
import { Draws } from "lib/defences/draws.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [m, units] = [4, 5];
const z1 = Float32Array.from(gaussian(seededRng(1), m * units), (v) => 3 * v);
const x = seededRng(2).bytes(m * 9);
const batch = (values = z1) => ({ z1: values, units, x });
const norms = (z: Float32Array) =>
  Array.from(
    { length: z.length / units },
    (_, i) => Math.hypot(...z.subarray(i * units, (i + 1) * units)),
  );

/** Σ⟨sent, g⟩ as a function of z1, its gradient by differences. */
function slopes(value: (z: Float32Array) => number): number[] {
  const step = 1e-2;
  return Array.from(
    z1,
    (v, at) => (value(z1.with(at, v + step)) - value(z1.with(at, v - step))) / (2 * step),
  );
}

Deno.test("noisy() shortens rows, adds noise of its deviation, and goes back through what it shortened", () => {
  const clip = 5;
  const quiet = noisy(clip, 0);
  assert(norms(z1).some((norm) => norm > clip) && norms(z1).some((norm) => norm < clip));
  const sent = quiet.send(batch(), new Draws(seededRng(1)));
  norms(sent.z).forEach((norm, i) => assertAlmostEquals(norm, Math.min(clip, norms(z1)[i]), 1e-4));
  assertEquals(quiet.still(z1, units), sent.z);
  const g = Float32Array.from(gaussian(seededRng(3), m * units));
  const back = sent.back(g);
  const inner = (z: Float32Array) =>
    quiet.still(z, units).reduce((sum, v, at) => sum + v * g[at], 0);
  slopes(inner).forEach((slope, at) => assertAlmostEquals(back[at], slope, 5e-3));
  const many = new Float32Array(20_000);
  const noise = noisy(clip, 0.3).send({ ...batch(many), x }, new Draws(seededRng(1))).z;
  assertAlmostEquals(Math.sqrt(noise.reduce((sum, v) => sum + v * v, 0) / many.length), 0.3, 0.01);
  assertAlmostEquals(noise.reduce((sum, v) => sum + v, 0) / many.length, 0, 0.01);
});

Deno.test("a channel draws anew at each visit, and alike from one seed", () => {
  const sent = (channel: Channel, seed: number, visits = 1) => {
    const draws = new Draws(seededRng(seed));
    return Array.from({ length: visits }, () => channel.send(batch(), draws).z).at(-1)!;
  };
  for (const channel of [noisy(6, 1), dropout(0.5)]) {
    assertEquals(sent(channel, 1), sent(channel, 1));
    assert(sent(channel, 1, 2).some((v, at) => v !== sent(channel, 1)[at]));
  }
  assertEquals(sent(OPEN, 1), z1);
});

Deno.test("dropout() sends 0 or twice the number, and nothing comes back for what was left out", () => {
  const ones = new Float32Array(5000).fill(1);
  const sent = dropout(0.5).send(batch(ones), new Draws(seededRng(4)));
  assert(sent.z.every((v) => v === 0 || v === 2));
  assertAlmostEquals(sent.z.reduce((sum, v) => sum + v, 0) / ones.length, 1, 0.05);
  assertEquals(sent.back(ones), sent.z);
});

Deno.test("ONE_BIT sends bits, and goes back as through σ", () => {
  const sent = ONE_BIT.send(batch(), new Draws(seededRng(1)));
  assertEquals([...sent.z], Array.from(z1, (v) => Number(v > 0)));
  const sigma = (v: number) => 1 / (1 + Math.exp(-v));
  sent.back(new Float32Array(m * units).fill(1)).forEach((v, at) =>
    assertAlmostEquals(v, sigma(z1[at]) * (1 - sigma(z1[at])), 1e-6)
  );
});

Deno.test("noPeek() goes back with the gradient of the distance correlation of pixels and z1", () => {
  const zero = new Float32Array(m * units);
  const back = noPeek(2).send(batch(), new Draws(seededRng(1))).back(zero);
  slopes((z) => 2 * m * correlation(z)).forEach((slope, at) =>
    assertAlmostEquals(back[at], slope, 2e-3)
  );
});

/** Squared distance correlation of z and the pixels, by its definition. */
function correlation(z: Float32Array): number {
  const centred = (values: ArrayLike<number>, width: number) => {
    const d = Array.from({ length: m }, (_, i) =>
      Array.from({ length: m }, (_, j) => {
        let sum = 0;
        for (let p = 0; p < width; p++) sum += (values[i * width + p] - values[j * width + p]) ** 2;
        return Math.sqrt(sum);
      }));
    const mean = d.map((row) => row.reduce((a, b) => a + b, 0) / m);
    const all = mean.reduce((a, b) => a + b, 0) / m;
    return d.flatMap((row, i) => row.map((v, j) => v - mean[i] - mean[j] + all));
  };
  const [a, b] = [centred(z, units), centred(Array.from(x, (v) => v / 255), 9)];
  const product = (p: number[], q: number[]) => p.reduce((sum, v, at) => sum + v * q[at], 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}
