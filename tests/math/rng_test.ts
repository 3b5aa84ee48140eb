import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { gaussian, randomScalar, type Rng, secureRng, seededRng, uniform } from "lib/math/rng.ts";

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

Deno.test("randomScalar() rejects draws from the order up, and keeps the top bits it needs", () => {
  assertEquals(randomScalar(5n, fixedRng([7], [0xfd], [0xfc])), 4n); // 3 bits: 7, 5, 4
  assertEquals(randomScalar(1n << 12n, fixedRng([0xfa, 0xbc])), 0xabcn);
  assertEquals(randomScalar(1n, secureRng()), 0n);
  assertThrows(() => randomScalar(0n, secureRng()), RangeError, "order 0 is below 1");
});

Deno.test("randomScalar() is uniform over a small order", () => {
  const counts = [0, 0, 0, 0, 0];
  const rng = seededRng(1);
  for (let i = 0; i < 5000; i++) counts[Number(randomScalar(5n, rng))]++;
  for (const count of counts) assert(Math.abs(count - 1000) < 150, `${counts}`);
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
