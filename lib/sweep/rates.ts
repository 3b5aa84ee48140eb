/** Sweep `rates`: of many images, how many a program gives back exactly, and how many programs have no
 * solution, by dataset, width, objective, rule and W1.
 *
 * A row is one W1, N(0, 1), and a block of test images: draw d attacks images d·images to (d + 1)·images − 1. So
 * five draws are five W1 and five times as many different images, and rows of one setting are independent draws
 * of both. W1 depends on dataset, width and draw: settings that differ in objective, rule or solver are compared
 * on the same W1 and images. z1 is computed in the clear, in the integers that decryption yields.
 *
 * With `w1` "guessed" the program is written with another W1 of the same distribution, as a server tries that has
 * none: what its verdict refutes is that one guess.
 * @module */
import { attack } from "../attack/attack.ts";
import { meanScore, score } from "../attack/metrics.ts";
import { type Objective, OBJECTIVES } from "../attack/priors.ts";
import { serverViews } from "../attack/view.ts";
import { image } from "../data/dataset.ts";
import { toFixed } from "../math/fixed_point.ts";
import { gaussian, seededRng } from "../math/rng.ts";
import { clearViews, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { ATTACKED, PERIODS, priorPeriod, testImages } from "./attack.ts";
import { defineSweep } from "./grid.ts";

/** Five draws of W1, the least that a rate is stated from. */
const DRAWS = [0, 1, 2, 3, 4];

/** What most grids have in common. */
const KNOWN = { period: ["none"], w1: ["known"], solver: ["batched"], draw: DRAWS } as const;
/** 500 different images a setting, and 100 where programs take longer. */
const [MANY, SOME] = [[100], [20]] as const;
const MNIST = { ...KNOWN, dataset: ["mnist"], images: MANY } as const;
const PUBLISHED = { ...MNIST, objective: ["published"] } as const;
const FASHION = { ...KNOWN, dataset: ["fashion-mnist"] } as const;
const CIFAR = { ...KNOWN, dataset: ["cifar10-gray"], images: SOME } as const;

/** The sweep `rates`. */
export const sweep = defineSweep({
  url: import.meta.url,
  name: "rates",
  version: 2,
  fields: {
    dataset: { type: "choice", choices: ATTACKED },
    hidden: { type: "integer", min: 1, max: 1024 },
    objective: { type: "choice", choices: OBJECTIVES as readonly Objective[] },
    period: { type: "choice", choices: PERIODS },
    w1: { type: "choice", choices: ["known", "guessed"] },
    solver: { type: "choice", choices: ["batched", "fast"] },
    images: { type: "integer", min: 1, max: 1000 },
    draw: { type: "integer", min: 0, max: 9 },
  },
  // Counts of images. `certifiedWrong` are certified and not exact; `undecided` have neither a recovery nor a
  // proof that there is none. `mse` is the mean over the recovered, null if there are none.
  columns: [
    ...["recovered", "exact", "certified", "certifiedWrong", "infeasible", "undecided"] as const,
    ...["mse", "elapsedMs"] as const,
  ],
  timings: ["elapsedMs"], // of an image
  tolerances: { mse: 1e-3 }, // ADMM ends within 2e-5 of a pixel's range
  seedFields: ["dataset", "hidden", "draw"],
  grids: [
    { ...PUBLISHED, hidden: [300, 400, 500, 550, 600] },
    { ...MNIST, objective: ["sum"], hidden: [300, 350, 400, 450] },
    { ...MNIST, objective: ["tv"], hidden: [250, 300, 350, 400] },
    { ...MNIST, objective: ["tv-sum"], hidden: [200, 225, 250, 275, 300, 325, 350] },
    { ...MNIST, objective: ["reweighted"], hidden: [175, 200, 225, 250, 275] },
    { ...FASHION, images: MANY, objective: ["tv-sum"], hidden: [500, 550, 600, 650, 700] },
    { ...FASHION, images: SOME, objective: ["reweighted"], hidden: [500, 550, 600, 650] },
    { ...CIFAR, objective: ["tv"], hidden: [350, 500, 750, 900, 1000] },
    // Rules: the published table, and the digits' verdicts.
    { ...CIFAR, objective: ["published"], hidden: [350, 500, 750, 900, 1000], period: PERIODS },
    { // the other solver's point of the densest rule, and its verdicts
      ...CIFAR,
      ...{ objective: ["published"], hidden: [500, 750, 1000], period: ["2"], solver: ["fast"] },
    },
    { ...PUBLISHED, images: SOME, hidden: [300, 500], period: PERIODS.slice(1) },
    // Without W1.
    { ...PUBLISHED, hidden: [300], w1: ["guessed"] },
    { ...PUBLISHED, images: SOME, hidden: [30, 100, 200, 400, 500], w1: ["guessed"] },
  ],
  prepare: async ({ dataset }) => void await testImages(dataset),
  async run({ dataset, hidden, objective, period, w1, solver, images, draw }, context) {
    const test = await testImages(dataset);
    const rng = seededRng(context.seed);
    const layer = firstLayer(gaussian(rng, hidden * test.n), test.n);
    const indices = Array.from({ length: images }, (_, k) => draw * images + k);
    const known = clearViews(layer, test, indices);
    const views = w1 === "known" ? known : serverViews({
      W1: toFixed(gaussian(rng, hidden * test.n), layer.scaleBits),
      z1s: known.map(({ z1 }) => z1),
      ...{ shape: test.shape, scaleBits: layer.scaleBits },
    });
    const start = performance.now();
    const recoveries = await attack(views, {
      ...{ objective, period: priorPeriod(period), solver },
      stopped: context.stopped,
    });
    const elapsedMs = (performance.now() - start) / images;
    const scores = recoveries.map((r, k) => score(r, image(test, indices[k]), test.shape));
    const count = (fits: (s: (typeof scores)[number]) => boolean) => scores.filter(fits).length;
    const recovered = count(({ mse }) => mse !== null);
    const infeasible = count(({ status }) => status === "infeasible");
    return {
      ...{ recovered, infeasible, undecided: images - recovered - infeasible },
      exact: count((s) => s.exact),
      certified: count((s) => s.certified),
      certifiedWrong: count((s) => s.certified && !s.exact),
      ...{ mse: meanScore(scores, "mse"), elapsedMs },
    };
  },
});
