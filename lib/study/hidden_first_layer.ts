/** The published attack where the server has no W1: what it returns when the server believes in another.
 *
 * z1 is that of the true W1, whatever the server takes W1 for. A program without a solution refutes that one
 * belief, and says nothing of the image.
 * @module */
import { checkedPriors, type Objective } from "../attack/priors.ts";
import { floatView, type ServerView, serverViews } from "../attack/view.ts";
import { type Dataset, firstImages } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { initialW1 } from "../nn/mlp.ts";
import { AUTHORS } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { clearProducts, DEFAULT_SCALES, initialFixedW1 } from "../protocol/fixed_net.ts";
import { train } from "../protocol/mitig2/client.ts";
import { type Seen, serve } from "../protocol/mitig2/server.ts";
import { type Rate, wilson } from "../sweep/summary.ts";
import type { Seeds } from "./mitig1.ts";
import { serverSeed } from "./mitig2.ts";
import { errorText, LABELS } from "./rates.ts";
import { firstOf, judge, type Judged, recoverEach, Recoveries } from "./recoveries.ts";

/** What the server takes W1 for, and the view of each image that this gives. */
export interface Belief {
  /** What a figure's row says; a newline breaks the line. */
  readonly name: string;
  readonly views: readonly ServerView[];
}

/** What the attack made of each image under each belief. */
export class AttackedBeliefs {
  /** @param rows beliefs, and below each the objectives. */
  constructor(
    private readonly images: Dataset,
    private readonly beliefs: readonly Belief[],
    private readonly objectives: readonly Objective[],
    private readonly rows: readonly Judged[],
  ) {}

  /** With the last objective. @param belief its place. */
  of(belief: number): Judged {
    return this.rows[(belief + 1) * this.objectives.length - 1];
  }

  /** Images recovered exactly with the last objective. */
  exact(belief: number): Rate {
    return wilson(this.of(belief).exact, this.images.count);
  }

  /** The private images, and below them each belief's recoveries with the last objective. */
  grid(name: string, title: string): Figure {
    const shown = this.beliefs.map((_, belief) => this.of(belief));
    return new Recoveries(firstOf(this.images), shown).grid(name, title);
  }

  /** Outcomes, a row per belief and objective. */
  table(title: string): Table {
    return table({
      title,
      columns: ["server's W1", "objective", "infeasible", "undecided", "exact", "mean MSE"],
      rows: this.rows.map(({ label, infeasible, undecided, exact, mse }, k) => [
        ...[label.replace("\n", ", "), LABELS[this.objectives[k % this.objectives.length]]],
        ...[infeasible, undecided, exact, errorText(mse)],
      ]),
    });
  }
}

/** Runs the attack on each image under each belief.
 * @param options.objectives the published one and TV + ½·Σx by default.
 * @throws the signal's reason when aborted.  {TypeError} a belief with another number of views. */
export async function attackBeliefs(
  images: Dataset,
  beliefs: readonly Belief[],
  { objectives = ["published", "tv-sum"], ...on }: Partial<On> & {
    objectives?: readonly Objective[];
  } = {},
): Promise<AttackedBeliefs> {
  const odd = beliefs.find(({ views }) => views.length !== images.count);
  if (odd) {
    throw new TypeError(
      `Cannot attack: "${odd.name}" has ${odd.views.length} views of ${images.count} images`,
    );
  }
  const programs = beliefs.flatMap(({ name, views }) =>
    objectives.map((objective) => ({ name, views, priors: checkedPriors({ objective }) }))
  );
  const solved = await recoverEach(programs, { ...on, solver: "fast" });
  const rows = programs.map(({ name }, k) => judge(name, solved[k], firstOf(images)));
  return new AttackedBeliefs(images, beliefs, objectives, rows);
}

/** The rows of z1, [m, hidden], a view each. */
function rowsOf<Z extends Float32Array | Float64Array>(z1: Z, hidden: number): Z[] {
  return Array.from(
    { length: z1.length / hidden },
    (_, i) => z1.subarray(i * hidden, (i + 1) * hidden) as Z,
  );
}

/** The exact integers z1 of MITIG1, group operations omitted, under the true W1 and under a guess, which the
 * server draws as the client drew its own. */
export function fixedBeliefs(
  images: Dataset,
  { hidden, seeds }: { hidden: number; seeds: Seeds },
): Belief[] {
  const { n, shape } = images;
  const [W1, guess] = [seeds.client, seeds.server].map((seed) =>
    initialFixedW1({ n, hidden }, DEFAULT_SCALES, seededRng(seed))
  );
  const z1s = rowsOf(clearProducts(images.x, n).forward(W1), hidden);
  const views = (W1: Int32Array) =>
    serverViews({ W1, z1s, shape, scaleBits: DEFAULT_SCALES.weightBits });
  return [
    { name: "W1 known\nCryptoNN", views: views(W1) },
    { name: "W1 guessed\nMITIG1", views: views(guess) },
  ];
}

/** z1 of the first step of a training of these two seeds, as an honest but curious server reads it. */
async function firstStep(
  images: Dataset,
  hidden: number,
  seeds: { client: number; server: number },
) {
  const [ours, theirs] = inProcess();
  const seen: Seen[] = [];
  const rng = seededRng(seeds.server);
  const ended = serve(theirs, { rng, observe: (part) => seen.push(part) });
  const data = { train: images, test: firstImages(images, 1) };
  const setting = { ...AUTHORS, epochs: 1, batch: images.count };
  await train(ours, data, { setting, hidden, rng: seededRng(seeds.client) });
  ours.close();
  await ended;
  return seen.flatMap(({ z1 }) => rowsOf(z1, hidden));
}

/** What the server of MITIG2 may take W1 for in the first step: the true one, for comparison; what the authors'
 * shared seed 0 gives; and what its own seed gives.
 * @param options.seed the client's, where the seeds are not shared. */
export async function firstStepBeliefs(
  images: Dataset,
  { seed, hidden = 300 }: { seed: number; hidden?: number },
): Promise<Belief[]> {
  const { n, classes, shape } = images;
  const belief = (name: string, w1Seed: number, z1s: readonly Float32Array[]): Belief => {
    const W1 = initialW1({ n, hidden, classes: classes.length }, "authors", seededRng(w1Seed));
    return { name, views: z1s.map((z1) => floatView({ W1, z1, shape })) };
  };
  const z1s = await firstStep(images, hidden, { client: seed, server: serverSeed(seed) });
  const ofZeros = await firstStep(images, hidden, { client: 0, server: 0 });
  return [
    belief("W1 known, as in CryptoNN\ngroup operations omitted", seed, z1s),
    belief("W1 from seed 0\nboth seeds 0: authors", 0, ofZeros),
    belief("W1 from its own seed\nMITIG2 as meant", serverSeed(seed), z1s),
  ];
}
