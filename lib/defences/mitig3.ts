/** mitig3 by its real parties, both in this process, and what its server has of some samples. Samples are named by truth:
 * the server is not told which is which.
 * @module */
import { accuracyOf, type SplitDataset } from "../data/dataset.ts";
import { inProcess } from "../net/connection.ts";
import { stepsPerEpoch } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES } from "../nn/train.ts";
import { seededRng } from "../math/rng.ts";
import { train as trainClient } from "../protocol/mitig3/client.ts";
import { secretsOf } from "../protocol/mitig3/secrets.ts";
import { serve } from "../protocol/mitig3/server.ts";
import { NARROW, type NarrowSetting } from "../protocol/mitig3/terms.ts";
import type { DefendedOptions, DefendedRun } from "./split.ts";
import { Watch } from "./watch.ts";

/** Trains by mitig3's client and server and keeps what the server has of the watched images.
 * @param options.sigma of the noise.   @throws as the client's `train`. */
export async function watchMitig3(
  data: SplitDataset,
  { seeds, watched, sigma, setting = NARROW, hidden = 300, signal, onProgress }:
    & Omit<DefendedOptions, "defence" | "setting">
    & { readonly sigma: number; readonly setting?: NarrowSetting },
): Promise<DefendedRun> {
  const { shape, count, classes: { length: classes } } = data.train;
  const secrets = secretsOf(seeds.client);
  const orders = Array.from(
    { length: setting.epochs },
    (_, epoch) => epochOrder(count, secrets.visit(epoch).bytes(ORDER_KEY_BYTES), epoch),
  );
  const perEpoch = stepsPerEpoch(count, setting);
  const watch = new Watch(watched, classes);
  let [current, taken] = [-1, 0];
  const [ours, theirs] = inProcess();
  const served = serve(theirs, {
    rng: seededRng(seeds.server),
    observe: ({ step, z, labels, dz }) => {
      if (step !== current) [current, taken] = [step, 0];
      const from = step % perEpoch * setting.batch + taken;
      const names = orders[Math.floor(step / perEpoch)].subarray(from, from + labels.length);
      taken += names.length;
      watch.add({ step, names, z1: z, labels, dz1: dz });
    },
  });
  let seconds = 0;
  const { predictions } = await trainClient(ours, data, {
    ...{ setting, sigma, units: hidden, insecureSeed: seeds.client, signal },
    onEpoch: ({ epoch, seconds: until }) => {
      seconds = until;
      onProgress?.(epoch, setting.epochs);
    },
  });
  ours.close();
  await served;
  const view = watch.view({ classes, shape, inputScale: setting.pixelScale });
  return {
    view: { ...view, scheme: "mitig3" },
    ...{ predictions, accuracy: accuracyOf(predictions, data.test.y) },
    secondsPerEpoch: seconds / setting.epochs,
  };
}
