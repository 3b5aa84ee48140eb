/** Sweep `advise_cost`: seconds that an encrypted training would take on this machine, predicted.
 *
 * `protocol/cost.ts` is fitted once per process to single operations, and a run is a matter of counting. Entries of
 * W1 and dz1 and the sizes of z1 are those of a first step on real images in the clear. MITIG1's search for z1 is counted from 0, not from the epoch before, which makes it a
 * little too dear. Decryption is spread over all cores.
 * @module */
import { firstImages } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { type CostModel, fitCost, predictCost } from "../protocol/cost.ts";
import { initFixedNet } from "../protocol/fixed_net.ts";
import { type StepRecord, trainFixed } from "../protocol/fixed_train.ts";
import { defineSweep } from "./grid.ts";
import { loadTraining, scalesOf, TRAINING_DATASETS } from "./training.ts";

/** Enough entries for a mean. */
const ENTRIES = 4096;
const cores = navigator.hardwareConcurrency;

let models: Promise<Record<"cryptonn" | "mitig1", CostModel>> | undefined;

/** Measures this machine, some ten seconds. MITIG1's Workers are taken to bring as much as CryptoNN's. */
async function fitModels() {
  const cryptonn = await fitCost("cryptonn", { cores });
  const mitig1 = await fitCost("mitig1");
  return {
    cryptonn,
    mitig1: { ...mitig1, pool: cryptonn.pool && { ...cryptonn.pool, startSeconds: 0 } },
  };
}

/** Some of many values, evenly. */
function some(values: ArrayLike<number>): number[] {
  const step = Math.max(1, Math.floor(values.length / ENTRIES));
  return Array.from({ length: Math.floor(values.length / step) }, (_, k) => values[k * step]);
}

/** Predicted seconds of encrypted trainings. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "advise_cost",
  version: 2,
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
      ...{ batch, steps: 1, learningRate: 1 },
      onStep: (record) => records.push(record),
    });
    const [{ W1, dz1, z1 }] = records;
    const model = (await (models ??= fitModels()))[scheme];
    const entries = { W1: some(W1), dz1: some(dz1), distances: some(z1.map(Math.abs)) };
    const { seconds } = predictCost(model, { n, hidden, samples, batch, epochs, cores }, entries);
    return { seconds };
  },
});
