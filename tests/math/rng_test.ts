import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  gaussian,
  randomNonZero,
  randomScalars,
  type Rng,
  secureRng,
  seededRng,
  uniform,
} from "lib/math/rng.ts";

const Q = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** Replays fixed bytes. */
function fixedRng(...chunks: number[][]): Rng {
  return { source: "test", bytes: () => new Uint8Array(chunks.shift()!) };
}

Deno.test("seededRng() is SHAKE256 over the documented string", () => {
  // Python: hashlib.shake_256(b"fe-leakage/rng/v1/7").hexdigest(24)
  assertEquals(
    seededRng(7).bytes(24).toHex(),
    "d7c5b81c4b15aed5f29379d853cfbf3ba9802a544f15f03b",
  );
  assertEquals(seededRng(7).source, "insecureSeed=7");
});

Deno.test("seededRng() gives one stream, however it is cut", () => {
  const rng = seededRng(3);
  const cut = [...rng.bytes(1), ...rng.bytes(200), ...rng.bytes(55)];
  assertEquals(cut, [...seededRng(3).bytes(256)]);
  assertNotEquals(seededRng(4).bytes(32), seededRng(3).bytes(32));
  assertNotEquals(seededRng(-3).bytes(32), seededRng(3).bytes(32));
});

Deno.test("seededRng() refuses what is not a safe integer", () => {
  for (const seed of [NaN, 0.5, Infinity, 2 ** 53, "1" as unknown as number]) {
    assertThrows(() => seededRng(seed), RangeError, "Cannot seed: expected a safe integer");
  }
});

Deno.test("secureRng() fills more than one getRandomValues quota, and never repeats", () => {
  const bytes = secureRng().bytes(200_000);
  assertEquals(bytes.length, 200_000);
  for (const at of [0, 65_536, 131_072, 199_936]) {
    assert(bytes.subarray(at, at + 64).some((byte) => byte !== 0), `zeros at ${at}`);
  }
  assertNotEquals(secureRng().bytes(32), secureRng().bytes(32));
  assertEquals(secureRng().source, "csprng");
});

Deno.test("randomScalars() rejects draws from the order up, and keeps the top bits it needs", () => {
  const words = (...values: number[]) =>
    values.flatMap((value) => [...new Array(7).fill(0), value]);
  // 3 bits: 7 and 5 are refused, 4 and 3 taken; two scalars are missing after the first draw of three
  const draws = fixedRng(words(7, 0xfd, 0xfc), words(6, 0x0b), words(1));
  assertEquals(randomScalars(5n, draws, 3), [4n, 3n, 1n]);
  assertEquals(randomScalars(1n << 12n, fixedRng([0, 0, 0, 0, 0, 0, 0xfa, 0xbc]), 1), [0xabcn]);
  assertEquals(randomScalars(1n, secureRng(), 1), [0n]);
  assertThrows(() => randomScalars(0n, secureRng(), 1), RangeError, "order 0 is below 1");
});

Deno.test("randomScalars() and randomNonZero() cover their range evenly, without a bias", () => {
  const tally = (values: bigint[], low: bigint, size: number) => {
    const counts = new Array(size).fill(0);
    for (const value of values) counts[Number(value - low)]++;
    return counts;
  };
  const rng = seededRng(1);
  for (const count of tally(randomScalars(5n, rng, 10_000), 0n, 5)) {
    assert(Math.abs(count - 2000) < 200, `${count}`);
  }
  for (const count of tally(randomNonZero(5n, rng, 10_000), 1n, 4)) {
    assert(Math.abs(count - 2500) < 200, `${count}`);
  }
  const wide = randomScalars(Q, rng, 200);
  assert(wide.every((value) => value >= 0n && value < Q));
  assert(wide.some((value) => value > Q / 2n) && wide.some((value) => value < Q / 2n));
  assertEquals(randomScalars(Q, rng, 0), []);
});

Deno.test("uniform() spans [0, 1) with 53 bits", () => {
  assertEquals(uniform(fixedRng([0, 0, 0, 0, 0, 0, 0, 0])), 0);
  assertEquals(uniform(fixedRng([255, 255, 255, 255, 255, 255, 255, 255])), 1 - 2 ** -53);
  assertEquals(uniform(fixedRng([0, 8, 0, 0, 0, 0, 0, 0])), 2 ** -53);
  assertEquals(uniform(fixedRng([0, 0, 0, 0, 0, 0, 0, 128])), 0.5);
});

Deno.test("gaussian() has the moments of N(0, 1) and the length asked for", () => {
  const draws = gaussian(seededRng(1), 40_001);
  assertEquals(draws.length, 40_001);
  const moment = (k: number) => draws.reduce((sum, v) => sum + v ** k, 0) / draws.length;
  assertAlmostEquals(moment(1), 0, 0.02);
  assertAlmostEquals(moment(2), 1, 0.03);
  assertAlmostEquals(moment(4), 3, 0.2);
  assertEquals(gaussian(seededRng(1), 3), gaussian(seededRng(1), 4).slice(0, 3));
});
