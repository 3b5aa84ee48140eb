import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { floorOf, measure, outcomeOf, partOf } from "lib/audit/measure.ts";
import { gramOf } from "lib/attack/training/leakage.ts";
import { takeSamples } from "lib/data/own_samples.ts";
import { halves } from "./samples.ts";

const samples = halves(40, 1), publics = halves(60, 2);
const floor = floorOf(samples, publics);
const rows = (x: ArrayLike<number>) =>
  Array.from({ length: 40 }, (_, i) => Array.prototype.slice.call(x, i * 144, (i + 1) * 144));

Deno.test("measure() tells exact samples from likenesses and from what the attacker had anyway", () => {
  const all = measure(rows(samples.x), samples, floor);
  assertEquals([all.exact, all.leakage, all.low, all.ssim], [40, 1, 1, 1]);
  assertEquals(outcomeOf(all), "recovered");
  const nothing = measure(rows(floor), samples, floor);
  assertEquals([nothing.exact, nothing.leakage, outcomeOf(nothing)], [0, 0, "nothing"]);
  const half = measure(
    rows(samples.x.reduce((x, v, p) => (x[p] = (v + floor[p]) / 2, x), new Float64Array(floor))),
    samples,
    floor,
  );
  assertAlmostEquals(half.leakage, 0.75, 1e-9); // half the way leaves a quarter of the square
  assertEquals(outcomeOf(half), "likeness");
  const missing = measure(samples.names.map(() => null), samples, floor);
  assertEquals([missing.leakage, missing.ssim], [0, null]);
  assertThrows(() => measure([], samples, floor), TypeError, "0 recoveries of 40");
});

Deno.test("one lucky sample is no leak: the interval counts", () => {
  const lucky = rows(floor);
  lucky[0] = rows(samples.x)[0].map((v: number) => v + 1);
  const found = measure(lucky, samples, floor);
  assert(found.leakage > 0);
  assertEquals(outcomeOf({ ...found, leakage: 0.2, low: 0 }), "nothing");
});

Deno.test("floorOf() is the public mean of the class, else the mean of the others", () => {
  const mean = [0, 1].map((label) => {
    const own = [...publics.y.keys()].filter((i) => publics.y[i] === label);
    return own.reduce((sum, i) => sum + publics.x[i * 144 + 5], 0) / own.length;
  });
  assertAlmostEquals(floor[5], mean[0], 1e-9);
  assertAlmostEquals(floor[144 + 5], mean[1], 1e-9);
  const three = takeSamples(samples, [0, 2, 4]);
  const others = floorOf(three, null);
  assertAlmostEquals(others[7], (three.x[144 + 7] + three.x[288 + 7]) / 2, 1e-9);
  const one = takeSamples(samples, [1]);
  const level = one.x.reduce((sum, v) => sum + v, 0) / 144;
  assertAlmostEquals(floorOf(one, null)[9], level, 1e-9); // its own brightness is all that is left
  const mixed = takeSamples(samples, [0, 1, 2]); // sample 1 is alone in its class
  assertAlmostEquals(floorOf(mixed, null)[7], samples.x[288 + 7], 1e-9);
  assertAlmostEquals(
    floorOf(mixed, null)[144 + 7],
    (samples.x[7] + samples.x[288 + 7]) / 2,
    1e-9,
  );
});

Deno.test("partOf() is beyond chance for the true inner products and not for those of noise", () => {
  const G = gramOf(samples.x, 40);
  const own = partOf(G, samples);
  assert(own.part > 0.999 && own.beyondChance);
  const other = partOf(gramOf(halves(40, 9).x, 40), samples);
  assertLess(other.part, 0.3);
  assert(!other.beyondChance);
});
