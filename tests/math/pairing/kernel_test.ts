import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { MAX_PAIRS, NUMBER, R_BITS, toLimbs } from "lib/math/pairing/kernel.ts";
import { compileLines } from "lib/math/pairing/lines.ts";
import { BASE1, BASE2, Machine } from "lib/math/pairing/machine.ts";
import { compileMiller, POINT } from "lib/math/pairing/miller.ts";
import { Program } from "lib/math/pairing/program.ts";
import { coefficients, compileTower, FP12 } from "lib/math/pairing/tower.ts";
import { mod } from "@noble/curves/abstract/modular.js";
import { randomScalars, seededRng } from "lib/math/rng.ts";

const { Fp, Fp2, Fp12 } = bls12_381.fields;
const p = Fp.ORDER;
const started = await Machine.start(p);
const ignore = started === null; // no fused relaxed SIMD here: `startPairing` does without
const machine = started!;
const test = (name: string, fn: () => void) => Deno.test({ name, ignore, fn });

const random = (seed: number, count: number) => randomScalars(p, seededRng(seed), count);
const at = (base: number, i: number) => base + i * NUMBER;

test("kernel: sums of 1 to 12 products agree with BigInt, in both lanes", () => {
  const inputs = machine.allocate((2 * MAX_PAIRS + 2) * NUMBER);
  for (let count = 1; count <= MAX_PAIRS; count++) {
    const lanes = [0, 1].map((lane) => random(100 * count + lane, 2 * count + 1));
    lanes.forEach((values, lane) =>
      values.forEach((value, i) => machine.write(at(inputs, i), lane, value))
    );
    const program = new Program(machine);
    const out = at(inputs, 2 * MAX_PAIRS + 1);
    const pairs = Array.from({ length: count }, (_, i) =>
      [
        at(inputs, 2 * i + 1),
        at(inputs, 2 * i + 2),
      ] as const);
    program.sum(out, pairs, inputs);
    machine.run(program.load());
    lanes.forEach((values, lane) => {
      let expected = values[0];
      for (let i = 0; i < count; i++) expected += values[2 * i + 1] * values[2 * i + 2];
      assertEquals(machine.read(out, lane), mod(expected, p), `${count} products, lane ${lane}`);
    });
  }
});

test("kernel: sums side by side read all factors before they write, whatever their number", () => {
  for (const count of [1, 3, 4, 5, 12]) {
    const at = Array.from({ length: count }, () => machine.allocate(NUMBER));
    const values = random(300 + count, count);
    at.forEach((to, i) => machine.write(to, 1, values[i]));
    const program = new Program(machine);
    // Each becomes its square, plus the product of its neighbours, plus itself.
    const neighbours = (i: number) => [(i + 1) % count, (i + count - 1) % count] as const;
    program.sums(at.map((out, i) => {
      const [left, right] = neighbours(i).map((j) => at[j]);
      return { out, products: [[out, out], [left, right]], addend: out };
    }));
    machine.run(program.load());
    values.forEach((value, i) => {
      const [left, right] = neighbours(i).map((j) => values[j]);
      assertEquals(
        machine.read(at[i], 1),
        mod(value * value + left * right + value, p),
        `${count}`,
      );
    });
  }
  const one = { out: machine.zero, products: [[machine.one, machine.one]] } as const;
  const many = Array.from({ length: 13 }, () => one);
  assertThrows(() => new Program(machine).sums(many), RangeError, "13 sums: expected at most 12");
});

test("kernel: exact at the largest limbs that its rules allow, of either sign", () => {
  // a normal: every limb ±(2^49 + 2^8); b a sum of 7 such numbers.
  const [a, b, out] = [0, 1, 2].map(() => machine.allocate(NUMBER));
  const program = new Program(machine);
  program.sum(out, Array.from({ length: MAX_PAIRS }, () => [a, b] as const), machine.zero);
  const address = program.load();
  const value = (limbs: number[]) =>
    limbs.reduceRight((sum, limb) => (sum << 50n) + BigInt(limb), 0n);
  const inverse = Fp.inv(Fp.create(1n << R_BITS));
  const top = 2 ** 49 + 2 ** 8;
  for (const [signA, signB] of [[1, 1], [1, -1], [-1, 1], [-1, -1]]) {
    for (const alternate of [1, -1]) {
      const limbs = (size: number) =>
        // The top limb is small in all numbers near p.
        Array.from({ length: 8 }, (_, j) => (j === 7 ? 2 ** 36 : size) * alternate ** j);
      const [x, y] = [limbs(signA * top), limbs(signB * 7 * top)];
      for (const lane of [0, 1]) {
        x.forEach((limb, j) => machine.view(a, NUMBER)[2 * j + lane] = limb);
        y.forEach((limb, j) => machine.view(b, NUMBER)[2 * j + lane] = limb);
      }
      machine.run(address);
      const plain = 12n * value(x) * value(y) * inverse; // Montgomery's factor
      for (const lane of [0, 1]) {
        assertEquals(machine.read(out, lane), mod(plain * inverse, p));
      }
    }
  }
});

test("kernel: results are normal: balanced limbs, below 0.51·p", () => {
  const [a, b, out] = [0, 1, 2].map(() => machine.allocate(NUMBER));
  const program = new Program(machine);
  program.sum(out, [[a, b], [b, a]], machine.zero);
  const address = program.load();
  for (const value of [0n, 1n, p - 1n, (p - 1n) / 2n, (p + 1n) / 2n, ...random(5, 200)]) {
    for (const lane of [0, 1]) machine.write(a, lane, value);
    for (const lane of [0, 1]) machine.write(b, lane, value + 3n);
    machine.run(address);
    const limbs = [...machine.view(out, NUMBER)].filter((_, i) => i % 2 === 0);
    for (const limb of limbs) assertLessOrEqual(Math.abs(limb), 2 ** 49 + 2 ** 8);
    const whole = limbs.reduceRight((sum, limb) => (sum << 50n) + BigInt(limb), 0n);
    assert(100n * (whole < 0n ? -whole : whole) < 51n * p);
    assertEquals(machine.read(out, 0), mod(2n * value * (value + 3n), p));
  }
});

test("kernel: a run repeats a program over records at two moving bases", () => {
  const region = machine.region(9 * NUMBER);
  const values = random(6, 4);
  values.forEach((value, i) => machine.write(at(region, i), 1, value));
  const program = new Program(machine);
  program.subtract(BASE2, BASE1, BASE1 + NUMBER);
  machine.run(program.load(), {
    times: 3,
    ...{ base1: region, stride1: NUMBER, base2: at(region, 8), stride2: -NUMBER },
  });
  for (let i = 0; i < 3; i++) {
    assertEquals(machine.read(at(region, 8 - i), 1), mod(values[i] - values[i + 1], p));
  }
});

test("Program.sum() refuses more products than the columns hold", () => {
  const pairs = Array.from({ length: MAX_PAIRS + 1 }, () => [0, 0] as const);
  for (const bad of [[], pairs]) {
    assertThrows(() => new Program(machine).sum(0, bad, 0), RangeError, "expected 1 to 12");
  }
});

test("toLimbs() gives balanced limbs that add up", () => {
  for (const value of [0n, 1n, -1n, p, -p, p / 2n, ...random(7, 20)]) {
    const limbs = toLimbs(value);
    assertEquals(limbs.reduceRight((sum, limb) => (sum << 50n) + BigInt(limb), 0n), value);
    for (const limb of limbs) assertLessOrEqual(Math.abs(limb), 2 ** 49);
  }
});

type Element = ReturnType<typeof Fp12.create>;
const { multiply, square, conjugate, copy, frobenius, trace } = ignore
  ? {} as ReturnType<typeof compileTower>
  : compileTower(machine);

function write(address: number, lane: number, { c0, c1 }: Element): void {
  [c0.c0, c1.c0, c0.c1, c1.c1, c0.c2, c1.c2].forEach((value, k) => {
    machine.write(coefficients(address)[k][0], lane, value.c0);
    machine.write(coefficients(address)[k][1], lane, value.c1);
  });
}

function read(address: number, lane: number): Element {
  const c = coefficients(address).map(([re, im]) =>
    Fp2.create({ c0: machine.read(re, lane), c1: machine.read(im, lane) })
  );
  return { c0: { c0: c[0], c1: c[2], c2: c[4] }, c1: { c0: c[1], c1: c[3], c2: c[5] } };
}

const element = (seed: number) => Fp12.fromBigTwelve(random(seed, 12) as never);

test("tower: products, squares, conjugates and Frobenius maps agree with noble's Fp12", () => {
  const [f, g] = [machine.allocate(FP12), machine.allocate(FP12)];
  for (let seed = 20; seed < 24; seed++) {
    const lanes = [0, 1].map((lane) => ({
      a: element(2 * seed + lane),
      b: element(seed + 50 + lane),
    }));
    const check = (program: number, expected: (a: Element, b: Element) => Element) => {
      lanes.forEach(({ a, b }, lane) => {
        write(f, lane, a);
        write(g, lane, b);
      });
      machine.run(program, { base1: f, base2: g });
      lanes.forEach(({ a, b }, lane) => assertEquals(read(f, lane), expected(a, b)));
      lanes.forEach(({ b }, lane) => assertEquals(read(g, lane), b));
    };
    check(multiply, (a, b) => Fp12.mul(a, b));
    check(square, (a) => Fp12.sqr(a));
    check(conjugate, (a) => Fp12.conjugate(a));
    check(copy, (_, b) => b);
    check(frobenius[0], (a) => Fp12.frobeniusMap(a, 1));
    check(frobenius[1], (a) => Fp12.frobeniusMap(a, 2));
    lanes.forEach(({ a }, lane) => write(f, lane, a));
    machine.run(trace, { base1: f, base2: g });
    lanes.forEach(({ a }, lane) => {
      const sum = Fp12.add(a, Fp12.conjugate(a));
      const got = [0, 1, 2].map((k) => coefficients(g)[k].map((part) => machine.read(part, lane)));
      assertEquals(got, [sum.c0.c0, sum.c0.c1, sum.c0.c2].map(({ c0, c1 }) => [c0, c1]));
    });
  }
});

test("pairing: lines, loop and final exponentiation give the inverse of noble's pairing", () => {
  const miller = compileMiller(machine, compileTower(machine));
  const { G1, G2 } = bls12_381;
  const points = [[2n, 3n], [G1.Point.Fn.ORDER - 5n, 7n], [11n, 13n]].map(([a, b]) => ({
    g1: G1.Point.BASE.multiply(a),
    g2: G2.Point.BASE.multiply(b),
  }));
  const lines = compileLines(machine)(points.map(({ g2 }) => g2.toAffine()));
  assertEquals(lines.byteLength, 4 * 17_408); // the odd one is filled up
  const scratch = machine.allocate(POINT);
  const flat = new Float64Array(2 * POINT / 8);
  points.forEach(({ g1 }, i) => {
    const { x, y } = g1.toAffine();
    machine.write(scratch, i % 2, Fp.div(x, Fp.add(y, y)));
    machine.write(scratch + NUMBER, i % 2, Fp.inv(Fp.add(y, y)));
    flat.set(machine.view(scratch, POINT), (i >> 1) * POINT / 8);
  });
  const value = miller.loop(flat, lines);
  const address = machine.allocate(FP12);
  machine.store(address, miller.finalExponentiation([value, value]));
  // noble's final exponent has the factor 3 too; our loop drops the sign of its length.
  const expected = Fp12.conjugate(bls12_381.pairingBatch(points));
  for (const lane of [0, 1]) assertEquals(read(address, lane), expected);
});

test("machine: its memory is bounded by the largest vector, not by how many there were", () => {
  const makeLines = compileLines(machine);
  const points = Array.from(
    { length: 9 },
    (_, i) => bls12_381.G2.Point.BASE.multiply(BigInt(i + 1)).toAffine(),
  );
  makeLines(points);
  const before = machine.view(0, 8).buffer.byteLength;
  for (let i = 0; i < 20; i++) makeLines(points.slice(i % 5));
  assertEquals(machine.view(0, 8).buffer.byteLength, before);
  const large = 3 * 2 ** 20;
  machine.region(large);
  const grown = machine.view(0, 8).buffer.byteLength;
  machine.region(large);
  assertEquals(machine.view(0, 8).buffer.byteLength, grown);
  assertLessOrEqual(grown, large + 512 * 1024);
});
