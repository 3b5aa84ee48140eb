import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { CostModel, fitCost } from "lib/protocol/cost.ts";
import { checkCostModel, costOf } from "lib/study/mitig1_cost.ts";
import { data } from "../protocol/mitig1/fixtures.ts";

/** All that costs is decryption: a pairing takes `pair` seconds per element. */
const modelOf = (pair: number): CostModel => ({
  scheme: "mitig1",
  seconds: {
    ...{ setup: [0, 0, 0], encrypt: [0, 0, 0], deriveKey: [0, 0, 0] },
    ...{ decodeCiphertext: [0, 0], decodeKey: [0, 0], prepare: [0, 0], pair: [0, pair] },
  },
  search: [{ distance: 0, seconds: 0 }, { distance: 2 ** 40, seconds: 0 }],
  bytes: { ciphertext: [0, 100], key: [0, 1e4] },
  pool: { startSeconds: 0, efficiency: 1 },
});

Deno.test("checkCostModel() predicts each run by the fits before and after it, and measures it", async () => {
  const fits = [1, 3, 5].map(modelOf);
  const fit = (() => Promise.resolve(fits.shift()!)) as typeof fitCost;
  const size = { side: 3, hidden: 2, samples: 4, batch: 2 };
  const options = { seeds: { client: 2, server: 3 }, fit };
  const checked = await checkCostModel(data, [size, { ...size, samples: 2 }], options);
  const pairs = 4 * 2 * 11; // samples · rows · elements
  assertAlmostEquals(checked.runs[0].predicted, 2 * pairs);
  assertAlmostEquals(checked.runs[1].predicted, 4 * pairs / 2);
  assert(checked.runs.every(({ measured }) => measured > 0 && measured < 10));
  const errors = checked.runs.map(({ predicted, measured }) => Math.abs(predicted / measured - 1));
  assertAlmostEquals(checked.worst, Math.max(...errors));
  assertEquals(checked.table().rows.map(([run]) => run), [
    "3×3, 2 units, 4 samples",
    "3×3, 2 units, 2 samples",
  ]);
  assertEquals(checked.model, modelOf(5));
});

Deno.test("costOf() sets runs side by side, in units that read well", () => {
  const run = { n: 8, hidden: 3, samples: 86400, batch: 100, epochs: 2, cores: 1 };
  const cost = costOf(modelOf(0.01), { "one": run, "two": { ...run, epochs: 4, cores: 2 } }, [1]);
  assertAlmostEquals(cost.days.one, 6 * 10 * 0.01);
  assertAlmostEquals(cost.days.two, 6 * 10 * 0.01);
  const { columns, rows } = cost.table();
  assertEquals(columns, [
    ...["", "one: 86\u202f400 images, batch 100, 2 epochs"],
    "two: 86\u202f400 images, batch 100, 4 epochs",
  ]);
  assertEquals(rows.find(([what]) => what === "pairings"), ["pairings", "14.4 h", "14.4 h"]);
  assertEquals(rows.find(([what]) => what === "keys, all steps"), [
    ...["keys, all steps", "0.5 GB", "1.0 GB"],
  ]);
});
