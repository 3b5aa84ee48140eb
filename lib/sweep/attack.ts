/** Sweep `attack`: how well one image is recovered, by dataset, width, objective, period and image.
 *
 * It holds the published program's table (arXiv 2509.21497; five widths and five densities of neighbour
 * rules on CIFAR-10 grey), the same on the other datasets, and our objectives. The published program has many
 * optima, and each solver stops at its own: part of the table goes through HiGHS too. W1 is N(0, 1), drawn from
 * dataset, width and image: the same for all objectives and periods, which are thus compared in pairs. z1
 * is computed in the clear, in the integers that decryption yields.
 * @module */
import { attack } from "../attack/attack.ts";
import { score } from "../attack/metrics.ts";
import { type Objective, OBJECTIVES } from "../attack/priors.ts";
import type { Dataset } from "../data/dataset.ts";
import { image } from "../data/dataset.ts";
import { type DatasetName, loadDataset } from "../data/load.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { clearViews, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { defineSweep } from "./grid.ts";

/** Far beyond what a program takes: a row must not depend on the machine's speed. */
const TIME_LIMIT_S = 1800;

/** The datasets whose images are attacked. */
export const ATTACKED = ["mnist", "fashion-mnist", "cifar10-gray"] as const;

/** Periods of the neighbour rule, sparsest first. "none" is no rule at all; the authors' code has period 1000 for
 * it, which keeps the rule at one pixel, (0, 0). */
export const PERIODS = ["none", "1000", "16", "9", "4", "2"] as const;

/** The period that the priors take. */
export const priorPeriod = (period: (typeof PERIODS)[number]): number | null =>
  period === "none" ? null : Number(period);

/** Those of the published table. */
const TABLE = ["none", "16", "9", "4", "2"] as const;
const IMAGES = Array.from({ length: 10 }, (_, k) => k);

const tests = new Map<DatasetName, Promise<Dataset>>();

/** The test images of a dataset, read once per process. */
export function testImages(name: DatasetName): Promise<Dataset> {
  const images = tests.get(name) ?? loadDataset(name).then(({ test }) => test);
  tests.set(name, images);
  return images;
}

/** The published program, by density of its rule. */
const RULES = { objective: ["published"], period: TABLE, image: IMAGES } as const;
/** The objectives that need no rule. */
const PRIORS = {
  objective: ["sum", "tv", "tv-sum", "reweighted"],
  period: ["none"],
  image: IMAGES,
  solver: ["fast"],
} as const;

/** The sweep `attack`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "attack",
  version: 3,
  fields: {
    dataset: { type: "choice", choices: ATTACKED },
    hidden: { type: "integer", min: 1, max: 1024 },
    objective: { type: "choice", choices: OBJECTIVES as readonly Objective[] },
    period: { type: "choice", choices: PERIODS },
    image: { type: "integer", min: 0, max: 9999 },
    solver: { type: "choice", choices: ["fast", "highs"] }, // our interior point method, or theirs
  },
  // `recovery` is optimal, infeasible, undecided, time-limit or error; without a recovery mse, psnr and ssim are null,
  // psnr also for an image that is the same. `elapsedMs` is the solver's.
  columns: ["recovery", "mse", "psnr", "ssim", "exact", "consistent", "certified", "elapsedMs"],
  timings: ["elapsedMs"],
  seedFields: ["dataset", "hidden", "image"],
  grids: [
    { ...RULES, dataset: ["cifar10-gray"], hidden: [350, 500, 750, 900, 1000], solver: ["fast"] },
    // as the authors solve it; wider layers take half a minute each
    { ...RULES, dataset: ["cifar10-gray"], hidden: [350, 500], solver: ["highs"] },
    { ...PRIORS, dataset: ["cifar10-gray"], hidden: [350, 500, 750, 900, 1000] },
    {
      ...{ ...RULES, dataset: ["mnist", "fashion-mnist"], solver: ["fast"] },
      hidden: [200, 300, 400, 500, 600],
    },
    { ...PRIORS, dataset: ["mnist"], hidden: [175, 200, 225, 250, 275, 300, 350, 400, 450] },
    { ...PRIORS, dataset: ["fashion-mnist"], hidden: [300, 400, 450, 500, 550, 600, 650] },
  ],
  prepare: async ({ dataset }) => void await testImages(dataset),
  async run({ dataset, hidden, objective, period, image: index, solver }, { seed, stopped }) {
    const test = await testImages(dataset);
    const W1 = gaussian(seededRng(seed), hidden * test.n);
    const [view] = clearViews(firstLayer(W1, test.n), test, [index]);
    const [recovery] = await attack([view], {
      ...{ objective, period: priorPeriod(period), solver },
      ...{ timeLimitS: TIME_LIMIT_S, stopped },
    });
    const { status, ...numbers } = score(recovery, image(test, index), test.shape);
    const psnr = numbers.psnr === Infinity ? null : numbers.psnr;
    return { recovery: status, ...numbers, psnr };
  },
});
