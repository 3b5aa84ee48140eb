import { assert, assertEquals, assertThrows } from "@std/assert";
import { LINEAR_PARAMS } from "lib/he/params.ts";
import {
  overB,
  overC,
  overJ,
  pack,
  type Packing,
  packingFor,
  rotateSum,
  spreadJ,
  unpackSums,
} from "lib/he/packing.ts";
import { error, rig, sealTest } from "./fixtures.ts";

/** Slots rotated and added, in the clear. */
function clearSum(values: Float64Array, steps: readonly number[]): Float64Array {
  const { length } = values;
  return steps.reduce(
    (sum, step) => sum.map((value, i) => value + sum[(i + step + length) % length]),
    values,
  );
}
const packing: Packing = { C: 4, J: 2, B: 8 };
const value = (c: number, j: number, b: number) => 100 * c + 10 * j + b;

Deno.test("packingFor() rounds up to powers of two and gives the samples the rest", () => {
  assertEquals(packingFor(8192, { c: 5, j: 7, b: 120 }), { C: 8, J: 8, B: 128 });
  assertEquals(packingFor(8192, { c: 50, j: 16, b: 8 }), { C: 64, J: 16, B: 8 });
  assertEquals(packingFor(8192, { c: 1, j: 1, b: 1 }), { C: 1, J: 1, B: 8192 });
});

Deno.test("packingFor() refuses what does not fit, and says how many samples would", () => {
  const refuse = (c: number, j: number, b: number, why: string) =>
    assertThrows(() => packingFor(8192, { c, j, b }), RangeError, why);
  refuse(50, 16, 9, "64 inputs or outputs × 16 hidden units leave 8 samples");
  refuse(785, 300, 1, "leave 0 samples");
  refuse(0, 1, 1, "0 along c is not a positive integer");
  refuse(1, 1.5, 1, "1.5 along j");
});

Deno.test("pack() puts (c, j, b) at slot (c·J + j)·B + b", () => {
  const values = pack(packing, value);
  assertEquals(values.length, 64);
  assertEquals(values[(3 * 2 + 1) * 8 + 5], value(3, 1, 5));
});

Deno.test("rotations sum over c everywhere, over j and b where these are 0, and spread along j", () => {
  const { C, J, B } = packing;
  const values = pack(packing, value);
  const each = [...Array(C * J * B).keys()].map((at) =>
    [Math.floor(at / (J * B)), Math.floor(at / B) % J, at % B] as const
  );
  const sums = { c: clearSum(values, overC(packing)), j: clearSum(values, overJ(packing)) };
  each.forEach(([c, j, b], at) => {
    assertEquals(sums.c[at], 600 + 4 * value(0, j, b));
    if (j === 0) assertEquals(sums.j[at], value(c, 0, b) + value(c, 1, b));
  });
  const masked = pack(packing, (c, j, b) => j === 0 ? value(c, 0, b) : 0);
  const spread = clearSum(masked, spreadJ(packing));
  each.forEach(([c, _j, b], at) => assertEquals(spread[at], value(c, 0, b)));
  const few = pack(packing, (c, j, b) => b < 5 ? value(c, j, b) : 0); // 5 of 8 samples
  const unpacked = unpackSums(packing, clearSum(few, overB(5)), 3, 2);
  assertEquals([...unpacked], [10, 60, 510, 560, 1010, 1060]);
});

sealTest("rotateSum() is the same sum of a ciphertext, which it disposes of", async () => {
  const wide: Packing = { C: 4, J: 2, B: 512 };
  using test = await rig(LINEAR_PARAMS, overC(wide));
  const { key, server, ckks } = test;
  const values = pack(wide, (c, j, b) => Math.sin(c + j + b));
  const given = server.load(key.encrypt(values, 0));
  using sum = rotateSum(server, given, overC(wide));
  assert(error(key.decrypt(ckks.save(sum)), clearSum(values, overC(wide))) < 1e-7);
  assert(given.handle.isDeleted());
  const another = server.load(key.encrypt(values, 0));
  assertThrows(() => rotateSum(server, another, [1]), RangeError, "no key for step 1");
  assert(another.handle.isDeleted());
});
