import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { type Dataset, dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { attackAndMeasure, freshView } from "lib/study/training_attack.ts";

/** Blurred noise of two classes, 12 × 12, so that SSIM has its windows. */
function images(count: number, seed: number): Dataset {
  const rng = seededRng(seed);
  const n = 144;
  const bytes = rng.bytes(count * n);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const x = bytes.map((byte, at) => (at % n < n / 2) === (y[Math.floor(at / n)] === 0) ? byte : 0);
  return dataset({ name: "halves", x, y, shape: [12, 12, 1], classes: ["0", "1"] });
}

const [train, test] = [images(100, 1), images(60, 2)];
const run = { hidden: 60, epochs: 2, seed: 1, sigma: 0.7 };

Deno.test("CryptoNN's gradient gives every image; MITIG1 and MITIG2 have no gradient to attack", async () => {
  const view = await freshView({ train, test }, { scheme: "cryptonn", ...run });
  const truth = { train, public: test };
  const { numbers } = await attackAndMeasure(view, truth, { attack: "gradient", seed: 1 });
  assertEquals([numbers.status, numbers.exact, numbers.leakage], ["exact", 100, 1]);
  const hidden = await freshView({ train, test }, { scheme: "mitig1", ...run });
  await assertRejects(
    () => attackAndMeasure(hidden, truth, { attack: "gradient", seed: 1 }),
    RangeError,
    "it is for cryptonn",
  );
});

Deno.test("a decoder draws more of MITIG2 than of mitig3, and needs known images", async () => {
  const truth = { train, public: test };
  const drawn = async (scheme: "mitig2" | "mitig3") => {
    const view = await freshView({ train, test }, { scheme, ...run });
    return (await attackAndMeasure(view, truth, { attack: "decoder", known: 80, seed: 1 })).numbers;
  };
  const [open, narrow] = [await drawn("mitig2"), await drawn("mitig3")];
  assertEquals([open.recovered, narrow.recovered], [20, 20]);
  assertLess(open.mse!, narrow.mse!);
  assertLess(narrow.part!, open.part!);
  const view = await freshView({ train, test }, { scheme: "mitig2", ...run });
  await assertRejects(
    () => attackAndMeasure(view, truth, { attack: "decoder", seed: 1 }),
    TypeError,
    "no known images",
  );
  await assertRejects(
    () => attackAndMeasure(view, { ...truth, train: null }, { attack: "known", known: 3, seed: 1 }),
    RangeError,
    "3 known images",
  );
  const blind = await attackAndMeasure(view, { ...truth, train: null }, {
    attack: "gram",
    seed: 1,
  });
  assertEquals([blind.numbers.mse, blind.numbers.part], [null, null]);
  assert(blind.found.G !== null || blind.numbers.status === "failed");
});
