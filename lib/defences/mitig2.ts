/** MITIG2 by its real parties, both in this process, and what its server has of some samples. Samples are named by
 * truth: the server is not told which is which, and finds it out (`attack/training/relink.ts`).
 * @module */
import { accuracyOf, type SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { initialW1 } from "../nn/mlp.ts";
import { DESCENT, type Setting, stepsPerEpoch } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES } from "../nn/train.ts";
import { train as trainClient } from "../protocol/mitig2/client.ts";
import { serve } from "../protocol/mitig2/server.ts";
import type { DefendedOptions, DefendedRun } from "./split.ts";
import { Watch } from "./watch.ts";

/** The orders of the epochs that a client of this seed takes: it draws W1 first, then their key. */
function ordersOf(
  { n, classes, count }: { n: number; classes: number; count: number },
  { setting, hidden, seed }: { setting: Setting; hidden: number; seed: number },
): Uint32Array[] {
  const rng = seededRng(seed);
  initialW1({ n, hidden, classes }, setting.initial, rng);
  const key = setting.shuffle ? rng.bytes(ORDER_KEY_BYTES) : undefined;
  return Array.from({ length: setting.epochs }, (_, epoch) => epochOrder(count, key, epoch));
}

/** Trains by MITIG2's client and server and keeps what the server has of the watched images.
 * @throws as the client's `train`. */
export async function watchMitig2(
  data: SplitDataset,
  { seeds, watched, setting = DESCENT, hidden = 300, signal, onProgress }: Omit<
    DefendedOptions,
    "defence"
  >,
): Promise<DefendedRun> {
  const { n, shape, count } = data.train;
  const classes = data.train.classes.length;
  const orders = ordersOf({ n, classes, count }, { setting, hidden, seed: seeds.client });
  const perEpoch = stepsPerEpoch(count, setting);
  const watch = new Watch(watched, hidden);
  let [current, taken] = [-1, 0];
  const [ours, theirs] = inProcess();
  const served = serve(theirs, {
    rng: seededRng(seeds.server),
    observe: ({ step, z1, labels, dz1 }) => {
      if (step !== current) [current, taken] = [step, 0];
      const from = step % perEpoch * setting.batch + taken;
      const names = orders[Math.floor(step / perEpoch)].subarray(from, from + labels!.length);
      taken += names.length;
      watch.add({ step, names, z1, labels: labels!, dz1 });
    },
  });
  let seconds = 0;
  const { predictions } = await trainClient(ours, data, {
    ...{ setting, hidden, rng: seededRng(seeds.client), signal },
    onEpoch: ({ epoch, seconds: until }) => {
      seconds = until;
      onProgress?.(epoch, setting.epochs);
    },
  });
  ours.close();
  await served;
  return {
    view: watch.view({ classes, shape, inputScale: setting.pixelScale }),
    ...{ predictions, accuracy: accuracyOf(predictions, data.test.y) },
    secondsPerEpoch: seconds / setting.epochs,
  };
}
