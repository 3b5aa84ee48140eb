/** Sweep `advise_cost`: seconds that an encrypted training would take on this machine, predicted.
 *
 * `protocol/cryptonn/cost.ts` and `protocol/mitig1/cost.ts` are fitted once a process to single operations, and
 * a run is a matter of counting. Entries of W1 and dz1 and the sizes of z1 are those of a first step on real
 * images in the clear. MITIG1's search for z1 is counted from 0, not from the epoch before, which makes it a
 * little too dear. Decryption is spread over all cores.
 * @module */
import { firstImages } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { startPairing } from "../math/pairing/group.ts";
import * as cryptonn from "../protocol/cryptonn/cost.ts";
import { initFixedNet } from "../protocol/fixed_net.ts";
import { fastProducts } from "../protocol/fixed_products.ts";
import type { StepRecord } from "../protocol/fixed_step.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import * as mitig1 from "../protocol/mitig1/cost.ts";
import { defineSweep } from "./grid.ts";
import { loadTraining, scalesOf, TRAINING_DATASETS } from "./training.ts";

/** Enough entries for a mean. */
const ENTRIES = 4096;

/** What a training of some size takes, by scheme. */
interface Models {
  readonly cores: number;
  readonly cryptonn: cryptonn.CostModel;
  readonly mitig1: mitig1.CostModel;
}

let models: Promise<Models> | undefined;

/** Measures this machine, some ten seconds. */
async function fitModels(): Promise<Models> {
  const cores = navigator.hardwareConcurrency;
  return {
    cores,
    cryptonn: await cryptonn.fitCostModel({ cores }),
    mitig1: await mitig1.fitCostModel(await startPairing()),
  };
}

/** Some of many values, evenly. */
function some(values: ArrayLike<number>): number[] {
  const step = Math.max(1, Math.floor(values.length / ENTRIES));
  return Array.from({ length: Math.floor(values.length / step) }, (_, k) => values[k * step]);
}

export const sweep = defineSweep({
  url: import.meta.url,
  name: "advise_cost",
  version: 1,
  fields: {
    scheme: { type: "choice", choices: ["cryptonn", "mitig1"] },
    dataset: { type: "choice", choices: TRAINING_DATASETS },
    hidden: { type: "integer", min: 1, max: 4096 },
    batch: { type: "integer", min: 1, max: 10_000 },
    scaleBits: { type: "integer", min: 0, max: 20 },
    epochs: { type: "integer", min: 1, max: 100 },
    share: { type: "real", min: 0.001, max: 1 },
  },
  columns: ["seconds"],
  timings: ["seconds"],
  seedFields: ["dataset", "hidden"],
  timed: true,
  grids: [{
    scheme: ["cryptonn", "mitig1"],
    dataset: ["mnist"],
    hidden: [30, 100, 300],
    batch: [50],
    scaleBits: [10],
    epochs: [10],
    share: [1],
  }],
  prepare: async ({ dataset }) => void await loadTraining(dataset),
  async run({ scheme, dataset, hidden, batch, scaleBits, epochs, share }, { seed }) {
    const { train } = await loadTraining(dataset);
    const { n } = train;
    const samples = Math.floor(train.count * share / batch) * batch;
    const sizes = { n, hidden, classes: train.classes.length };
    const net = initFixedNet(sizes, scalesOf(scaleBits), seededRng(seed));
    const records: StepRecord[] = [];
    await trainFixed(net, firstImages(train, batch), {
      ...{ batch, steps: 1, learningRate: 1, products: fastProducts },
      onStep: (record) => records.push(record),
    });
    const [{ W1, dz1, z1 }] = records;
    const { cores, ...model } = await (models ??= fitModels());
    const size = { n, hidden, samples, batch, epochs };
    if (scheme === "cryptonn") {
      const entries = { W1: some(W1), dz1: some(dz1) };
      const { seconds } = cryptonn.predict(model.cryptonn, { ...size, cores }, entries);
      return { seconds };
    }
    const speed = 1 + (cores - 1) * (model.cryptonn.pool?.efficiency ?? 0);
    const distances = some(z1.map(Math.abs));
    return { seconds: mitig1.predict(model.mitig1, { ...size, speed }, distances).seconds };
  },
});
