import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DlogNotFoundError } from "lib/fe/params.ts";
import * as qfe from "lib/fe/qfe.ts";
import { factoredForm, matrixForm } from "lib/fe/quadratic_form.ts";
import { secureRng, seededRng } from "lib/math/rng.ts";
import { fastest, label, PAIRINGS } from "../math/pairing/backends.ts";
import vectors from "../vectors/qfe.json" with { type: "json" };

const HEADER = 19;
const { decrypt, decryptMany, encrypt, keyDerive, setup } = qfe;

/** Σ F_ij·x_i·y_j. */
const plain = (F: readonly ArrayLike<number>[], x: number[], y: number[]): number =>
  F.reduce((sum, row, i) => sum + y.reduce((s, value, j) => s + row[j] * x[i] * value, 0), 0);

for (const group of PAIRINGS) {
  const { boundX, boundY } = vectors;
  for (const { F, x, y, z, seeds, ...known } of vectors.single) {
    Deno.test(`qfe ${label(group)}: agrees with the independent oracle, n = ${x.length}`, () => {
      const pp = { group, n: x.length, boundX, boundY };
      const { mpk, msk } = setup(pp, seededRng(seeds.setup));
      const body = (bytes: Uint8Array) => bytes.subarray(HEADER).toHex();
      assertEquals(body(qfe.encodeMasterPublicKey(mpk)), known.mpk.join(""));
      const form = matrixForm(F);
      const skF = keyDerive(msk, form);
      assertEquals(body(qfe.encodeFunctionalKey(skF)), known.skF.join(""));
      for (const key of [mpk, msk]) {
        const ctXY = encrypt(key, x, y, seededRng(seeds.encrypt));
        assertEquals(body(qfe.encodeCiphertext(ctXY)), known.ctXY.join(""));
        assertEquals(decrypt(skF, form, ctXY), z);
      }
    });
  }

  Deno.test(`qfe ${label(group)}: decrypt() returns xᵀFy for any bounded x, y and F`, () => {
    const instance = fc.record({
      n: fc.integer({ min: 1, max: 3 }),
      boundX: fc.integer({ min: 1, max: 6 }),
      boundY: fc.integer({ min: 1, max: 6 }),
    }).chain((pp) => {
      const vector = (bound: number) =>
        fc.array(fc.integer({ min: -bound, max: bound }), { minLength: pp.n, maxLength: pp.n });
      const matrix = fc.array(vector(7), { minLength: pp.n, maxLength: pp.n })
        .filter((F) => F.flat().some((value) => value !== 0));
      return fc.tuple(fc.constant(pp), matrix, vector(pp.boundX), vector(pp.boundY));
    });
    fc.assert(
      fc.property(instance, ([pp, F, x, y]) => {
        const { mpk, msk } = setup({ group, ...pp });
        const form = matrixForm(F);
        const skF = keyDerive(msk, form);
        assertEquals(decrypt(skF, form, encrypt(mpk, x, y)), plain(F, x, y));
        assertEquals(decrypt(skF, form, encrypt(msk, x, y)), plain(F, x, y));
      }),
      { seed: 1, numRuns: group.backend === "simd" ? 15 : 2 },
    );
  });
}

Deno.test("qfe: the parties rebuilt from bytes, each on another backend", () => {
  const [n, boundX, boundY] = [3, 20, 10];
  const F = [[1, -2, 3], [0, 0, 0], [-4, 5, 6]];
  const [x, y] = [[20, 0, -3], [-10, 9, 1]];
  const form = matrixForm(F);
  PAIRINGS.forEach((authority, i) => {
    const [client, server] = [1, 2].map((k) => PAIRINGS[(i + k) % PAIRINGS.length]);
    const { mpk, msk } = setup({ group: authority, n, boundX, boundY });
    const bytes = {
      mpk: qfe.encodeMasterPublicKey(mpk),
      skF: qfe.encodeFunctionalKey(keyDerive(msk, form)),
    };
    const key = qfe.decodeMasterPublicKey(client, bytes.mpk);
    const ctXY = qfe.encodeCiphertext(encrypt(key, x, y));
    const skF = qfe.decodeFunctionalKey(server, bytes.skF);
    const z = decrypt(skF, form, qfe.decodeCiphertext(server, ctXY));
    assertEquals(z, plain(F, x, y), `${label(authority)} ${label(client)} ${label(server)}`);
  });
});

const pp = { group: fastest, n: 3, boundX: 255, boundY: 100 };
const { mpk, msk } = setup(pp, seededRng(1));
const dense = matrixForm([[1, 2, 3], [4, -5, 6], [7, 8, 9]]);

Deno.test("qfe decrypt() is exact at both ends of the range, and for zero vectors", () => {
  const skF = keyDerive(msk, dense);
  const reach = 45 * 255 * 100;
  const rows = matrixForm([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
  const skRows = keyDerive(msk, rows);
  const full = [255, 255, 255];
  assertEquals(decrypt(skRows, rows, encrypt(msk, full, [100, 100, 100])), reach);
  assertEquals(decrypt(skRows, rows, encrypt(msk, full, [-100, -100, -100])), -reach);
  assertEquals(decrypt(skF, dense, encrypt(msk, [0, 0, 0], [0, 0, 0])), 0);
  assertEquals(decrypt(skF, dense, encrypt(mpk, [0, 0, 0], [1, 2, 3])), 0);
});

Deno.test("qfe decrypt() takes a factored form of low rank, and sums that vanish", () => {
  const left = [[1, 1, -1], [0, 2, 5], [1, 1, -1]];
  const right = [[3, 0, 1], [1, 1, 1], [-3, 0, -1]];
  const weights = [2, -9, 1]; // the first and the third go in opposite directions
  const F = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) => weights.reduce((sum, w, r) => sum + w * left[r][i] * right[r][j], 0))
  );
  const form = factoredForm({ left, right, weights });
  const [x, y] = [[17, -255, 3], [100, 0, -51]];
  assertEquals(decrypt(keyDerive(msk, form), form, encrypt(mpk, x, y)), plain(F, x, y));
  // A row of zeros in a factor is a sum that is the identity.
  const partly = factoredForm({ left: [[0, 0, 0], [1, 0, 0]], right: [[1, 2, 3], [0, 1, 0]] });
  assertEquals(decrypt(keyDerive(msk, partly), partly, encrypt(mpk, x, y)), 0);
});

Deno.test("qfe decryptMany() agrees with decrypt(), shares terms and stops", () => {
  const terms = { left: [[1, 0, 2], [0, 1, 1]], right: [[1, 1, 0], [0, 0, 3]] };
  const first = factoredForm({ ...terms, weights: [1, 2] });
  const second = { ...first, weights: Int32Array.of(-3, 1) };
  const forms = [first, second, dense];
  const keys = forms.map((form) => keyDerive(msk, form));
  const ctXY = encrypt(msk, [9, -8, 7], [6, 5, -4]);
  const expected = forms.map((form, k) => decrypt(keys[k], form, ctXY));
  assertEquals([...decryptMany(keys, forms, ctXY)], expected);
  assertEquals(expected.slice(0, 2), [23 * 11 + 2 * -1 * -12, -3 * 23 * 11 + -1 * -12]);
  assertEquals(decryptMany([], [], ctXY).length, 0);
  assertThrows(() => decryptMany(keys, [first], ctXY), TypeError, "3 keys for 1 forms");
  const signal = AbortSignal.abort(new RangeError("stop was pressed"));
  assertThrows(() => decryptMany(keys, forms, ctXY, { signal }), RangeError, "stop was pressed");
});

Deno.test("qfe decrypt() with a key of another msk or another F finds nothing, and says which", () => {
  const stranger = setup(pp, seededRng(2)).msk;
  const ctXY = encrypt(mpk, [1, 2, 3], [3, 2, 1]);
  const [own, foreign] = [msk, stranger].map((secret) => keyDerive(secret, dense));
  const range = 45 * 255 * 100;
  assertThrows(
    () => decrypt(foreign, dense, ctXY),
    DlogNotFoundError,
    `Cannot decrypt: no value of xᵀFy in [-${range}, ${range}]`,
  );
  const error = assertThrows(
    () => decryptMany([own, foreign], [dense, dense], ctXY),
    DlogNotFoundError,
    "(index 1 of 2)",
  );
  assertEquals(error.index, 1);
  const other = matrixForm([[1, 2, 3], [4, -5, 6], [7, 8, 10]]);
  assertThrows(() => decrypt(own, other, ctXY), DlogNotFoundError);
});

Deno.test("qfe decrypt() refuses a mixture of two ciphertexts", () => {
  const [c, d] = [0, 1].map(() => encrypt(mpk, [1, 2, 3], [3, 2, 1]));
  const skF = keyDerive(msk, dense);
  const z = decrypt(skF, dense, c);
  assertEquals(decrypt(skF, dense, d), z);
  assertThrows(() => decrypt(skF, dense, { ...c, ct0: d.ct0 }), DlogNotFoundError);
  assertThrows(() => decrypt(skF, dense, { ...c, a: d.a }), DlogNotFoundError);
  assertThrows(() => decrypt(skF, dense, { ...c, b: [c.b[0], d.b[1]] }), DlogNotFoundError);
});

Deno.test("qfe decrypt() searches no further than the bound, and refuses a range without one", () => {
  const ctXY = encrypt(msk, [1, 1, 1], [1, 1, 1]);
  const skF = keyDerive(msk, dense); // 35
  assertEquals(decrypt(skF, dense, ctXY, { bound: 35 }), 35);
  assertThrows(() => decrypt(skF, dense, ctXY, { bound: 34 }), DlogNotFoundError, "[-34, 34]");
  const wide = matrixForm([[2 ** 31 - 1, 0, 0], [0, 0, 0], [0, 0, 0]]);
  const key = keyDerive(msk, wide);
  assertThrows(
    () => decrypt(key, wide, ctXY),
    RangeError,
    "exceeds 2^40, the largest to search; give a bound",
  );
  const zero = encrypt(msk, [0, 1, 1], [1, 1, 1]);
  assertEquals(decrypt(key, wide, zero, { bound: 100 }), 0);
  for (const bound of [NaN, -1]) {
    assertThrows(() => decrypt(skF, dense, ctXY, { bound }), RangeError, `bound ${bound}`);
  }
});

Deno.test("qfe decrypt() and keyDerive() refuse a form or a key for another n or other bounds", () => {
  const small = matrixForm([[1, 2], [3, 4]]);
  const ctXY = encrypt(mpk, [1, 2, 3], [3, 2, 1]);
  assertThrows(() => keyDerive(msk, small), TypeError, "F is for n = 2, expected 3");
  assertThrows(() => decrypt(keyDerive(msk, dense), small, ctXY), TypeError, "F is for n = 2");
  for (const other of [{ ...pp, n: 2 }, { ...pp, boundX: 254 }, { ...pp, boundY: 99 }]) {
    const form = other.n === 2 ? small : dense;
    assertThrows(
      () => decrypt(keyDerive(setup(other).msk, form), form, ctXY),
      TypeError,
      `Cannot decrypt: the key is for (bls12-381, n = ${other.n}`,
    );
  }
});

Deno.test("qfe setup() and encrypt() refuse what is out of bounds, with either key", () => {
  assertThrows(() => setup({ ...pp, n: 0 }), RangeError, "Cannot set up: n 0 is not");
  assertThrows(() => setup({ ...pp, boundX: 2 ** 30, boundY: 2 ** 20 }), RangeError, "2^40");
  for (const key of [mpk, msk]) {
    assertThrows(() => encrypt(key, [1, 2], [1, 2, 3]), TypeError, "x has length 2, expected 3");
    assertThrows(() => encrypt(key, [1, 2, 3], [1]), TypeError, "y has length 1, expected 3");
    for (const bad of [256, -256, 0.5, NaN]) {
      assertThrows(
        () => encrypt(key, [1, bad, 3], [1, 2, 3]),
        RangeError,
        `Cannot encrypt: x[1] = ${bad} is not an integer in [-255, 255]`,
      );
    }
    assertThrows(() => encrypt(key, [1, 2, 3], [1, 2, 101]), RangeError, "y[2] = 101");
  }
});

Deno.test("qfe: setup() and encrypt() draw new secrets, and repeat only for a seed", () => {
  const keys = (rng = secureRng()) => qfe.encodeMasterPublicKey(setup(pp, rng).mpk).toHex();
  assert(keys() !== keys());
  assertEquals(keys(seededRng(7)), keys(seededRng(7)));
  const elements = [0, 1].flatMap(() => {
    const body = qfe.encodeCiphertext(encrypt(mpk, [5, 5, 0], [0, 7, 7])).subarray(HEADER);
    return Array.from(
      { length: 2 * pp.n + 1 },
      (_, i) => body.subarray(48 * i, 48 * (i + 1)).toHex(),
    );
  });
  assertEquals(new Set(elements).size, elements.length); // equal and zero coordinates show nowhere
});
