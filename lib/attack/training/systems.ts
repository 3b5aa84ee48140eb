/** The linear equations that a training's gradients are, put together from the steps that share samples.
 * @module */
import { PIXEL_RANGE } from "../view.ts";
import { type Numbers, type StepView, type TrainingView, visitsOf } from "./view.ts";

/** Equations D·X = C over images that no other system concerns. */
export interface System {
  /** `[rows, unknowns]`: dz1 of a unit and step, over the unknowns. */
  readonly D: Float64Array;
  /** `[rows, n]`, dW1/inputScale: D·X for pixels in 0..255. */
  readonly C: Float64Array;
  readonly n: number;
  /** The samples of each unknown: one, or several that are one image by all that is seen of them. */
  readonly unknowns: readonly (readonly number[])[];
  /** Samples whose dz1 is 0 at each visit. */
  readonly dead: readonly number[];
  /** Those of `unknowns` with several samples. */
  readonly twins: readonly (readonly number[])[];
  /** X·Aᵀ = b for pixels in [0, 1]: the rows of W1 that all unknowns went through; null where there are none. */
  ofPixels(): { matrix: Float64Array; values: Float64Array } | null;
}

/** The most samples of one system: its normal equations take 128 MB. */
const MOST_SAMPLES = 4096;

/** The systems of a view, those of first steps first. Samples without names count as met once.
 * @throws {TypeError} a step without dW1. {RangeError} over 4096 samples bound together. */
export function gradientSystems(view: TrainingView): System[] {
  const { steps, units } = view;
  let unnamed = 0;
  const named = steps.map((step) => ({
    ...step,
    samples: step.samples ??
      Uint32Array.from({ length: step.z1.length / units }, () => unnamed++),
  }));
  for (const [at, { dW1 }] of steps.entries()) {
    if (dW1 !== null) continue;
    throw new TypeError(
      `Cannot solve gradients: step ${at} has no dW1; the server of ${view.scheme} decrypts none`,
    );
  }
  return together(named).map((of) => systemOf(view, of));
}

type Named = StepView & { readonly samples: Uint32Array };

/** Steps by what they share: no sample is in two groups. */
function together(steps: readonly Named[]): Named[][] {
  const groupOf = new Map<number, Named[]>(); // by sample
  const groups = new Set<Named[]>();
  for (const step of steps) {
    const met = new Set<Named[]>();
    step.samples.forEach((name) => groupOf.has(name) && met.add(groupOf.get(name)!));
    const group = [...met].flat();
    met.forEach((old) => groups.delete(old));
    group.push(step);
    groups.add(group);
    for (const { samples } of group) samples.forEach((name) => groupOf.set(name, group));
  }
  return [...groups];
}

function systemOf({ units, inputScale, shape }: TrainingView, steps: readonly Named[]): System {
  const n = shape[0] * shape[1] * shape[2];
  const visits = visitsOf({ steps });
  if (visits.size > MOST_SAMPLES) {
    throw new RangeError(
      `Cannot solve gradients: ${visits.size} samples are bound together, at most ${MOST_SAMPLES}`,
    );
  }
  const part = (values: Numbers, row: number) => values.subarray(row * units, (row + 1) * units);
  const dead: number[] = [];
  const alike = new Map<string, number[]>();
  for (const [name, seen] of visits) {
    if (seen.every(({ step, row }) => part(steps[step].dz1, row).every((v) => v === 0))) {
      dead.push(name);
      continue;
    }
    const key = seen.map(({ step, row }) =>
      `${step}:${part(steps[step].z1, row).join()}:${part(steps[step].dz1, row).join()}`
    ).join(";");
    alike.set(key, [...alike.get(key) ?? [], name]);
  }
  const unknowns = [...alike.values()];
  const m = unknowns.length;
  const D = new Float64Array(steps.length * units * m);
  const C = new Float64Array(steps.length * units * n);
  unknowns.forEach((names, i) =>
    names.forEach((name) =>
      visits.get(name)!.forEach(({ step, row }) =>
        part(steps[step].dz1, row).forEach((v, unit) => D[(step * units + unit) * m + i] += v)
      )
    )
  );
  steps.forEach(({ dW1 }, step) =>
    dW1!.forEach((v, at) => C[step * units * n + at] = v / inputScale)
  );
  return {
    ...{ D, C, n, unknowns, dead, twins: unknowns.filter(({ length }) => length > 1) },
    ofPixels() {
      const shared = steps.flatMap(({ W1 }, step) => {
        const rows = unknowns.map(([name]) => visits.get(name)!.find((v) => v.step === step)?.row);
        return W1 === null || rows.includes(undefined) ? [] : [{ step, W1, rows }];
      });
      if (shared.length === 0) return null;
      const matrix = new Float64Array(shared.length * units * n);
      const values = new Float64Array(m * shared.length * units);
      shared.forEach(({ step, W1, rows }, k) => {
        W1.forEach((w, at) => matrix[k * units * n + at] = w * inputScale * PIXEL_RANGE[1]);
        rows.forEach((row, i) =>
          values.set(part(steps[step].z1, row!), (i * shared.length + k) * units)
        );
      });
      return { matrix, values };
    },
  };
}

/** The most bits after the point that integers are looked for at. */
const MOST_BITS = 40;

/** The numbers as integers, all times one power of two each; null where one is none within the safe range. */
export function integersOf(
  ...lists: readonly Float64Array[]
): [Float64Array, ...Float64Array[]] | null {
  // One power for all: D·X = C stays true.
  for (let bits = 0; bits <= MOST_BITS; bits++) {
    if (!lists.every((values) => values.every((v) => Number.isInteger(v * 2 ** bits)))) continue;
    const scaled = lists.map((values) => values.map((v) => v * 2 ** bits));
    const safe = scaled.every((values) => values.every(Number.isSafeInteger));
    return safe ? scaled as [Float64Array, ...Float64Array[]] : null;
  }
  return null;
}
