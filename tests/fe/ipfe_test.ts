import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import * as ipfe from "lib/fe/ipfe.ts";
import { DlogNotFoundError } from "lib/fe/params.ts";
import { group } from "lib/math/group.ts";
import { secureRng, seededRng } from "lib/math/rng.ts";
import { ALL_GROUPS, GROUPS } from "../math/weierstrass.ts";
import * as ipfeSecret from "./ipfe_secret.ts";
import { dot, scalarsRng, SCHEMES } from "./schemes.ts";
import vectors from "../vectors/ipfe.json" with { type: "json" };

const ristretto = group("ristretto255");

for (const known of vectors.cases) {
  Deno.test(`ipfe ${known.group}: agrees with the independent oracle, byte for byte`, () => {
    const G = GROUPS[known.group];
    const pp = { group: G, n: 4, boundX: 255, boundY: 1000 };
    const { mpk, msk } = ipfe.setup(pp, scalarsRng(...known.s.map(BigInt)));
    assertEquals(mpk.h.map((h) => G.encode(h).toHex()), known.h);
    const skY = ipfe.keyDerive(msk, vectors.y);
    assertEquals(skY.skY, [BigInt(known.skY)]);
    const ctX = ipfe.encrypt(mpk, vectors.x, scalarsRng(BigInt(known.r)));
    assertEquals(ctX.ct0.map((ct0) => G.encode(ct0).toHex()), [known.ct0]);
    assertEquals(ctX.ct.map((ct) => G.encode(ct).toHex()), known.ct);
    assertEquals(ipfe.decrypt(skY, ctX), vectors.z);
  });
}

Deno.test("ipfe, 2 masks, ristretto255: agrees with the independent oracle, byte for byte", () => {
  const known = vectors.full;
  const hex = (element: typeof ristretto.generator) => ristretto.encode(element).toHex();
  const pp = { group: ristretto, n: 4, boundX: 255, boundY: 1000, masks: 2 } as const;
  assertEquals(hex(ipfe.secondGenerator(ristretto)), known.secondGenerator);
  const { mpk, msk } = ipfe.setup(pp, scalarsRng(...[...known.s, ...known.t].map(BigInt)));
  assertEquals(mpk.h.map(hex), known.h);
  const skY = ipfe.keyDerive(msk, vectors.y);
  assertEquals(skY.skY, known.skY.map(BigInt));
  const ctX = ipfe.encrypt(mpk, vectors.x, scalarsRng(BigInt(known.r)));
  assertEquals(ctX.ct0.map(hex), known.ct0);
  assertEquals(ctX.ct.map(hex), known.ct);
  assertEquals(ipfe.decrypt(skY, ctX), vectors.z);
});

Deno.test("ipfe encrypt() agrees with one multiplication per coordinate", () => {
  const pp = { group: ristretto, n: 6, boundX: 1000, boundY: 1 };
  const { mpk } = ipfe.setup(pp, seededRng(3));
  const x = [0, 1, -1, 255, 256, -1000];
  const r = 0xfedcba9876543210n;
  const ctX = ipfe.encrypt(mpk, x, scalarsRng(r));
  x.forEach((value, i) => {
    const naive = ristretto.multiply(mpk.h[i], r)
      .add(ristretto.multiply(ristretto.generator, BigInt(value)));
    assert(ristretto.equals(ctX.ct[i], naive), `${i}`);
  });
});

Deno.test("ipfe decryptMany() agrees with one multiplication per coordinate", () => {
  const pp = { group: ristretto, n: 5, boundX: 20, boundY: 20 };
  const { mpk, msk } = ipfe.setup(pp, seededRng(4));
  const x = [20, -20, 7, 0, 1];
  const ctX = ipfe.encrypt(mpk, x);
  const ys = [[1, 2, 3, 4, 5], [-20, 20, -20, 20, -20], [0, 0, 0, 0, 0]];
  const keys = ys.map((y) => ipfe.keyDerive(msk, y));
  const fast = ipfe.decryptMany(keys, ctX);
  keys.forEach(({ y, skY }, k) => {
    let element = ristretto.multiply(ctX.ct0[0], -skY[0]);
    for (let i = 0; i < 5; i++) element = element.add(ristretto.multiply(ctX.ct[i], BigInt(y[i])));
    assert(ristretto.equals(element, ristretto.multiply(ristretto.generator, BigInt(fast[k]))));
  });
});

for (const { name, masks } of SCHEMES) {
  for (const G of ALL_GROUPS) {
    Deno.test(`${name} ${G.name}: decrypt() returns ⟨x, y⟩ for any bounded x and y`, () => {
      const params = fc.record({
        n: fc.integer({ min: 1, max: 4 }),
        boundX: fc.integer({ min: 1, max: 12 }),
        boundY: fc.integer({ min: 1, max: 12 }),
      });
      const instance = params.chain((pp) => {
        const vector = (bound: number) =>
          fc.array(fc.integer({ min: -bound, max: bound }), { minLength: pp.n, maxLength: pp.n });
        return fc.tuple(
          fc.constant(pp),
          vector(pp.boundX),
          fc.array(vector(pp.boundY), { minLength: 1, maxLength: 3 }),
        );
      });
      fc.assert(
        fc.property(instance, ([pp, x, ys]) => {
          const { mpk, msk } = ipfe.setup({ group: G, ...pp, masks });
          const ctX = ipfe.encrypt(mpk, x);
          const keys = ys.map((y) => ipfe.keyDerive(msk, y));
          const expected = ys.map((y) => dot(x, y));
          assertEquals([...ipfe.decryptMany(keys, ctX)], expected);
          assertEquals(ipfe.decrypt(keys[0], ctX), expected[0]);
        }),
        { seed: 1, numRuns: 8 },
      );
    });
  }

  const pp = { group: ristretto, n: 3, boundX: 255, boundY: 100, masks } as const;
  const { mpk, msk } = ipfe.setup(pp, seededRng(1));

  Deno.test(`${name}: decrypt() is exact at both ends of the range`, () => {
    const ctX = ipfe.encrypt(mpk, [255, -255, 255]);
    assertEquals(ipfe.decrypt(ipfe.keyDerive(msk, [100, -100, 100]), ctX), 76_500);
    assertEquals(ipfe.decrypt(ipfe.keyDerive(msk, [-100, 100, -100]), ctX), -76_500);
  });

  Deno.test(`${name}: the three parties need each other's bytes only`, () => {
    // Authority: keeps the master secret as bytes, publishes the public key.
    const fresh = ipfe.setup(pp);
    const published = ipfe.encodeMasterPublicKey(fresh.mpk);
    const secret = ipfeSecret.encodeMasterSecretKey(fresh.msk);
    // Client.
    const x = Uint8Array.of(3, 200, 255);
    const ctX = ipfe.encodeCiphertext(ipfe.encrypt(ipfe.decodeMasterPublicKey(published), x));
    // Server asks for y, authority answers.
    const y = Int32Array.of(-100, 50, 1);
    const skY = ipfe.encodeFunctionalKey(
      ipfe.keyDerive(ipfeSecret.decodeMasterSecretKey(secret), y),
    );
    // Server.
    const z = ipfe.decrypt(ipfe.decodeFunctionalKey(skY), ipfe.decodeCiphertext(ctX));
    assertEquals(z, dot(x, y));
  });

  Deno.test(`${name}: encrypt() twice of the same x shares no element`, () => {
    const x = [1, 1, 1];
    const elements = [1, 2].flatMap(() => {
      const bytes = ipfe.encodeCiphertext(ipfe.encrypt(mpk, x)).subarray(19);
      return Array.from(
        { length: bytes.length / 32 },
        (_, i) => bytes.subarray(32 * i, 32 * i + 32).toHex(),
      );
    });
    assertEquals(new Set(elements).size, elements.length);
  });

  Deno.test(`${name}: setup() draws new secrets, and repeats only for a seed`, () => {
    const bytes = (rng = secureRng()) => ipfeSecret.encodeMasterSecretKey(ipfe.setup(pp, rng).msk);
    assertNotEquals(bytes(), bytes());
    assertEquals(bytes(seededRng(7)), bytes(seededRng(7)));
    assertNotEquals(bytes(seededRng(7)), bytes(seededRng(8)));
  });

  Deno.test(`${name}: decryptMany() reports progress, and takes no keys for no results`, () => {
    const ctX = ipfe.encrypt(mpk, [1, 2, 3]);
    const keys = [[1, 0, 0], [0, 1, 0]].map((y) => ipfe.keyDerive(msk, y));
    const seen: number[] = [];
    ipfe.decryptMany(keys, ctX, { onProgress: (done) => seen.push(done) });
    assertEquals(seen, [1, 2]);
    assertEquals(ipfe.decryptMany([], ctX).length, 0);
  });

  Deno.test(`${name}: a key keeps its y when the caller's array changes`, () => {
    const y = [1, 2, 3];
    const skY = ipfe.keyDerive(msk, y);
    y[0] = 99;
    assertEquals(ipfe.decrypt(skY, ipfe.encrypt(mpk, [1, 0, 0])), 1);
  });

  Deno.test(`${name}: setup() refuses parameters out of bounds`, () => {
    for (const field of ["n", "boundX", "boundY"]) {
      for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 31]) {
        assertThrows(
          () => ipfe.setup({ ...pp, [field]: value }),
          RangeError,
          `Cannot set up: ${field} ${value} is not an integer in [1, 2^31 - 1]`,
        );
      }
    }
    assertThrows(
      () => ipfe.setup({ ...pp, n: 1024, boundX: 2 ** 16, boundY: 2 ** 15 }),
      RangeError,
      "n·boundX·boundY = 2199023255552 exceeds 2^40",
    );
  });

  Deno.test(`${name}: encrypt() and keyDerive() refuse a wrong length`, () => {
    for (const wrong of [[], [1, 2], [1, 2, 3, 4]]) {
      const state = `has length ${wrong.length}, expected 3`;
      assertThrows(() => ipfe.encrypt(mpk, wrong), TypeError, `Cannot encrypt: x ${state}`);
      assertThrows(
        () => ipfe.keyDerive(msk, wrong),
        TypeError,
        `Cannot derive a key: y ${state}`,
      );
    }
  });

  Deno.test(`${name}: encrypt() and keyDerive() refuse what is no integer within the bound`, () => {
    for (const bad of [256, -256, NaN, Infinity, 0.5, undefined as unknown as number]) {
      assertThrows(
        () => ipfe.encrypt(mpk, [0, bad, 0]),
        RangeError,
        `Cannot encrypt: x[1] = ${bad} is not an integer in [-255, 255]`,
      );
    }
    for (const bad of [101, -101, NaN, -Infinity, 1e-9]) {
      assertThrows(
        () => ipfe.keyDerive(msk, [0, 0, bad]),
        RangeError,
        `Cannot derive a key: y[2] = ${bad} is not an integer in [-100, 100]`,
      );
    }
  });

  Deno.test(`${name}: decrypt() refuses a ciphertext of other parameters`, () => {
    const skY = ipfe.keyDerive(msk, [1, 2, 3]);
    const others = [
      { ...pp, n: 4 },
      { ...pp, boundX: 254 },
      { ...pp, boundY: 99 },
      { ...pp, group: GROUPS["secp256k1"] },
      { ...pp, masks: masks === 1 ? 2 : 1 } as const,
    ];
    for (const other of others) {
      const ctX = ipfe.encrypt(ipfe.setup(other).mpk, new Int8Array(other.n));
      const describe = ({ group, n, boundX, boundY, masks }: typeof other) =>
        `${group.name}, n = ${n}, boundX = ${boundX}, boundY = ${boundY}` +
        (masks === 2 ? ", 2 masks" : "");
      const state = `Cannot decrypt: the key is for (${describe(pp)}), the ciphertext for (${
        describe(other)
      })`;
      assertThrows(() => ipfe.decrypt(skY, ctX), TypeError, state);
      const same = ipfe.encrypt(mpk, [0, 0, 0]);
      const key = ipfe.keyDerive(ipfe.setup(other).msk, new Int8Array(other.n));
      assertThrows(
        () => ipfe.decryptMany([skY, key], same),
        TypeError,
        "Cannot decrypt: the key",
      );
    }
  });

  Deno.test(`${name}: decrypt() refuses a key of another authority`, () => {
    const skY = ipfe.keyDerive(ipfe.setup(pp).msk, [1, 2, 3]);
    assertThrows(
      () => ipfe.decrypt(skY, ipfe.encrypt(mpk, [1, 2, 3])),
      DlogNotFoundError,
      "Cannot decrypt: no inner product in [-76500, 76500]",
    );
  });

  Deno.test(`${name}: decrypt() refuses a ciphertext whose x is over its bound`, () => {
    // A dishonest client: encrypts under looser bounds, then claims the agreed ones.
    const ctX = ipfe.encrypt({ ...mpk, pp: { ...pp, boundX: 5000 } }, [5000, 0, 0]);
    assertThrows(
      () => ipfe.decrypt(ipfe.keyDerive(msk, [100, 0, 0]), { ...ctX, pp }),
      DlogNotFoundError,
      "Cannot decrypt: no inner product",
    );
  });
}
