/** MITIG1's integers in the clear, **group operations omitted** (the parties reproduce them bit for bit, notebook 02), and
 * what its server has of some samples. They keep their places, so the server knows which is which.
 * @module */
import { accuracyOf, dataset, type SplitDataset } from "../data/dataset.ts";
import { transpose } from "../math/dense.ts";
import { seededRng } from "../math/rng.ts";
import { fixedClasses, initFixedNet, realZ1, type Scales } from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import type { DefendedOptions, DefendedRun } from "./split.ts";
import { Watch } from "./watch.ts";

/** Trains in fixed point and keeps what a server of MITIG1 has of the watched images; whole batches only.
 * @throws as `trainFixed`. */
export async function watchMitig1(
  { train: all, test }: SplitDataset,
  { seeds, watched, hidden = 300, scales, batch, epochs, learningRate, signal, onProgress }:
    & Omit<DefendedOptions, "defence" | "setting">
    & {
      readonly scales: Scales;
      readonly batch: number;
      readonly epochs: number;
      readonly learningRate: number;
    },
): Promise<DefendedRun> {
  const { n, shape, classes } = all;
  const perEpoch = Math.floor(all.count / batch);
  const count = perEpoch * batch;
  const x = all.x.subarray(0, count * n);
  const train = dataset({ ...all, x, y: all.y.subarray(0, count) });
  const sizes = { n, hidden, classes: classes.length };
  const start = initFixedNet(sizes, scales, seededRng(seeds.client), seededRng(seeds.server));
  const watch = new Watch(watched, hidden);
  const started = performance.now();
  const { net } = await trainFixed(start, train, {
    ...{ batch, learningRate, steps: epochs * perEpoch, signal },
    onStep: ({ z1, dz1 }, step) => {
      const from = step % perEpoch * batch;
      const real = Float64Array.from(dz1, (value) => value * 2 ** -scales.gradientBits);
      watch.add({
        step,
        names: Uint32Array.from({ length: batch }, (_, i) => from + i),
        z1: Float32Array.from(realZ1(z1, scales)),
        labels: train.y.subarray(from, from + batch),
        dz1: Float32Array.from(transpose(real, hidden, batch)),
      });
      if ((step + 1) % perEpoch === 0) onProgress?.((step + 1) / perEpoch, epochs);
    },
  });
  const secondsPerEpoch = (performance.now() - started) / 1000 / epochs;
  const predictions = fixedClasses(net, test.x);
  const view = watch.view({
    ...{ classes: classes.length, shape, inputScale: 2 ** -scales.pixelBits },
  });
  return {
    view: { ...view, scheme: "mitig1" },
    ...{ predictions, accuracy: accuracyOf(predictions, test.y), secondsPerEpoch },
  };
}
