/** A sample as a decoder gets it: z1 of its visits, and its label. Labels come to visits by the names of the view.
 * @module */
import { type TrainingView, type Visit, visitsOf, z1Of } from "./view.ts";

/** How far the label's numbers stand above those of z1, so that a penalty which silences noise in z1 leaves the means
 * of the classes alone. */
const LABEL_SCALE = 30;

/** What is made of visits. */
export interface FeatureOptions {
  /** How many of a sample's visits, its first ones; 0 is the label alone. All by default. */
  readonly visits?: number;
  /** Whether visits stand side by side, or their mean; side by side by default. */
  readonly pooled?: boolean;
}

/** Features of samples. */
export interface Features {
  /** Numbers of a sample. */
  readonly width: number;
  /** The visits taken. */
  readonly visits: number;
  /** `[samples, width]`, z1 less its mean over `centre` and scaled to a mean square of 1 there.
   * @throws {RangeError} a sample that the view has not. */
  of(samples: Uint32Array): Float64Array;
}

/** Prepares features of a view.
 * @param samples all that will be asked for.   @param centre those whose mean and scale are taken.
 * @throws {TypeError} steps without names. {RangeError} a sample that is not in the view, or with fewer visits. */
export function featuresOf(
  view: TrainingView,
  samples: Uint32Array,
  centre: Uint32Array,
  { visits: wanted, pooled = false }: FeatureOptions = {},
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
    if (wanted !== undefined && own.length < wanted) {
      throw new RangeError(
        `Cannot decode: sample ${name} has ${own.length} visits, expected ${wanted}`,
      );
    }
    least = Math.min(least, own.length);
  }
  const visits = wanted ?? least;
  const sent = visits === 0 ? 0 : pooled ? view.units : visits * view.units;
  const labelled = view.steps.every(({ labels }) => labels !== null);
  const width = sent + (labelled ? view.classes : 1);

  const raw = (names: Uint32Array) => {
    const out = new Float64Array(names.length * width);
    names.forEach((name, i) => {
      const own = met.get(name)!.slice(0, visits);
      own.forEach((visit, t) => {
        const z1 = z1Of(view, visit);
        for (let u = 0; u < view.units; u++) {
          if (pooled) out[i * width + u] += z1[u] / visits;
          else out[i * width + t * view.units + u] = z1[u];
        }
      });
      const label = labelled ? labelOf(view, met.get(name)![0]) : 0;
      out[i * width + sent + label] = LABEL_SCALE;
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
    ...{ width, visits },
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

const labelOf = ({ steps }: TrainingView, { step, row }: Visit): number => steps[step].labels![row];
