import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { ed25519, ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { fromNoble } from "lib/math/edwards/ristretto.ts";
import { type Element, group, groupById, type GroupName } from "lib/math/group.ts";
import { NOBLE_RISTRETTO } from "lib/math/noble_ristretto.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";
import { ALL_GROUPS, GROUPS } from "./weierstrass.ts";
import vectors from "../vectors/ristretto255.json" with { type: "json" };

const ristretto = group("ristretto255");

Deno.test("group() refuses an unknown name, groupById() an unknown id", () => {
  for (const name of ["curve25519", "toString", "", "__proto__"]) {
    assertThrows(() => group(name as GroupName), RangeError, `Cannot use group "${name}": unknown`);
  }
  assertThrows(() => groupById(0), RangeError, "unknown group id 0");
  assertEquals(groupById(1), ristretto);
});

for (const G of ALL_GROUPS) {
  const random = (seed: number) =>
    G.multiply(G.generator, randomScalars(G.order, seededRng(seed), 1)[0]);

  Deno.test(`${G.name}: multiply() reduces mod q and agrees with repeated addition`, () => {
    let sum = G.identity;
    for (let k = 0n; k < 8n; k++) {
      assert(G.equals(G.multiply(G.generator, k), sum), `${k}`);
      assert(G.equals(G.multiply(G.generator, k - G.order), sum), `${k} - q`);
      sum = sum.add(G.generator);
    }
    assert(G.equals(G.multiply(G.generator, G.order), G.identity));
    assert(!G.equals(G.generator, G.identity));
  });

  Deno.test(`${G.name}: sum() agrees with add()`, () => {
    const elements = [1, 2, 3, 4].map(random).concat(G.identity, random(4).negate());
    let expected = G.identity;
    for (const element of elements) expected = expected.add(element);
    assert(G.equals(G.sum(elements), expected));
    assert(G.equals(G.sum([]), G.identity));
    assert(G.equals(G.sum([elements[0], elements[0]]), elements[0].double()));
  });

  Deno.test(`${G.name}: keys() identifies ±P, and nothing else, in one batch`, () => {
    const P = random(1);
    const sum = P.add(random(2)).add(random(2).negate()); // P with another Z
    const keys = G.keys([P, P.negate(), sum, G.identity, random(2), P.double()]);
    assertEquals(keys[0], keys[1]);
    assertEquals(keys[0], keys[2]);
    assertEquals(keys[3], 0);
    assertEquals(new Set(keys).size, 4);
    assert(keys.every((key) => Number.isInteger(key) && key >= 0 && key < 2 ** 52));
    assertEquals(G.keys([P])[0], keys[0]);
  });

  Deno.test(`${G.name}: decode() inverts encode()`, () => {
    for (const seed of [1, 2, 3]) {
      const bytes = G.encode(random(seed));
      assertEquals(bytes.length, G.elementBytes);
      assert(G.equals(G.decode(bytes), random(seed)));
      assertEquals(G.encode(G.decode(bytes)), bytes);
    }
  });

  Deno.test(`${G.name}: encode() and decode() refuse the identity`, () => {
    assertThrows(() => G.encode(G.identity), RangeError, "it is the identity");
    const zeros = new Uint8Array(G.elementBytes);
    const infinity = zeros.slice();
    infinity[0] = 0xc0; // BLS12-381's flags for infinity
    for (const bytes of G.name === "bls12-381-g1" ? [zeros, infinity] : [zeros]) {
      const name = G.name.split(" ")[0];
      assertThrows(() => G.decode(bytes), RangeError, `Cannot decode ${name} element`);
    }
  });

  Deno.test(`${G.name}: decode() refuses another length`, () => {
    const bytes = G.encode(G.generator);
    for (const wrong of [bytes.subarray(1), new Uint8Array([...bytes, 0]), new Uint8Array(0)]) {
      assertThrows(() => G.decode(wrong), RangeError, `${wrong.length} bytes, expected`);
    }
  });

  Deno.test(`${G.name}: decode() takes a flipped bit for a refusal or another element`, () => {
    const bytes = G.encode(random(9));
    let refused = 0;
    for (let bit = 0; bit < 8 * bytes.length; bit += 5) {
      const flipped = bytes.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      try {
        assertNotEquals(G.encode(G.decode(flipped)), bytes);
      } catch (error) {
        assert(error instanceof RangeError, String(error));
        refused++;
      }
    }
    assert(refused > 10, `${refused}`);
  });

  Deno.test(`${G.name}: hash() gives an element that depends on message and domain`, () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const one = G.encode(G.hash(bytes("a"), "domain one"));
    assertEquals(G.encode(G.hash(bytes("a"), "domain one")), one);
    assertNotEquals(G.encode(G.hash(bytes("b"), "domain one")), one);
    assertNotEquals(G.encode(G.hash(bytes("a"), "domain two")), one);
    assert(G.equals(G.multiply(G.decode(one), G.order), G.identity));
  });
}

Deno.test("ristretto255: encode() gives the multiples of RFC 9496", () => {
  vectors.multiples.slice(1).forEach((hex, i) => {
    const element = ristretto.multiply(ristretto.generator, BigInt(i + 1));
    assertEquals(ristretto.encode(element).toHex(), hex);
    assert(ristretto.equals(ristretto.decode(Uint8Array.fromHex(hex)), element));
  });
});

Deno.test("ristretto255: decode() refuses the invalid encodings of RFC 9496", () => {
  for (const hex of vectors.invalid) {
    assertThrows(
      () => ristretto.decode(Uint8Array.fromHex(hex)),
      RangeError,
      "not a canonical encoding",
    );
  }
});

for (const G of [ristretto, NOBLE_RISTRETTO]) {
  const which = G === ristretto ? "ristretto255" : "ristretto255 by noble";
  Deno.test(`${which}: keys() and equals() do not see the choice of representative`, () => {
    const Kernel = G.generator.constructor as new (limbs: Float64Array) => Element;
    const carry = (point: Element) => G.bulk ? new Kernel(fromNoble(point)) : point;
    const torsion = ED25519_TORSION_SUBGROUP.map((hex) => ed25519.Point.fromHex(hex));
    const elements = (points: typeof torsion) => points.map((T) => carry(T as unknown as Element));
    const fourTorsion = elements(torsion.filter((T) => T.double().double().is0()));
    assertEquals(fourTorsion.length, 4);
    const P = G.multiply(G.generator, 987654321n);
    const [key] = G.keys([P]);
    for (const T of fourTorsion) {
      const moved = P.add(T);
      assert(G.equals(moved, P));
      assertEquals([...G.keys([moved, moved.negate()])], [key, key]);
      assertEquals(G.encode(moved), G.encode(P));
      assertEquals([...G.keys([T])], [0]);
      assert(G.equals(T, G.identity));
      assertThrows(() => G.encode(T), RangeError, "it is the identity");
    }
    const outside = elements(torsion.filter((T) => !T.double().double().is0()));
    for (const T of outside) assertNotEquals(G.keys([P.add(T)])[0], key);
  });
}

Deno.test("bls12-381-g1: decode() refuses a point of the curve outside the subgroup", () => {
  // y² = x³ + 4 at the first x that gives a point of full order, encoded by the curve's own rules.
  const { Point } = bls12_381.G1;
  const { Fp } = Point;
  let found = 0;
  for (let x = 1n; found < 3; x++) {
    let y: bigint;
    try {
      y = Fp.sqrt(Fp.add(Fp.pow(x, 3n), 4n));
    } catch {
      continue;
    }
    const bytes = Fp.toBytes(x);
    bytes[0] |= 0x80 | (y * 2n > Fp.ORDER ? 0x20 : 0);
    assertEquals(Point.fromAffine({ x, y }).isTorsionFree(), false);
    assertThrows(
      () => GROUPS["bls12-381-g1"].decode(bytes),
      RangeError,
      "not a canonical encoding",
    );
    found++;
  }
});

Deno.test("weierstrass groups: decode() refuses x ≥ p, x off the curve and a wrong prefix", () => {
  for (
    const [name, p] of [["p256", 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n], [
      "secp256k1",
      2n ** 256n - 2n ** 32n - 977n,
    ]] as const
  ) {
    const G = GROUPS[name];
    const encode = (prefix: number, x: bigint) =>
      Uint8Array.fromHex(prefix.toString(16).padStart(2, "0") + x.toString(16).padStart(64, "0"));
    const good = G.encode(G.generator);
    const x = BigInt("0x" + good.subarray(1).toHex());
    assert(G.equals(G.decode(encode(good[0], x)), G.generator));
    assert(G.equals(G.decode(encode(good[0] ^ 1, x)), G.generator.negate()));
    let off = 1n; // the first x without a point
    for (;; off++) {
      try {
        G.decode(encode(2, off));
      } catch {
        break;
      }
    }
    assert(off < 64n);
    for (const bad of [encode(2, p), encode(2, p + x % 2n ** 31n), encode(4, x), encode(0, x)]) {
      assertThrows(() => G.decode(bad), RangeError, "not a canonical encoding");
    }
  }
});
