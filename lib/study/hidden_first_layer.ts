/** The published attack where the server has no W1: what it returns when the server believes in another.
 *
 * z1 is that of the true W1, whatever the server takes W1 for. A program without a solution refutes that one
 * belief, and says nothing of the image.
 * @module */
import { checkedPriors, type Objective } from "../attack/priors.ts";
import { meanScore, type Score, score } from "../attack/score.ts";
import { solveAll } from "../attack/solve_all.ts";
import { type ServerView, serverViews } from "../attack/view.ts";
import { type Dataset, image } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { initialFixedW1 } from "../protocol/fixed_net.ts";
import { fastProducts } from "../protocol/fixed_products.ts";
import { DEFAULT_SCALES } from "../protocol/fixed_step.ts";
import { archivedRecords } from "../sweep/archive.ts";
import { sweep as ratesSweep } from "../sweep/rates.ts";
import { type Rate, rates, rateText, wilson } from "../sweep/summary.ts";
import type { Seeds } from "./mitig1.ts";
import { errorText } from "./words.ts";

/** What the server takes W1 for, and the view of each image that this gives. */
export interface Belief {
  /** What a figure's row says; a newline breaks the line. */
  readonly name: string;
  readonly views: readonly ServerView[];
}

/** The names of the objectives in tables. */
const WRITTEN: Partial<Record<Objective, string>> = {
  "published": "published (0)",
  "tv-sum": "TV + ½·Σx",
};

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
  const recoveries = await solveAll(jobs, { solver: "fast", signal, onProgress });
  /** The images' part of a list over all jobs. */
  const of = <T>(list: readonly T[], belief: number, objective = objectives.length - 1) => {
    const from = (belief * objectives.length + objective) * images.count;
    return list.slice(from, from + images.count);
  };
  const scores = recoveries.map((r, k) => score(r, truth[k % images.count], images.shape));
  return {
    exact: (belief) => wilson(of(scores, belief).filter((s) => s.exact).length, images.count),
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
            captions: of(scores, b).map(caption),
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
            WRITTEN[objective] ?? objective,
            ...outcomes(of(scores, b, o)),
          ])
        ),
      }),
  };
}

function caption({ exact, mse, status }: Score): string {
  if (exact) return "exact";
  return mse === null ? status : `MSE ${errorText(mse)}`;
}

function outcomes(scores: readonly Score[]) {
  const mean = meanScore(scores, "mse");
  return [
    scores.filter((s) => s.status === "infeasible").length,
    scores.filter((s) => s.mse === null && s.status !== "infeasible").length,
    scores.filter((s) => s.exact).length,
    mean === null ? "–" : errorText(mean),
  ];
}

/** The exact integers z1 of MITIG1, group operations omitted, under the true W1 and under a guess, which the
 * server draws as the client drew its own. */
export async function fixedBeliefs(
  images: Dataset,
  { hidden, seeds }: { hidden: number; seeds: Seeds },
): Promise<Belief[]> {
  const { n, shape } = images;
  const [W1, guess] = [seeds.client, seeds.server].map((seed) =>
    initialFixedW1({ n, hidden }, DEFAULT_SCALES, seededRng(seed))
  );
  const all = await fastProducts(images.x, n).forward(W1);
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

/** What became of many programs with one guess of W1 each, at one width. */
export interface GuessRates {
  readonly hidden: number;
  /** Programs without a solution. */
  readonly infeasible: Rate;
  /** Programs with neither a solution nor a proof that there is none. */
  readonly undecided: Rate;
  /** Programs that some image fits. */
  readonly solved: Rate;
  /** Programs that return the digit, exactly. */
  readonly exact: Rate;
}

/** The archived rates over five W1 and five guesses, by width.
 * @throws as `archivedRecords`. */
export async function guessRates(): Promise<
  { at(hidden: number): GuessRates; table(): Table }
> {
  const rows = (await archivedRecords(ratesSweep))
    .filter((row) => row.w1 === "guessed" && Number(row.draw) < 5)
    .toSorted((a, b) => Number(a.hidden) - Number(b.hidden));
  const of = (successes: "infeasible" | "undecided" | "recovered" | "exact") =>
    rates(rows, { by: ["hidden"], successes, trials: "images" });
  const [infeasible, undecided, exact] = [of("infeasible"), of("undecided"), of("exact")];
  const widths = of("recovered").map((solved, k): GuessRates => ({
    ...{ hidden: Number(solved.hidden), solved },
    ...{ infeasible: infeasible[k], undecided: undecided[k], exact: exact[k] },
  }));
  return {
    at(hidden) {
      const found = widths.find((width) => width.hidden === hidden);
      if (found) return found;
      throw new RangeError(`Cannot state rates: no guesses at ${hidden} hidden units`);
    },
    table: () =>
      table({
        title: "The program with one guess of W1, digits over five W1 and five guesses",
        columns: [
          "hidden units",
          "infeasible",
          "undecided",
          "some image fits",
          "the digit, exactly",
        ],
        rows: widths.map((width) => [
          width.hidden,
          ...[width.infeasible, width.undecided, width.solved, width.exact].map((r) => rateText(r)),
        ]),
      }),
  };
}
