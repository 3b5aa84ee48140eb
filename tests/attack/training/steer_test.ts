import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  amplifier,
  fromAmplified,
  readProducts,
  type Round,
  type Steering,
} from "lib/attack/training/steer.ts";
import { type StepView, type TrainingView, trainingView } from "lib/attack/training/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [n, units, count] = [9, 4, 24];
const known = Uint32Array.from({ length: 12 }, (_, i) => i);
const rounds: Round[] = [
  { targets: Uint32Array.of(20, 21), from: 1, to: 2 },
  { targets: Uint32Array.of(22, 23), from: 2, to: 3 },
];
const rng = seededRng(4);
const x = rng.bytes(count * n);
const inner = (i: number, j: number) => {
  let sum = 0;
  for (let p = 0; p < n; p++) sum += x[i * n + p] * x[j * n + p] / 255 ** 2;
  return sum;
};

/** A linear client that takes plain steps, two batches an epoch, with what it may do against the server. */
function simulate(
  steering: Steering,
  { epochs = 4, noise = 0, clip = Infinity, rate = 0.1 } = {},
): TrainingView {
  const draws = seededRng(5);
  const W1 = gaussian(draws, units * n);
  const steps: StepView[] = [];
  for (let step = 0; step < 2 * epochs; step++) {
    const m = count / 2;
    const samples = Uint32Array.from({ length: m }, (_, i) => step % 2 * m + i);
    const added = gaussian(draws, m * units);
    const z1 = new Float32Array(m * units).map((_, at) => {
      let sum = noise * added[at];
      const i = samples[Math.floor(at / units)];
      for (let p = 0; p < n; p++) sum += W1[at % units * n + p] * x[i * n + p] / 255;
      return sum;
    });
    const labels = Uint8Array.from(samples, (i) => i % 2);
    const dz1 = steering({
      samples,
      z1,
      labels,
      dz1: new Float32Array(z1.length).fill(0.01),
      rate,
    });
    for (let at = 0; at < dz1.length; at++) {
      const row = dz1.subarray(at - at % units, at - at % units + units);
      const factor = Math.min(1, clip / Math.hypot(...row));
      const i = samples[Math.floor(at / units)];
      for (let p = 0; p < n; p++) {
        W1[at % units * n + p] -= rate * factor * dz1[at] * x[i * n + p] / 255;
      }
    }
    steps.push({ samples, z1, labels, dz1, rate, W1: null, dW1: null });
  }
  return trainingView({
    ...{ scheme: "mitig2", units, classes: 2, shape: [3, 3, 1], inputScale: 1 / 255, steps },
  });
}

Deno.test("readProducts() reads ⟨x_j, x_i⟩ of each target, whatever the other units are sent", () => {
  const view = simulate(amplifier(rounds, { M: 100, units }));
  const { targets, G } = readProducts(view, rounds, known);
  assertEquals([...targets], [20, 21, 22, 23]);
  targets.forEach((j, t) =>
    known.forEach((i) => assertAlmostEquals(G[t * known.length + i], inner(j, i), 1e-4))
  );
  const sent = view.steps[3].dz1; // of samples 12 to 23, at their second visit
  assertEquals([...sent.subarray(8 * units, 9 * units)], [100, 0, 0, 0]);
  assertEquals(sent[units], 0);
  assert(sent[units + 2] > 0, "units without a target go back as they are");
});

Deno.test("a large M drowns noise, and a clip at the client takes that away", () => {
  const worst = (M: number, clip?: number) => {
    const view = simulate(amplifier(rounds, { M, units }), { noise: 1, clip });
    const { G, targets } = readProducts(view, rounds, known, { clip });
    return Math.max(
      ...Array.from(
        G,
        (g, at) => Math.abs(g - inner(targets[Math.floor(at / known.length)], at % known.length)),
      ),
    );
  };
  assert(worst(1e5) < 1e-2, `${worst(1e5)}`);
  assert(worst(1e5, 1) > 5, `${worst(1e5, 1)}`); // 1.4 / 0.1 a standard deviation
});

Deno.test("fromAmplified() recovers the targets' pixels from known images that span them", () => {
  const view = simulate(amplifier(rounds, { M: 1000, units }), { noise: 1e-3 });
  const samples = known;
  const found = fromAmplified(view, {
    rounds,
    noise: 1e-3,
    known: { samples, x: x.subarray(0, 12 * n) },
  });
  assertEquals(found.status, "estimate");
  found.X!.forEach((value, at) => assertAlmostEquals(value, x[20 * n + at], 3));
});

Deno.test("steering refuses M that is not finite, no known image, a clip of 0, rounds that cannot be, visits that are missing", () => {
  for (const M of [0, NaN, Infinity]) {
    assertThrows(() => amplifier(rounds, { M, units }), RangeError, `M = ${M}`);
  }
  assertThrows(() => amplifier([], { M: 1, units }), RangeError, "no round");
  assertThrows(() => amplifier(rounds, { M: 1, units: 1 }), RangeError, "one a unit");
  assertThrows(() => amplifier([...rounds, rounds[0]], { M: 1, units }), RangeError, "round 2");
  const view = simulate(amplifier(rounds, { M: 100, units }), { epochs: 2 });
  const read = (samples: Uint32Array) =>
    fromAmplified(view, { rounds, known: { samples, x: x.subarray(0, samples.length * n) } });
  assertThrows(() => read(new Uint32Array()), RangeError, "k = 0");
  const { status, message, X } = read(known);
  assertEquals([status, X], ["failed", null]);
  assert(message.includes("has no visit before, or none after"), message);
  for (const clip of [0, NaN]) {
    assertThrows(() => readProducts(view, rounds, known, { clip }), RangeError, `clip = ${clip}`);
  }
  const adam = { ...view, steps: view.steps.map((step) => ({ ...step, rate: null })) };
  assertThrows(() => readProducts(adam, rounds, known), RangeError, "plain descent");
});
