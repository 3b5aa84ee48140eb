/** Trainings that a server can follow, as it sees them: MITIG2's own, in float32, and a twin in float64.
 * @module */
import type { TrainingView } from "../attack/training/view.ts";
import { trainingView } from "../attack/training/view.ts";
import { gramOf } from "../attack/training/leakage.ts";
import { type Dataset, firstImages } from "../data/dataset.ts";
import { multiplyTransposed, transpose } from "../math/dense.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { initialUpper, initialW1 } from "../nn/mlp.ts";
import { DESCENT, learningRateAt, type Setting, stepsPerEpoch } from "../nn/optimizer.ts";
import { train } from "../protocol/mitig2/client.ts";
import { type Seen, serve } from "../protocol/mitig2/server.ts";
import { mitig2View } from "../protocol/training_views.ts";
import { serverSeed } from "./mitig2.ts";

/** Plain descent in the data's order: the server knows which sample is which. */
export const followable = (epochs: number, batch = 100): Setting => ({
  ...{ ...DESCENT, shuffle: false },
  ...{ epochs, batch },
});

/** `count` images from `seed`·`count` on: each seed has private images of its own.
 * @throws {RangeError} there are not so many. */
export function privateImages(data: Dataset, count: number, seed: number): Dataset {
  const [from, to] = [seed * count, (seed + 1) * count];
  if (to > data.count) {
    throw new RangeError(`Cannot take images ${from} to ${to}: ${data.name} has ${data.count}`);
  }
  const x = data.x.subarray(from * data.n, to * data.n);
  return { ...data, x, y: data.y.subarray(from, to), count };
}

/** Inner products of the network's inputs, pixels in [0, 1]. */
export const trueGram = ({ x, count }: Dataset): Float64Array =>
  gramOf(Float64Array.from(x, (v) => v / 255), count);

/** ‖A − B‖ / ‖B‖. */
export function relativeError(A: Float64Array, B: Float64Array): number {
  let [apart, size] = [0, 0];
  A.forEach((value, at) => {
    apart += (value - B[at]) ** 2;
    size += B[at] ** 2;
  });
  return Math.sqrt(apart / size);
}

/** What MITIG2's server has of a training of these images: real client and server, float32 as on the wire. */
export async function splitView(
  images: Dataset,
  { hidden, setting, seed, signal }: {
    hidden: number;
    setting: Setting;
    seed: number;
    signal?: AbortSignal;
  },
): Promise<TrainingView> {
  const [ours, theirs] = inProcess();
  const seen: Seen[] = [];
  const rng = seededRng(serverSeed(seed));
  const served = serve(theirs, { rng, observe: (part) => seen.push(part) });
  const data = { train: images, test: firstImages(images, 1) };
  await train(ours, data, { setting, hidden, rng: seededRng(seed), signal });
  ours.close();
  await served;
  return mitig2View(seen, images, { hidden, count: images.count, setting });
}

/** The same training with each number in float64: no scheme's wire, but what a client that sends doubles would give
 * away, and within 1e-9 what MITIG1 gives, whose z1 are exact integers. */
export function doubleView(
  images: Dataset,
  { hidden, setting, seed }: { hidden: number; setting: Setting; seed: number },
): TrainingView {
  const { n, count, shape, classes: { length: classes } } = images;
  const sizes = { n, hidden, classes };
  const scale = setting.pixelScale;
  const doubles = (values: Float32Array) => Float64Array.from(values);
  const W1 = doubles(initialW1(sizes, setting.initial, seededRng(seed))).map((w) => w / scale);
  const upper = initialUpper(sizes, setting.initial, seededRng(serverSeed(seed)));
  const [b1, W2, b2] = [upper.b1, upper.W2, upper.b2].map(doubles);
  const perEpoch = stepsPerEpoch(count, setting);
  const total = perEpoch * setting.epochs;
  const steps = Array.from({ length: total }, (_, step) => {
    const from = step % perEpoch * setting.batch;
    const m = Math.min(setting.batch, count - from);
    const X = Float64Array.from(images.x.subarray(from * n, (from + m) * n), (x) => x * scale);
    const labels = images.y.slice(from, from + m);
    const z1 = multiplyTransposed(X, W1, { n });
    const a1 = z1.map((z, at) => 1 / (1 + Math.exp(-z - b1[at % hidden])));
    const dz2 = multiplyTransposed(a1, W2, { n: hidden });
    for (let k = 0; k < m; k++) {
      const row = dz2.subarray(k * classes, (k + 1) * classes);
      const e = row.map((z, c) => Math.exp(z + b2[c]));
      const sum = e.reduce((a, b) => a + b, 0);
      row.forEach((_, c) => row[c] = e[c] / sum - Number(c === labels[k]));
    }
    const dz1 = multiplyTransposed(dz2, transpose(W2, classes, hidden), { n: classes })
      .map((d, at) => d * a1[at] * (1 - a1[at]));
    const rate = learningRateAt(setting, step, total) / m;
    const move = (weights: Float64Array, sums: Float64Array) =>
      sums.forEach((sum, at) => weights[at] -= rate * sum);
    const columns = (A: Float64Array, width: number) => transpose(A, m, width);
    const ones = new Float64Array(m).fill(1);
    move(W1, multiplyTransposed(columns(dz1, hidden), columns(X, n), { n: m }));
    move(W2, multiplyTransposed(columns(dz2, classes), columns(a1, hidden), { n: m }));
    move(b1, multiplyTransposed(columns(dz1, hidden), ones, { n: m }));
    move(b2, multiplyTransposed(columns(dz2, classes), ones, { n: m }));
    const samples = Uint32Array.from({ length: m }, (_, k) => from + k);
    return { samples, z1, labels, dz1, rate, W1: null, dW1: null };
  });
  return trainingView({
    ...{ scheme: "mitig2", units: hidden, classes, shape, inputScale: scale, steps },
  });
}
