/** All that an attacker may read of a training: what its server has had over time.
 *
 * A server that trains holds, for each step, z1 of the batch, the labels, and dz1, which it makes itself. In
 * CryptoNN it also has W1 and decrypts dW1; under the mitigations neither. What every scheme shares is
 *
 *   z1 = W1·(inputScale·x),   W1 ← W1 − rate·dz1ᵀ·(inputScale·X)
 *
 * with pixels x in 0..255; mitig3's codes are no such product, and its view has a rate of null. Every attack on a
 * training takes a `TrainingView` and nothing else of a client: this type is the threat model.
 * @module */
import type { Shape } from "../priors.ts";

/** Numbers in a row-major array. */
export type Numbers = Float32Array | Float64Array;

/** Whose server it is: the scheme under attack, the paper's two mitigations, and ours. */
export const SCHEMES = ["cryptonn", "mitig1", "mitig2", "mitig3"] as const;

/** As {@linkcode SCHEMES}. */
export type Scheme = (typeof SCHEMES)[number];

/** One step: a batch of m samples. */
export interface StepView {
  /** `[m]`, the server's own names of samples: equal names are one sample met again. null where the client takes a
   * new order at each epoch and says nothing: see `relink.ts`. */
  readonly samples: Uint32Array | null;
  /** `[m, units]`, what came of each sample. */
  readonly z1: Numbers;
  /** `[m]`; null where the client keeps them. */
  readonly labels: Uint8Array | null;
  /** `[m, units]`, what went back, not divided by m. */
  readonly dz1: Numbers;
  /** How far W1 moves against dz1ᵀ·(inputScale·X): learning rate / m; null where W1 does not move by plain descent. */
  readonly rate: number | null;
  /** `[units, n]` before the step; CryptoNN only. */
  readonly W1: Numbers | null;
  /** `[units, n]`, dz1ᵀ·(inputScale·X); CryptoNN only. */
  readonly dW1: Numbers | null;
}

/** What a server has of a whole training. */
export interface TrainingView {
  readonly scheme: Scheme;
  /** Numbers of one z1. */
  readonly units: number;
  readonly classes: number;
  /** Of the images: public. n = height·width·channels. */
  readonly shape: Shape;
  /** The first layer's input is pixel · inputScale. */
  readonly inputScale: number;
  readonly steps: readonly StepView[];
}

/** Where a sample was met: the step, and its row in that step's arrays. */
export interface Visit {
  readonly step: number;
  readonly row: number;
}

/** Checks a view; arrays are shared, not copied.
 * @throws {TypeError} arrays that do not fit together, no step. {RangeError} a number that is not finite, a label of no
 * class, a rate or scale that is not positive. */
export function trainingView(view: TrainingView): TrainingView {
  const { units, classes, shape, inputScale, steps } = view;
  const n = shape[0] * shape[1] * shape[2];
  if (!Number.isInteger(units) || units < 1 || !Number.isInteger(n) || n < 1) {
    throw new TypeError(`Cannot build a view: ${units} units for images of shape [${shape}]`);
  }
  if (!(inputScale > 0) || !Number.isFinite(inputScale)) {
    throw new RangeError(`Cannot build a view: inputScale ${inputScale} is not positive`);
  }
  if (steps.length === 0) throw new TypeError("Cannot build a view: there is no step");
  for (const [at, step] of steps.entries()) {
    const m = step.z1.length / units;
    const expected = { z1: m * units, dz1: m * units, W1: units * n, dW1: units * n };
    for (const [name, length] of Object.entries(expected)) {
      const values = step[name as keyof typeof expected];
      if (values === null) continue;
      if (values.length !== length || length === 0 || !Number.isInteger(m)) {
        throw new TypeError(
          `Cannot build a view: ${name} of step ${at} has ${values.length} entries, for ${m} ` +
            `samples of ${units} units`,
        );
      }
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        throw new RangeError(
          `Cannot build a view: ${name}[${bad}] of step ${at} is ${values[bad]}`,
        );
      }
    }
    for (const [name, names] of [["samples", step.samples], ["labels", step.labels]] as const) {
      if (names !== null && names.length !== m) {
        throw new TypeError(
          `Cannot build a view: step ${at} has ${names.length} ${name} for ${m} samples`,
        );
      }
    }
    if (step.labels?.some((label) => label >= classes)) {
      throw new RangeError(`Cannot build a view: a label of step ${at} is not below ${classes}`);
    }
    if (step.rate !== null && !(step.rate > 0 && Number.isFinite(step.rate))) {
      throw new RangeError(`Cannot build a view: the rate of step ${at} is ${step.rate}`);
    }
  }
  return view;
}

/** The visits of each sample, in the order of the steps.
 * @throws {TypeError} a step without names. */
export function visitsOf({ steps }: Pick<TrainingView, "steps">): Map<number, Visit[]> {
  const visits = new Map<number, Visit[]>();
  for (const [step, { samples }] of steps.entries()) {
    if (samples === null) {
      throw new TypeError(`Cannot follow samples: step ${step} does not name them`);
    }
    samples.forEach((name, row) => {
      if (!visits.has(name)) visits.set(name, []);
      visits.get(name)!.push({ step, row });
    });
  }
  return visits;
}

/** What a sample sent at a visit, `[units]`: a part of the view, not a copy. */
export function z1Of({ units, steps }: TrainingView, { step, row }: Visit): Numbers {
  return steps[step].z1.subarray(row * units, (row + 1) * units);
}
