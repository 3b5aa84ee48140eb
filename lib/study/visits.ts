/** Visits of a real MITIG2 training as its server has them, and beside them, for judging alone, which image each row is.
 * @module */
import type { TrainingView } from "../attack/training/view.ts";
import { type Dataset, firstImages } from "../data/dataset.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { initialW1 } from "../nn/mlp.ts";
import { DESCENT, type Setting, stepsPerEpoch } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES } from "../nn/train.ts";
import { train } from "../protocol/mitig2/client.ts";
import { type Seen, serve } from "../protocol/mitig2/server.ts";
import { train as trainNarrow } from "../protocol/mitig3/client.ts";
import { secretsOf } from "../protocol/mitig3/secrets.ts";
import { type Seen as NarrowSeen, serve as serveNarrow } from "../protocol/mitig3/server.ts";
import type { NarrowSetting } from "../protocol/mitig3/terms.ts";
import { mitig2View, mitig3View } from "../protocol/training_views.ts";
import { serverSeed } from "./mitig2.ts";

/** A first layer that stays as drawn: a rate at which W1 moves by less than float32 rounds. */
export const FROZEN: Setting = { ...DESCENT, epochs: 1, learningRate: 1e-9 };

/** One epoch at the server. */
export interface RecordedVisit {
  /** Counted from 1. */
  readonly visit: number;
  /** The steps of this epoch. */
  readonly view: TrainingView;
  /** The image of each row through the steps; the server does not have it. */
  readonly order: Uint32Array;
}

/** Trains client and server of MITIG2 over a connection in this process and keeps the epochs asked for.
 * @param visits counted from 1, rising.   @throws as `train`. */
export async function recordVisits(
  data: Dataset,
  { setting, hidden, seed, visits, signal, onEpoch }: {
    setting: Setting;
    hidden: number;
    seed: number;
    visits: readonly number[];
    signal?: AbortSignal;
    onEpoch?: () => void;
  },
): Promise<RecordedVisit[]> {
  const { count, n, classes } = data;
  const perEpoch = stepsPerEpoch(count, setting);
  const epochOf = (step: number) => Math.floor(step / perEpoch);
  const seen: Seen[] = [];
  const [ours, theirs] = inProcess();
  const observe = (part: Seen) => {
    if (visits.includes(epochOf(part.step) + 1)) seen.push(part);
  };
  const served = serve(theirs, { rng: seededRng(serverSeed(seed)), observe });
  await train(ours, { train: data, test: firstImages(data, 1) }, {
    ...{ setting, hidden, signal, rng: seededRng(seed) },
    onEpoch: () => onEpoch?.(),
  });
  ours.close();
  await served;
  const view = mitig2View(seen, data, { hidden, count, setting });
  const rng = seededRng(seed); // the client's draws once more: W1, then the key of the orders
  initialW1({ n, hidden, classes: classes.length }, setting.initial, rng);
  const key = rng.bytes(ORDER_KEY_BYTES);
  return visits.map((visit, k) => {
    const steps = view.steps.slice(k * perEpoch, (k + 1) * perEpoch)
      .map((step) => ({ ...step, samples: null }));
    const order = epochOrder(count, setting.shuffle ? key : undefined, visit - 1);
    const labels = steps.flatMap(({ labels }) => [...labels!]);
    if (labels.some((label, row) => label !== data.y[order[row]])) {
      throw new Error(`Cannot judge visit ${visit}: the client's order is another`);
    }
    return { visit, view: { ...view, steps }, order };
  });
}

/** The same of mitig3: client and server over a connection in this process.
 * @param options.hidden units of the client.   @throws as `train` of mitig3. */
export async function recordNarrowVisits(
  data: Dataset,
  { setting, hidden, seed, sigma, visits, signal, onEpoch }: {
    setting: NarrowSetting;
    hidden: number;
    seed: number;
    sigma: number;
    visits: readonly number[];
    signal?: AbortSignal;
    onEpoch?: () => void;
  },
): Promise<RecordedVisit[]> {
  const { count, classes: { length: width } } = data;
  const perEpoch = stepsPerEpoch(count, setting);
  const seen: NarrowSeen[] = [];
  const [ours, theirs] = inProcess();
  const served = serveNarrow(theirs, {
    rng: seededRng(serverSeed(seed)),
    observe: (part) => seen.push(part),
  });
  await trainNarrow(ours, { train: data, test: firstImages(data, 1) }, {
    ...{ setting, sigma, units: hidden, insecureSeed: seed, signal },
    onEpoch: () => onEpoch?.(),
  });
  ours.close();
  await served;
  const view = mitig3View(seen, data, { width });
  const secrets = secretsOf(seed);
  return visits.map((visit) => ({
    visit,
    view: { ...view, steps: view.steps.slice((visit - 1) * perEpoch, visit * perEpoch) },
    order: epochOrder(count, secrets.visit(visit - 1).bytes(ORDER_KEY_BYTES), visit - 1),
  }));
}

/** The view with N(0, deviation²) added to each number of z1, as a client would that hides behind noise. */
export function withNoise(
  view: TrainingView,
  deviation: number,
  insecureSeed: number,
): TrainingView {
  if (deviation === 0) return view;
  const rng = seededRng(insecureSeed);
  const steps = view.steps.map((step) => {
    const noise = gaussian(rng, step.z1.length);
    return { ...step, z1: step.z1.map((value, at) => value + deviation * noise[at]) };
  });
  return { ...view, steps };
}
