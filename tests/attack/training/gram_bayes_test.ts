import { assert, assertEquals, assertRejects } from "@std/assert";
import { gramByLeastSquares } from "lib/attack/training/gram.ts";
import { gramByBayes } from "lib/attack/training/gram_bayes.ts";
import { gramOf } from "lib/attack/training/leakage.ts";
import { seededRng } from "lib/math/rng.ts";
import { planted, relativeError } from "./planted.ts";

const truth = (x: Uint8Array) => gramOf(Float64Array.from(x, (v) => v / 256), x.length / 16);

/** 60 images that are mixtures of four, so that the columns of G are alike. */
function alike(): Uint8Array {
  const [parts, shares] = [seededRng(5).bytes(4 * 16), seededRng(6).bytes(60 * 4)];
  return Uint8Array.from({ length: 60 * 16 }, (_, at) => {
    const [i, p] = [Math.floor(at / 16), at % 16];
    return [0, 1, 2, 3].reduce((sum, c) => sum + shares[4 * i + c] * parts[16 * c + p], 0) / 1024;
  });
}

Deno.test("gramByBayes() finds G from two visits in float32, where least squares cannot", async () => {
  for (const shuffle of [false, true]) {
    const { view, x } = planted({
      ...{ count: 60, units: 20, visits: 2, batch: 15, shuffle, float32: true, x: alike() },
    });
    const [bayes, squares] = [await gramByBayes(view), await gramByLeastSquares(view)];
    assertEquals(bayes.status, "estimate");
    const [ours, theirs] = [bayes, squares].map(({ G }) => relativeError(G!, truth(x)));
    assert(ours < 0.01 && theirs > 0.05, `${ours}, ${theirs}`);
  }
});

Deno.test("gramByBayes() gets better by its rounds", async () => {
  const { view, x } = planted({ count: 60, units: 8, visits: 2, batch: 15, x: alike() });
  const at = async (rounds: number) =>
    relativeError((await gramByBayes(view, { rounds })).G!, truth(x));
  const [one, ten] = [await at(1), await at(10)];
  assert(ten < one / 2, `${one}, ${ten}`);
});

Deno.test("gramByBayes() takes duplicated images and dead units", async () => {
  const twice = alike();
  twice.copyWithin(16, 0, 16);
  const { view, x } = planted({ count: 60, units: 20, visits: 2, batch: 15, x: twice });
  const found = await gramByBayes(view);
  assertEquals(found.status, "estimate");
  assert(relativeError(found.G!, truth(x)) < 0.01);
});

Deno.test("gramByBayes() refuses rounds, noise and rates that are none, and fails without a second visit", async () => {
  const { view } = planted({ count: 8, units: 4, visits: 2, batch: 4 });
  await assertRejects(() => gramByBayes(view, { rounds: 0 }), RangeError, "0 rounds");
  await assertRejects(() => gramByBayes(view, { noise: 0 }), RangeError, "noise 0");
  const adam = { ...view, steps: view.steps.map((step) => ({ ...step, rate: null })) };
  await assertRejects(() => gramByBayes(adam), TypeError, "rate of step 0 is null");
  const { status, G } = await gramByBayes({ ...view, steps: view.steps.slice(0, 2) });
  assertEquals([status, G], ["failed", null]);
});
