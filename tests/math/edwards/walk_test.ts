import { assert, assertEquals } from "@std/assert";
import { ed25519, ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { ENTRY, POINT, STEP } from "lib/math/edwards/walk.ts";
import { Machine, REGION } from "lib/math/edwards/machine.ts";
import { fromNoble, toNoble } from "lib/math/edwards/ristretto.ts";
import type { Element } from "lib/math/group.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";

const started = Machine.start();
const ignore = started === null; // no fused relaxed SIMD here: group() does without
const machine = started!;
const test = (name: string, fn: () => void) => Deno.test({ name, ignore, fn });

const { Point } = ed25519;
type P = typeof Point.BASE;
const limbs = (point: P) => fromNoble(point as unknown as Element);
const point = (limbs: Float64Array) => {
  const result = toNoble(limbs) as unknown as P;
  const { Fp } = Point;
  assertEquals(Fp.mul(result.X, result.Y), Fp.mul(result.Z, result.T)); // T is right too
  return result;
};

const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex));
const random = randomScalars(Point.Fn.ORDER, seededRng(1), 4).map((k) => Point.BASE.multiply(k));
/** The identity, all small orders, points of order q, and of order 8q; some with Z ≠ 1. */
const POINTS = [
  ...torsion,
  ...[Point.BASE, random[0], random[0].negate(), random[1].add(torsion[1])],
  ...[random[2].add(random[3]), random[2].add(random[3]).double()],
];

const [left, right] = [REGION, REGION + ENTRY];
const steps = REGION + 2 ** 14;
const walk = (list: readonly (readonly [number, number?])[], out = 0) => {
  const words = [...list, [STEP.end]].flatMap(([first, second = 0]) => [first, second]);
  machine.words.set(words, steps / 4);
  machine.walk(steps, left, right, out);
};

test("a walk adds and subtracts any two points: equal, opposite, of small order, the identity", () => {
  for (const a of POINTS) {
    for (const b of POINTS) {
      machine.setAccumulator(limbs(b), limbs(a));
      walk([[STEP.store, 0]]);
      // Each lane has its own point, and its own sign.
      machine.setAccumulator(limbs(a), limbs(b));
      walk([[0, 1]]);
      assert(point(machine.accumulator(0)).equals(a.add(b)), `${a.toHex()} + ${b.toHex()}`);
      assert(point(machine.accumulator(1)).equals(b.subtract(a)), `${b.toHex()} − ${a.toHex()}`);
      machine.setAccumulator(limbs(a), limbs(b));
      walk([[1, 0]]);
      assert(point(machine.accumulator(0)).equals(a.subtract(b)));
      assert(point(machine.accumulator(1)).equals(b.add(a)));
    }
  }
});

test("a walk doubles any point", () => {
  for (const a of POINTS) {
    machine.setAccumulator(limbs(a), limbs(a.negate()));
    walk([[STEP.double]]);
    assert(point(machine.accumulator(0)).equals(a.double()));
    assert(point(machine.accumulator(1)).equals(a.negate().double()));
  }
});

test("a walk resets, and stores and emits what it has, lane by lane", () => {
  const [a, b] = random;
  machine.setAccumulator(limbs(a), limbs(b));
  const out = REGION + 2 ** 13;
  walk([[STEP.store, 2 * ENTRY], [STEP.emit], [STEP.reset], [STEP.emit], [2 * ENTRY, 2 * ENTRY], [
    STEP.emit,
  ]], out);
  const emitted = [0, 1, 2].flatMap((k) =>
    [0, 1].map((lane) => point(machine.read(out + k * POINT, lane)))
  );
  const expected = [a, b, Point.ZERO, Point.ZERO, a, b];
  expected.forEach((each, k) => assert(emitted[k].equals(each), `${k}`));
});

test("a long walk stays exact: it meets every carry that its points have", () => {
  let [a, b] = random;
  machine.setAccumulator(limbs(a), limbs(b));
  const [p, q] = [a, b];
  walk([
    [STEP.store, 0],
    ...Array.from(
      { length: 500 },
      (_, i) => i % 3 === 0 ? [STEP.double] as const : [i % 2, (i >> 1) % 2] as const,
    ),
  ]);
  for (let i = 0; i < 500; i++) {
    if (i % 3 === 0) [a, b] = [a.double(), b.double()];
    else {
      a = a.add(i % 2 === 0 ? p : p.negate());
      b = b.add((i >> 1) % 2 === 0 ? q : q.negate());
    }
  }
  assert(point(machine.accumulator(0)).equals(a));
  assert(point(machine.accumulator(1)).equals(b));
});
