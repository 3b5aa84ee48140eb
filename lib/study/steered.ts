/** A training whose server steers: the real parties of MITIG2 and MITIG3, and what the server keeps of it.
 *
 * The server is taken to know which sample is which at every visit. MITIG2 without shuffling tells it, and with
 * shuffling `relink.ts` finds out; MITIG3 does not tell, so there it is more than a server has.
 * @module */
import type { Steering } from "../attack/training/steer.ts";
import { type StepView, type TrainingView, trainingView } from "../attack/training/view.ts";
import type { SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { learningRateAt, type Setting, stepsPerEpoch } from "../nn/optimizer.ts";
import { epochOrder, ORDER_KEY_BYTES } from "../nn/train.ts";
import { type EpochReport, train } from "../protocol/mitig2/client.ts";
import type { Guard } from "../protocol/mitig2/guard.ts";
import { serve } from "../protocol/mitig2/server.ts";
import { train as trainNarrow } from "../protocol/mitig3/client.ts";
import { secretsOf } from "../protocol/mitig3/secrets.ts";
import { serve as serveNarrow } from "../protocol/mitig3/server.ts";
import { NARROW, type NarrowSetting } from "../protocol/mitig3/terms.ts";
import { serverSeed } from "./mitig2.ts";

/** What the two parties did. */
export interface Steered {
  /** The kept samples only, at all of their visits. */
  readonly view: TrainingView;
  /** What the client was told after each epoch. */
  readonly reports: readonly EpochReport[];
  /** Norms of dz as sent, of all samples: the largest, and the share above 1. */
  readonly longest: number;
  readonly above1: number;
}

/** How they are run. */
export interface SteeredOptions {
  readonly hidden: number;
  readonly seed: number;
  /** Samples that the server writes down: all of them would be gigabytes. */
  readonly keep: Iterable<number>;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (report: EpochReport) => void;
}

/** What a server of either scheme sees of a part of a batch. */
interface Part {
  readonly step: number;
  readonly z: Float32Array;
  readonly labels: Uint8Array | null;
  readonly dz: Float32Array;
}

/** Names the samples of each part, and writes down those that are kept. */
class Notes {
  readonly steps: StepView[] = [];
  longest = 0;
  #above = 0;
  #rows = 0;
  #step = -1;
  /** Samples of the batch that came before the part, and those of it. */
  #before = 0;
  #now = 0;

  constructor(
    private readonly how: {
      readonly batch: number;
      readonly count: number;
      readonly units: number;
      readonly kept: ReadonlySet<number>;
      readonly orderOf: (epoch: number) => Uint32Array | null;
      readonly rateAt: (step: number, images: number) => number | null;
      readonly steering: Steering | null;
    },
  ) {}

  #order: { epoch: number; names: Uint32Array | null } = { epoch: -1, names: null };

  /** A new part arrives: its samples and the rate of its step. */
  #arrive({ step, z }: Part): { samples: Uint32Array; rate: number | null } {
    const { batch, count, units, orderOf, rateAt } = this.how;
    const perEpoch = Math.ceil(count / batch);
    const [epoch, within] = [Math.floor(step / perEpoch), step % perEpoch];
    if (this.#order.epoch !== epoch) this.#order = { epoch, names: orderOf(epoch) };
    this.#before = step === this.#step ? this.#before + this.#now : 0;
    [this.#step, this.#now] = [step, z.length / units];
    const from = within * batch + this.#before;
    const { names } = this.#order;
    return {
      samples: Uint32Array.from({ length: this.#now }, (_, i) => names?.[from + i] ?? from + i),
      rate: rateAt(step, Math.min(batch, count - within * batch)),
    };
  }

  /** What goes back for a part, which is written down. */
  answer(part: Part): Float32Array {
    const { units, kept, steering } = this.how;
    const { samples, rate } = this.#arrive(part);
    const { z: z1, labels } = part;
    const dz1 = steering?.({ samples, z1, labels, dz1: part.dz, rate }) ?? part.dz;
    for (let at = 0; at < dz1.length; at += units) {
      let squares = 0;
      for (let u = at; u < at + units; u++) squares += dz1[u] ** 2;
      const norm = Math.sqrt(squares);
      this.longest = Math.max(this.longest, norm);
      if (norm > 1) this.#above++;
      this.#rows++;
    }
    const rows = [...samples.keys()].filter((row) => kept.has(samples[row]));
    const pick = (values: Float32Array) => {
      const out = new Float32Array(rows.length * units);
      rows.forEach((row, k) => out.set(values.subarray(row * units, (row + 1) * units), k * units));
      return out;
    };
    if (rows.length > 0) {
      this.steps.push({
        samples: Uint32Array.from(rows, (row) => samples[row]),
        labels: labels && Uint8Array.from(rows, (row) => labels[row]),
        ...{ z1: pick(z1), dz1: pick(dz1), rate, W1: null, dW1: null },
      });
    }
    return dz1;
  }

  get above1(): number {
    return this.#above / this.#rows;
  }
}

/** Trains a client of MITIG2 with a server that steers, or with an honest one where `steering` is null.
 * @throws as `train`. */
export async function steerMitig2(
  data: SplitDataset,
  steering: Steering | null,
  { setting, hidden, guard = {}, seed, keep, signal, onEpoch }: SteeredOptions & {
    /** Without shuffling. */
    readonly setting: Setting;
    readonly guard?: Guard;
  },
): Promise<Steered> {
  const { count, shape, classes } = data.train;
  const steps = stepsPerEpoch(count, setting) * setting.epochs;
  const notes = new Notes({
    ...{ batch: setting.batch, count, units: hidden, kept: new Set(keep), steering },
    orderOf: () => null,
    rateAt: (step, images) => learningRateAt(setting, step, steps) / images,
  });
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, {
    rng: seededRng(serverSeed(seed)),
    steer: ({ step, z1, labels, dz1 }) => notes.answer({ step, z: z1, labels, dz: dz1 }),
  });
  const reports: EpochReport[] = [];
  await train(ours, data, {
    ...{ setting, hidden, signal, ...guard, rng: seededRng(seed) },
    onEpoch: (report) => {
      reports.push(report);
      onEpoch?.(report);
    },
  });
  ours.close();
  await ended;
  const { longest, above1 } = notes;
  const view = trainingView({
    ...{ scheme: "mitig2", units: hidden, classes: classes.length, shape, steps: notes.steps },
    inputScale: setting.pixelScale,
  });
  return { view, reports, longest, above1 };
}

/** The same with a client of MITIG3, whose orders the server is told. @throws as MITIG3's `train`. */
export async function steerMitig3(
  data: SplitDataset,
  steering: Steering | null,
  { setting = NARROW, hidden, sigma, seed, keep, signal, onEpoch }: SteeredOptions & {
    readonly setting?: NarrowSetting;
    readonly sigma?: number;
  },
): Promise<Steered> {
  const { count, shape, classes } = data.train;
  const width = classes.length;
  const secrets = secretsOf(seed);
  const notes = new Notes({
    ...{ batch: setting.batch, count, units: width, kept: new Set(keep), steering },
    orderOf: (epoch) => epochOrder(count, secrets.visit(epoch).bytes(ORDER_KEY_BYTES), epoch),
    rateAt: () => null,
  });
  const [ours, theirs] = inProcess();
  const ended = serveNarrow(theirs, {
    rng: seededRng(serverSeed(seed)),
    steer: (part) => notes.answer(part),
  });
  const reports: EpochReport[] = [];
  await trainNarrow(ours, data, {
    ...{ setting, units: hidden, width, sigma, insecureSeed: seed, signal },
    onEpoch: (report) => {
      reports.push(report);
      onEpoch?.(report);
    },
  });
  ours.close();
  await ended;
  const { longest, above1 } = notes;
  const view = trainingView({
    ...{ scheme: "mitig3", units: width, classes: classes.length, shape, steps: notes.steps },
    inputScale: setting.pixelScale,
  });
  return { view, reports, longest, above1 };
}
