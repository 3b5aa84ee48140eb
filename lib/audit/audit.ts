/** What a configuration of the user's own leaks, and the smallest change that stops it: every attack of this workspace that
 * applies to the scheme, within a given time, held to the user's own samples.
 *
 * Under CryptoNN the server knows W1: single samples are attacked behind the user's own layer, and batches and visits in a
 * training of that width. Under the other schemes the server has no W1, and a training is made, or one that was recorded
 * is taken.
 *
 * @example Four pixels behind four units
 * ```ts
 * import { audit } from "lib/audit/audit.ts";
 * import type { Subject } from "lib/audit/subject.ts";
 * import type { OwnSamples } from "lib/data/own_samples.ts";
 * import { firstLayer } from "lib/protocol/cryptonn/first_layer.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const one = { x: Uint8Array.of(0, 9, 255, 7), y: new Uint8Array(1), classes: ["?"], count: 1, n: 4 };
 * const samples: OwnSamples = {
 *   ...{ ...one, name: "one", shape: [1, 4, 1], names: ["row 1"], labelled: false, kind: "table", notes: [] },
 * };
 * const layer = firstLayer([1, 2, 3, 4, -5, 6, 7, -8, 2, 0, -1, 3, 1, 1, 0, 2], 4);
 * const subject: Subject = {
 *   ...{ scheme: "cryptonn", layer, convolution: null, hidden: 4, samples, publicSamples: null },
 *   ...{ known: null, epochs: 1, sigma: 0.7, run: null },
 * };
 * const { verdict } = await audit(subject, { seconds: 5, insecureSeed: 1 });
 * assertEquals(verdict.leaks, true);
 * ```
 * @module */
import denoJson from "../../deno.json" with { type: "json" };
import type { Scheme } from "../attack/training/view.ts";
import { secureRng } from "../math/rng.ts";
import { machine } from "../notebook/notebook.ts";
import type { On } from "../notebook/run.ts";
import { Budget } from "./budget.ts";
import { notesOf, subjectLines } from "./about.ts";
import { castOf, materialOf, type Trainings, underAttack } from "./cast.ts";
import { type Audit, SCHEMA } from "./findings.ts";
import {
  findOneSample,
  type Found,
  ONE_SAMPLE,
  type OneSampleAttack,
  oneSampleAttacks,
  singlesOf,
} from "./one_sample.ts";
import { type Subject, threatOf } from "./subject.ts";
import { verdictOf } from "./verdict.ts";
import { withChanges } from "./what_stops.ts";
import {
  CUBIC,
  findInTraining,
  linkedByServer,
  WHOLE,
  type WholeAttack,
  whyNot,
} from "./whole_training.ts";

/** How an audit runs. */
export interface AuditOptions extends Partial<On> {
  /** For all of it. A part that is under way when they end is cut short within about a second. */
  readonly seconds: number;
  /** Repeats what is drawn: the weights of trainings, made-up labels, decoders. From the CSPRNG if left out, and stated in
   * the result. No key is drawn from it. */
  readonly insecureSeed?: number;
}

/** Part of the seconds that is kept for pictures and pages. */
const RESERVE = 0.04;

/** Of making a training, and of the search for changes, against the attacks' own weights. */
const [TRAINING_WEIGHT, CHANGES_WEIGHT] = [20, 15];

/** Attacks on trainings by scheme, in the order in which they run. */
const ON_TRAININGS: Readonly<Record<Scheme, readonly WholeAttack[]>> = {
  cryptonn: ["gradient", "epochs"],
  mitig1: ["decoder", "align", "gram", "known", "gram-bayes", "span"],
  mitig2: ["relink", "decoder", "decoder-named", "align", "gram", "known", "gram-bayes"],
  mitig3: ["relink", "decoder-named", "align"],
};

/** Of least squares where it may leave nothing to the others, and whose exact rank takes long: nearly all. */
const SOLE_WEIGHT = 1000;

/** Why no prior is tried. */
const SOLE = "the equations alone leave one solution";

/** What no attack here does. */
const NOT_HERE = {
  attack: "A server that steers",
  why: "it leaves the protocol: sends back other gradients than the loss gives (notebooks 05, 06b)",
};

/** What got furthest first. */
const RANK: Readonly<Record<Found["outcome"], number>> = {
  ...{ recovered: 0, likeness: 1, unmeasured: 2, nothing: 3, failed: 4 },
  "out of time": 5,
};

const far = ({ counts, numbers }: Found) =>
  (counts.exact ?? 0) / Math.max(1, counts.attacked) +
  Number(numbers["leakage, share of the way to exact"] ?? 0);

function checkSubject({ scheme, samples, run, convolution }: Subject): void {
  if (run === null && samples === null) throw new TypeError("Cannot audit: there are no samples");
  if (run === null && scheme !== "cryptonn" && !samples!.labelled) {
    throw new TypeError(
      `Cannot audit a training under ${scheme}: the samples have no labels, give one folder a class, or --labels`,
    );
  }
  if (run === null && scheme !== "cryptonn" && convolution !== null) {
    throw new TypeError(
      `Cannot audit a convolution under ${scheme}: the trainings here have a dense first layer; ` +
        "audit it under cryptonn, or give a dense layer",
    );
  }
}

/** What each part of an audit is given. */
interface Part {
  readonly budget: Budget;
  readonly stop?: AbortSignal;
  begin(title: string): void;
  onProgress(done: number, total: number): void;
  ended(): void;
}

/** Runs the attacks that apply to a training, and adds the others to `notTried`. */
async function attackTrainings(
  made: Trainings,
  attacks: readonly WholeAttack[],
  notTried: Audit["notTried"][number][],
  part: Part,
): Promise<Found[]> {
  const found: Found[] = [];
  let trainings = made;
  for (const name of attacks) {
    // links help to follow samples, and would only harm what takes one visit
    const size = CUBIC.includes(name) ? "few" : "all";
    const training = name === "align" ? made.all : trainings[size];
    const slice = part.budget.next(WHOLE[name].weight);
    const why = whyNot(name, training);
    if (why !== null) notTried.push({ attack: WHOLE[name].title, why });
    else {
      part.begin(WHOLE[name].title);
      found.push(await findInTraining(name, training, { slice, ...part }));
      if (name === "relink" && training.view.scheme === "mitig2") {
        const linked = await linkedByServer(training, slice, part.stop);
        trainings = { ...trainings, all: linked, few: linked };
      }
    }
    part.ended();
  }
  return found;
}

/** Audits a subject. What an attack cannot do, and what the time does not allow, is part of the result.
 * @throws {TypeError} no samples where a layer or a training needs them, a convolution where a training is asked for.
 * {RangeError} seconds that are not positive; as the trainings. @throws the signal's reason when aborted. */
export async function audit(
  subject: Subject,
  { seconds, insecureSeed, signal: stop, onProgress, onMessage }: AuditOptions,
): Promise<Audit> {
  checkSubject(subject);
  if (!(seconds > 0 && Number.isFinite(seconds))) {
    throw new RangeError(`Cannot audit in ${seconds} s: expected a positive number`);
  }
  const { scheme, layer, samples, publicSamples, run, convolution } = subject;
  const seed = insecureSeed ?? new DataView(secureRng().bytes(4).buffer).getUint32(0);
  const cast = run === null ? castOf(subject) : null;
  const budget = new Budget(seconds * (1 - RESERVE), stop);
  const singles = run === null && scheme === "cryptonn" && layer !== null
    ? singlesOf(layer, samples!, publicSamples)
    : null;
  const single = singles === null ? { attacks: [], notTried: [] } : oneSampleAttacks(singles);
  const notTried = [...single.notTried];
  const whole = run !== null || convolution === null ? ON_TRAININGS[scheme] : [];
  if (whole.length === 0) {
    const why = "the trainings here have a dense first layer";
    notTried.push({ attack: "Attacks on a training", why });
  }
  const weightOf = (name: OneSampleAttack) =>
    name === "least-squares" && layer!.hidden >= layer!.n ? SOLE_WEIGHT : ONE_SAMPLE[name].weight;
  const weights = [
    ...single.attacks.map(weightOf),
    ...whole.length > 0 ? [TRAINING_WEIGHT] : [],
    ...whole.map((name) => WHOLE[name].weight),
  ];
  budget.plan([...weights, CHANGES_WEIGHT]);

  // One step each for the attacks, the training, and each search for a change.
  const total = 2 * (single.attacks.length + whole.length) + 1;
  let done = 0;
  const part: Part = {
    ...{ budget, stop },
    begin: (title) => onMessage?.(title),
    onProgress: (k, of) => onProgress?.(done + k / of, total),
    ended: () => onProgress?.(++done, total),
  };
  const found: Found[] = [];
  for (const name of single.attacks) {
    part.begin(ONE_SAMPLE[name].title);
    const slice = budget.next(weightOf(name));
    const one = await findOneSample(singles!, name, { slice, ...part });
    found.push(one);
    part.ended();
    const { exact, attacked } = one.counts;
    const sole = name === "least-squares" && layer!.hidden >= layer!.n;
    if (sole && attacked > 0 && exact === attacked) {
      const others = single.attacks.filter((other) => other !== name);
      notTried.push(...others.map((other) => ({ attack: ONE_SAMPLE[other].title, why: SOLE })));
      break;
    }
  }
  let current: Trainings["numbers"] = null;
  if (whole.length > 0) {
    part.begin("training");
    const made = await underAttack(subject, cast, seed, budget.next(TRAINING_WEIGHT), stop);
    part.ended();
    if (typeof made === "string") notTried.push({ attack: "Attacks on a training", why: made });
    else {
      current = made.numbers;
      found.push(...await attackTrainings(made, whole, notTried, part));
    }
  }
  notTried.push(NOT_HERE);

  const ranked = found.toSorted((a, b) => RANK[a.outcome] - RANK[b.outcome] || far(b) - far(a));
  const material = cast && materialOf(cast, subject, seed);
  const attacks = await withChanges(ranked, subject, singles, material, {
    ...{ budget, stop, current },
    begin(title) {
      part.begin(`what stops: ${title}`);
      part.ended();
    },
  });
  onProgress?.(total, total); // searches that were not needed
  const kind = samples?.kind ?? "image";
  return {
    schema: SCHEMA,
    scheme,
    shape: samples?.shape ?? run!.view.shape,
    kind,
    verdict: verdictOf(attacks, notTried, { kind, scheme, count: samples?.count ?? null }),
    subject: subjectLines(subject, cast),
    threat: threatOf(subject),
    ...{ attacks, notTried },
    notes: notesOf(subject, cast),
    seconds: { given: seconds, taken: budget.taken },
    insecureSeed: seed,
    machine: machine(),
    versions: { workspace: denoJson.version, deno: Deno.version.deno },
  };
}
