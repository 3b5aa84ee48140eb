import { assert, assertAlmostEquals, assertRejects } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { compareSteering, PAIRS, sweepAmplification } from "lib/study/steering.ts";

const [n, count] = [144, 130];

/** Two classes, each with a bright half and noise. */
function images(name: string, insecureSeed: number) {
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const x = seededRng(insecureSeed).bytes(count * n).map((byte, at) =>
    (byte >> 1) + ((at % n < n / 2) === (Math.floor(at / n) % 2 === 0) ? 100 : 0)
  );
  return dataset({ name, x, y, shape: [12, 12, 1], classes: ["0", "1"] });
}

const all = { train: images("train", 1), test: images("test", 2) };
const sizes = {
  ...{ images: 100, known: 60, victims: 8, publicImages: 30, tests: 20 },
  ...{ epochs: 3, hidden: 8, seed: 1 },
};

Deno.test("compareSteering() tells every pair's outcome; amplification reads what an honest server cannot", async () => {
  const study = await compareSteering(all, sizes);
  assert(study.outcomes.length === PAIRS.length);
  for (const { server, defence, mse, part, ssim, accuracy } of study.outcomes) {
    for (const value of [mse, part, ssim!]) {
      assert(Number.isFinite(value), `${server} ${defence} ${value}`);
    }
    assert(accuracy.length === 3);
  }
  const [free, bound] = (["noise", "both"] as const).map((d) => study.of("amplify", d));
  assert(free.part > 0.5 && free.part > bound.part, `${free.part} ${bound.part}`);
  assert(free.longest === 1e6);
  assert(study.table().rows.length === PAIRS.length);
  assert(study.grid("steering").data.length >= 0);
});

Deno.test("sweepAmplification() rises to 1 with M, but not behind a clip", async () => {
  const sweep = await sweepAmplification(all, { ...sizes, Ms: [1, 1e6] });
  assertAlmostEquals(sweep.at(1e6, false), 1, 1e-4);
  assert(sweep.at(1e6, true) < 0.9, `${sweep.at(1e6, true)}`);
  assert(sweep.figure("amplification").data.length > 0);
});

Deno.test("compareSteering() refuses two epochs, more roles than images, and more targets than units", async () => {
  const refuse = (other: Partial<typeof sizes>, text: string) =>
    assertRejects(() => compareSteering(all, { ...sizes, ...other }), RangeError, text);
  await refuse({ epochs: 2 }, "2 epochs");
  await refuse({ known: 99 }, "99 known");
  await refuse({ known: 0 }, "0 known");
  await refuse({ hidden: 4 }, "8 targets, at most 4");
});
