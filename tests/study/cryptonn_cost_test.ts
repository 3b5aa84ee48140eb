import { assertAlmostEquals, assertEquals } from "@std/assert";
import { firstImages, poolImages } from "lib/data/dataset.ts";
import type { CostModel } from "lib/protocol/cost.ts";
import { studyCost } from "lib/study/cryptonn_cost.ts";
import { runEncrypted } from "lib/study/encrypted_training.ts";
import { SQUARES } from "./fixtures.ts";

/** Seconds for each operation, and the bytes of ristretto255. */
const model: CostModel = {
  scheme: "cryptonn",
  seconds: {
    ...{ setup: [0.1], tables: [0], encrypt: [0, 0.5], keys: [1, 0], decode: [0] },
    decrypt: [0, 2, 0],
  },
  bytes: { publicKey: [0, 40], ciphertext: [30, 40], request: [0, 0, 4], keys: [0, 40, 4] },
  ...{ search: [], pool: null },
};

Deno.test("studyCost() holds its prediction against the run, and asks for another", async () => {
  const images = firstImages(poolImages(SQUARES, 6), 4); // 2 × 2 pixels
  const [hidden, batch] = [2, 4];
  const options = { images, hidden, batch, steps: 1, learningRate: 1, insecureSeed: 1 };
  const run = await runEncrypted(options);
  const size = { n: 4, hidden, samples: 4, batch, epochs: 1 };
  const cost = await studyCost({ run, size, paper: { ...size, epochs: 7 }, cores: 1, model });
  const once = 0.1 * 8 + 0.5 * 16 + 0.5 * 16, each = 2 * 2 * 1 + 2 * (4 * 2 * 2);
  assertAlmostEquals(cost.timeRatio, (once + each) / (run.elapsedMs / 1000));
  assertAlmostEquals(cost.paperDays, (once + 7 * each) / 86400);
  assertAlmostEquals(cost.bytesRatio, 2128 / run.sizeBytes);
  const rows = cost.table("t").rows;
  assertEquals(rows.map(([what]) => what).slice(-2), ["time in all", "bytes"]);
  assertEquals([rows[1][1], rows[6][3]], ["8.0 s", "4.5 min"]);
});
