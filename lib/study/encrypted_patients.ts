/** Notebook 07: the patients' linear model trained on ciphertexts of quadratic encryption, by a key authority, an
 * aggregator and parties that each have some columns, beside the same training in the clear.
 * @module */
import { columnsOf } from "../fe/qfe_batch.ts";
import type { Transcript } from "../net/transcript.ts";
import { batchSizes, type GradientStep, rightSides } from "../nn/linear.ts";
import { LABEL, type LinearSamples } from "../nn/linear_samples.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { trainEncrypted } from "../protocol/sfedv/in_process.ts";
import type { LinearTerms } from "../protocol/sfedv/linear.ts";
import { wilson } from "../sweep/summary.ts";
import { PatientRun, PATIENTS, type Patients, trainPatients } from "./patients.ts";
import { bytesText, sequenceOf } from "./transcripts.ts";

/** The terms under which patients are trained on. */
export function patientTerms({ n, count, bound }: LinearSamples, epochs: number): LinearTerms {
  const { batch, rate, scaleBits, weightBits } = PATIENTS;
  return {
    ...{ n, count, batch, epochs, learningRate: rate, featureBits: scaleBits, weightBits },
    ...{ boundX: bound, boundY: LABEL * 2 ** scaleBits },
  };
}

/** The rows u of samples. */
export function rowsOfSamples({ n, u, count }: LinearSamples): Int32Array[] {
  const m = columnsOf(n);
  return Array.from({ length: count }, (_, i) => u.subarray(i * m, (i + 1) * m));
}

/** Trains on ciphertexts, and again in the clear.
 * @param options.starts where each party's columns begin: two hospitals by default, the second with the labels.
 * @param options.workers threads of the aggregator; 0 is this one.
 * @throws as `trainEncrypted`; the signal's reason when aborted. */
export async function encryptedPatients(
  patients: Patients,
  { epochs, starts = [0, 15], workers = navigator.hardwareConcurrency, signal, onProgress }:
    & Partial<On>
    & { epochs: number; starts?: readonly number[]; workers?: number },
): Promise<EncryptedPatients> {
  const { train, test } = patients;
  const batches = batchSizes(train.count, PATIENTS.batch).length;
  const started = performance.now();
  const steps: GradientStep[] = [];
  let first = NaN;
  const { weights, transcript } = await trainEncrypted(
    patientTerms(train, epochs),
    rowsOfSamples(train),
    {
      ...{ starts, workers, signal },
      onStep(step, total, c, gradient) {
        if (step === 0) first = performance.now();
        const [epoch, batch] = [Math.floor(step / batches), step % batches];
        steps.push({ epoch, batch, c, gradient });
        onProgress?.(step + 1, total);
      },
    },
  );
  const ended = performance.now();
  const accuracy = wilson(rightSides(weights, test), test.count);
  return new EncryptedPatients(
    new PatientRun(weights, steps, train, PATIENTS.batch, accuracy, ended - started),
    await trainPatients(patients, { epochs, signal }),
    transcript,
    (ended - first) / 1000 / Math.max(1, steps.length - 1),
  );
}

/** A training on ciphertexts, and its clear twin. */
export class EncryptedPatients {
  constructor(
    readonly encrypted: PatientRun,
    readonly clear: PatientRun,
    readonly transcript: Transcript,
    /** Seconds from a step to the next: the authority's keys, and the aggregator's gradient over its threads. */
    readonly stepSeconds: number,
  ) {}

  /** Whether each gradient that was decrypted, and the weights, are those of the clear run, bit for bit. */
  get equal(): boolean {
    const same = (one: ArrayLike<number>, other: ArrayLike<number>) =>
      one.length === other.length &&
      Array.from(one).every((value, i) => Object.is(value, other[i]));
    const { steps } = this.clear;
    return same(this.encrypted.weights, this.clear.weights) &&
      this.encrypted.steps.length === steps.length &&
      this.encrypted.steps.every(({ gradient }, t) => same(gradient, steps[t].gradient));
  }

  /** Seconds, keys and encryption included. */
  get seconds(): number {
    return this.encrypted.elapsedMs / 1000;
  }

  /** Bytes a patient is sent as, once. */
  get bytesAPatient(): number {
    const sent = this.transcript.traffic.filter(({ from, to, what }) =>
      from === "client" && to === "server" && what === "columns"
    );
    return sent.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / this.clear.samples.count;
  }

  /** One row: what ran, and how it compares. */
  table(title: string): Table {
    const { steps, accuracy } = this.encrypted;
    const right = ({ successes, n }: PatientRun["accuracy"]) => `${successes} of ${n}`;
    return table({
      title,
      columns: ["steps", "test patients right", "in the clear", "s", "s a step", "a patient, once"],
      rows: [[
        ...[steps.length, right(accuracy), right(this.clear.accuracy), this.seconds.toFixed(1)],
        ...[this.stepSeconds.toFixed(2), bytesText(this.bytesAPatient)],
      ]],
    });
  }

  /** Who sends what. */
  sequence(name: string): Figure {
    return sequenceOf(this.transcript, {
      ...{ name, roles: ["authority", "client", "server"] },
      title: "Training under quadratic encryption",
      alt:
        "Each party gets the secrets of its columns and sends them encrypted, once; from then on the " +
        "aggregator asks the authority for keys of its model and decrypts a gradient, step after step.",
      steps: [
        ["authority → client", "secrets", "secrets of a party's columns of a batch"],
        ["client", "encrypt columns of a batch", "encrypt columns of a batch"],
        ["client → server", "columns", "columns of a batch, encrypted"],
        {
          each: "each step",
          steps: [
            ["server → authority", "gradient", "the model, a batch"],
            ["authority → server", "keys", "keys of that gradient"],
            ["server", "decrypt a gradient", "decrypt it, take a step"],
          ],
        },
        ["server → client", "weights", "weights"],
      ],
    });
  }
}
