/** Who is in a training that is made for an audit: private samples, and public ones of the same kind that an attacker may
 * learn from.
 * @module */
import { type Dataset, dataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { type Slice, within } from "./budget.ts";
import { type Material, trainedAs } from "./changes.ts";
import { pickSamples, type Samples, type Subject } from "./subject.ts";
import type { UnderAttack } from "./whole_training.ts";

/** The most samples of a training that is made, private ones and public ones each. */
const MOST = 2000;

/** From so many labelled samples on, half can stand for public ones and trainings can be compared. */
export const ENOUGH = 40;

/** Classes of labels that are made up. */
const MADE_UP = 10;

/** Private and public samples, and what can be trained on them. */
export interface Cast {
  readonly privates: Samples;
  readonly publics: Samples | null;
}

/** The samples that a training has: all if others are public, else every second. */
export function castOf({ samples, publicSamples, scheme }: Subject): Cast {
  const own = samples!;
  const places = [...own.names.keys()];
  const first = (all: Samples) =>
    all.count <= MOST ? all : pickSamples(all, [...all.names.keys()].slice(0, MOST));
  if (publicSamples !== null) return { privates: first(own), publics: first(publicSamples) };
  if (!own.labelled || own.count < ENOUGH) return { privates: first(own), publics: null };
  const half = (rest: number) => pickSamples(own, places.filter((at) => at % 2 === rest));
  const publics = first(half(1));
  return { privates: first(scheme === "cryptonn" ? own : half(0)), publics };
}

/** Labels for samples that have none: a training needs them, what it tells of the samples does not depend on them. */
function labelled(samples: Samples, seed: number): Samples {
  if (samples.labelled) return samples;
  const y = seededRng(seed).bytes(samples.count).map((byte) => byte % MADE_UP);
  const classes = Array.from({ length: MADE_UP }, (_, c) => String(c));
  return { ...samples, ...dataset({ ...samples, y, classes }) };
}

/** What trainings are compared on; null where there are too few labelled samples. */
export function materialOf(
  { privates, publics }: Cast,
  { known }: Subject,
  seed: number,
): Material | null {
  if (!privates.labelled || publics === null || !publics.labelled || privates.count < ENOUGH / 2) {
    return null;
  }
  return {
    split: { train: privates, test: publics },
    ...{ samples: privates, publicSamples: publics, seed },
    known: knownOf(known, privates),
  };
}

const knownOf = (known: number | null, { count }: Dataset) =>
  Math.min(known ?? Math.floor(count / 10), count - 1);

/** The training under attack: the recorded one, or one made now; or why there is none. */
export async function underAttack(
  { scheme, hidden, epochs, sigma, run, samples, publicSamples, known }: Subject,
  cast: Cast | null,
  seed: number,
  slice: Slice,
  stop?: AbortSignal,
): Promise<UnderAttack | string> {
  if (run !== null) {
    const { view, truth } = run;
    const k = samples === null || truth === null ? 0 : knownOf(known, samples);
    return { view, truth, samples, publicSamples, known: k, seed };
  }
  const { privates, publics } = cast!;
  if (scheme !== "cryptonn" && !privates.labelled) {
    return "a training needs labels: one folder a class, or --labels";
  }
  const own = labelled(privates, seed);
  const test = publics?.labelled ? publics : own;
  const material: Material = {
    split: { train: own, test },
    ...{ samples: own, publicSamples: publics, seed, known: knownOf(known, own) },
  };
  const setting = { scheme, hidden, epochs, sigma };
  try {
    const made = await within(slice, (signal) => trainedAs(setting, material, signal), stop);
    return made === null ? "the time was over before the training was" : made.attacked;
  } catch (error) {
    stop?.throwIfAborted();
    if (!(error instanceof RangeError)) throw error;
    return `the training ended: ${error.message}`;
  }
}
