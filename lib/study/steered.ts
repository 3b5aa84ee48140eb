/** A training whose server steers: the real parties, and what the server keeps of it.
 * @module */
import type { Steering } from "../attack/training/steer.ts";
import { type TrainingView, trainingView } from "../attack/training/view.ts";
import type { SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { learningRateAt, type Setting, stepsPerEpoch } from "../nn/optimizer.ts";
import { type ClientModel, type EpochReport, train } from "../protocol/mitig2/client.ts";
import type { Guard } from "../protocol/mitig2/guard.ts";
import { type Seen, serve } from "../protocol/mitig2/server.ts";
import { serverSeed } from "./mitig2.ts";

/** What the two parties did. */
export interface Steered {
  /** The kept samples only, at all of their visits. */
  readonly view: TrainingView;
  /** What the client was told after each epoch. */
  readonly reports: readonly EpochReport[];
  readonly model: ClientModel;
}

/** How they are run. */
export interface SteeredOptions {
  /** Without shuffling, so that the server knows its samples; `relink.ts` finds them where it does. */
  readonly setting: Setting;
  readonly hidden: number;
  readonly guard?: Guard;
  readonly seed: number;
  /** Samples that the server writes down: all of them would be gigabytes. */
  readonly keep: Iterable<number>;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (report: EpochReport) => void;
}

/** Trains a client of MITIG2 with a server that steers, or with an honest one where `steering` is null.
 * @throws as `train`. */
export async function trainSteered(
  data: SplitDataset,
  steering: Steering | null,
  { setting, hidden, guard = {}, seed, keep, signal, onEpoch }: SteeredOptions,
): Promise<Steered> {
  const { count, shape, classes } = data.train;
  const perEpoch = stepsPerEpoch(count, setting);
  const kept = new Set(keep);
  const steps: TrainingView["steps"][number][] = [];
  let [step, at] = [-1, 0]; // where the next part of the batch begins
  const namesOf = (seen: Seen) => {
    if (seen.step !== step) [step, at] = [seen.step, 0];
    const from = step % perEpoch * setting.batch + at;
    return Uint32Array.from({ length: seen.z1.length / hidden }, (_, row) => from + row);
  };
  const rateAt = (step: number) => {
    const batch = Math.min(setting.batch, count - step % perEpoch * setting.batch);
    return learningRateAt(setting, step, perEpoch * setting.epochs) / batch;
  };
  const observe = (seen: Seen) => {
    const names = namesOf(seen);
    at += names.length;
    const rows = [...names.keys()].filter((row) => kept.has(names[row]));
    if (rows.length === 0) return;
    const pick = (values: Float32Array) => {
      const out = new Float32Array(rows.length * hidden);
      rows.forEach((row, k) =>
        out.set(values.subarray(row * hidden, (row + 1) * hidden), k * hidden)
      );
      return out;
    };
    steps.push({
      samples: Uint32Array.from(rows, (row) => names[row]),
      labels: Uint8Array.from(rows, (row) => seen.labels![row]),
      ...{ z1: pick(seen.z1), dz1: pick(seen.dz1), W1: null, dW1: null },
      rate: rateAt(step),
    });
  };
  const steer = steering === null ? undefined : (seen: Seen) => {
    const { z1, labels, dz1 } = seen;
    return steering({ samples: namesOf(seen), z1, labels, dz1, rate: rateAt(seen.step) });
  };
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(serverSeed(seed)), observe, steer });
  const reports: EpochReport[] = [];
  const model = await train(ours, data, {
    ...{ setting, hidden, signal, ...guard, rng: seededRng(seed) },
    onEpoch: (report) => {
      reports.push(report);
      onEpoch?.(report);
    },
  });
  ours.close();
  await ended;
  const view = trainingView({
    ...{ scheme: "mitig2", units: hidden, classes: classes.length, shape, steps },
    inputScale: setting.pixelScale,
  });
  return { view, reports, model };
}
