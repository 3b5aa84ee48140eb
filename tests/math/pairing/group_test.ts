import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type GT, type PairingGroup, powerGT, startPairing } from "lib/math/pairing/group.ts";
import { label, PAIRINGS } from "./backends.ts";

const [noble] = PAIRINGS;
const { Fp, Fp2 } = bls12_381.fields;

/** ∏ e(a_i·g1, b_i·g2). */
function product(G: PairingGroup, a: bigint[], b: bigint[]): GT {
  return G.pairingProducts([{ g1: G.powersG1(a), g2: G.prepare(G.powersG2(b)) }])[0];
}

for (const G of PAIRINGS) {
  const q = G.order;
  const gt = product(G, [1n], [1n]);

  Deno.test(`${label(G)}: pairingProducts() is bilinear, for products of 1 to 5 pairs`, () => {
    for (let n = 1; n <= 5; n++) {
      const a = Array.from({ length: n }, (_, i) => BigInt(3 * i + 2));
      const b = Array.from(
        { length: n },
        (_, i) => i % 2 === 0 ? BigInt(7 * i + 1) : q - BigInt(i),
      );
      const z = a.reduce(
        (sum, value, i) => sum + Number(value) * (i % 2 === 0 ? 7 * i + 1 : -i),
        0,
      );
      assert(G.equal(product(G, a, b), powerGT(G, gt, z)), `n = ${n}`);
      assert(!G.equal(product(G, a, b), powerGT(G, gt, z + 1)));
    }
  });

  Deno.test(`${label(G)}: pairingProducts() of full-size scalars agree when they are moved across`, () => {
    const wide = fc.bigInt({ min: 1n, max: q - 1n });
    fc.assert(
      fc.property(wide, wide, (a, b) => {
        assert(G.equal(product(G, [a], [b]), product(G, [a * b % q], [1n])));
      }),
      { seed: 1, numRuns: 3 },
    );
  });

  Deno.test(`${label(G)}: many products at once are the products one by one`, () => {
    const products = [1, 2, 3].map((n) => {
      const scalars = Array.from({ length: n }, (_, i) => BigInt(10 * n + i));
      return { g1: G.powersG1(scalars), g2: G.prepare(G.powersG2(scalars)) };
    });
    const together = G.pairingProducts(products);
    assertEquals(together.length, 3);
    products.forEach((one, i) => assert(G.equal(together[i], G.pairingProducts([one])[0])));
    assertEquals(G.pairingProducts([]), []);
  });

  Deno.test(`${label(G)}: GT is a group, the pairing not degenerate, its order q`, () => {
    const one = G.multiply(gt, G.invert(gt));
    assert(!G.equal(gt, one));
    assert(G.equal(G.multiply(gt, one), gt));
    assert(G.equal(product(G, [q - 1n], [1n]), G.invert(gt)));
    assert(G.equal(powerGT(G, gt, -3), G.invert(G.multiply(gt, G.multiply(gt, gt)))));
    assert(G.equal(powerGT(G, gt, 0), one));
  });

  Deno.test(`${label(G)}: orbits() gives equal keys for a and 1/a, others for others`, () => {
    const count = 40;
    const [up, down] = G.orbits([gt, G.invert(gt)], [gt, G.invert(gt)], count);
    assertEquals(up, down);
    assertEquals(new Set(up).size, count);
    assert(up.every((key) => Number.isSafeInteger(key) && key >= 0 && key < 2 ** 52));
    // From another start, and to the other side of the identity.
    const far = powerGT(G, gt, 30);
    const [back, on] = G.orbits([far, far], [G.invert(gt), gt], 10);
    assertEquals([...back], [...up.slice(20, 30)].reverse());
    assertEquals([...on], [...up.slice(29, 39)]);
    const start = powerGT(G, gt, -3);
    const [across] = G.orbits([start, start], [gt, gt], 7);
    assertEquals([...across.slice(0, 3)], [...across.slice(4)].reverse());
  });

  Deno.test(`${label(G)}: decode inverts encode`, () => {
    const scalars = [1n, 2n, q - 1n, q / 3n];
    for (const element of G.powersG1(scalars)) {
      const bytes = G.encodeG1(element);
      assertEquals(bytes.length, G.g1Bytes);
      assertEquals(G.encodeG1(G.decodeG1(bytes)), bytes);
    }
    for (const element of G.powersG2(scalars)) {
      const bytes = G.encodeG2(element);
      assertEquals(bytes.length, G.g2Bytes);
      assertEquals(G.encodeG2(G.decodeG2(bytes)), bytes);
    }
  });

  Deno.test(`${label(G)}: powers refuse scalars that are 0 or not below q`, () => {
    for (const bad of [0n, -1n, q, q + 1n]) {
      for (const powers of [G.powersG1, G.powersG2]) {
        assertThrows(() => powers([1n, bad]), RangeError, "scalar 1 is not in [1, q)");
      }
    }
  });

  Deno.test(`${label(G)}: pairingProducts() refuses vectors of different lengths, and none`, () => {
    const g2 = G.prepare(G.powersG2([1n, 2n]));
    assertThrows(
      () => G.pairingProducts([{ g1: G.powersG1([1n]), g2 }]),
      TypeError,
      "Cannot pair: 1 elements of G1 with 2 of G2",
    );
    assertThrows(
      () => G.pairingProducts([{ g1: [], g2: G.prepare([]) }]),
      TypeError,
      "Cannot pair: 0 elements",
    );
  });

  Deno.test(`${label(G)}: prepare() says how much memory the lines take`, () => {
    const elements = G.powersG2([1n, 2n, 3n, 4n]);
    const [two, four] = [G.prepare(elements.slice(2)), G.prepare(elements)];
    assertEquals([two.length, four.length], [2, 4]);
    assertEquals(four.sizeBytes, 2 * two.sizeBytes);
    if (G.backend === "simd") assertEquals(two.sizeBytes, 2 * 17_408);
    if (G.backend === "mcl") assertEquals(two.sizeBytes, 2 * 20_160);
  });

  Deno.test(`${label(G)}: decode refuses a wrong length, and bytes that are no point`, () => {
    for (
      const [which, decode, size] of [
        ["G1", G.decodeG1, G.g1Bytes],
        ["G2", G.decodeG2, G.g2Bytes],
      ] as const
    ) {
      const name = `Cannot decode ${G.name} ${which} element`;
      for (const length of [0, size - 1, size + 1, 2 * size]) {
        assertThrows(
          () => decode(new Uint8Array(length)),
          RangeError,
          `${name}: ${length} bytes, expected ${size}`,
        );
      }
      for (const fill of [0, 255]) {
        assertThrows(() => decode(new Uint8Array(size).fill(fill)), RangeError, name);
      }
    }
  });
}

/** 48 bytes, big endian. */
const fpBytes = (x: bigint) => Uint8Array.fromHex(x.toString(16).padStart(96, "0"));
const flagged = (flags: number, ...parts: Uint8Array[]) => {
  const bytes = new Uint8Array(parts.flatMap((part) => [...part]));
  bytes[0] |= flags;
  return bytes;
};

for (const G of PAIRINGS) {
  const canonical = "not a canonical encoding of a group element";

  Deno.test(`${label(G)}: decode refuses points off the curve and outside the subgroup`, () => {
    // x = 1 is not on y² = x³ + 4; x = 4 is, in a coset of the subgroup.
    assertThrows(() => Fp.sqrt(5n), Error);
    assert(!bls12_381.G1.Point.fromAffine({ x: 4n, y: Fp.sqrt(68n) }).isTorsionFree());
    for (const x of [1n, 4n]) {
      assertThrows(() => G.decodeG1(flagged(0x80, fpBytes(x))), RangeError, canonical);
    }
    // x = 1 + u is on y² = x³ + 4 + 4u, outside the subgroup; x = u is not.
    const x = Fp2.create({ c0: 1n, c1: 1n });
    const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.create({ c0: 4n, c1: 4n })));
    assert(!bls12_381.G2.Point.fromAffine({ x, y }).isTorsionFree());
    for (const c0 of [0n, 1n]) {
      const bytes = flagged(0x80, fpBytes(1n), fpBytes(c0));
      assertThrows(() => G.decodeG2(bytes), RangeError, canonical);
    }
  });

  Deno.test(`${label(G)}: decode refuses the identity, and encodings of it that are not canonical`, () => {
    for (const [decode, size] of [[G.decodeG1, 48], [G.decodeG2, 96]] as const) {
      const zeros = new Uint8Array(size);
      assertThrows(() => decode(flagged(0xc0, zeros)), RangeError, "it is the identity");
      assertThrows(() => decode(flagged(0xe0, zeros)), RangeError, canonical);
      const junk = flagged(0xc0, zeros);
      junk[size - 1] = 1;
      assertThrows(() => decode(junk), RangeError, canonical);
    }
  });

  Deno.test(`${label(G)}: decode refuses a coordinate ≥ p and a missing compression flag`, () => {
    const { g1, g2 } = { g1: G.encodeG1(G.powersG1([1n])[0]), g2: G.encodeG2(G.powersG2([1n])[0]) };
    for (const [decode, good] of [[G.decodeG1, g1], [G.decodeG2, g2]] as const) {
      const uncompressed = good.slice();
      uncompressed[0] &= 0x7f;
      assertThrows(() => decode(uncompressed), RangeError, canonical);
    }
    // x = 4 + p stands for x = 4: refused although 381 bits hold it.
    assertThrows(() => G.decodeG1(flagged(0x80, fpBytes(4n + Fp.ORDER))), RangeError, canonical);
    const shifted = g2.slice(48); // c0 of the generator, plus p if it fits
    const c0 = BigInt("0x" + shifted.toHex()) + Fp.ORDER;
    if (c0 < 2n ** 384n) {
      assertThrows(
        () => G.decodeG2(new Uint8Array([...g2.slice(0, 48), ...fpBytes(c0)])),
        RangeError,
        canonical,
      );
    }
  });

  Deno.test(`${label(G)}: encodings agree with noble's, byte for byte, and each decodes the other's`, () => {
    const scalars = [1n, 2n, 255n, 256n, 65_537n, G.order - 1n, G.order / 7n];
    const [a, b] = [G.powersG1(scalars), noble.powersG1(scalars)];
    const [c, d] = [G.powersG2(scalars), noble.powersG2(scalars)];
    scalars.forEach((scalar, i) => {
      assertEquals(G.encodeG1(a[i]), noble.encodeG1(b[i]), `G1 ${scalar}`);
      assertEquals(G.encodeG2(c[i]), noble.encodeG2(d[i]), `G2 ${scalar}`);
      assertEquals(G.encodeG1(G.decodeG1(noble.encodeG1(b[i]))), noble.encodeG1(b[i]));
      assertEquals(noble.encodeG2(noble.decodeG2(G.encodeG2(c[i]))), noble.encodeG2(d[i]));
    });
  });
}

Deno.test("startPairing() starts a backend once, and names what it does not have", async () => {
  assertStrictEquals(
    await startPairing("bls12-381", "noble"),
    await startPairing("bls12-381", "noble"),
  );
  assertEquals((await startPairing()).name, "bls12-381");
  await assertRejects(
    () => startPairing("bls12-377" as "bls12-381"),
    RangeError,
    'Cannot start pairing "bls12-377": unknown, expected one of bls12-381',
  );
});
