import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { CostModel, fitCost } from "lib/protocol/cost.ts";
import { checkModel, PredictedRuns } from "lib/study/training_cost.ts";
import { data } from "../protocol/mitig1/fixtures.ts";

/** Seconds for each operation, and the bytes of ristretto255. */
const CRYPTONN: CostModel = {
  scheme: "cryptonn",
  seconds: {
    ...{ setup: [0.1], tables: [0], encrypt: [0, 0.5], keys: [1, 0], decode: [0] },
    decrypt: [0, 2, 0],
  },
  bytes: { publicKey: [0, 40], ciphertext: [30, 40], request: [0, 0, 4], keys: [0, 40, 4] },
  ...{ search: [], pool: null },
};

Deno.test("PredictedRuns of CryptoNN are held against what was measured", () => {
  const run = { n: 4, hidden: 2, samples: 4, batch: 4, epochs: 1, cores: 1 };
  const entries = { W1: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8), dz1: new Int32Array(8).fill(3) };
  const cost = new PredictedRuns(CRYPTONN, {
    "small": { ...run, ...entries },
    "long": { ...run, epochs: 7 },
  });
  const once = 0.1 * 8 + 0.5 * 16 + 0.5 * 16, each = 2 * 2 * 1 + 2 * (4 * 2 * 2);
  assertAlmostEquals(cost.days("small"), (once + each) / 86400);
  assertAlmostEquals(cost.days("long"), (once + 7 * each) / 86400);
  const { seconds, bytes } = cost.errors("small", { seconds: 2 * (once + each), sizeBytes: 1064 });
  assertAlmostEquals(seconds, -0.5);
  assertAlmostEquals(bytes, 1);
  const { columns, rows } = cost.table("t", { seconds: 9, sizeBytes: 2000 });
  assertEquals(columns.at(-1), "measured");
  assertEquals([rows[1].slice(1), rows[6][2]], [["8 s", "8 s", null], "4.48 min"]);
  assertEquals(rows.slice(-2).map((row) => [row[0], row[3]]), [
    ...[["time in all", "9 s"], ["bytes in all", "2 kB"]],
  ]);
});

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

Deno.test("checkModel() predicts each run by the fits before and after it, and measures it", async () => {
  const fits = [1, 3, 5].map(modelOf);
  const fit = (() => Promise.resolve(fits.shift()!)) as typeof fitCost;
  const size = { side: 3, hidden: 2, samples: 4, batch: 2 };
  const options = { seeds: { client: 2, server: 3 }, fit };
  const checked = await checkModel(data, [size, { ...size, samples: 2 }], options);
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

Deno.test("PredictedRuns of MITIG1 stand side by side, in units that read well", () => {
  const run = { n: 8, hidden: 3, samples: 86400, batch: 100, epochs: 2, cores: 1, distances: [1] };
  const cost = new PredictedRuns(modelOf(0.01), {
    "one": run,
    "two": { ...run, epochs: 4, cores: 2 },
  });
  assertAlmostEquals(cost.days("one"), 6 * 10 * 0.01);
  assertAlmostEquals(cost.days("two"), 6 * 10 * 0.01);
  const { columns, rows } = cost.table("t");
  assertEquals(columns.slice(1), [
    ...["one: 86\u202f400 images, batch 100, 2 epochs"],
    "two: 86\u202f400 images, batch 100, 4 epochs",
  ]);
  assertEquals(rows.find(([what]) => what === "pairings"), ["pairings", "14.4 h", "14.4 h"]);
  assertEquals(rows.find(([what]) => what === "keys, all steps"), [
    ...["keys, all steps", "518.4 MB", "1.0 GB"],
  ]);
});
