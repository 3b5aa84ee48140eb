/** The attacks on a training at the size of the notebooks: 1000 digits, 784-300-10, MITIG2, five epochs; for inner
 * products 300 digits, 100 units, MITIG1, four epochs. Each is checked before it is timed. With and without a
 * native BLAS: FE_BLAS=off.
 * Run: deno bench -A tests/bench/training_attacks_bench.ts
 * @module */
import { assert } from "@std/assert";
import { attack } from "lib/attack/attack.ts";
import { fitGaussian } from "lib/attack/solvers/gaussian.ts";
import { align } from "lib/attack/training/align.ts";
import { decode } from "lib/attack/training/decoder.ts";
import { gramByLeastSquares } from "lib/attack/training/gram.ts";
import { gramByBayes } from "lib/attack/training/gram_bayes.ts";
import { meanMse } from "lib/attack/training/leakage.ts";
import { relink } from "lib/attack/training/relink.ts";
import { freshTraining } from "lib/audit/training.ts";
import { firstImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { productsBy } from "lib/math/blas.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { clearViews, firstLayer } from "lib/protocol/cryptonn/first_layer.ts";

console.log(productsBy());
const { train, test } = await loadMnist();
const [digits, few] = [1000, 300].map((count) => firstImages(train, count));
const run = { epochs: 5, seed: 1, sigma: 0 };
const { view } = await freshTraining({ train: digits, test }, {
  ...{ ...run, scheme: "mitig2", hidden: 300 },
});
const { view: small } = await freshTraining({ train: few, test }, {
  ...{ ...run, scheme: "mitig1", hidden: 100, epochs: 4 },
});

const k = 700;
const known = {
  samples: Uint32Array.from({ length: k }, (_, i) => i),
  x: digits.x.slice(0, k * 784),
};
const truth = digits.x.subarray(k * 784);
const decoder = (kind: "ridge" | "mlp", visits: "all" | "last") => async () => {
  const { X } = await decode(view, { known, kind, visits, rng: seededRng(1) });
  assert(meanMse(X!, truth) < 0.05, `${kind}, ${visits}`);
};
const anonymous = {
  ...view,
  steps: view.steps.map((step) => ({ ...step, samples: null, labels: null })),
};
const layer = firstLayer(gaussian(seededRng(1), 300 * 784), 784);
const views = clearViews(layer, test, Array.from({ length: 100 }, (_, i) => i));
const prior = fitGaussian(train);

const attacks: Record<string, () => Promise<void>> = {
  "alignment, 1000 public images, 110 dimensions": async () => {
    const publicImages = { x: test.x, y: test.y }; // another object each time: nothing is kept of it
    assert(meanMse((await align(view, { publicImages })).X!, digits.x) < 0.08);
  },
  "linear decoder, 700 known, five visits": decoder("ridge", "all"),
  "linear decoder, 700 known, the last visit": decoder("ridge", "last"),
  "network, 700 known, the last visit": decoder("mlp", "last"),
  "relinking 1000 digits over five epochs, no labels": async () => {
    const { steps } = await relink(anonymous, { count: 1000 });
    assert(steps.at(-1)!.samples!.length > 0);
  },
  "inner products of 300, least squares": async () => {
    assert((await gramByLeastSquares(small)).status === "exact");
  },
  "inner products of 300, under a prior": async () => {
    assert((await gramByBayes(small)).status === "estimate");
  },
  "Gaussian prior, 300 × 784, 100 images": async () => {
    const recoveries = await attack(views, { objective: "gaussian", prior });
    assert(recoveries.every(({ status }) => status === "optimal"));
  },
};

for (const [name, work] of Object.entries(attacks)) {
  await work();
  Deno.bench({ name, n: 3, warmup: 0 }, work);
}
