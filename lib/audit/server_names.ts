/** What a server can call the samples of a recorded split training, whose client may have named none.
 *
 * An attack on one visit needs no names. To follow samples, MITIG2's server tells samples apart by how little z1 moves between two visits (`relink.ts`). mitig3's cannot: to it every
 * visit is a sample of its own. An attack that follows samples over visits can there only be tried with the true names,
 * which this server does not have: what comes of it is an upper bound, and is called so.
 * @module */
import { TRAINING_ATTACKS, type TrainingAttack } from "../attack/training/attack.ts";
import { relink } from "../attack/training/relink.ts";
import { type StepView, type TrainingView, trainingView } from "../attack/training/view.ts";
import type { On } from "../notebook/run.ts";

/** A view with names, and where they come from, in a few words. */
export interface ServerNames {
  readonly view: TrainingView;
  readonly how: string;
}

/** Names the samples of a view as its server can for an attack. What the server calls them is its own affair: where the
 * truth is known they go by the places of their images here, so that a recovery can be measured.
 * @param truth the view named by truth; null where nobody did.   @param count samples of an epoch; null: not known.
 * @throws {RangeError} epochs that are not whole, or without a number, where visits must be linked. {TypeError} mitig3's
 * samples are to be followed without the truth. */
export async function serverNames(
  view: TrainingView,
  { truth, count, attack, signal, onProgress }: Partial<On> & {
    readonly truth: TrainingView | null;
    readonly count: number | null;
    readonly attack: TrainingAttack;
  },
): Promise<ServerNames> {
  if (view.steps.every(({ samples }) => samples !== null)) {
    return { view, how: "by the client, which keeps the order" };
  }
  if (attack === "align") { // one visit is all that it takes: a wrong link would count against it
    const { steps } = lastEpoch(truth ?? numbered(view), count);
    return { view: trainingView({ ...view, steps }), how: "none: of the last visit each its own" };
  }
  if (view.scheme === "mitig3") {
    if (truth !== null) {
      return { view: truth, how: "the true ones, which this server lacks: an upper bound" };
    }
    const { what } = TRAINING_ATTACKS[attack];
    throw new TypeError(
      `Cannot attack mitig3 by ${attack} (${what}): its server cannot follow samples over visits; ` +
        "with --names it is tried as an upper bound",
    );
  }
  if (count === null) {
    throw new RangeError(
      "Cannot link visits: the record does not say how many samples an epoch has",
    );
  }
  const linked = await relink(view, { count, signal, onProgress });
  const how = "by the nearest z1 of the visit before";
  if (truth === null) return { view: linked, how };
  const first = namesOf(truth.steps).slice(0, count);
  const steps = linked.steps.map((step) => ({
    ...step,
    samples: step.samples!.map((name) => first[name]),
  }));
  return { view: trainingView({ ...linked, steps }), how };
}

const namesOf = (steps: readonly StepView[]) => steps.flatMap(({ samples }) => [...samples!]);

/** Each visit under a name of its own. */
function numbered(view: TrainingView): TrainingView {
  let taken = 0;
  const steps = view.steps.map((step) => {
    const m = step.z1.length / view.units;
    taken += m;
    return { ...step, samples: Uint32Array.from({ length: m }, (_, row) => taken - m + row) };
  });
  return { ...view, steps };
}

/** The steps of the last whole epoch; all where its length is not known. */
function lastEpoch(view: TrainingView, count: number | null): TrainingView {
  const { steps, units } = view;
  if (count === null) return view;
  let rows = 0;
  const epochOf = steps.map(({ z1 }) => {
    const epoch = Math.floor(rows / count);
    rows += z1.length / units;
    return epoch;
  });
  const whole = Math.floor(rows / count);
  return whole === 0
    ? view
    : { ...view, steps: steps.filter((_, at) => epochOf[at] === whole - 1) };
}
