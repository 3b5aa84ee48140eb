import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DlogNotFoundError } from "lib/fe/params.ts";
import { encryptBatch, setupBatch } from "lib/fe/qfe_batch.ts";
import { decryptGradient, gradientKeys } from "lib/fe/qfe_gradient.ts";
import * as codec from "lib/fe/qfe_gradient_encoding.ts";
import { seededRng } from "lib/math/rng.ts";
import { fastest, label, PAIRINGS } from "../math/pairing/backends.ts";
import vectors from "../vectors/qfe.json" with { type: "json" };

/** Σ_i (c·u_i)·u_ij for j = 0 … n, in the clear. */
function plain(u: readonly number[][], c: readonly number[]): number[] {
  const residuals = u.map((row) => row.reduce((sum, value, k) => sum + value * c[k], 0));
  return c.slice(1).map((_, j) => u.reduce((sum, row, i) => sum + residuals[i] * row[j], 0));
}

for (const group of PAIRINGS) {
  for (const { u, c, gradient, seeds, ...known } of vectors.batch) {
    const n = c.length - 2;
    Deno.test(`qfe gradient ${label(group)}: agrees with the independent oracle, n = ${n}`, () => {
      const { boundX, boundY } = vectors;
      const pp = { group, n, batch: u.length, boundX, boundY };
      const msk = setupBatch(pp, seededRng(seeds.setup));
      const keys = gradientKeys(msk, c);
      const ctU = encryptBatch(msk, u, seededRng(seeds.encrypt));
      const body = (bytes: Uint8Array, header: number) => bytes.subarray(header).toHex();
      assertEquals(body(codec.encodeGradientKeys(keys), 27), known.skC.join(""));
      assertEquals(body(codec.encodeBatchCiphertext(ctU), 31), known.ctU.join(""));
      assertEquals(gradient, plain(u, c));
      if (group !== fastest && n > 1) return; // the others' tables take seconds
      assertEquals([...decryptGradient(keys, c, ctU)], gradient);
    });
  }
}

Deno.test("qfe gradient: decryptGradient() gives the clear integers for any batch and model", () => {
  const instance = fc.record({
    n: fc.integer({ min: 1, max: 4 }),
    batch: fc.integer({ min: 1, max: 4 }),
    boundX: fc.integer({ min: 1, max: 20 }),
    boundY: fc.integer({ min: 1, max: 20 }),
  }).chain((pp) => {
    const entry = (bound: number) => fc.integer({ min: -bound, max: bound });
    const row = fc.tuple(
      fc.array(entry(pp.boundX), { minLength: pp.n + 1, maxLength: pp.n + 1 }),
      entry(pp.boundY),
    ).map(([x, y]) => [...x, y]);
    const c = fc.array(entry(99), { minLength: pp.n + 2, maxLength: pp.n + 2 })
      .filter((values) => values.some((value) => value !== 0));
    return fc.tuple(
      fc.constant(pp),
      fc.array(row, { minLength: pp.batch, maxLength: pp.batch }),
      c,
    );
  });
  fc.assert(
    fc.property(instance, ([pp, u, c]) => {
      const msk = setupBatch({ group: fastest, ...pp });
      assertEquals(
        [...decryptGradient(gradientKeys(msk, c), c, encryptBatch(msk, u))],
        plain(u, c),
      );
    }),
    { seed: 1, numRuns: 15 },
  );
});

Deno.test("qfe gradient: the parties rebuilt from bytes, each on another backend", () => {
  const pp = { n: 2, batch: 2, boundX: 5, boundY: 3 };
  const [u, c] = [[[1, -5, 4, 3], [0, 2, 4, -3]], [7, -1, 2, -4]];
  for (const maker of PAIRINGS) {
    const msk = setupBatch({ ...pp, group: maker });
    const keys = codec.encodeGradientKeys(gradientKeys(msk, c));
    const ctU = codec.encodeBatchCiphertext(encryptBatch(msk, u));
    for (const reader of PAIRINGS) {
      const skC = codec.decodeGradientKeys(reader, keys);
      const read = codec.decodeBatchCiphertext(reader, ctU);
      assertEquals([...decryptGradient(skC, c, read)], plain(u, c), label(reader));
    }
  }
});

const pp = { group: fastest, n: 2, batch: 3, boundX: 50, boundY: 10 };
const msk = setupBatch(pp, seededRng(1));
const u = [[50, -3, 8, 10], [0, 0, 8, -10], [-50, 49, 8, 10]];
const c = [30, -20, 5, -16];
const ctU = encryptBatch(msk, u);
const keys = gradientKeys(msk, c);

Deno.test("qfe gradient: one ciphertext serves for many models, and for a Gram matrix", () => {
  for (const model of [c, [0, 0, 0, -1], [1, 0, 0, 0], [0, 0, 1, 0], [-1, 7, -1, 0]]) {
    assertEquals([...decryptGradient(gradientKeys(msk, model), model, ctU)], plain(u, model));
  }
  const unit = [0, 1, 0, 0];
  const first = gradientKeys(msk, unit, { count: 2 });
  assertEquals([...decryptGradient(first, unit, ctU)], plain(u, unit).slice(0, 2));
  for (const count of [0, 4, 1.5]) {
    assertThrows(() => gradientKeys(msk, unit, { count }), RangeError, `count ${count} is not in`);
  }
});

Deno.test("qfe gradient: keys of another batch, msk or model find nothing within the range", () => {
  const range = 3 * 50 * ((30 + 20 + 5) * 50 + 16 * 10);
  const other = setupBatch(pp, seededRng(2));
  assertThrows(
    () => decryptGradient(gradientKeys(other, c), c, ctU),
    DlogNotFoundError,
    `Cannot decrypt: no gradient in [-${range}, ${range}] (index 0 of 3)`,
  );
  assertThrows(() => decryptGradient(keys, c, encryptBatch(other, u)), DlogNotFoundError);
  assertThrows(() => decryptGradient(keys, c.with(3, -15), ctU), DlogNotFoundError);
  const mixed = { ...keys, skC: keys.skC.with(2, keys.skC[1]) };
  const error = assertThrows(
    () => decryptGradient(mixed, c, ctU),
    DlogNotFoundError,
    "(index 2 of 3)",
  );
  assertEquals(error.index, 2);
});

Deno.test("qfe gradient: keys or models that do not fit are refused", () => {
  for (const bad of [{ n: 3 }, { batch: 2 }, { boundX: 51 }, { boundY: 11 }]) {
    const foreign = setupBatch({ ...pp, ...bad });
    const model = [1, ...c].slice(-(foreign.pp.n + 2));
    assertThrows(
      () => decryptGradient(gradientKeys(foreign, model), c, ctU),
      TypeError,
      "Cannot decrypt: the keys are for (bls12-381, n = ",
    );
  }
  assertThrows(() => gradientKeys(msk, [1, 2, 3]), TypeError, "c has length 3, expected 4");
  assertThrows(() => decryptGradient(keys, [1, 2, 3], ctU), TypeError, "c has length 3");
  assertThrows(
    () => gradientKeys(msk, [0, 0, 0, 0]),
    RangeError,
    "Cannot derive keys: c is 0, and so is its gradient",
  );
  for (const bad of [0.5, NaN, 2 ** 31]) {
    assertThrows(() => gradientKeys(msk, c.with(1, bad)), RangeError, `c[1] = ${bad} is not an`);
  }
  assertThrows(
    () => gradientKeys(msk, c.with(0, 2 ** 30)),
    RangeError,
    "exceeds 2^40, the largest range to decrypt",
  );
  const many = { ...keys, skC: [...keys.skC, keys.skC[0]] };
  assertThrows(() => decryptGradient(many, c, ctU), TypeError, "4 keys for 3 coordinates");
});

Deno.test("qfe gradient: decryptGradient() reports progress and stops", () => {
  const seen: [number, number][] = [];
  decryptGradient(keys, c, ctU, { onProgress: (...step) => void seen.push(step) });
  assertEquals(seen, [[1, 3], [2, 3], [3, 3]]);
  const controller = new AbortController();
  const onProgress = () => controller.abort(new RangeError("stop was pressed"));
  assertThrows(
    () => decryptGradient(keys, c, ctU, { signal: controller.signal, onProgress }),
    RangeError,
    "stop was pressed",
  );
});

Deno.test("qfe gradient: equal and zero entries show nowhere in a ciphertext", () => {
  const body = codec.encodeBatchCiphertext(encryptBatch(msk, u)).subarray(31);
  const elements = new Set<string>();
  const first = 2 * 3 * 3;
  for (let i = 0; i < first; i++) elements.add(body.subarray(48 * i, 48 * (i + 1)).toHex());
  const second = body.subarray(48 * first);
  for (let i = 0; i < second.length; i += 96) elements.add(second.subarray(i, i + 96).toHex());
  assertEquals(elements.size, first + 1 + 2 * 3 * 4);
  assert(!elements.has(""));
});
