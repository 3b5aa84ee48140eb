import { assertEquals, assertRejects } from "@std/assert";
import { encryptBatch, setupBatch } from "lib/fe/qfe_batch.ts";
import { gradientKeys } from "lib/fe/qfe_gradient.ts";
import { encodeBatchCiphertext, encodeGradientKeys } from "lib/fe/qfe_gradient_encoding.ts";
import { Batches, Gradients } from "lib/protocol/sfedv/gradients.ts";
import { fastest as group } from "../../math/pairing/backends.ts";

const readable = (await Deno.permissions.query({ name: "read" })).state === "granted";
const pp = { group, n: 3, batch: 2, boundX: 9, boundY: 9 };
const msk = setupBatch(pp);
const u = [[1, -2, 3, 4, 9], [5, 6, -7, 4, -9]];
const c = Int32Array.of(3, -1, 2, 5, -4);
const residuals = u.map((row) => row.reduce((sum, value, k) => sum + value * c[k], 0));
const expected = [0, 1, 2, 3].map((j) => u.reduce((sum, row, i) => sum + residuals[i] * row[j], 0));
const ctU = encryptBatch(msk, u);
const keys = encodeGradientKeys(gradientKeys(msk, c));

const which = 7;
const columns = encodeBatchCiphertext(ctU);
const { group: _, ...bounds } = pp;
const whole = { ...bounds, from: 0, to: 5 };

Deno.test("Batches: every share of a gradient, in order, is the gradient", () => {
  const batches = new Batches(group);
  batches.obey({ do: "add", which, columns, expected: whole });
  batches.obey({ do: "join", which });
  for (const shareCount of [1, 2, 3, 4, 6]) {
    const shares = Array.from(
      { length: shareCount },
      (_, share) => batches.obey({ do: "open", which, keys, c, share, of: shareCount }),
    );
    assertEquals(shares.flatMap((part) => [...part]), expected);
  }
});

for (const workers of [0, 1, 3]) {
  Deno.test({
    name: `Gradients on ${workers} Workers keeps batches, opens them, says what failed and goes on`,
    ignore: workers > 0 && !readable,
    async fn() {
      using gradients = new Gradients(workers);
      for (const change of [{ n: 2 }, { batch: 3 }, { boundX: 8 }, { boundY: 8 }, { to: 4 }]) {
        await assertRejects(
          () => gradients.add(which, columns, { ...whole, ...change }),
          Error,
          "Cannot store columns: they are (columns [0, 5), n = 3, batch = 2, boundX = 9, boundY = 9)",
        );
      }
      await assertRejects(() => gradients.add(which, columns.subarray(1), whole), Error, "ctU");
      await assertRejects(() => gradients.join(which), Error, "Cannot join: no columns");
      await gradients.add(which, columns, whole);
      await gradients.join(which);
      assertEquals([...await gradients.open(which, keys, c)], expected);
      const foreign = encodeGradientKeys(gradientKeys(setupBatch(pp), c));
      await assertRejects(() => gradients.open(which, foreign, c), Error, "no gradient in");
      await assertRejects(() => gradients.open(which, keys.subarray(1), c), Error, "decode skC");
      assertEquals([...await gradients.open(which, keys, c)], expected);
    },
  });
}
