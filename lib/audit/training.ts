/** A training made to be attacked, by the parties themselves where they work in the clear (MITIG2, mitig3), and in the same
 * integers, **group operations omitted**, where they encrypt (CryptoNN, MITIG1; the parties reproduce them bit for bit).
 *
 * It begins at random weights, as trainings do. All train by plain descent in the data's order, as the paper's authors do,
 * which is what a server follows best; but mitig3, which has an order and a rule of its own.
 * @module */
import type { TrainingView } from "../attack/training/view.ts";
import { accuracyOf, type Dataset, dataset, type SplitDataset } from "../data/dataset.ts";
import { watchMitig3 } from "../defences/mitig3.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { DESCENT } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { DEFAULT_SCALES, fixedClasses, initFixedNet } from "../protocol/fixed_net.ts";
import { type StepRecord, trainFixed } from "../protocol/fixed_train.ts";
import { train as trainClient } from "../protocol/mitig2/client.ts";
import { type Seen, serve } from "../protocol/mitig2/server.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";
import { cryptonnView, mitig2View } from "../protocol/training_views.ts";
import type { Scheme } from "../attack/training/view.ts";

/** What is trained. */
export interface FreshRun extends Partial<On> {
  readonly scheme: Scheme;
  /** Units of the first layer. */
  readonly hidden: number;
  readonly epochs: number;
  /** `insecureSeed` of the client; the server has another. */
  readonly seed: number;
  /** Of mitig3. */
  readonly sigma: number;
  /** Called with each step of a fixed-point training, CryptoNN's or MITIG1's. */
  readonly onStep?: (record: StepRecord) => void;
}

/** A training, and what its server has of it. */
export interface FreshTraining {
  /** As the server has it, but that samples go by their places in the training set: CryptoNN, MITIG1 and MITIG2 keep
   * the order here, so that their servers know as much; for mitig3 the names are the truth, which its server lacks. */
  readonly view: TrainingView;
  /** Of the test samples, in [0, 1]. */
  readonly accuracy: number;
  /** In the clear, one thread. */
  readonly secondsPerEpoch: number;
}

/** Of the fixed-point trainings; batches are smaller where there are fewer samples. */
const FIXED = { batch: 50, learningRate: 1, scales: DEFAULT_SCALES };

/** The server's seed: never the client's, which is W1. */
const serverSeed = (seed: number) => (seed + 100) % Number.MAX_SAFE_INTEGER;

/** Whole batches of a training set. */
function wholeBatches(train: Dataset, batch: number): Dataset {
  const count = train.count - train.count % batch;
  const [x, y] = [train.x.subarray(0, count * train.n), train.y.subarray(0, count)];
  return count === train.count ? train : dataset({ ...train, x, y });
}

/** Trains under a scheme. CryptoNN and MITIG1 take whole batches of at most 50: the last samples may be left out.
 * @throws as the trainings; the signal's reason when aborted. */
export async function freshTraining(
  { train: all, test }: SplitDataset,
  { scheme, hidden, epochs, seed, sigma, onStep, signal, onProgress }: FreshRun,
): Promise<FreshTraining> {
  const { n, count: of, shape, classes: { length: classes } } = all;
  const started = performance.now();
  const perEpoch = () => (performance.now() - started) / 1000 / epochs;
  if (scheme === "cryptonn" || scheme === "mitig1") {
    const { learningRate, scales } = FIXED;
    const batch = Math.min(FIXED.batch, of);
    const train = wholeBatches(all, batch);
    const steps = epochs * train.count / batch;
    const records: StepRecord[] = [];
    const server = scheme === "mitig1" ? seededRng(serverSeed(seed)) : undefined;
    const start = initFixedNet({ n, hidden, classes }, scales, seededRng(seed), server);
    const { net } = await trainFixed(start, train, {
      ...{ batch, learningRate, steps, signal, onProgress },
      onStep(record) {
        records.push(record);
        onStep?.(record);
      },
    });
    const secondsPerEpoch = perEpoch();
    const terms = { scales, learningRate, count: train.count, labels: train.y };
    const view = cryptonnView(records, train, terms);
    const hide = (step: TrainingView["steps"][number]) => ({ ...step, W1: null, dW1: null });
    return {
      view: scheme === "cryptonn" ? view : { ...view, scheme, steps: view.steps.map(hide) },
      ...{ accuracy: accuracyOf(fixedClasses(net, test.x), test.y), secondsPerEpoch },
    };
  }
  if (scheme === "mitig3") {
    const seeds = { client: seed, server: serverSeed(seed) };
    const setting = { ...NARROW, batch: Math.min(NARROW.batch, of), epochs };
    const options = { seeds, watched: all.y.keys(), sigma, setting, hidden, signal, onProgress };
    return await watchMitig3({ train: all, test }, options);
  }
  const seen: Seen[] = [];
  const [ours, theirs] = inProcess();
  const rng = seededRng(serverSeed(seed));
  const served = serve(theirs, { rng, observe: (one) => seen.push(one) });
  const setting = { ...DESCENT, batch: Math.min(DESCENT.batch, of), epochs, shuffle: false };
  const { predictions } = await trainClient(ours, { train: all, test }, {
    ...{ setting, hidden, rng: seededRng(seed), signal },
    onEpoch: ({ epoch }) => onProgress?.(epoch, epochs),
  });
  ours.close();
  await served;
  const secondsPerEpoch = perEpoch();
  return {
    view: mitig2View(seen, { shape, classes: all.classes }, { hidden, count: of, setting }),
    ...{ accuracy: accuracyOf(predictions, test.y), secondsPerEpoch },
  };
}
