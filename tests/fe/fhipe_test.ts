import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Ciphertext,
  decodeCiphertext,
  decodeFunctionalKey,
  decrypt,
  decryptMany,
  encodeCiphertext,
  encodeFunctionalKey,
  encrypt,
  type FunctionalKey,
  keyDerive,
  setup,
} from "lib/fe/fhipe.ts";
import * as ipfe from "lib/fe/ipfe.ts";
import { DlogNotFoundError } from "lib/fe/params.ts";
import { group as primeGroup } from "lib/math/group.ts";
import { secureRng, seededRng } from "lib/math/rng.ts";
import { fastest, label, PAIRINGS } from "../math/pairing/backends.ts";
import vectors from "../vectors/fhipe.json" with { type: "json" };
import { decodeMasterSecretKey, encodeMasterSecretKey } from "./fhipe_secret.ts";
import { dot } from "./schemes.ts";

const HEADER = 19;

/** The group elements of a message, as hex. */
function elements(bytes: Uint8Array, size: number): string[] {
  const body = bytes.subarray(HEADER);
  return Array.from(
    { length: body.length / size },
    (_, i) => body.subarray(i * size, (i + 1) * size).toHex(),
  );
}
const ofKey = (skY: FunctionalKey) => elements(encodeFunctionalKey(skY), skY.pp.group.g1Bytes);
const ofCiphertext = (ctX: Ciphertext) => elements(encodeCiphertext(ctX), ctX.pp.group.g2Bytes);
const distinct = (values: readonly string[]) => new Set(values).size;

for (const group of PAIRINGS) {
  const { boundX, boundY } = vectors;
  for (const { x, y, z, seeds, ...known } of vectors.cases) {
    Deno.test(`fhipe ${label(group)}: agrees with the independent oracle, n = ${x.length}`, () => {
      const msk = setup({ group, n: x.length, boundX, boundY }, seededRng(seeds.setup));
      assertEquals(encodeMasterSecretKey(msk).subarray(HEADER).toHex(), known.msk);
      const skY = keyDerive(msk, y, seededRng(seeds.keyDerive));
      assertEquals(ofKey(skY), known.skY);
      const ctX = encrypt(msk, x, seededRng(seeds.encrypt));
      assertEquals(ofCiphertext(ctX), known.ctX);
      assertEquals(decrypt(skY, ctX), z);
    });
  }
}

for (const group of PAIRINGS) {
  Deno.test(`fhipe ${label(group)}: decrypt() returns ⟨x, y⟩ for any bounded x and y`, () => {
    const params = fc.record({
      n: fc.integer({ min: 1, max: 4 }),
      boundX: fc.integer({ min: 1, max: 12 }),
      boundY: fc.integer({ min: 1, max: 12 }),
    });
    const instance = params.chain((pp) => {
      const vector = (bound: number) =>
        fc.array(fc.integer({ min: -bound, max: bound }), { minLength: pp.n, maxLength: pp.n });
      return fc.tuple(fc.constant(pp), vector(pp.boundX), vector(pp.boundY));
    });
    fc.assert(
      fc.property(instance, ([pp, x, y]) => {
        const msk = setup({ group, ...pp });
        assertEquals(decrypt(keyDerive(msk, y), encrypt(msk, x)), dot(x, y));
      }),
      { seed: 1, numRuns: group.backend === "simd" ? 20 : 4 },
    );
  });
}

Deno.test("fhipe: what one backend makes, every other decrypts", () => {
  const [n, boundX, boundY] = [5, 255, 100];
  const x = [255, 0, -3, 200, 7];
  const y = [-100, 5, 0, 99, -1];
  for (const maker of PAIRINGS) {
    const msk = encodeMasterSecretKey(setup({ group: maker, n, boundX, boundY }));
    const skY = encodeFunctionalKey(keyDerive(decodeMasterSecretKey(maker, msk), y));
    for (const other of PAIRINGS) {
      const ctX = encodeCiphertext(encrypt(decodeMasterSecretKey(other, msk), x));
      for (const reader of PAIRINGS) {
        const z = decrypt(decodeFunctionalKey(reader, skY), decodeCiphertext(reader, ctX));
        assertEquals(z, dot(x, y), `${label(maker)}, ${label(other)}, ${label(reader)}`);
      }
    }
  }
});

const pp = { group: fastest, n: 3, boundX: 255, boundY: 100 };
const msk = setup(pp, seededRng(1));

Deno.test("fhipe decrypt() is exact at both ends of the range, and for zero vectors", () => {
  const ctX = encrypt(msk, [255, -255, 255]);
  assertEquals(decrypt(keyDerive(msk, [100, -100, 100]), ctX), 76_500);
  assertEquals(decrypt(keyDerive(msk, [-100, 100, -100]), ctX), -76_500);
  const zero = keyDerive(msk, [0, 0, 0]);
  assertEquals(decrypt(zero, ctX), 0);
  assertEquals(decrypt(zero, encrypt(msk, [0, 0, 0])), 0);
  assertEquals(decrypt(keyDerive(msk, [1, 2, 3]), encrypt(msk, [0, 0, 0])), 0);
});

Deno.test("fhipe decrypt() finds the result from any guess, and refuses a guess out of range", () => {
  const [skY, ctX] = [keyDerive(msk, [10, 20, -30]), encrypt(msk, [200, 100, 50])];
  for (const near of [2500, 2400, 0, -76_500, 76_500]) {
    assertEquals(decrypt(skY, ctX, { near }), 2500);
  }
  for (const near of [76_501, 0.5, NaN]) {
    assertThrows(
      () => decrypt(skY, ctX, { near }),
      RangeError,
      `Cannot decrypt: near[0] = ${near} is not an integer in [-76500, 76500]`,
    );
  }
  assertThrows(
    () => decryptMany([skY, skY], ctX, { near: [1] }),
    TypeError,
    "Cannot decrypt: near has length 1, expected 2",
  );
});

Deno.test("fhipe decryptMany() agrees with decrypt(), reports progress and stops", () => {
  const ctX = encrypt(msk, [1, -2, 3]);
  const ys = [[100, 0, 0], [0, 100, 0], [7, 8, 9], [0, 0, 0]];
  const keys = ys.map((y) => keyDerive(msk, y));
  const seen: number[] = [];
  const onProgress = (done: number) => void seen.push(done);
  const expected = [100, -200, 18, 0];
  assertEquals([...decryptMany(keys, ctX, { onProgress })], expected);
  assertEquals(seen, [1, 2, 3, 4]);
  assertEquals([...decryptMany(keys, ctX, { near: [90, -200, 18, 5] })], expected);
  assertEquals(keys.map((key) => decrypt(key, ctX)), expected);
  assertEquals(decryptMany([], ctX).length, 0);
  const controller = new AbortController();
  assertThrows(
    () =>
      decryptMany(keys, ctX, {
        signal: controller.signal,
        onProgress: () => controller.abort(new RangeError("stop was pressed")),
      }),
    RangeError,
    "stop was pressed",
  );
});

Deno.test("fhipe decrypt() with a key of another msk finds no inner product, and says which", () => {
  const stranger = setup(pp, seededRng(2));
  const ctX = encrypt(msk, [1, 2, 3]);
  const [own, foreign] = [msk, stranger].map((secret) => keyDerive(secret, [1, 1, 1]));
  assertEquals(decrypt(own, ctX), 6);
  assertThrows(
    () => decrypt(foreign, ctX),
    DlogNotFoundError,
    "Cannot decrypt: no inner product in [-76500, 76500]",
  );
  const error = assertThrows(
    () => decryptMany([own, foreign, own], ctX),
    DlogNotFoundError,
    "(index 1 of 3)",
  );
  assertEquals(error.index, 1);
});

Deno.test("fhipe decrypt() refuses a mixture of two keys, or of two ciphertexts", () => {
  const [a, b] = [[1, 2, 3], [1, 2, 3]].map((y) => keyDerive(msk, y));
  const [c, d] = [[4, 5, 6], [4, 5, 6]].map((x) => encrypt(msk, x));
  assertEquals(decrypt(a, c), 32);
  assertThrows(() => decrypt({ ...a, k1: b.k1 }, c), DlogNotFoundError);
  assertThrows(() => decrypt({ ...a, k2: [b.k2[0], ...a.k2.slice(1)] }, c), DlogNotFoundError);
  assertThrows(() => decrypt(a, { ...c, c1: d.c1 }), DlogNotFoundError);
  assertThrows(() => decrypt(a, { ...c, c2: [d.c2[0], ...c.c2.slice(1)] }), DlogNotFoundError);
});

Deno.test("fhipe decrypt() finds no inner product beyond the bounds that it promises", () => {
  const wide = { ...msk, pp: { ...pp, boundX: 10_000, boundY: 10_000 } };
  const skY = { ...keyDerive(wide, [101, 100, 100]), pp };
  const ctX = { ...encrypt(wide, [255, 255, 255]), pp };
  assertThrows(() => decrypt(skY, ctX), DlogNotFoundError, "in [-76500, 76500]");
});

Deno.test("fhipe decrypt() refuses a key for other parameters", () => {
  const ctX = encrypt(msk, [1, 2, 3]);
  for (const other of [{ ...pp, n: 2 }, { ...pp, boundX: 254 }, { ...pp, boundY: 99 }]) {
    const skY = keyDerive(setup(other), new Array(other.n).fill(1));
    assertThrows(
      () => decrypt(skY, ctX),
      TypeError,
      `Cannot decrypt: the key is for (bls12-381, n = ${other.n}`,
    );
  }
});

Deno.test("fhipe setup(), keyDerive() and encrypt() refuse what is out of bounds", () => {
  for (
    const [bad, state] of [
      [{ n: 0 }, "n 0 is not"],
      [{ n: 1.5 }, "n 1.5 is not"],
      [{ boundX: -1 }, "boundX -1 is not"],
      [{ boundY: NaN }, "boundY NaN is not"],
      [{ boundX: 2 ** 30, boundY: 2 ** 20 }, "exceeds 2^40"],
    ] as const
  ) {
    assertThrows(() => setup({ ...pp, ...bad }), RangeError, `Cannot set up: `);
    assertThrows(() => setup({ ...pp, ...bad }), RangeError, state);
  }
  assertThrows(() => keyDerive(msk, [1, 2]), TypeError, "Cannot derive a key: y has length 2");
  assertThrows(() => encrypt(msk, [1, 2, 3, 4]), TypeError, "Cannot encrypt: x has length 4");
  for (const bad of [101, -101, 0.5, NaN, Infinity]) {
    assertThrows(
      () => keyDerive(msk, [0, bad, 0]),
      RangeError,
      `Cannot derive a key: y[1] = ${bad} is not an integer in [-100, 100]`,
    );
  }
  assertThrows(() => encrypt(msk, [0, 0, 256]), RangeError, "Cannot encrypt: x[2] = 256");
});

Deno.test("fhipe setup() draws new secrets, and repeats only for a seed", () => {
  const bytes = (rng = secureRng()) => encodeMasterSecretKey(setup(pp, rng));
  assertNotEquals(bytes(), bytes());
  assertEquals(bytes(seededRng(7)), bytes(seededRng(7)));
  assertNotEquals(bytes(seededRng(7)), bytes(seededRng(8)));
});

// What "function-hiding" means, as a test that plain inner-product encryption fails.

Deno.test("hiding: two keys for one y, and keys for different y, differ in every element", () => {
  const [a, b, c] = [[5, 6, 7], [5, 6, 7], [5, 6, -7]].map((y) => ofKey(keyDerive(msk, y)));
  assertEquals(a.length, pp.n + 3);
  assertEquals(distinct([...a, ...b, ...c]), 3 * (pp.n + 3));
});

Deno.test("hiding: two ciphertexts of one x, and of different x, differ in every element", () => {
  const [a, b, c] = [[5, 6, 7], [5, 6, 7], [5, 6, -7]].map((x) => ofCiphertext(encrypt(msk, x)));
  assertEquals(a.length, pp.n + 3);
  assertEquals(distinct([...a, ...b, ...c]), 3 * (pp.n + 3));
});

Deno.test("hiding: equal coordinates, zeros and zero vectors show nowhere", () => {
  for (const v of [[9, 9, 9], [0, 0, 1], [0, 0, 0], [-9, 9, -9]]) {
    const [key, ciphertext] = [ofKey(keyDerive(msk, v)), ofCiphertext(encrypt(msk, v))];
    assertEquals(distinct(key), pp.n + 3, `key for ${v}`);
    assertEquals(distinct(ciphertext), pp.n + 3, `ciphertext of ${v}`);
  }
});

Deno.test("hiding: a message's size and header say n and the bounds, and nothing of the vector", () => {
  const keys = [[0, 0, 0], [100, -100, 3]].map((y) => encodeFunctionalKey(keyDerive(msk, y)));
  assertEquals(keys[0].subarray(0, HEADER), keys[1].subarray(0, HEADER));
  assertEquals(keys[0].length, keys[1].length);
  const ciphertexts = [[0, 0, 0], [255, 1, -1]].map((x) => encodeCiphertext(encrypt(msk, x)));
  assertEquals(ciphertexts[0].subarray(0, HEADER), ciphertexts[1].subarray(0, HEADER));
  assertEquals(ciphertexts[0].length, ciphertexts[1].length);
});

Deno.test("hiding: plain IPFE fails the same test, its key is y in the clear", () => {
  const plain = ipfe.setup({ ...pp, group: primeGroup("ristretto255") }).msk;
  const y = [5, 6, -7];
  const [a, b] = [0, 1].map(() => ipfe.encodeFunctionalKey(ipfe.keyDerive(plain, y)));
  assertEquals(a, b); // one key for one y, again and again
  const view = new DataView(a.buffer, HEADER);
  assertEquals([0, 1, 2].map((i) => view.getInt32(4 * i)), y);
  // Even the other direction: the function-hiding key holds no such word, wherever one looks.
  const hidden = encodeFunctionalKey(keyDerive(msk, y)).toHex().slice(2 * HEADER);
  assert(!hidden.includes(a.subarray(HEADER, HEADER + 12).toHex()));
});

Deno.test({
  name: "fhipe: a Worker decrypts, from bytes",
  ignore: (await Deno.permissions.query({ name: "read" })).state !== "granted",
  fn: async () => {
    const keys = [[1, 2, 3], [-100, 100, 0]].map((y) => encodeFunctionalKey(keyDerive(msk, y)));
    const ctX = encodeCiphertext(encrypt(msk, [3, 4, 5]));
    const worker = new Worker(import.meta.resolve("./fhipe_worker.ts"), { type: "module" });
    const z = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
      worker.postMessage({ keys, ctX });
    });
    worker.terminate();
    assertEquals(z, Float64Array.of(26, 100));
  },
});
