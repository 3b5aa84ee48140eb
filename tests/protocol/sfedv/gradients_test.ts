import { assertEquals, assertRejects } from "@std/assert";
import { encryptBatch, setupBatch } from "lib/fe/qfe_batch.ts";
import { gradientKeys } from "lib/fe/qfe_gradient.ts";
import { encodeBatchCiphertext, encodeGradientKeys } from "lib/fe/qfe_gradient_encoding.ts";
import { Gradients, openShare } from "lib/protocol/sfedv/gradients.ts";
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

Deno.test("openShare() of every share, in order, is the gradient", () => {
  for (const  of of[1, 2, 3, 4, 6]) {
    const shares = Array.from({ length: of }, (_, share) => openShare(ctU, { keys, c, share, of }));
    assertEquals(shares.flatMap((part) => [...part]), expected);
  }
});

for (const workers of [0, 1, 3]) {
  Deno.test({
    name: `Gradients on ${workers} Workers keeps batches, opens them, says what failed and goes on`,
    ignore: workers > 0 && !readable,
    async fn() {
      using gradients = new Gradients(workers);
      await gradients.store(7, ctU, [encodeBatchCiphertext(ctU)]);
      assertEquals([...await gradients.open(7, keys, c)], expected);
      const foreign = encodeGradientKeys(gradientKeys(setupBatch(pp), c));
      await assertRejects(() => gradients.open(7, foreign, c), Error, "no gradient in");
      await assertRejects(() => gradients.open(7, keys.subarray(1), c), Error, "decode skC");
      assertEquals([...await gradients.open(7, keys, c)], expected);
    },
  });
}
