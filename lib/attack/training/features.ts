/** A sample as a decoder gets it: z1 of its visits, and its label. Labels come to visits by the names of the view.
 * @module */
import { type Numbers, type TrainingView, type Visit, visitsOf, z1Of } from "./view.ts";

/** How far the label's numbers stand above those of z1, so that a penalty which silences noise in z1 leaves the means
 * of the classes alone. */
const LABEL_SCALE = 30;

/** What is made of a sample's visits: "all": z1 of each, side by side; "last": that of the last; "mean": their mean; "seen":
 * the mean of the numbers that are not 0, for a client that leaves some out; "none": nothing, the label alone. */
export type Visits = "all" | "last" | "mean" | "seen" | "none";

/** Features of samples. */
export interface Features {
  /** Numbers of a sample. */
  readonly width: number;
  /** `[samples, width]`, z1 less its mean over `centre` and scaled to a mean square of 1 there.
   * @throws {RangeError} a sample that the view has not. */
  of(samples: Uint32Array): Float64Array;
}

/** Prepares features of a view. Samples with more visits than others give their first ones, as many as all have.
 * @param samples all that will be asked for.   @param centre those whose mean and scale are taken.
 * @throws {TypeError} steps without names. {RangeError} a sample that is not in the view. */
export function featuresOf(
  view: TrainingView,
  samples: Uint32Array,
  centre: Uint32Array,
  visits: Visits,
): Features {
  const unnamed = view.steps.findIndex(({ samples }) => samples === null);
  if (unnamed >= 0) {
    throw new TypeError(
      `Cannot decode: step ${unnamed} does not name its samples; relink the view first`,
    );
  }
  const met = visitsOf(view);
  let least = Infinity;
  for (const name of samples) {
    const own = met.get(name);
    if (own === undefined) throw new RangeError(`Cannot decode: sample ${name} is not in the view`);
    least = Math.min(least, own.length);
  }
  const sent = visits === "none" ? 0 : visits === "all" ? least * view.units : view.units;
  const labelled = view.steps.every(({ labels }) => labels !== null);
  const width = sent + (labelled ? view.classes : 1);

  const raw = (names: Uint32Array) => {
    const out = new Float64Array(names.length * width);
    names.forEach((name, i) => {
      const own = met.get(name)!.slice(0, least);
      const row = out.subarray(i * width, (i + 1) * width);
      put(own.map((visit) => z1Of(view, visit)), visits, row);
      row[sent + (labelled ? labelOf(view, own[0]) : 0)] = LABEL_SCALE;
    });
    return out;
  };

  const known = raw(centre);
  const mean = new Float64Array(sent);
  for (let at = 0; at < known.length; at++) {
    if (at % width < sent) mean[at % width] += known[at] / centre.length;
  }
  let square = 0;
  for (let at = 0; at < known.length; at++) {
    if (at % width < sent) square += (known[at] - mean[at % width]) ** 2 / centre.length;
  }
  const scale = square > 0 ? 1 / Math.sqrt(square) : 1;
  return {
    width,
    of(names) {
      const out = raw(names);
      for (let at = 0; at < out.length; at++) {
        const p = at % width;
        if (p < sent) out[at] = (out[at] - mean[p]) * scale;
      }
      return out;
    },
  };
}

/** Writes what is made of z1 of some visits at the beginning of a row. */
function put(z1s: readonly Numbers[], visits: Visits, row: Float64Array): void {
  if (visits === "none") return;
  if (visits === "all") return z1s.forEach((z1, t) => row.set(z1, t * z1.length));
  if (visits === "last") return row.set(z1s.at(-1)!);
  for (let u = 0; u < z1s[0].length; u++) {
    const numbers = z1s.map((z1) => z1[u]).filter((v) => visits === "mean" || v !== 0);
    row[u] = numbers.reduce((sum, v) => sum + v, 0) / Math.max(1, numbers.length);
  }
}

const labelOf = ({ steps }: TrainingView, { step, row }: Visit): number => steps[step].labels![row];
