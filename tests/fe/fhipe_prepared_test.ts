import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  decrypt,
  encrypt,
  keyDerive,
  prepareCiphertext,
  PreparedCiphertexts,
  setup,
} from "lib/fe/fhipe.ts";
import { seededRng } from "lib/math/rng.ts";
import { fastest as group, label, PAIRINGS } from "../math/pairing/backends.ts";

const msk = setup({ group, n: 4, boundX: 10, boundY: 10 }, seededRng(1));
const [a, b, c] = [1, 2, 3].map((value) => encrypt(msk, [value, 0, 0, 0]));
const size = prepareCiphertext(a).sizeBytes;

Deno.test("PreparedCiphertexts computes lines once, and drops the least recently used", () => {
  const cache = new PreparedCiphertexts(2.5 * size);
  const [first, second] = [cache.get(a), cache.get(b)];
  assertStrictEquals(cache.get(a), first);
  cache.get(c); // b is the one to go
  assertEquals(cache.sizeBytes, 2 * size);
  assertStrictEquals(cache.get(a), first);
  assert(cache.get(b) !== second);
});

Deno.test("PreparedCiphertexts never exceeds its budget, and keeps nothing that is larger", () => {
  const cache = new PreparedCiphertexts(size * 1.5);
  for (const ctX of [a, b, c, a, a, b]) {
    cache.get(ctX);
    assertEquals(cache.sizeBytes, size);
  }
  const small = new PreparedCiphertexts(size - 1);
  assertEquals(small.get(a).sizeBytes, size);
  assertEquals(small.sizeBytes, 0);
  for (const bad of [0, -1, NaN]) {
    assertThrows(() => new PreparedCiphertexts(bad), RangeError, `budget ${bad} bytes`);
  }
});

for (const other of PAIRINGS) {
  Deno.test(`${label(other)}: decrypt() gives the same with kept lines, under new keys`, () => {
    const secret = setup({ group: other, n: 2, boundX: 10, boundY: 10 });
    const prepared = new PreparedCiphertexts(1e6);
    const ctX = encrypt(secret, [3, -4]);
    for (const y of [[1, 0], [0, 1], [10, -10]]) {
      assertEquals(decrypt(keyDerive(secret, y), ctX, { prepared }), 3 * y[0] - 4 * y[1]);
    }
    assertEquals(prepared.sizeBytes, prepareCiphertext(ctX).sizeBytes);
  });
}

Deno.test("lines that are dropped are freed: the process does not grow with the ciphertexts", () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const wide = setup({ group, n: 32, boundX: 1, boundY: 1 }, seededRng(1));
  const ctX = encrypt(wide, new Array(32).fill(1));
  const budget = 4 * 2 ** 20;
  const cache = new PreparedCiphertexts(budget);
  const memory = () => {
    collect();
    const { external, heapUsed } = Deno.memoryUsage();
    return external + heapUsed;
  };
  cache.get(ctX);
  const before = memory();
  let made = 0;
  for (let i = 0; i < 60; i++) made += cache.get({ ...ctX }).sizeBytes; // each a ciphertext of its own
  assert(made > 35 * 2 ** 20); // what would be held without a bound
  assertLessOrEqual(cache.sizeBytes, budget);
  assertLessOrEqual(memory() - before, budget + 4 * 2 ** 20);
});
