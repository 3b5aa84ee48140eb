import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { NUMBER, P, toLimbs } from "lib/math/edwards/constants.ts";
import { limbsOf, Machine, type Operation, REGION, valueOf } from "lib/math/edwards/machine.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";

const started = Machine.start();
const ignore = started === null; // no fused relaxed SIMD here: group() does without
const machine = started!;
const test = (name: string, fn: () => void) => Deno.test({ name, ignore, fn });

const [A, B, OUT, MASK] = [0, 1, 2, 3].map((k) => REGION + k * NUMBER);
const LIMB = 2 ** 50;
/** All limbs as large as those of a result may be. */
const TOP = LIMB + 2 ** 15;

/** Numbers whose carries go far, then some at random; each as its limbs. */
const EDGES = [0n, 1n, 2n, 18n, 19n, 20n, P - 1n, P - 19n, (P - 1n) / 2n, (P + 1n) / 2n, 2n ** 254n]
  .concat(randomScalars(P, seededRng(1), 20)).map(limbsOf);
const EXTREMES = [TOP, -TOP, LIMB - 1, -LIMB].flatMap((size) =>
  [1, -1].map((sign) => Float64Array.from({ length: 5 }, (_, k) => size * sign ** k))
);
const NORMAL = [...EDGES, ...EXTREMES];
const whole = (limbs: Float64Array) =>
  limbs.reduceRight((sum, limb) => (sum << 51n) + BigInt(limb), 0n);
const reduced = (value: bigint) => ((value % P) + P) % P;

/** Runs one operation on (a, b) in one lane and (b, a) in the other; checks the value and the bounds of both. */
function check(
  name: string,
  program: number,
  [a, b]: readonly Float64Array[],
  expected: (a: bigint, b: bigint) => bigint,
): void {
  for (const [lane, x, y] of [[0, a, b], [1, b, a]] as const) {
    machine.write(A, lane, x);
    machine.write(B, lane, y);
  }
  machine.run(program);
  for (const [lane, x, y] of [[0, a, b], [1, b, a]] as const) {
    const out = machine.read(OUT, lane, 5);
    assertEquals(valueOf(out), reduced(expected(whole(x), whole(y))), `${name}: ${x} ${y}`);
    for (const limb of out) {
      assertLessOrEqual(Math.abs(limb), TOP, `${name}: ${a} ${b} gives ${out}`);
    }
  }
}

const load = (...operations: Operation[]) => machine.load(operations);
const pairs = NORMAL.flatMap((a, i) => NORMAL.slice(i).map((b) => [a, b]));

test("product, add and subtract agree with BigInt up to the largest limbs, and are normal", () => {
  const programs = [
    ["product", (a: bigint, b: bigint) => a * b],
    ["add", (a: bigint, b: bigint) => a + b],
    ["subtract", (a: bigint, b: bigint) => a - b],
  ] as const;
  for (const [name, expected] of programs) {
    const program = load([name, OUT, A, B]);
    for (const pair of pairs) check(name, program, pair, expected);
  }
});

test("product takes one factor that is a sum of two, up to its largest limbs", () => {
  const program = load(["product", OUT, A, B]);
  for (const a of NORMAL) {
    for (const b of EXTREMES) {
      const twice = b.map((limb) => 2 * limb);
      // One lane has the sum on the left, the other on the right.
      check("product", program, [a, twice], (x, y) => x * y);
    }
  }
});

test("squares agree with BigInt, once and many times", () => {
  for (const count of [1, 2, 5, 250]) {
    const program = load(["squares", OUT, A, 2 * count]);
    for (let i = 1; i < NORMAL.length; i++) {
      check(`${count} squares`, program, [NORMAL[i - 1], NORMAL[i]], (a) => {
        let value = reduced(a);
        for (let k = 0; k < count; k++) value = value * value % P;
        return value;
      });
    }
  }
});

test("freeze gives the canonical limbs of 0, what is beside them, and the largest", () => {
  const program = load(["freeze", OUT, A]);
  const near = [-1n, 0n, 1n].flatMap((d) => [Float64Array.from(toLimbs(d)), limbsOf(d - 1n)]);
  for (const limbs of [...NORMAL, ...near]) {
    machine.write(A, 0, limbs);
    machine.write(A, 1, limbs.map((limb) => -limb));
    machine.run(program);
    for (const lane of [0, 1]) {
      const out = machine.read(OUT, lane, 5);
      const value = lane === 0 ? whole(limbs) : -whole(limbs);
      assertEquals(whole(out), reduced(value), `${limbs}`);
      assert(out.every((limb) => limb >= 0 && limb < 2 ** 51 && !Object.is(limb, -0)));
    }
  }
});

test("odd, zero and select go lane by lane", () => {
  const program = load(
    ["odd", MASK, A],
    ["select", OUT, A, B, MASK],
    ["subtract", OUT + 2 * NUMBER, OUT, A],
    ["zero", OUT + 3 * NUMBER, OUT + 2 * NUMBER],
  );
  for (const [a, b] of pairs) {
    check("select", program, [a, b], (x, y) => reduced(x) % 2n === 1n ? x : y);
    for (const [lane, x, y] of [[0, a, b], [1, b, a]] as const) {
      const zero = reduced(whole(x)) % 2n === 1n || reduced(whole(x) - whole(y)) === 0n;
      assertEquals(machine.words[(OUT + 3 * NUMBER) / 4 + 2 * lane] !== 0, zero);
    }
  }
});

test("a run repeats a program over records, and powers invert", () => {
  const z = machine.allocate(NUMBER);
  const powers = machine.powers(z);
  const one = machine.constant(1n);
  const program = machine.load([
    ["product", z, 1, one], // relative to the base
    ...powers.operations,
    ["product", NUMBER | 1, powers.inverse, one],
    ["product", (2 * NUMBER) | 1, powers.root, one],
  ]);
  const values = randomScalars(P, seededRng(2), 6);
  values.forEach((value, i) => machine.write(REGION + 400 * (i >> 1), i & 1, limbsOf(value)));
  machine.run(program, REGION, 3, 400);
  values.forEach((value, i) => {
    const at = REGION + 400 * (i >> 1);
    const inverse = valueOf(machine.read(at + NUMBER, i & 1, 5));
    assertEquals(inverse * value % P, 1n);
    // z^(2^252 − 3) to the eighth is z^(2^255 − 24) = z^(p − 1 − 4).
    const eighth = valueOf(machine.read(at + 2 * NUMBER, i & 1, 5)) ** 8n % P;
    assertEquals(eighth * value ** 4n % P, 1n);
  });
});
