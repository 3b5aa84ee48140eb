import { assert, assertEquals, assertRejects } from "@std/assert";
import { align, type AlignOptions } from "lib/attack/training/align.ts";
import { classMeans, fromLabels, meanMse } from "lib/attack/training/leakage.ts";
import type { TrainingView } from "lib/attack/training/view.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [side, classes, patternsEach] = [5, 4, 12];
const n = side * side;

/** Images of `classes` kinds: each kind's own mean and its own mix of patterns, of all kinds more than pixels. */
function images(count: number, seed: number) {
  const patterns = gaussian(seededRng(99), classes * patternsEach * n);
  const means = gaussian(seededRng(98), classes * n);
  const mixes = gaussian(seededRng(seed), count * patternsEach);
  const y = Uint8Array.from({ length: count }, (_, i) => i % classes);
  const x = Uint8Array.from({ length: count * n }, (_, at) => {
    const [i, p] = [Math.floor(at / n), at % n];
    let value = 128 + 20 * means[y[i] * n + p];
    for (let k = 0; k < patternsEach; k++) {
      value += (2 + k) * mixes[i * patternsEach + k] * patterns[(y[i] * patternsEach + k) * n + p];
    }
    return Math.min(255, Math.max(0, Math.round(value)));
  });
  return { x, y };
}

/** What a server of split learning has of one epoch: W1 secret, samples without names. */
function viewOf({ x, y }: ReturnType<typeof images>, units: number, noise = 0): TrainingView {
  const W1 = gaussian(seededRng(5), units * n);
  const noises = gaussian(seededRng(6), y.length * units);
  const z1 = Float64Array.from({ length: y.length * units }, (_, at) => {
    const [i, u] = [Math.floor(at / units), at % units];
    let sum = noise * noises[at];
    for (let p = 0; p < n; p++) sum += W1[u * n + p] * x[i * n + p] / 255;
    return sum;
  });
  const step = (from: number, to: number) => ({
    samples: null,
    z1: z1.subarray(from * units, to * units),
    labels: y.slice(from, to),
    dz1: z1.subarray(from * units, to * units),
    ...{ rate: null, W1: null, dW1: null },
  });
  const half = Math.floor(y.length / 2);
  return {
    ...{ scheme: "mitig2", units, classes, shape: [side, side, 1], inputScale: 1 / 255 },
    steps: [step(0, half), step(half, y.length)],
  };
}

const secret = images(4000, 1);
const publicImages = images(4000, 2);
const truth = secret.x.subarray(0, 200 * n);
const floor = meanMse(
  fromLabels(secret.y.subarray(0, 200), classMeans(publicImages, classes), n),
  truth,
);

Deno.test("align() draws private images from z1, public images and labels alone", async () => {
  const view = viewOf(secret, 30);
  const { status, X, samples, G, message } = await align(view, {
    ...{ publicImages, components: 20, draw: 200 },
  });
  assertEquals([status, message, G], ["estimate", "", null]);
  assertEquals([samples.length, samples[199]], [200, 199]);
  const error = meanMse(X!, truth);
  assert(error < 0.3 * floor, `${error}, floor ${floor}`);
});

Deno.test("align() does worse under noise, and is no worse than the class means where z1 is only noise", async () => {
  const some = await align(viewOf(secret, 30, 0.3), { publicImages, components: 20, draw: 200 });
  const clear = await align(viewOf(secret, 30), { publicImages, components: 20, draw: 200 });
  assert(meanMse(some.X!, truth) > 1.1 * meanMse(clear.X!, truth));
  const lost = await align(viewOf(secret, 30, 300), { publicImages, components: 20, draw: 200 });
  if (lost.status !== "failed") assert(meanMse(lost.X!, truth) < 2 * floor);
});

Deno.test("align() takes the last visit of samples that have names, whatever their order", async () => {
  const view = viewOf(secret, 30);
  const [first, second] = view.steps;
  const named = [
    {
      ...second,
      z1: second.z1.map(() => 0),
      samples: Uint32Array.from({ length: 2000 }, (_, i) => 2000 + i),
    },
    { ...first, samples: Uint32Array.from({ length: 2000 }, (_, i) => i) },
    { ...second, samples: Uint32Array.from({ length: 2000 }, (_, i) => 2000 + i) },
  ];
  const found = await align({ ...view, steps: named }, {
    publicImages,
    components: 20,
    draw: 4000,
  });
  const place = found.samples.indexOf(7);
  assert(place > 0);
  const drawn = found.X!.subarray(place * n, (place + 1) * n);
  assert(meanMse(drawn, secret.x.subarray(7 * n, 8 * n)) < floor);
});

Deno.test("align() fails, and says why, where z1 does not vary or there is one class", async () => {
  const view = viewOf(secret, 6);
  const still = view.steps.map((step) => ({ ...step, z1: step.z1.map(() => 1) }));
  const none = await align({ ...view, steps: still }, { publicImages, components: 20 });
  assertEquals([none.status, none.X, none.samples.length], ["failed", null, 0]);
  assert(none.message.includes("does not vary"));
  const alone = view.steps.map((step) => ({ ...step, labels: step.labels!.map(() => 1) }));
  const one = await align({ ...view, steps: alone }, { publicImages, components: 20 });
  assert(one.status === "failed" && one.message.includes("one class"));
});

Deno.test("align() gives finite images for a sample alone in its class, twice the same unit, and few samples", async () => {
  const few = viewOf({
    x: secret.x.subarray(0, 9 * n),
    y: Uint8Array.of(0, 0, 0, 1, 1, 1, 2, 2, 3),
  }, 30);
  const drawn = await align(few, { publicImages, components: 20 });
  assertEquals([drawn.status, drawn.X!.length], ["estimate", 9 * n]);
  assert(drawn.X!.every((pixel) => pixel >= 0 && pixel <= 255));
  const view = viewOf(secret, 60); // singular: units 30 to 59 repeat the others
  const twice = view.steps.map((step) => ({
    ...step,
    z1: step.z1.map((_, at) => step.z1[at - at % 60 + at % 30]),
  }));
  const found = await align({ ...view, steps: twice }, { publicImages, components: 20, draw: 200 });
  assert(meanMse(found.X!, truth) < 0.3 * floor);
});

Deno.test("align() refuses labels at the client, too few public images, and sizes that do not fit", async () => {
  const view = viewOf(images(40, 1), 6);
  const refuse = (
    other: Partial<AlignOptions>,
    ErrorClass: typeof TypeError,
    text: string,
    steps = view.steps,
  ) =>
    assertRejects(
      () => align({ ...view, steps }, { publicImages, ...other }),
      ErrorClass,
      text,
    );
  await refuse({ components: n + 1 }, RangeError, "components = 26, expected 1 to 25 pixels");
  await refuse({ components: 0 }, RangeError, "components = 0");
  await refuse({ components: 9, draw: 0 }, RangeError, "draw = 0");
  const one = publicImages.y.map((label, i) => label === 2 && i !== 2 ? 1 : label);
  await refuse(
    { components: 9, publicImages: { ...publicImages, y: one } },
    RangeError,
    "have 1 of class 2",
  );
  const none = publicImages.y.map((label) => label === 2 ? 1 : label);
  await refuse(
    { components: 9, publicImages: { ...publicImages, y: none } },
    RangeError,
    "have 0 of class 2",
  );
  const wild = publicImages.y.with(0, 9);
  await refuse(
    { components: 9, publicImages: { ...publicImages, y: wild } },
    RangeError,
    "label 9",
  );
  const torn = publicImages.x.subarray(1);
  await refuse(
    { components: 9, publicImages: { ...publicImages, x: torn } },
    TypeError,
    "images of 25",
  );
  const unlabelled = view.steps.map((step) => ({ ...step, labels: null }));
  await refuse({ components: 9 }, TypeError, "step 0 has no labels", unlabelled);
  await refuse(
    { components: 9, signal: AbortSignal.abort(new RangeError("stop")) },
    RangeError,
    "stop",
  );
});
