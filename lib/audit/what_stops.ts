/** For each attack that found something the smallest change that stops it; what serves several is searched once.
 * @module */
import type { OwnSamples } from "../data/own_samples.ts";
import type { FirstLayer } from "../protocol/cryptonn/first_layer.ts";
import type { Budget, Slice } from "./budget.ts";
import { ENOUGH } from "./cast.ts";
import type { Material } from "./material.ts";
import {
  bytesPerVisit,
  type Changed,
  encryptedSeconds,
  schemeChange,
  type Setting,
  trainedWithin,
  type TrainingNumbers,
  visitsChange,
  widthChange,
} from "./changes.ts";
import type { AttackFinding, Cost } from "./findings.ts";
import { type Found, ONE_SAMPLE, type OneSampleAttack, type Singles } from "./one_sample.ts";
import type { Subject } from "./subject.ts";

type Kind = "width" | "visits" | "scheme" | "none";

/** Of the time that is left when all attacks have ended. */
const WEIGHTS: Readonly<Record<Kind, number>> = { width: 3, visits: 3, scheme: 8, none: 0 };

const nothingFound = ({ outcome }: Found): Changed => ({
  change: null,
  note: outcome === "out of time"
    ? "It did not end in its share of the time: give more (--seconds)."
    : "Nothing was found that a change could stop.",
});

const leaks = ({ outcome }: Found) => outcome === "recovered" || outcome === "likeness";

/** What is searched for an attack. */
function kindOf(found: Found, material: Material | null): Kind {
  if (!leaks(found)) return "none";
  if (found.name in ONE_SAMPLE) return "width";
  if (material === null) return "none";
  return found.name === "gram" || found.name === "gram-bayes" ? "visits" : "scheme";
}

/** Adds to each finding what stops it, in the time that is left.
 * @param found what got furthest first.   @param material what trainings can be compared on.
 * @param singles what single samples were attacked behind; null where none were.
 * @param on.begin called with each title.   @throws the stop's reason. */
export async function withChanges(
  found: readonly Found[],
  subject: Subject,
  singles: Singles | null,
  material: Material | null,
  { budget, stop, current, begin }: {
    budget: Budget;
    stop?: AbortSignal;
    /** Of the training under attack; null where there was none. */
    current: TrainingNumbers | null;
    begin: (title: string) => void;
  },
): Promise<AttackFinding[]> {
  const kinds = found.map((one) => kindOf(one, material));
  const weights = kinds.map((kind, at) =>
    kind === "scheme" && kinds.indexOf("scheme") < at ? 0 : WEIGHTS[kind]
  );
  budget.plan(weights);
  const { scheme, hidden, epochs, sigma } = subject;
  const now: Setting = { scheme, hidden, epochs, sigma };
  const costs = new WidthCosts(subject, material, now, stop);
  let otherScheme: Changed | undefined;
  let guess: number | null = null;
  const all: AttackFinding[] = [];
  for (const [at, one] of found.entries()) {
    begin(one.title);
    const slice = budget.next(weights[at]);
    const on = { slice, stop, current };
    let changed: Changed;
    if (kinds[at] === "width") {
      const found = await widthChange(one.name as OneSampleAttack, singles!, {
        ...{ ...on, guess, unit: subject.convolution?.outputs ?? 1 },
        cost: (width) => costs.of(width, slice),
      });
      [changed, guess] = [found, found.width ?? guess];
    } else if (kinds[at] === "visits") {
      changed = await visitsChange(one.name as "gram" | "gram-bayes", now, material!, on);
    } else if (kinds[at] === "scheme") {
      changed = otherScheme ??= await schemeChange(now, material!, on);
    } else changed = leaks(one) ? notCompared(subject) : nothingFound(one);
    all.push({ ...one, change: changed.change, changeNote: changed.note });
  }
  return all;
}

/** Why trainings were not compared. */
function notCompared({ samples, convolution, run }: Subject): Changed {
  const given = samples?.labelled ? `${samples.count} were given` : "these have no labels";
  const note = run !== null
    ? "Not searched on a recorded run: audit a training that is made of your samples (--scheme)."
    : convolution !== null
    ? "Not searched: the trainings here have a dense first layer."
    : `Not searched: trainings are compared on at least ${ENOUGH} labelled samples (one folder a class, or ` +
      `--labels), ${given}. Notebook 06b has the comparison on MNIST.`;
  return { change: null, note };
}

/** What a narrower first layer costs; each width is trained once. */
class WidthCosts {
  readonly #accuracies = new Map<number, number | null>();
  #seconds: ((units: number) => number) | null = null;

  constructor(
    private readonly subject: Subject,
    private readonly material: Material | null,
    private readonly now: Setting,
    private readonly stop?: AbortSignal,
  ) {}

  async of(width: number, slice: Slice): Promise<Cost> {
    const [layer, samples]: [FirstLayer, OwnSamples] = [this.subject.layer!, this.subject.samples!];
    const seconds = this.#seconds ??= await encryptedSeconds(layer, samples, slice, this.stop);
    const [now, then] = [
      await this.#accuracy(layer.hidden, slice),
      await this.#accuracy(width, slice),
    ];
    const { count } = samples;
    const sizes = { n: layer.n, epochs: this.now.epochs, classes: samples.classes.length };
    const bytes = (hidden: number) => bytesPerVisit("cryptonn", { ...sizes, hidden });
    return {
      accuracy: now === null || then === null ? null : { now, then },
      seconds: seconds && { now: count * seconds(layer.hidden), then: count * seconds(width) },
      bytes: { now: bytes(layer.hidden), then: bytes(width) },
      note:
        "Time of the encrypted forward passes of all samples, both parties' part on one core, from one that was made; bytes with those of training" +
        (now === null || then === null
          ? "; accuracy needs labelled samples and time."
          : "; accuracy of test samples held out of yours, one training each."),
    };
  }

  /** null where it cannot be measured. */
  async #accuracy(hidden: number, slice: Slice): Promise<number | null> {
    const { material, now, stop } = this;
    if (material === null || this.subject.convolution) return null;
    const known = this.#accuracies.get(hidden);
    if (known !== undefined) return known;
    const made = await trainedWithin({ ...now, hidden }, material, slice, stop);
    this.#accuracies.set(hidden, made?.accuracy ?? null);
    return made?.accuracy ?? null;
  }
}
