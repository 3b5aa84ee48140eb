/** What the ten scores of a classifier tell beside the class: a property of the sample that nobody asked for, guessed by
 * who sees scores and has samples of its own whose property it knows.
 *
 * One regression for each predicted class, from the scores, their squares and their products, to ±1, its penalty by
 * leave-one-out. The floor is the guess from the class alone: the property that most known samples of it have.
 * @see T. Ryffel et al., arXiv 1905.10214, section 4 (collateral learning).
 * @module */
import { predict, ridge } from "../math/ridge.ts";

/** Samples of the attacker's own. */
export interface KnownProperty {
  /** The class predicted for each. */
  readonly predicted: Uint8Array;
  /** 1 where it has the property, else 0. */
  readonly property: Uint8Array;
}

/** Guesses the property from scores.
 * @param known scores `[k, classes]`, with the rest of what is known.   @param others scores `[count, classes]`.
 * @returns 1 or 0 for each of the others.   @throws {TypeError} numbers of scores that do not fit. */
export async function propertyFromScores(
  known: KnownProperty & { readonly scores: Float64Array },
  others: { readonly scores: Float64Array; readonly predicted: Uint8Array },
  { classes, signal }: { readonly classes: number; readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  for (const { scores, predicted } of [known, others]) {
    if (scores.length !== predicted.length * classes) {
      throw new TypeError(
        `Cannot guess: ${scores.length} scores of ${predicted.length} samples in ${classes} classes`,
      );
    }
  }
  const scale = known.scores.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const guesses = propertyFromClass(known, others.predicted);
  for (let own = 0; own < classes; own++) {
    const [seen, asked] = [samplesOf(known.predicted, own), samplesOf(others.predicted, own)];
    if (seen.length < 2 || asked.length === 0) continue; // the class's majority stands
    const features = ({ scores }: { scores: Float64Array }, samples: readonly number[]) =>
      Float64Array.from(
        samples.flatMap((i) => quadratic(scores.subarray(i * classes, (i + 1) * classes), scale)),
      );
    const Phi = features(known, seen);
    const Y = Float64Array.from(seen, (i) => 2 * known.property[i] - 1);
    const fit = await ridge(Phi, Y, { k: seen.length, signal });
    const values = predict(fit, features(others, asked), Phi.length / seen.length);
    asked.forEach((i, k) => guesses[i] = Number(values[k] > 0));
  }
  return guesses;
}

/** Guesses the property from the predicted class alone. @returns 1 or 0 for each. */
export function propertyFromClass(
  { predicted, property }: KnownProperty,
  others: Uint8Array,
): Uint8Array {
  const majority = Uint8Array.from({ length: 256 }, (_, own) => {
    const seen = samplesOf(predicted, own);
    return Number(2 * seen.reduce((sum, i) => sum + property[i], 0) > seen.length);
  });
  return others.map((own) => majority[own]);
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
