/** Who is in a training that is made for an audit: private samples, and public ones of the same kind that an attacker may
 * learn from.
 * @module */
import { type Dataset, dataset } from "../data/dataset.ts";
import { type OwnSamples, splitSamples } from "../data/own_samples.ts";
import { seededRng } from "../math/rng.ts";
import { type Slice, within } from "./budget.ts";
import { trainedBoth, type TrainingNumbers } from "./changes.ts";
import { evenly, type Material } from "./material.ts";
import type { Subject } from "./subject.ts";
import type { UnderAttack } from "./whole_training.ts";

/** The most samples of a training that is made, private ones and public ones each. */
const MOST = 2000;

/** From so many labelled samples on, half can stand for public ones and trainings can be compared. */
export const ENOUGH = 40;

/** Classes of labels that are made up. */
const MADE_UP = 10;

/** Private samples, and public ones, none of them private; null where there are none. */
export interface Cast {
  readonly privates: OwnSamples;
  readonly publics: OwnSamples | null;
  /** Of the training under attack: those in `privates`, but all where its attacks learn nothing from public samples. */
  readonly attacked: OwnSamples;
}

/** The samples that a training has: all if others are public, else every second of each class. */
export function castOf({ samples, publicSamples, scheme }: Subject): Cast {
  const own = samples!;
  const all = evenly(own, MOST);
  if (publicSamples !== null) {
    return { privates: all, publics: evenly(publicSamples, MOST), attacked: all };
  }
  if (!own.labelled || own.count < ENOUGH) return { privates: all, publics: null, attacked: all };
  const { privateSamples, publicSamples: others } = splitSamples(own, 1 / 2);
  const privates = evenly(privateSamples, MOST);
  return {
    privates,
    publics: evenly(others, MOST),
    attacked: scheme === "cryptonn" ? all : privates,
  };
}

/** Labels for samples that have none: a training needs them, what it tells of the samples does not depend on them. */
function labelled(samples: OwnSamples, seed: number): OwnSamples {
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

/** A training under attack, and a smaller one for attacks whose cost grows with the cube of the samples. */
export interface Trainings {
  readonly all: UnderAttack;
  readonly few: UnderAttack;
  /** How well and how fast it trains; null of a recorded one, or where labels are made up. */
  readonly numbers: TrainingNumbers | null;
}

/** The trainings under attack: the recorded one, or ones made now; or why there are none. */
export async function underAttack(
  { scheme, hidden, epochs, sigma, run, samples, publicSamples, known }: Subject,
  cast: Cast | null,
  seed: number,
  slice: Slice,
  stop?: AbortSignal,
): Promise<Trainings | string> {
  if (run !== null) {
    const { view, truth, count } = run;
    const k = samples === null || truth === null ? 0 : knownOf(known, samples);
    const all = { view, truth, samples, count, publicSamples, known: k, seed };
    return { all, few: all, numbers: null };
  }
  const { publics, attacked, privates } = cast!;
  const own = labelled(attacked, seed);
  const others = attacked === privates ? publics : null; // none that are under attack themselves
  const material: Material = {
    split: { train: own, test: others?.labelled ? others : own },
    ...{ samples: own, publicSamples: others, seed, known: knownOf(known, own) },
  };
  const setting = { scheme, hidden, epochs, sigma };
  try {
    const made = await within(slice, async (signal) => {
      const { all, few } = await trainedBoth(setting, material, signal);
      const { attacked, ...numbers } = all;
      return { all: attacked, few: few.attacked, numbers: others?.labelled ? numbers : null };
    }, stop);
    return made ?? "the time was over before the training was";
  } catch (error) {
    stop?.throwIfAborted();
    if (!(error instanceof RangeError)) throw error;
    return `the training ended: ${error.message}`;
  }
}
