/** The smallest change that stops an attack: narrower first layers on the user's own weights, fewer visits, and schemes
 * and noise on trainings of the user's own samples. Each setting is really attacked; what is stated of a setting holds
 * for the attacks and samples that were tried on it.
 * @module */
import type { Scheme, TrainingView } from "../attack/training/view.ts";
import type { OwnSamples } from "../data/own_samples.ts";
import { type FirstLayer, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { forwardPass } from "../protocol/cryptonn/in_process.ts";
import { numberText } from "../plot/theme.ts";
import { type Slice, within } from "./budget.ts";
import type { Change, Cost, Trial } from "./findings.ts";
import { LEAKS_FROM } from "./measure.ts";
import {
  atWidth,
  fewSingles,
  type Found,
  type OneSampleAttack,
  type Singles,
} from "./one_sample.ts";
import { fewer, type Material } from "./material.ts";
import { freshTraining } from "./training.ts";
import {
  CUBIC,
  findInTraining,
  type UnderAttack,
  type WholeAttack,
  whyNot,
} from "./whole_training.ts";

/** A change, or why there is none. */
export type Changed = { change: Change; note: string } | { change: null; note: string };

const none = (note: string): Changed => ({ change: null, note });

/** What stopping means. */
const STOPPED = `no sample exactly, and under ${100 * LEAKS_FROM} % of the way from what the ` +
  "attacker had anyway to the exact samples";

/** Samples that a width is searched on, and that the one found is held to, at most. */
const [SEARCHED, HELD] = [4, 20];

/** The first step from a guess, of it. */
const STEP = 1 / 8;

/** A search ends when the widths that leak and that do not are this near. */
const NEAR = 1 / 8;

/** The next width to try: from where another attack's search ended in growing steps, until one stops and one leaks;
 * else the middle. */
function nextWidth(still: number, leaks: number, guess: number | null, tried: number): number {
  if (guess !== null && guess < leaks) {
    if (tried === 0) return guess;
    const step = Math.max(1, Math.round(STEP * guess * 2 ** (tried - 1)));
    const next = still >= guess ? still + step : leaks - step; // all so far stopped, or all leaked
    const outward = still >= guess ? leaks > guess * 4 : still === 0;
    if (outward && next > still && next < leaks) return next;
  }
  return Math.max(1, Math.floor((still + leaks) / 2));
}

/** The widest first layer, of the user's own first units, at which an attack on single samples finds nothing.
 * @returns the change, and the width; null where there is none. */
export async function widthChange(
  objective: OneSampleAttack,
  all: Singles,
  { slice, stop, unit, guess, cost }: {
    slice: Slice;
    stop?: AbortSignal;
    /** Outputs of a filter, where the layer is a convolution; else 1. */
    unit: number;
    /** Where another attack's search ended, to begin there. */
    guess: number | null;
    cost: (width: number) => Promise<Cost>;
  },
): Promise<Changed & { width: number | null }> {
  const called = (width: number) =>
    unit === 1 ? `${width} units` : `${width} ${width === 1 ? "filter" : "filters"}`;
  const trials: (Trial & { readonly width: number; readonly exact: number })[] = [];
  let [still, leaks] = [0, Math.ceil(all.layer.hidden / unit)];
  const near = (width: number) => Math.max(1, Math.round(NEAR * width));
  /** Whether the attack was stopped; null where the time was over. */
  const attempt = async (singles: Singles, width: number) => {
    const measured = await atWidth(singles, objective, width * unit, { slice, stop });
    if (measured === null) return null;
    const { exact, leakage, columns } = measured;
    const stops = exact === 0 && leakage < LEAKS_FROM && columns === 0;
    const again = trials.findIndex((trial) => trial.width === width);
    if (again >= 0) trials.splice(again, 1); // now on more samples
    trials.push({ setting: called(width), width, exact, leakage, stops });
    return stops;
  };
  const [few, more] = [fewSingles(all, SEARCHED), fewSingles(all, HELD)];
  const search = async (singles: Singles, guess: number | null) => {
    while (leaks - still > near(leaks)) {
      const width = nextWidth(still, leaks, guess, trials.length);
      const stops = await attempt(singles, width);
      if (stops === null) break;
      if (stops) still = width;
      else leaks = width;
    }
  };
  await search(few, guess);
  let checked = few.samples.count;
  if (still > 0 && more.samples.count > checked) { // what was found on few must hold on more
    const stops = await attempt(more, still);
    if (stops !== null) checked = more.samples.count;
    if (stops === false) {
      [still, leaks] = [0, still];
      await search(more, null);
    }
  }
  if (still === 0) {
    const note = trials.length === 0
      ? "The time was over before a narrower layer was tried."
      : `Of the widths tried, down to ${
        Math.min(...trials.map(({ width }) => width))
      }, none stops it.`;
    return { ...none(note), width: null };
  }
  const silent = trials.filter(({ exact }) => exact === 0).map(({ width }) => width);
  const change: Change = {
    kind: "width",
    what: `keep the first layer at ${called(still)} or fewer`,
    trials: trials.toSorted((a, b) => b.width - a.width)
      .map(({ setting, leakage, stops }) => ({ setting, leakage, stops })),
    cost: await cost(still * unit),
    note: `Held to ${checked} samples, behind the first units of your layer: ${STOPPED}. ` +
      (Math.max(...silent) > still
        ? `At ${called(Math.max(...silent))} no sample came out exactly, but likenesses did.`
        : ""),
  };
  return { change, note: "", width: still };
}

/** Units of an encrypted forward pass that is timed. */
const TIMED = 8;

/** Seconds of one sample's encrypted forward pass through a layer of so many units, from one that was really made through
 * a few units of the user's: the client's encryption once, and the server's decryption, unit by unit.
 * @returns null where the time was over first. */
export async function encryptedSeconds(
  layer: FirstLayer,
  samples: OwnSamples,
  slice: Slice,
  stop?: AbortSignal,
): Promise<((units: number) => number) | null> {
  const rows = Math.min(TIMED, layer.hidden);
  const few = firstLayer(layer.W1.subarray(0, rows * layer.n), layer.n);
  const run = await within(slice, (signal) => forwardPass(few, samples, [0], { signal }), stop);
  if (run === null) return null;
  const of = (what: string) =>
    run.transcript.steps.find((step) => step.what === what)!.elapsedMs / 1000;
  const [encrypt, decrypt] = [of("encrypt a sample"), of("decrypt z1 of a sample") / rows];
  return (units) => encrypt + units * decrypt;
}

/** Bytes of points in G1, G2 and the group of IPFE. */
const [G1, G2, ELEMENT] = [48, 96, 32];

/** Bytes that one sample sends and gets at a visit, labels apart; what is sent once counts its share. */
export function bytesPerVisit(
  scheme: Scheme,
  { n, hidden, epochs, classes }: { n: number; hidden: number; epochs: number; classes: number },
): number {
  const batch = 50;
  switch (scheme) {
    case "cryptonn": // the sample, and its share of the columns of its batch
      return ELEMENT * (2 * n + 1 + n / batch) / epochs;
    case "mitig1": // the sample, and its share of the keys of each step
      return G2 * (n + 2) / epochs + G1 * hidden * (n + 2) / batch;
    case "mitig2":
      return 8 * hidden;
    case "mitig3":
      return 8 * classes;
  }
}

/** A training to compare with: which scheme, and its settings. */
export interface Setting {
  readonly scheme: Scheme;
  readonly hidden: number;
  readonly epochs: number;
  readonly sigma: number;
}

/** How well and how fast a training went. */
export interface TrainingNumbers {
  /** Of test samples, in [0, 1]. */
  readonly accuracy: number;
  /** In the clear. */
  readonly secondsPerEpoch: number;
}

/** A setting that was trained and attacked. */
interface Tried extends Setting, TrainingNumbers {
  /** Titles of the attacks that came to an end on it. */
  readonly heldTo: readonly string[];
  readonly leakage: number;
  readonly stops: boolean;
}

/** The attacks that a setting is held to: all on trainings but what only links visits, and empirical Bayes, whose inner
 * products least squares has. */
const HELD_TO: readonly WholeAttack[] = ["decoder", "decoder-named", "align", "gram", "known"];

/** A view whose server is not told the names. */
export function unnamed(view: TrainingView): TrainingView {
  return { ...view, steps: view.steps.map((step) => ({ ...step, samples: null })) };
}

/** Trains under a setting. */
export async function trainedAs(
  setting: Setting,
  { split, samples, publicSamples, known, seed }: Material,
  signal: AbortSignal,
): Promise<TrainingNumbers & { attacked: UnderAttack }> {
  const { view, ...rest } = await freshTraining(split, { ...setting, seed, signal });
  const server = setting.scheme === "mitig3" ? unnamed(view) : view;
  return {
    attacked: {
      view: server,
      truth: view,
      samples,
      count: samples.count,
      publicSamples,
      known,
      seed,
    },
    ...rest,
  };
}

/** As {@linkcode trainedAs}, until the slice is over: null then. */
export const trainedWithin = (
  setting: Setting,
  material: Material,
  slice: Slice,
  stop?: AbortSignal,
) => within(slice, (signal) => trainedAs(setting, material, signal), stop);

/** The same on all private samples and on fewer, once where these are all. */
export async function trainedBoth(setting: Setting, material: Material, signal: AbortSignal) {
  const all = await trainedAs(setting, material, signal);
  const small = fewer(material);
  const few = small.samples.count === material.samples.count
    ? all
    : await trainedAs(setting, small, signal);
  return { all, few };
}

/** What a finding amounts to, in [0, 1]. */
function leakageOf({ outcome, counts, numbers }: Found): number {
  if (outcome === "recovered" && counts.exact === null) return 1;
  const share = Number(numbers["leakage, share of the way to exact"] ?? 0);
  const part = outcome === "likeness"
    ? Number(numbers["part: correlation of inner products within classes"] ?? 0)
    : 0;
  return Math.min(1, Math.max(share, part, 0));
}

/** Trains and attacks one setting.
 * @returns null where the time was over first. */
async function trySetting(
  setting: Setting,
  material: Material,
  slice: Slice,
  stop?: AbortSignal,
): Promise<Tried | null> {
  const made = await within(slice, (signal) => trainedBoth(setting, material, signal), stop);
  if (made === null) return null;
  const found: Found[] = [];
  for (const attack of HELD_TO) {
    const { attacked } = CUBIC.includes(attack) ? made.few : made.all;
    if (whyNot(attack, attacked) !== null) continue;
    found.push(await findInTraining(attack, attacked, { slice, stop }));
  }
  if (found.length === 0 || found.some(({ outcome }) => outcome === "out of time")) return null;
  const { accuracy, secondsPerEpoch } = made.all;
  const ended = found.filter(({ outcome }) => outcome !== "failed");
  if (ended.length === 0) return null;
  const stops = ended.every(({ outcome }) => outcome === "nothing");
  return {
    ...setting,
    heldTo: ended.map(({ title }) => title),
    ...{ accuracy, secondsPerEpoch, stops, leakage: Math.max(...found.map(leakageOf)) },
  };
}

/** What a setting is called. */
const settingText = ({ scheme, sigma }: Setting): string => ({
  ...{ cryptonn: "CryptoNN", mitig1: "MITIG1", mitig2: "MITIG2" },
  mitig3: `mitig3, σ ${numberText(sigma)}`,
}[scheme]);

/** Noise of mitig3, from little to much; a code has length 1. */
const SIGMAS = [0.5, 0.7, 1, 1.5, 2];

/** The first of MITIG2 and mitig3 with more and more noise under which no attack finds anything.
 * MITIG1 shows its server the z1 that MITIG2 shows, at a thousand times the cost, and is left out. */
export async function schemeChange(
  now: Setting,
  material: Material,
  { slice, stop, current }: {
    slice: Slice;
    stop?: AbortSignal;
    /** Of the training as it is, where that is known. */
    current: TrainingNumbers | null;
  },
): Promise<Changed> {
  const others: Setting[] = [
    ...now.scheme === "cryptonn" ? [{ ...now, scheme: "mitig2" as const }] : [],
    ...SIGMAS.filter((sigma) => now.scheme !== "mitig3" || sigma > now.sigma)
      .map((sigma) => ({ ...now, scheme: "mitig3" as const, sigma })),
  ];
  const tried: Tried[] = [];
  for (const setting of others) {
    const one = await trySetting(setting, material, slice, stop);
    if (one === null) break;
    tried.push(one);
    if (one.stops) break;
  }
  const last = tried.at(-1);
  if (!last?.stops) {
    const names = tried.map((one) => `${settingText(one)} (leakage ${numberText(one.leakage, 2)})`)
      .join("; ");
    return none(
      tried.length === 0
        ? "The time was over before another scheme was tried."
        : `Tried and leaking too: ${names}.` +
          (tried.length < others.length ? " The time was over before the next was tried." : ""),
    );
  }
  const present = current ?? await trainedWithin(now, material, slice, stop);
  const { n } = material.split.train;
  const sizes = { n, classes: material.split.train.classes.length };
  const cost: Cost = {
    accuracy: present && { now: present.accuracy, then: last.accuracy },
    seconds: present && { now: present.secondsPerEpoch, then: last.secondsPerEpoch },
    bytes: {
      now: bytesPerVisit(now.scheme, { ...now, ...sizes }),
      then: bytesPerVisit(last.scheme, { ...last, ...sizes }),
    },
    note: "Accuracy of test samples held out of yours, one training each; seconds in the clear" +
      (now.scheme === "cryptonn" || now.scheme === "mitig1"
        ? ", without the encryption that the present scheme adds."
        : "."),
  };
  const change: Change = {
    kind: now.scheme === "mitig3" ? "sigma" : "scheme",
    what: now.scheme === "mitig3"
      ? `raise the noise to σ ${numberText(last.sigma)}`
      : `train under ${settingText(last)}`,
    trials: tried.map((one) => ({
      ...{ setting: settingText(one), leakage: one.leakage, stops: one.stops },
    })),
    cost,
    note: `One training, held to: ${last.heldTo.join("; ")}. Stopped: ${STOPPED}. ` +
      "A server that steers the training was not tried.",
  };
  return { change, note: "" };
}

/** The most visits to each sample at which an attack on a training finds nothing. */
export async function visitsChange(
  attack: WholeAttack,
  now: Setting,
  material: Material,
  { slice, stop, current }: {
    slice: Slice;
    stop?: AbortSignal;
    /** Of the training as it is, where that is known. */
    current: TrainingNumbers | null;
  },
): Promise<Changed> {
  const trials: Trial[] = [];
  const small = fewer(material);
  let visits = 0;
  for (let epochs = 1; epochs < now.epochs; epochs++) {
    const made = await trainedWithin({ ...now, epochs }, small, slice, stop);
    if (made === null) break;
    const found = await findInTraining(attack, made.attacked, { slice, stop });
    if (found.outcome === "out of time") break;
    const stops = found.outcome === "nothing" || found.outcome === "failed";
    const setting = epochs === 1 ? "1 visit" : `${epochs} visits`;
    trials.push({ setting, leakage: leakageOf(found), stops });
    if (!stops) break;
    visits = epochs;
  }
  if (visits === 0) {
    return none(
      trials.length === 0
        ? "The time was over before fewer visits were tried."
        : "A single visit is enough.",
    );
  }
  const then = await trainedWithin({ ...now, epochs: visits }, material, slice, stop);
  const change: Change = {
    kind: "visits",
    what: `send each sample ${visits === 1 ? "once" : `${visits} times`} at most`,
    trials,
    cost: {
      accuracy: current && then && { now: current.accuracy, then: then.accuracy },
      ...{ seconds: null, bytes: null },
      note: "The shorter training takes its share of the time and of the bytes.",
    },
    note: "This stops this attack, not those that one visit is enough for.",
  };
  return { change, note: "" };
}
