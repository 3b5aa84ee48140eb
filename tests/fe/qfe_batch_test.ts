import { assertEquals, assertThrows } from "@std/assert";
import {
  drawBatchMask,
  encryptBatch,
  encryptColumns,
  joinColumns,
  setupBatch,
  sliceKey,
} from "lib/fe/qfe_batch.ts";
import { decryptGradient, gradientKeys } from "lib/fe/qfe_gradient.ts";
import { decodeBatchCiphertext, encodeBatchCiphertext } from "lib/fe/qfe_gradient_encoding.ts";
import { seededRng } from "lib/math/rng.ts";
import { fastest as group } from "../math/pairing/backends.ts";

const pp = { group, n: 3, batch: 2, boundX: 100, boundY: 9 };
const msk = setupBatch(pp, seededRng(1));
const mask = drawBatchMask(pp, seededRng(2));
const u = [[1, -100, 3, 8, 9], [0, 50, 100, 8, -9]];
/** The columns of one party. */
const part = (from: number, to: number, shared = mask) =>
  encryptColumns(sliceKey(msk, from, to), shared, u.map((row) => row.slice(from, to)));

Deno.test("joinColumns() of parties that share a mask is the batch encrypted in one place", () => {
  const whole = encodeBatchCiphertext(encryptBatch(msk, u, seededRng(2)));
  for (const cuts of [[0, 5], [0, 2, 5], [0, 1, 4, 5], [0, 1, 2, 3, 4, 5]]) {
    const parts = cuts.slice(1).map((to, i) => encodeBatchCiphertext(part(cuts[i], to)));
    const received = parts.map((bytes) => decodeBatchCiphertext(group, bytes)).reverse();
    assertEquals(encodeBatchCiphertext(joinColumns(received)), whole);
  }
});

Deno.test("encryptColumns() twice under one mask shows which value moved; another mask hides it", () => {
  const moved = (shared: typeof mask) => {
    const key = sliceKey(msk, 0, 2);
    const [first, second] = [mask, shared].map((own, i) =>
      encryptColumns(key, own, [[1, -100], [i, 50]]).b.flatMap((column) =>
        column.map((element) => group.encodeG2(element).toHex())
      )
    );
    return first.map((element, at) => element === second[at] ? 0 : at + 1).filter((at) => at > 0);
  };
  assertEquals(moved(mask), [2, 4]); // sample 1 of column 0, in both rows
  assertEquals(moved(drawBatchMask(pp, seededRng(3))).length, 8);
});

Deno.test("joinColumns() refuses columns that are missing, there twice, or of another mask", () => {
  const [first, second, third] = [part(0, 2), part(2, 4), part(4, 5)];
  assertThrows(() => joinColumns([]), TypeError, "Cannot join: no columns");
  assertThrows(
    () => joinColumns([first, third]),
    TypeError,
    "Cannot join: columns [2, 4) are missing",
  );
  assertThrows(() => joinColumns([second, third]), TypeError, "columns [0, 2) are missing");
  assertThrows(
    () => joinColumns([first, second]),
    TypeError,
    "only columns [0, 4) of 5 are here",
  );
  assertThrows(
    () => joinColumns([first, part(1, 4), third]),
    TypeError,
    "columns [1, 2) are there twice",
  );
  const other = part(2, 4, drawBatchMask(pp, seededRng(3)));
  assertThrows(
    () => joinColumns([first, other, third]),
    TypeError,
    "Cannot join: columns [2, 4) were encrypted under another γ",
  );
  const small = setupBatch({ ...pp, batch: 1 });
  const fewer = encryptColumns(sliceKey(small, 2, 4), mask, [[3, 8]]);
  assertThrows(() => joinColumns([first, fewer, third]), TypeError, "batch = 1");
});

Deno.test("decryptGradient() and gradientKeys() refuse a slice", () => {
  const c = [1, 1, 1, 1, -1];
  assertThrows(
    () => decryptGradient(gradientKeys(msk, c), c, part(0, 4)),
    TypeError,
    "Cannot decrypt: only columns [0, 4) of 5 are here",
  );
  assertThrows(
    () => gradientKeys(sliceKey(msk, 1, 5), c),
    TypeError,
    "Cannot derive keys: only columns [1, 5) of 5 are here",
  );
});

Deno.test("encryptColumns() refuses what is out of bounds, column by column", () => {
  assertThrows(() => encryptBatch(msk, [u[0]]), TypeError, "1 samples, expected a batch of 2");
  assertThrows(
    () => encryptBatch(msk, [u[0], [1, 2, 3, 4]]),
    TypeError,
    "Cannot encrypt: u[1] has length 4, expected 5",
  );
  for (const [k, bad] of [[0, 101], [2, -101], [3, 0.5], [4, 10], [4, NaN]]) {
    const bound = k === 4 ? 9 : 100;
    assertThrows(
      () => encryptBatch(msk, [u[0], u[1].with(k, bad)]),
      RangeError,
      `Cannot encrypt: u[1][${k}] = ${bad} is not an integer in [-${bound}, ${bound}]`,
    );
  }
  const label = sliceKey(msk, 4, 5);
  assertThrows(() => encryptColumns(label, mask, [[9], [10]]), RangeError, "u[1][0] = 10");
});

Deno.test("setupBatch() and sliceKey() refuse parameters and columns that are not there", () => {
  for (const batch of [0, -1, 1.5, NaN, 2 ** 31]) {
    assertThrows(
      () => setupBatch({ ...pp, batch }),
      RangeError,
      `Cannot set up: batch ${batch} is not an integer in [1, 2^31 - 1]`,
    );
  }
  assertThrows(() => setupBatch({ ...pp, n: 0 }), RangeError, "Cannot set up: n 0 is not");
  for (const [from, to] of [[-1, 2], [0, 6], [3, 3], [0.5, 2]]) {
    assertThrows(
      () => sliceKey(msk, from, to),
      RangeError,
      `Cannot slice a key: columns [${from}, ${to}) are not within [0, 5)`,
    );
  }
  assertThrows(() => sliceKey(sliceKey(msk, 1, 3), 0, 2), RangeError, "not within [1, 3)");
});
