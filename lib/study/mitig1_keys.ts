/** MITIG1's master keys at work: what a server that keeps keys and ciphertexts opens, under one master key and under one
 * for each batch, and what these cost.
 *
 * `runCurious` and `openAll` work on the real parties' bytes; `clearSpan` gives the same integers without encryption,
 * which `sameOpened` checks.
 * @module */
import { type SpanView, spanView } from "../attack/training/span_view.ts";
import { type TrainingView } from "../attack/training/view.ts";
import type { Dataset } from "../data/dataset.ts";
import * as fhipe from "../fe/fhipe.ts";
import { DlogNotFoundError } from "../fe/params.ts";
import { startPairing } from "../math/pairing/group.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { durationText } from "../plot/theme.ts";
import { DEFAULT_SCALES, type Scales } from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import { crossOpen } from "../protocol/mitig1/cross_open.ts";
import { type KeysPer, MasterKeys } from "../protocol/mitig1/master_keys.ts";
import type { Seen } from "../protocol/mitig1/server.ts";
import { paramsOf } from "../protocol/mitig1/terms.ts";
import { mitig1View } from "../protocol/training_views.ts";
import { drawNet, type Mitig1Run, runEncrypted, type Training } from "./mitig1.ts";
import { bytesText } from "./transcripts.ts";

/** A training with a server that keeps what it gets. */
export interface CuriousRun {
  readonly run: Mitig1Run;
  readonly keysPer: KeysPer;
  readonly seen: readonly Seen[];
  readonly ciphertexts: readonly Uint8Array[];
  readonly view: TrainingView;
}

/** Trains both parties over ciphertexts; the server keeps keys and ciphertexts. @throws as `runEncrypted`. */
export async function runCurious(
  images: Dataset,
  training: Training & { readonly keysPer: KeysPer; readonly workers?: number },
): Promise<CuriousRun> {
  const [seen, ciphertexts]: [Seen[], Uint8Array[]] = [[], []];
  const run = await runEncrypted(images, {
    ...{
      ...training,
      fresh: { ...images, x: images.x.slice(0, images.n), y: images.y.slice(0, 1) },
    },
    observe: (step) => seen.push(step),
    observeSamples: (more) => ciphertexts.push(...more),
  });
  const { scales = DEFAULT_SCALES, learningRate, keysPer } = training;
  return {
    run,
    keysPer,
    seen,
    ciphertexts,
    view: mitig1View(seen, images, { scales, learningRate }),
  };
}

/** All that the keys of a curious run open: its view with `opened`. @throws as `crossOpen`. */
export async function openAll(
  { seen, ciphertexts, view }: CuriousRun,
  images: Dataset,
  options: Partial<On> & { readonly workers?: number; readonly scales?: Scales } = {},
): Promise<SpanView> {
  const { workers = navigator.hardwareConcurrency, scales = DEFAULT_SCALES, ...on } = options;
  const keys = seen.map((step) => step.keys);
  const terms = { n: images.n, scales };
  return spanView(view, await crossOpen(terms, { ...{ ciphertexts, keys, workers }, ...on }));
}

/** The same view from the training in the clear: W1(t)·x of every step and sample, in the same integers. */
export async function clearSpan(images: Dataset, training: Training): Promise<SpanView> {
  const { batch, epochs, hidden, learningRate, scales = DEFAULT_SCALES } = training;
  const { n, count, x, y } = images;
  const seen: Omit<Seen, "keys" | "head">[] = [];
  const opened: number[] = [];
  const steps = epochs * count / batch;
  await trainFixed(drawNet(images, training), images, {
    ...{ ...training, steps },
    onStep: ({ W1, z1, dz1 }) => {
      const from = seen.length * batch % count;
      seen.push({ step: seen.length, from, z1, dz1, labels: y.slice(from, from + batch) });
      for (let unit = 0; unit < hidden; unit++) {
        for (let i = 0; i < count; i++) {
          let sum = 0;
          for (let p = 0; p < n; p++) sum += W1[unit * n + p] * x[i * n + p];
          opened.push(sum);
        }
      }
    },
  });
  const view = mitig1View(seen as Seen[], images, { scales, learningRate });
  return spanView(view, Float64Array.from(opened));
}

/** Whether what was opened is W1(t)·x of the training in the clear, integer by integer, as far as it was opened. */
export const sameOpened = (real: SpanView, clear: SpanView): boolean =>
  real.opened.length > 0 && real.opened.every((value, at) => value === clear.opened[at]);

/** Of pairs of a key and a sample outside the key's batch: how many open. @param pairs how many to try. */
export async function opensOutside(
  { seen, ciphertexts }: Pick<CuriousRun, "seen" | "ciphertexts">,
  pairs: number,
): Promise<number> {
  const group = await startPairing();
  let opened = 0;
  for (let k = 0; k < pairs; k++) {
    const { from, labels, keys } = seen[k % seen.length];
    const others = ciphertexts.length - labels.length;
    if (others === 0) throw new RangeError("Cannot try pairs: one batch is all of the training");
    const sample = (from + labels.length + k % others) % ciphertexts.length;
    try {
      fhipe.decrypt(
        fhipe.decodeFunctionalKey(group, keys[k % keys.length]),
        fhipe.decodeCiphertext(group, ciphertexts[sample]),
      );
      opened++;
    } catch (error) {
      if (!(error instanceof DlogNotFoundError)) throw error;
    }
  }
  return opened;
}

/** What the two ways to share master keys cost, and what fresh ciphertexts at each step would.
 * @param runs of one epoch.   @param options.epochs that bytes are for: keys go up in each, ciphertexts once.
 * @param options.large pixels at which one set-up is timed too. */
export async function costTable(
  runs: readonly CuriousRun[],
  { epochs, batch, large = 784 }: {
    readonly epochs: number;
    readonly batch: number;
    readonly large?: number;
  },
): Promise<Table> {
  const costs = runs.map(({ run, keysPer, seen }) => {
    const { steps, bytes, sampleBytes } = run.cost;
    const [setup, step] = [steps.setup / seen.length, run.seconds / seen.length];
    return { keysPer, setup, step, steps, keyBytes: bytes - sampleBytes, sampleBytes };
  });
  const row = (name: string, setup: number, step: number, bytes: number) => [
    ...[name, durationText(setup, 2), durationText(step, 2), bytesText(bytes)],
  ];
  const { steps, setup, step, keyBytes, sampleBytes } = costs.at(-1)!;
  const again = batch * (steps.encrypt + steps.store) * (1 - 1 / epochs); // seconds a step
  const group = await startPairing();
  const keys = new MasterKeys(paramsOf({ n: large, scales: DEFAULT_SCALES }, group), "batch");
  const start = performance.now();
  keys.ofBatch(0);
  const largeSetup = (performance.now() - start) / 1000;
  return table({
    title: `Master keys, bytes over ${epochs} epochs; one set-up at ${large} pixels takes ` +
      durationText(largeSetup, 2),
    columns: ["protocol", "set-up a step", "time a step", "bytes to the server"],
    rows: [
      ...costs.map((of) =>
        row(
          of.keysPer === "batch" ? "a master key for each batch" : "one master key (paper)",
          of.setup,
          of.step,
          of.sampleBytes + epochs * of.keyBytes,
        )
      ),
      row(
        "fresh ciphertexts each step (computed)",
        setup,
        step + again,
        epochs * (sampleBytes + keyBytes),
      ),
    ],
  });
}
