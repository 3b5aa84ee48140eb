/** The published attack where the server has no W1: what it returns when the server believes in another.
 *
 * z1 is that of the true W1, whatever the server takes W1 for. A program without a solution refutes that one
 * belief, and says nothing of the image.
 * @module */
import { attackEach } from "../attack/attack.ts";
import { meanScore, type Score, score } from "../attack/metrics.ts";
import { checkedPriors, type Objective } from "../attack/priors.ts";
import { floatView, type ServerView, serverViews } from "../attack/view.ts";
import { type Dataset, firstImages, image } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { initialW1 } from "../nn/mlp.ts";
import { AUTHORS } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { clearProducts, DEFAULT_SCALES, initialFixedW1 } from "../protocol/fixed_net.ts";
import { train } from "../protocol/mitig2/client.ts";
import { type Seen, serve } from "../protocol/mitig2/server.ts";
import { type Rate, rateText, wilson } from "../sweep/summary.ts";
import type { Seeds } from "./mitig1.ts";
import { serverSeed } from "./mitig2.ts";
import { archivedBlocks, LABELS, type Outcome } from "./rates.ts";
import { caption, count } from "./recoveries.ts";

/** What the server takes W1 for, and the view of each image that this gives. */
export interface Belief {
  /** What a figure's row says; a newline breaks the line. */
  readonly name: string;
  readonly views: readonly ServerView[];
}

/** What the attack made of each image under each belief. */
export interface Attacked {
  /** Images recovered exactly with the last objective. @param belief its place. */
  exact(belief: number): Rate;
  /** Mean MSE of the recovered with the last objective; null if there are none. */
  meanMse(belief: number): number | null;
  /** The private images, and below them each belief's recoveries with the last objective. */
  grid(name: string, title: string): Figure;
  /** Outcomes, a row per belief and objective. */
  table(title: string): Table;
}

/** Runs the attack on each image under each belief.
 * @param options.objectives the published one and TV + ½·Σx by default.
 * @throws the signal's reason when aborted.  {TypeError} a belief with another number of views. */
export async function attackBeliefs(
  images: Dataset,
  beliefs: readonly Belief[],
  { objectives = ["published", "tv-sum"], signal, onProgress }: Partial<On> & {
    objectives?: readonly Objective[];
  } = {},
): Promise<Attacked> {
  const odd = beliefs.find(({ views }) => views.length !== images.count);
  if (odd) {
    throw new TypeError(
      `Cannot attack: "${odd.name}" has ${odd.views.length} views of ${images.count} images`,
    );
  }
  const truth = Array.from({ length: images.count }, (_, i) => image(images, i));
  const jobs = beliefs.flatMap(({ views }) =>
    objectives.flatMap((objective) =>
      views.map((view) => ({ view, priors: checkedPriors({ objective }) }))
    )
  );
  const recoveries = await attackEach(jobs, { solver: "fast", signal, onProgress });
  /** The images' part of a list over all jobs. */
  const of = <T>(list: readonly T[], belief: number, objective = objectives.length - 1) => {
    const from = (belief * objectives.length + objective) * images.count;
    return list.slice(from, from + images.count);
  };
  const scores = recoveries.map((r, k) => score(r, truth[k % images.count], images.shape));
  return {
    exact: (belief) => wilson(count(of(scores, belief), (s) => s.exact), images.count),
    meanMse: (belief) => meanScore(of(scores, belief), "mse"),
    grid: (name, title) =>
      imageGrid({
        name,
        title,
        alt: "With W1 the digits come back; with a guessed W1 there is no solution, or noise.",
        shape: images.shape,
        rows: [
          { label: "private image", images: truth },
          ...beliefs.map((belief, b) => ({
            label: belief.name,
            images: of(recoveries, b).map(({ xHat }) => xHat),
            captions: of(scores, b).map((s) => s.mse === null ? s.status : caption(s)),
          })),
        ],
      }),
    table: (title) =>
      table({
        title,
        columns: ["server's W1", "objective", "infeasible", "undecided", "exact", "mean MSE"],
        rows: beliefs.flatMap(({ name }, b) =>
          objectives.map((objective, o) => [
            name.replace("\n", ", "),
            LABELS[objective],
            ...outcomes(of(scores, b, o)),
          ])
        ),
      }),
  };
}

function outcomes(scores: readonly Score[]) {
  const mean = meanScore(scores, "mse");
  return [
    count(scores, (s) => s.status === "infeasible"),
    count(scores, (s) => s.mse === null && s.status !== "infeasible"),
    count(scores, (s) => s.exact),
    mean === null ? "–" : mean < 1e-3 ? mean.toExponential(0) : mean.toFixed(3),
  ];
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
  const all = clearProducts(images.x, n).forward(W1);
  const z1s = Array.from(
    { length: images.count },
    (_, i) => all.subarray(i * hidden, (i + 1) * hidden),
  );
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
  return seen.flatMap(({ z1 }) =>
    Array.from({ length: z1.length / hidden }, (_, i) => z1.subarray(i * hidden, (i + 1) * hidden))
  );
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

/** The archived rates of programs with one guess of W1 each, over five W1 and five guesses.
 * @throws as `archivedBlocks`. */
export async function guessRates(): Promise<{
  /** How many of the programs at a width end so; "recovered" is that some image fits. */
  at(hidden: number, outcome: Outcome): Rate;
  table(): Table;
}> {
  const guessed = (await archivedBlocks()).where({ w1: "guessed" });
  const outcomes = {
    "infeasible": "infeasible",
    "undecided": "undecided",
    "some image fits": "recovered",
    "the digit, exactly": "exact",
  } as const;
  const widths = guessed.byWidth("exact").map(({ hidden }) => hidden);
  const at = (hidden: number, outcome: Outcome) => guessed.where({ hidden }).rate(outcome);
  return {
    at,
    table: () =>
      table({
        title: "The program with one guess of W1, digits over five W1 and five guesses",
        columns: ["hidden units", ...Object.keys(outcomes)],
        rows: widths.map((hidden) => [
          hidden,
          ...Object.values(outcomes).map((outcome) => rateText(at(hidden, outcome))),
        ]),
      }),
  };
}
