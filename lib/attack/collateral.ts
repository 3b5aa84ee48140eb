/** What the ten scores of a classifier tell beside the class, to who has samples of its own: a property of a sample that
 * nobody asked for, and a likeness of the sample.
 *
 * One regression for each predicted class, from the scores, their squares and their products, its penalty by
 * leave-one-out. The floor is what the class alone tells: the mean of the known samples of it.
 * @see T. Ryffel et al., arXiv 1905.10214, section 4 (collateral learning).
 * @module */
import { predict, ridge } from "../math/ridge.ts";

/** What is known of samples: their scores `[count, classes]` and the class predicted from them. */
export interface Scored {
  readonly scores: Float64Array;
  readonly predicted: Uint8Array;
}

/** Guesses values of samples from their scores.
 * @param known the attacker's own samples.   @param values theirs, `[known, outputs]`.
 * @returns `[others, outputs]`.   @throws {TypeError} numbers of scores or values that do not fit. */
export async function valuesFromScores(
  known: Scored,
  values: Float64Array,
  others: Scored,
  { classes, signal }: { readonly classes: number; readonly signal?: AbortSignal },
): Promise<Float64Array> {
  for (const { scores, predicted } of [known, others]) {
    if (scores.length !== predicted.length * classes) {
      throw new TypeError(
        `Cannot guess: ${scores.length} scores of ${predicted.length} samples in ${classes} classes`,
      );
    }
  }
  const scale = known.scores.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const guesses = valuesFromClass(known.predicted, values, others.predicted);
  const outputs = values.length / known.predicted.length;
  for (let own = 0; own < classes; own++) {
    const [seen, asked] = [samplesOf(known.predicted, own), samplesOf(others.predicted, own)];
    if (seen.length < 2 || asked.length === 0) continue; // the class's mean stands
    const features = ({ scores }: Scored, samples: readonly number[]) =>
      Float64Array.from(
        samples.flatMap((i) => quadratic(scores.subarray(i * classes, (i + 1) * classes), scale)),
      );
    const Phi = features(known, seen);
    const Y = new Float64Array(seen.length * outputs);
    seen.forEach((i, k) => Y.set(values.subarray(i * outputs, (i + 1) * outputs), k * outputs));
    const fit = await ridge(Phi, Y, { k: seen.length, signal });
    const found = predict(fit, features(others, asked), Phi.length / seen.length);
    asked.forEach((i, k) =>
      guesses.set(found.subarray(k * outputs, (k + 1) * outputs), i * outputs)
    );
  }
  return guesses;
}

/** Guesses values from the predicted class alone: the mean of the known samples of it; 0 where there is none.
 * @param predicted classes of the known samples.   @param values theirs, `[known, outputs]`.
 * @returns `[others, outputs]`.   @throws {TypeError} values of no whole samples. */
export function valuesFromClass(
  predicted: Uint8Array,
  values: Float64Array,
  others: Uint8Array,
): Float64Array {
  const outputs = values.length / predicted.length;
  if (!Number.isInteger(outputs)) {
    throw new TypeError(`Cannot guess: ${values.length} values of ${predicted.length} samples`);
  }
  const means = new Map<number, Float64Array>();
  for (const own of new Set(others)) {
    const seen = samplesOf(predicted, own);
    const mean = new Float64Array(outputs);
    for (const i of seen) {
      for (let j = 0; j < outputs; j++) mean[j] += values[i * outputs + j] / seen.length;
    }
    means.set(own, mean);
  }
  const guesses = new Float64Array(others.length * outputs);
  others.forEach((own, i) => guesses.set(means.get(own)!, i * outputs));
  return guesses;
}

function samplesOf(predicted: Uint8Array, own: number): number[] {
  const samples: number[] = [];
  predicted.forEach((value, i) => value === own && samples.push(i));
  return samples;
}

/** 1, the scores, and the products of two. */
function quadratic(scores: Float64Array, scale: number): number[] {
  const u = Array.from(scores, (value) => value / scale);
  return [1, ...u, ...u.flatMap((a, k) => u.slice(k).map((b) => a * b))];
}
