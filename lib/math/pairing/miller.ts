/** Products of pairings on BLS12-381 in the kernel: the Miller loop and the final exponentiation.
 *
 * The two lanes take the elements of one product alternately through the loop, and the accumulators of two
 * products through the final exponentiation. The final exponent is three times the usual one (Hayashida,
 * Hayasaka, Teruya, ePrint 2020/875), and the loop's sign is dropped: both are fixed powers.
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import { LINE, LOOP_BITS } from "./lines.ts";
import {
  BASE1,
  BASE2,
  type Fp2,
  imaginaryPart,
  type Machine,
  pairAt,
  Program,
  realPart,
} from "./machine.ts";
import { coefficients, FP12, negated, timesXi, type Tower } from "./tower.ts";

/** An affine G1 element as a line wants it: xP/yP and 1/yP, for two elements. */
export const POINT = 2 * NUMBER;

/** The product of the lines of one step into f. The lines are at base 1, the points at base 2. */
function compileLineStep(machine: Machine, accumulator: number): number {
  const program = new Program();
  const f = coefficients(accumulator);
  const result = coefficients(machine.allocate(FP12));
  const [slopeOver, over] = [BASE2, BASE2 + NUMBER];
  const scaled = (at: number, by: number): Fp2 => {
    const out = machine.pair();
    pairAt(at).forEach((part, i) => program.sum(out[i], [[part, by]], machine.zero));
    return out;
  };
  const a = scaled(BASE1, over); // of w³
  const b = scaled(BASE1 + 2 * NUMBER, slopeOver); // of w⁵
  const [a3, b5] = [a, b].map((x) => negated(program, machine, x));
  const [a9, b11] = [a, b].map((x) => timesXi(program, machine, x));
  result.forEach((out, k) => {
    // w^k comes from f_k·1, f_(k−3)·a and f_(k−5)·b, where w⁶ = ξ.
    const terms = [
      [f[(k + 3) % 6], k < 3 ? a9 : a3],
      [f[(k + 1) % 6], k < 5 ? b11 : b5],
    ] as const;
    program.sum(out[0], terms.flatMap(([x, y]) => realPart(x, y)), f[k][0]);
    program.sum(out[1], terms.flatMap(([x, y]) => imaginaryPart(x, y)), f[k][1]);
  });
  f.forEach((pair, k) => pair.forEach((part, i) => program.add(part, result[k][i], machine.zero)));
  return machine.load(program);
}

/** One lane of an Fp12 element outside the kernel: 12 numbers of 8 limbs. */
export type Lane = Float64Array;

export class Miller {
  readonly #machine: Machine;
  readonly #tower: Tower;
  readonly #f: number;
  readonly #lineStep: number;
  /** Registers of the final exponentiation. */
  readonly #registers: readonly number[];

  constructor(machine: Machine, tower: Tower) {
    this.#machine = machine;
    this.#tower = tower;
    this.#f = machine.allocate(FP12);
    this.#lineStep = compileLineStep(machine, this.#f);
    this.#registers = [0, 1, 2].map(() => machine.allocate(FP12));
  }

  /** Writes the Fp12 element at an address, both lanes. */
  store(at: number, [first, second]: readonly [Lane, Lane]): void {
    const view = this.#machine.view(at, FP12);
    for (let i = 0; i < first.length; i++) {
      view[2 * i] = first[i];
      view[2 * i + 1] = second[i];
    }
  }

  /** Reads the Fp12 element at an address, both lanes. */
  load(at: number): [Lane, Lane] {
    const view = this.#machine.view(at, FP12);
    const [first, second] = [new Float64Array(FP12 / 16), new Float64Array(FP12 / 16)];
    for (let i = 0; i < first.length; i++) {
      first[i] = view[2 * i];
      second[i] = view[2 * i + 1];
    }
    return [first, second];
  }

  /** f ← f·g for elements at addresses. */
  multiply(f: number, g: number): void {
    this.#machine.run(this.#tower.multiply, { base1: f, base2: g });
  }

  /** The product of Miller loops, without the final exponentiation.
   * @param points [pair][POINT bytes].   @param lines [step][pair][LINE bytes]. */
  loop(points: Float64Array, lines: Float64Array): Lane {
    const machine = this.#machine;
    const times = points.length * 8 / POINT;
    const stepFloats = times * LINE / 8;
    const pointsAt = machine.region(times * (POINT + LINE));
    const linesAt = pointsAt + times * POINT;
    machine.view(pointsAt, times * POINT).set(points);
    const target = machine.view(linesAt, times * LINE);
    const f = machine.view(this.#f, FP12);
    f.fill(0);
    f.set(machine.view(machine.one, NUMBER));
    let at = 0;
    const step = () => {
      target.set(lines.subarray(at, at += stepFloats));
      machine.run(this.#lineStep, {
        times,
        ...{ base1: linesAt, stride1: LINE },
        ...{ base2: pointsAt, stride2: POINT },
      });
    };
    LOOP_BITS.forEach((bit, i) => {
      if (i > 0) machine.run(this.#tower.square, { base1: this.#f });
      step();
      if (bit) step();
    });
    // The lanes hold the products over the even and the odd elements.
    const [even, odd] = this.load(this.#f);
    this.store(this.#f, [even, even]);
    this.store(this.#registers[0], [odd, odd]);
    this.multiply(this.#f, this.#registers[0]);
    return this.load(this.#f)[0];
  }

  /** Raises both to 3·(p¹² − 1)/q. */
  finalExponentiation(values: readonly [Lane, Lane]): [Lane, Lane] {
    const machine = this.#machine;
    const { copy, conjugate, frobenius, square } = this.#tower;
    const f = this.#f;
    const [m, x, y] = this.#registers;
    const run = (program: number, base1: number, base2 = 0) =>
      machine.run(program, { base1, base2 });
    /** to ← from^|x|, for the curve's parameter x, which is negative. */
    const power = (to: number, from: number) => {
      run(copy, to, from);
      for (const bit of LOOP_BITS) {
        run(square, to);
        if (bit) this.multiply(to, from);
      }
    };
    // Easy part: m = (f̄/f)^(p² + 1), f̄ = f^(p⁶).
    this.store(f, values);
    run(copy, m, f);
    for (const lane of [0, 1]) this.#invert(m, lane);
    run(conjugate, f);
    this.multiply(m, f);
    run(copy, f, m);
    run(frobenius[1], f);
    this.multiply(m, f);
    // Hard part: a = m^((x − 1)²·(x + p)·(x² + p² − 1)), f = a·m³.
    const a = f;
    run(copy, a, m);
    for (let i = 0; i < 2; i++) { // a ← a^(x − 1) = 1/a^(|x| + 1)
      power(x, a);
      this.multiply(a, x);
      run(conjugate, a);
    }
    power(x, a);
    run(conjugate, x);
    run(frobenius[0], a);
    this.multiply(a, x);
    power(x, a);
    power(y, x); // a^(x²)
    run(copy, x, a);
    run(conjugate, x);
    run(frobenius[1], a);
    this.multiply(a, x);
    this.multiply(a, y);
    this.multiply(a, m);
    run(square, m);
    this.multiply(a, m);
    return this.load(a);
  }

  /** 1/f in one lane, by noble: once a final exponentiation. */
  #invert(at: number, lane: number): void {
    const { Fp12 } = bls12_381.fields;
    const c = coefficients(at).map((pair) => {
      const [c0, c1] = pair.map((part) => this.#machine.read(part, lane));
      return { c0, c1 };
    });
    const inverse = Fp12.inv({
      c0: { c0: c[0], c1: c[2], c2: c[4] },
      c1: { c0: c[1], c1: c[3], c2: c[5] },
    });
    const { c0: even, c1: odd } = inverse;
    [even.c0, odd.c0, even.c1, odd.c1, even.c2, odd.c2].forEach((value, k) => {
      const [re, im] = coefficients(at)[k];
      this.#machine.write(re, lane, value.c0);
      this.#machine.write(im, lane, value.c1);
    });
  }
}
