import { assert, assertEquals, assertThrows } from "@std/assert";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { PairingGroup } from "lib/math/pairing/group.ts";
import { COMBINATIONS, drawCombinations, MIN_BATCH } from "lib/math/pairing/subgroup.ts";
import { label, PAIRINGS } from "./backends.ts";

const { G1: { Point: P1 }, G2: { Point: P2 }, fields: { Fp, Fp2 } } = bls12_381;
/** Orders of the whole curves over q. */
const COFACTORS = {
  G1: P1.CURVE().h!,
  G2: P2.CURVE().h!,
};

Deno.test("COMBINATIONS have the smallest prime of each cofactor, and an error below 2^-64", () => {
  for (const which of ["G1", "G2"] as const) {
    const { factor, count } = COMBINATIONS[which];
    const primes = [2n, 3n, 5n, 7n, 11n, 13n];
    assertEquals(primes.find((p) => COFACTORS[which] % p === 0n), BigInt(factor));
    assert(factor ** count > 2 ** 64);
  }
});

Deno.test("drawCombinations() takes every coefficient about as often, and never the same twice", () => {
  for (const which of ["G1", "G2"] as const) {
    const { factor, count } = COMBINATIONS[which];
    const drawn = drawCombinations(which, 1000);
    assertEquals(drawn.length, count);
    const counts = new Map<number, number>();
    for (const value of drawn.flatMap((v) => [...v])) {
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const half = (factor - 1) / 2;
    assertEquals(
      [...counts.keys()].sort((a, b) => a - b),
      Array.from({ length: factor }, (_, i) => i - half),
    );
    const expected = 1000 * count / factor; // seven standard deviations
    for (const seen of counts.values()) {
      assert(Math.abs(seen - expected) < 7 * Math.sqrt(expected), `${seen} of ${expected}`);
    }
    assert(drawn[0].join() !== drawn[1].join());
  }
});

/** The point of that x, or its negative: noble encodes none outside the subgroup. */
function compressed(...x: bigint[]): Uint8Array {
  const bytes = Uint8Array.fromHex(x.map((part) => part.toString(16).padStart(96, "0")).join(""));
  bytes[0] |= 0x80;
  return bytes;
}

/** A point whose order in the quotient by the subgroup is the smallest prime: the hardest to find. */
function hardest(which: "G1" | "G2"): Uint8Array {
  const factor = BigInt(COMBINATIONS[which].factor);
  for (let c0 = 1n; c0 < 50n; c0++) {
    try {
      if (which === "G1") { // y² = x³ + 4
        const point = P1.fromAffine({ x: c0, y: Fp.sqrt(Fp.create(c0 ** 3n + 4n)) });
        const small = point.multiplyUnsafe(COFACTORS.G1 / factor);
        if (!small.isTorsionFree()) return compressed(small.toAffine().x);
      } else { // y² = x³ + 4 + 4u
        const x = Fp2.create({ c0, c1: 1n });
        const cube = Fp2.mul(Fp2.sqr(x), x);
        const point = P2.fromAffine({
          x,
          y: Fp2.sqrt(Fp2.add(cube, Fp2.create({ c0: 4n, c1: 4n }))),
        });
        // 13 divides the cofactor twice, in two directions; it is longer than a scalar may be.
        const rest = COFACTORS.G2 / factor ** 2n;
        const half = point.multiplyUnsafe(rest >> 250n);
        const small = half.multiplyUnsafe(1n << 250n).add(
          point.multiplyUnsafe(rest & ((1n << 250n) - 1n)),
        );
        if (!small.isTorsionFree() && small.multiplyUnsafe(factor).isTorsionFree()) {
          const { c1, c0 } = small.toAffine().x;
          return compressed(c1, c0);
        }
      }
    } catch { /* x is of no point */ }
  }
  throw new Error("no such point");
}

for (const G of PAIRINGS.filter(({ backend }) => backend !== "noble")) {
  for (const which of ["G1", "G2"] as const) {
    const side = (G: PairingGroup) =>
      which === "G1"
        ? {
          size: G.g1Bytes,
          bytes: (k: bigint[]) => G.powersG1(k).map(G.encodeG1),
          decodeMany: (b: Uint8Array) => G.decodeManyG1(b).map(G.encodeG1),
        }
        : {
          size: G.g2Bytes,
          bytes: (k: bigint[]) => G.powersG2(k).map(G.encodeG2),
          decodeMany: (b: Uint8Array) => G.decodeManyG2(b).map(G.encodeG2),
        };
    const { size, bytes, decodeMany } = side(G);
    const good = bytes(Array.from({ length: MIN_BATCH + 6 }, (_, i) => BigInt(i + 1)));
    const flat = (parts: readonly Uint8Array[]) => new Uint8Array(parts.flatMap((p) => [...p]));
    const name = `${label(G)} ${which}: decodeMany`;

    Deno.test(`${name} reads what decode reads, few or many, none too`, () => {
      for (const count of [0, 1, 3, MIN_BATCH - 1, MIN_BATCH, MIN_BATCH + 6]) {
        assertEquals(decodeMany(flat(good.slice(0, count))), good.slice(0, count));
      }
    });

    Deno.test(`${name} refuses one point of the smallest order among many, wherever it stands`, () => {
      const bad = hardest(which);
      for (const at of [0, 17, good.length - 1]) {
        for (const count of [1, good.length]) {
          const parts = count === 1 ? [bad] : good.with(at, bad);
          assertThrows(() => decodeMany(flat(parts)), RangeError, "not a canonical encoding");
        }
      }
      const twice = good.with(3, bad).with(4, bad);
      assertThrows(() => decodeMany(flat(twice)), RangeError, "not a canonical encoding");
      assertEquals(decodeMany(flat(good)).length, good.length); // and goes on as before
      assertThrows(() => decodeMany(bad), RangeError, "not a canonical encoding");
    });

    Deno.test(`${name} refuses the identity, a point off the curve, a part of an encoding`, () => {
      const identity = new Uint8Array(size);
      identity[0] = 0xc0;
      assertThrows(
        () => decodeMany(flat(good.with(5, identity))),
        RangeError,
        "it is the identity",
      );
      const off = new Uint8Array(size).fill(255);
      assertThrows(() => decodeMany(flat(good.with(5, off))), RangeError, "not a canonical");
      const bytes = flat(good);
      assertThrows(
        () => decodeMany(bytes.subarray(0, bytes.length - 1)),
        RangeError,
        `${size - 1} bytes, expected ${size}`,
      );
    });
  }
}
