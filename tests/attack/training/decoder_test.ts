import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { decode, floorOf } from "lib/attack/training/decoder.ts";
import { classMeans, fromLabels, meanMse } from "lib/attack/training/leakage.ts";
import { type StepView, type TrainingView, trainingView } from "lib/attack/training/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [n, units, count, classes] = [16, 6, 120, 3];
const names = (from: number, to: number) =>
  Uint32Array.from({ length: to - from }, (_, i) => from + i);

/** Images in a space of 5 dimensions about the mean of their class, and z1 of two visits, with noise. */
function scene({ noise = 0 } = {}) {
  const rng = seededRng(5);
  const [base, W1, moved] = [
    gaussian(rng, 5 * n),
    gaussian(rng, units * n),
    gaussian(rng, units * n),
  ];
  const y = Uint8Array.from({ length: count }, (_, i) => i % classes);
  const x = new Uint8Array(count * n);
  y.forEach((label, i) => {
    const code = gaussian(rng, 5);
    for (let p = 0; p < n; p++) {
      const value = code.reduce((sum, c, k) => sum + 12 * c * base[k * n + p], 0);
      x[i * n + p] = Math.min(255, Math.max(0, Math.round(128 + 20 * label + value)));
    }
  });
  const steps = [0, 1].map((visit): StepView => {
    const extra = gaussian(rng, count * units);
    const z1 = new Float64Array(count * units);
    for (let i = 0; i < count; i++) {
      for (let u = 0; u < units; u++) {
        for (let p = 0; p < n; p++) {
          z1[i * units + u] += (W1[u * n + p] + 0.1 * visit * moved[u * n + p]) * x[i * n + p] /
            255;
        }
        z1[i * units + u] += noise * extra[i * units + u];
      }
    }
    const dz1 = new Float64Array(count * units);
    return { samples: names(0, count), z1, labels: y, dz1, rate: null, W1: null, dW1: null };
  });
  const view = trainingView({
    ...{ scheme: "mitig2", units, classes, shape: [4, 4, 1], inputScale: 1 / 255, steps },
  });
  const known = (k: number) => ({ samples: names(0, k), x: x.slice(0, k * n) });
  return { view, x, y, known };
}

const mseOf = (X: Float64Array | null, x: Uint8Array, from: number) =>
  meanMse(X!, x.subarray(from * n));

Deno.test("decode() recovers images from z1 of all visits and as many known ones, and better with more of either", async () => {
  const { view, x, known } = scene();
  const found = await decode(view, { known: known(60) });
  assertEquals([...found.samples], [...names(60, count)]);
  const mse = mseOf(found.X, x, 60);
  assert(mse < 1e-3, `${mse}`); // pixels clip, so that the map is not quite linear
  const few = await decode(view, { known: known(8), samples: names(60, count) });
  assert(mseOf(few.X, x, 60) > 2 * mse);
  const one = await decode(view, { known: known(60), visits: "last" });
  assert(mseOf(one.X, x, 60) >= 0.9 * mse);
});

Deno.test("floorOf() is the mean of each class, and what decode() gives of noise", async () => {
  const { view, x, y, known } = scene({ noise: 1e4 });
  const floor = await floorOf(view, { known: known(60) });
  const means = classMeans({ x: x.slice(0, 60 * n), y: y.slice(0, 60) }, classes);
  fromLabels(y.slice(60), means, n).forEach((value, at) =>
    assertAlmostEquals(floor.X![at], value, 1)
  );
  const found = await decode(view, { known: known(60) });
  const ratio = mseOf(found.X, x, 60) / mseOf(floor.X, x, 60);
  assert(ratio > 0.95 && ratio < 1.2, `${ratio}`);
});

/** Images that are even in what is sent: no linear decoder knows anything of them. */
function even(count: number) {
  const rng = seededRng(9);
  const [base, z1] = [gaussian(rng, 2 * n), Float32Array.from(gaussian(rng, 2 * count))];
  const x = new Uint8Array(count * n);
  for (let at = 0; at < x.length; at++) {
    const [i, p] = [Math.floor(at / n), at % n];
    const value = Math.abs(z1[2 * i]) * base[p] + Math.abs(z1[2 * i + 1]) * base[n + p];
    x[at] = Math.min(255, Math.max(0, Math.round(128 + 25 * value)));
  }
  const labels = new Uint8Array(count);
  const sent = { samples: names(0, count), z1, labels, dz1: z1, rate: null, W1: null, dW1: null };
  const parts = {
    scheme: "mitig2",
    units: 2,
    classes: 1,
    shape: [4, 4, 1],
    inputScale: 1,
  } as const;
  return { view: trainingView({ ...parts, steps: [sent] }), x };
}

Deno.test("decode() by a network follows what is not linear, and is none of too few known images", async () => {
  const { view, x } = even(700);
  const known = { samples: names(0, 600), x: x.slice(0, 600 * n) };
  const [line, net] = await Promise.all(
    (["ridge", "mlp"] as const).map((kind) => decode(view, { known, kind, rng: seededRng(1) })),
  );
  const [a, b] = [mseOf(line.X, x, 600), mseOf(net.X, x, 600)];
  assert(b < a / 4, `ridge ${a}, network ${b}: ${net.message}`);
  const few = { samples: names(0, 4), x: x.slice(0, 4 * n) };
  const tiny = await decode(view, { known: few, kind: "mlp", rng: seededRng(1) });
  assert(tiny.message.includes("4 known images"));
});

Deno.test("decode() of numbers that are left out at random takes the mean of those that are there", async () => {
  const { view, x, known } = scene();
  const draws = seededRng(7);
  const steps = view.steps.map((step) => {
    const bytes = draws.bytes(step.z1.length);
    return { ...step, z1: step.z1.map((v, at) => bytes[at] < 64 ? 0 : v) };
  });
  const [seen, mean] = await Promise.all(
    (["seen", "mean"] as const).map((visits) =>
      decode({ ...view, steps }, { known: known(60), visits })
    ),
  );
  const [a, b] = [mseOf(seen.X, x, 60), mseOf(mean.X, x, 60)];
  assert(a < 0.85 * b, `seen ${a}, mean ${b}`);
});

Deno.test("decode() takes duplicated images, a class of one image and labels that are not told", async () => {
  const { view, known } = scene();
  const { samples, x } = known(10);
  const doubled = { samples, x: x.slice() };
  doubled.x.copyWithin(n, 0, n);
  const single: TrainingView = {
    ...view,
    steps: view.steps.map((step) => ({
      ...step,
      labels: step.labels!.map((_, i) => i === 3 ? 1 : 0),
    })),
  };
  const silent = { ...view, steps: view.steps.map((step) => ({ ...step, labels: null })) };
  for (const own of [view, single, silent]) {
    const { X } = await decode(own, { known: doubled });
    assert(X!.every((value) => value >= 0 && value <= 255));
  }
});

Deno.test("decode() refuses no known image, strangers, wrong pixels, names twice, too many visits, and steps without names", async () => {
  const { view, known } = scene();
  const refuse = (
    options: Parameters<typeof decode>[1],
    ErrorClass: typeof TypeError,
    text: string,
    own: TrainingView = view,
  ) => assertRejects(() => decode(own, options), ErrorClass, text);
  const { samples, x } = known(5);
  await refuse({ known: known(0) }, RangeError, "known has 0 images");
  await refuse(
    { known: { samples: samples.with(2, 500), x } },
    RangeError,
    "sample 500 is not in the view",
  );
  await refuse({ known: { samples, x: x.slice(1) } }, TypeError, "known.x has 79 pixels");
  await refuse({ known: { samples: samples.with(1, 0), x } }, TypeError, "twice");
  const nameless = { ...view, steps: view.steps.map((step) => ({ ...step, samples: null })) };
  await refuse({ known: known(5) }, TypeError, "relink the view first", nameless);
});
