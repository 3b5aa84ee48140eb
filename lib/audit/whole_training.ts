/** Attacks on a whole training: what its server has over all steps, a training made for the audit or one that was
 * recorded.
 * @module */
import {
  attackTraining,
  TRAINING_ATTACKS,
  type TrainingAttack,
} from "../attack/training/attack.ts";
import { fromEpochs } from "../attack/training/epochs.ts";
import { decode } from "../attack/training/decoder.ts";
import { gramOf } from "../attack/training/leakage.ts";
import type { KnownImages, TrainingRecovery } from "../attack/training/recovery.ts";
import { relink } from "../attack/training/relink.ts";
import { type StepView, type TrainingView, visitsOf } from "../attack/training/view.ts";
import { type OwnSamples, takeSamples } from "../data/own_samples.ts";
import { seededRng } from "../math/rng.ts";
import { durationText, numberText } from "../plot/theme.ts";
import type { Outcome, Pair } from "./findings.ts";
import { type Slice, within } from "./budget.ts";
import { serverNames } from "./server_names.ts";
import {
  bytesOf,
  floorOf,
  measure,
  type Measured,
  outcomeOf,
  PART_FROM,
  partOf,
  rowsBy,
} from "./measure.ts";
import { FLOAT_RATE, type Found, PAIRS, RATE } from "./one_sample.ts";

/** A training under attack. */
export interface UnderAttack {
  /** As the server has it. */
  readonly view: TrainingView;
  /** The same, its samples named by their places in `samples`; null where nobody can tell. */
  readonly truth: TrainingView | null;
  /** Private; null where the auditor has none either. */
  readonly samples: OwnSamples | null;
  /** Samples of an epoch; null where nobody told. */
  readonly count: number | null;
  readonly publicSamples: OwnSamples | null;
  /** How many private samples the attacker happens to know. */
  readonly known: number;
  readonly seed: number;
}

/** An attack by name; "relink" says which visits are of one sample, "decoder-named" is told it. */
export type WholeAttack = TrainingAttack | "relink" | "decoder-named";

/** What pages call them. */
export const WHOLE: Readonly<Record<WholeAttack, { title: string; weight: number }>> = {
  gradient: { title: "Batches from gradients", weight: 2 },
  epochs: { title: "Images from many visits", weight: 2 },
  align: { title: "Blind alignment with public samples", weight: 5 },
  decoder: { title: "Decoder fitted to known samples", weight: 2 },
  known: { title: "Inner products with known samples", weight: 2 },
  gram: { title: "Inner products, least squares", weight: 2 },
  "gram-bayes": { title: "Inner products, empirical Bayes", weight: 2 },
  span: { title: "Span of one master key", weight: 2 },
  relink: { title: "Visits linked by nearest codes", weight: 3 },
  "decoder-named": { title: "Decoder that is told which sample is which", weight: 2 },
};

/** Attacks whose cost grows with the cube of the samples. */
export const CUBIC: readonly WholeAttack[] = ["gram", "gram-bayes", "known"];

/** Why an attack cannot be tried on a training, or null. */
export function whyNot(attack: WholeAttack, run: UnderAttack): string | null {
  const { view, samples, publicSamples, known } = run;
  const named = view.steps.every(({ samples }) => samples !== null);
  if (attack === "relink") {
    if (named) return "the server knows which sample is which";
    const once = run.count !== null && rowsOf(view) <= run.count;
    return once ? "each sample was sent once: there is nothing to link" : null;
  }
  if (attack === "decoder-named") {
    if (named) return "the server is told the names; see the decoder";
    if (run.truth === null) return "nobody told which sample is which (--names)";
    return known < 2 ? "no sample is known (--known)" : null;
  }
  const { schemes, needs }: { schemes: readonly string[]; needs: string } =
    TRAINING_ATTACKS[attack];
  if (!schemes.includes(view.scheme)) return `it is for the servers of ${schemes.join(", ")}`;
  if (attack === "span") {
    return "keys of one step open ciphertexts of another only under the paper's one master key; " +
      "here each batch has its own (notebook 06)";
  }
  if (needs === "known" && known < 2) return "no sample is known (--known)";
  if (needs === "public" && publicSamples === null) {
    return "there are no public samples (--public-from)";
  }
  if (attack === "known" && samples?.kind === "table") {
    return "it takes neighbouring pixels for alike, and a table has none";
  }
  if (!named && attack !== "align" && attack !== "gradient") {
    return "the server does not know which visits are of one sample";
  }
  return null;
}

/** The steps in which the samples of the first one are met. */
function firstBatch(view: TrainingView): TrainingView {
  const first = new Set(view.steps[0].samples);
  const steps = view.steps.filter(({ samples }) => samples!.some((name) => first.has(name)));
  return { ...view, steps };
}

const rowsOf = ({ units, steps }: TrainingView) =>
  steps.reduce((sum, { z1 }) => sum + z1.length / units, 0);

const namesOf = ({ steps }: TrainingView) =>
  steps.flatMap(({ samples }: StepView) => samples === null ? [] : [...samples]);

/** Some of the named samples, drawn, as known to the attacker. */
function knownOf(
  names: readonly number[],
  samples: OwnSamples,
  { known: count, seed }: Pick<UnderAttack, "known" | "seed">,
): KnownImages {
  const draws = new Uint32Array(seededRng(seed, "known").bytes(4 * names.length).buffer);
  const order = names.map((_, k) => k).sort((a, b) => draws[a] - draws[b]);
  const own = order.slice(0, count).map((k) => names[k]).sort((a, b) => a - b);
  return { samples: Uint32Array.from(own), x: takeSamples(samples, own).x };
}

/** Pixels up to which a program decides what many visits leave open: its cost is cubic. */
const WITH_PRIOR = 1024;

const pixels = ({ shape: [height, width, channels] }: TrainingView) => height * width * channels;

/** Samples that a program is solved for, each. */
const PROGRAMS = 20;

/** What an attack brings, and whom it was after, by places in the private samples; null: whomever it brings. */
interface Brought {
  readonly found: TrainingRecovery;
  readonly targets: readonly number[] | null;
}

/** Runs an attack. */
async function run(
  attack: WholeAttack,
  training: UnderAttack,
  signal: AbortSignal,
  onProgress?: (done: number, total: number) => void,
): Promise<Brought> {
  const { view, truth, samples, count, publicSamples } = training;
  const on = { signal, onProgress, rng: seededRng(training.seed) };
  if (attack === "align") {
    const { view: visit } = await serverNames(view, { truth, count, attack, signal });
    const found = await attackTraining(visit, { attack, publicImages: publicSamples!, ...on });
    return { found, targets: null };
  }
  if (attack === "gradient" || attack === "epochs") {
    const own = firstBatch(view);
    const targets = [...new Set(namesOf(own))];
    const found = attack === "gradient"
      ? await attackTraining(own, { attack, ...on })
      : await fromEpochs(own, { ...on, prior: pixels(own) <= WITH_PRIOR });
    return { found, targets };
  }
  if (attack === "gram" || attack === "gram-bayes") {
    return { found: await attackTraining(view, { attack, ...on }), targets: null };
  }
  const own = attack === "decoder-named" ? truth! : view;
  const names = [...visitsOf(own).keys()].sort((a, b) => a - b);
  const known = knownOf(names, samples!, training);
  const told = new Set(known.samples);
  const others = names.filter((name) => !told.has(name));
  if (attack === "known") {
    const targets = others.slice(0, PROGRAMS);
    const wanted = Uint32Array.from(targets);
    return { found: await attackTraining(own, { attack, known, samples: wanted, ...on }), targets };
  }
  const tried: TrainingRecovery[] = [];
  for (const visits of ["all", "mean"] as const) {
    tried.push(await decode(own, { known, visits, ...on }));
  }
  return { found: best(tried, samples!, publicSamples), targets: others };
}

/** Of several recoveries of the same samples the one nearest to the truth: an attacker who chooses as well as can be. */
function best(
  tried: readonly TrainingRecovery[],
  samples: OwnSamples,
  publicSamples: OwnSamples | null,
): TrainingRecovery {
  const leakage = ({ X, samples: names }: TrainingRecovery) => {
    const places = [...names];
    const own = takeSamples(samples, places);
    return measure(rowsBy(X, names, places, own.n), own, floorOf(own, publicSamples)).leakage;
  };
  const weighed = tried.map((found) => ({ found, leakage: leakage(found) }));
  return weighed.toSorted((a, b) => b.leakage - a.leakage)[0].found;
}

/** Samples of which `part` is taken: it grows with the square. */
const MOST_PART = 300;

/** A recovery held to the truth. */
interface Judged {
  readonly outcome: Outcome;
  readonly measured: Measured | null;
  readonly part: { part: number; beyondChance: boolean } | null;
}

function judge(
  { found, targets }: Brought,
  samples: OwnSamples,
  publics: OwnSamples | null,
): Judged {
  const places = [...found.samples];
  const aimed = targets ?? places;
  const rows = rowsBy(found.X, found.samples, aimed, samples.n);
  const own = takeSamples(samples, aimed);
  const measured = found.X === null ? null : measure(rows, own, floorOf(own, publics));
  const some = places.slice(0, MOST_PART);
  const count = places.length;
  const G = found.X === null
    ? found.G === null ? null : Float64Array.from(
      { length: some.length ** 2 },
      (_, at) => found.G![Math.floor(at / some.length) * count + at % some.length],
    )
    : gramOf(found.X.subarray(0, some.length * samples.n), some.length);
  const part = G === null || !samples.labelled || some.length < 10
    ? null
    : partOf(G, takeSamples(samples, some));
  const shows = part !== null && part.part >= PART_FROM && part.beyondChance;
  const outcome = measured === null ? shows ? "likeness" : "nothing" : outcomeOf(measured);
  return { measured, part, outcome: outcome === "nothing" && shows ? "likeness" : outcome };
}

/** Rounds of empirical Bayes. */
const ROUNDS = 10;

/** Seconds of the linear algebra that nothing interrupts, about. */
function secondsOf(attack: WholeAttack, view: TrainingView): number {
  if (attack === "epochs") {
    const { steps, units } = firstBatch(view);
    const [rows, n] = [steps.length * units, pixels(view)];
    return rows * n * Math.min(rows, n) / RATE;
  }
  if (!CUBIC.includes(attack)) return 0;
  const samples = new Set(namesOf(view)).size;
  const batch = view.steps[0].z1.length / view.units;
  const moves = view.units * Math.max(0, rowsOf(view) / samples - 1);
  const group = moves ** 2 * samples + moves * samples ** 2; // of one round
  return (attack === "gram-bayes" ? ROUNDS : 1) * samples / batch * group / FLOAT_RATE;
}

/** One attack on a training. What it refuses, a view without what it needs, is a finding: "failed". */
export async function findInTraining(
  attack: WholeAttack,
  training: UnderAttack,
  { slice, stop, onProgress }: {
    slice: Slice;
    stop?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<Found> {
  const start = performance.now();
  const { title } = WHOLE[attack];
  const nothing = {
    ...{ name: attack, title, assumption: "", numbers: {}, pairs: [] },
    counts: { attacked: 0, exact: null, certified: 0 },
  };
  const ended = (rest: Partial<Found> & Pick<Found, "outcome" | "sentence">): Found => ({
    ...nothing,
    ...rest,
    seconds: (performance.now() - start) / 1000,
  });
  try {
    if (attack === "relink") return ended(await findLinks(training, slice, stop));
    const seconds = secondsOf(attack, training.view);
    if (seconds > slice.left()) {
      const sentence = `Linear algebra that takes about ${
        durationText(seconds)
      }; its share of the time is less.`;
      return ended({ outcome: "out of time", sentence });
    }
    const found = await within(
      slice,
      (signal) => run(attack, training, signal, onProgress),
      stop,
    );
    if (found === null) {
      return ended({ outcome: "out of time", sentence: "Its share of the time was over first." });
    }
    return ended(findingOf(attack, found, training));
  } catch (error) {
    stop?.throwIfAborted();
    const refused = (error instanceof TypeError || error instanceof RangeError) &&
      error.message.startsWith("Cannot ");
    if (!refused) throw error;
    return ended({ outcome: "failed", sentence: `It could not run: ${error.message}.` });
  }
}

function findingOf(
  attack: WholeAttack,
  brought: Brought,
  { truth, samples, publicSamples }: UnderAttack,
): Partial<Found> & Pick<Found, "outcome" | "sentence"> {
  const { found, targets } = brought;
  const { status, assumption, message } = found;
  const attacked = targets?.length ?? found.samples.length;
  const upper = attack === "decoder-named"
    ? "; told which sample is which, as this server is not: an upper bound"
    : "";
  const chosen = attack === "decoder" || attack === "decoder-named"
    ? "; of all visits and their mean what serves better, chosen by the truth"
    : "";
  const common = { assumption: assumption + chosen + upper };
  if (status === "failed") {
    return { ...common, outcome: "failed", sentence: `Nothing: ${message || "no reason given"}.` };
  }
  const certified = status === "exact" ? found.samples.length : 0;
  if (samples === null || truth === null) {
    const sentence = status === "exact"
      ? `${attacked} samples that satisfy all equations of the view.`
      : `An estimate of ${attacked} samples, which nobody can hold to the truth here.`;
    return {
      ...{ ...common, outcome: status === "exact" ? "recovered" : "unmeasured", sentence },
      counts: { attacked, exact: null, certified },
      pairs: pairsOf(found, null),
    };
  }
  const { measured, part, outcome } = judge(brought, samples, publicSamples);
  const noun = samples.kind === "image" ? "images" : "rows";
  const sentence = measured === null
    ? `How alike any two of ${attacked} ${noun} are, by their inner products: ${
      part === null
        ? "too few to weigh"
        : `correlation ${numberText(part.part, 2)} with the true ones within classes`
    }.`
    : `${measured.exact} of ${attacked} ${noun} exactly; ${
      numberText(100 * measured.leakage, 2)
    } % of the way from what the attacker had anyway to the exact ${noun}.`;
  return {
    ...{
      ...common,
      outcome,
      sentence: message === "" ? sentence : `${sentence} Said: ${message}.`,
    },
    counts: { attacked, exact: measured?.exact ?? null, certified },
    numbers: {
      ...measured === null ? {} : {
        "leakage, share of the way to exact": measured.leakage,
        "low end of its 95 % interval": measured.low,
        "MSE, numbers in [0, 1]": measured.mse,
        "MSE of the mean of the class": measured.floor,
        ...measured.ssim === null ? {} : { "SSIM": measured.ssim },
      },
      ...part === null ? {} : {
        "part: correlation of inner products within classes": part.part,
        "part, against chance": part.beyondChance ? "beyond 39 permutations" : "as chance gives",
      },
    },
    pairs: pairsOf(found, samples),
  };
}

/** The first samples of a recovery, with their truth where that is known. */
function pairsOf({ X, samples: places }: TrainingRecovery, samples: OwnSamples | null): Pair[] {
  if (X === null) return [];
  const n = X.length / places.length;
  return [...places.subarray(0, PAIRS)].map((place, i) => {
    const row = X.subarray(i * n, (i + 1) * n);
    const truth = samples?.x.slice(place * n, (place + 1) * n) ?? null;
    const recovered = bytesOf(row);
    const error = truth === null
      ? null
      : row.reduce((sum, v, p) => sum + (v - truth[p]) ** 2, 0) / n / 255 ** 2;
    const exact = truth?.every((v, p) => v === recovered[p]) ?? false;
    return {
      ...{ name: samples?.names[place] ?? `visit ${place}`, truth, recovered },
      caption: exact ? "exact" : error === null ? "estimate" : `MSE ${numberText(error, 2)}`,
    };
  });
}

/** A training as its server sees it once it has linked the visits; the same where the links cannot be made. */
export async function linkedByServer(
  training: UnderAttack,
  slice: Slice,
  stop?: AbortSignal,
): Promise<UnderAttack> {
  const { view, truth, count } = training;
  if (count === null || view.steps.every(({ samples }) => samples !== null)) return training;
  const linked = await within(
    slice,
    (signal) => serverNames(view, { truth, count, attack: "decoder", signal }),
    stop,
  );
  return linked === null ? training : { ...training, view: linked.view };
}

/** Share of the visits of the last epoch that go to the right sample, from which linking counts as found; and how many
 * times that of a guess within the class it must be. */
const [LINKED_FROM, TIMES_CHANCE] = [0.1, 3];

async function findLinks(
  { view, truth, count }: UnderAttack,
  slice: Slice,
  stop?: AbortSignal,
): Promise<Partial<Found> & Pick<Found, "outcome" | "sentence">> {
  const assumption =
    "between two epochs a sample's numbers move less than they differ from others'";
  if (count === null) {
    const sentence = "Nobody told how many samples an epoch has.";
    return { assumption, outcome: "failed", sentence };
  }
  const linked = await within(slice, (signal) => relink(view, { count, signal }), stop);
  if (linked === null) {
    return {
      assumption,
      outcome: "out of time",
      sentence: "Its share of the time was over first.",
    };
  }
  if (truth === null) {
    return {
      assumption,
      outcome: "unmeasured",
      sentence: "Visits were linked; nobody can say how well.",
    };
  }
  const [names, own] = [namesOf(linked), namesOf(truth)];
  const first = own.slice(0, count);
  const from = own.length - count;
  const right = names.slice(from).filter((name, i) => first[name] === own[from + i]).length;
  const share = right / count;
  const chance = view.classes / count;
  return {
    assumption,
    outcome: own.length > count && share >= Math.max(LINKED_FROM, TIMES_CHANCE * chance)
      ? "likeness"
      : "nothing",
    sentence: `${
      numberText(100 * share, 2)
    } % of the visits of the last epoch go to the right sample.`,
    numbers: { "share of visits linked rightly": share, "of a guess within the class": chance },
  };
}
