/** The lines of the Miller loop on BLS12-381: computed once for a G2 element, used with any G1 element.
 *
 * The twist E': y² = x³ + 4ξ maps into E over Fp12 by (x, y) ↦ (x/w², y/w³). A line of slope λ through
 * (x, y) on the twist, at P = (xP, yP), times w³/(yP·w³), which the final exponentiation removes, is
 *
 *     1 + b·(xP/yP)·w⁵ + a·(1/yP)·w³,   a = (λx − y)/ξ, b = −λ/ξ:
 *
 * affine slopes make one coefficient 1, which saves a third of the work of every later use. Their
 * inversions are shared: at each step of the loop, one for all elements (Montgomery's trick).
 *
 * Elements go through the kernel two at a time, one a lane; an odd number is filled up with an element
 * whose lines are all 1.
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import { BASE1, BASE2, type Fp2, type Machine, pairAt, Program } from "./machine.ts";
import { negated, sumFp2 } from "./tower.ts";

/** Bits of |x|, the loop's length, from the second highest down. */
export const LOOP_BITS: readonly boolean[] = [...bls12_381.params.ateLoopSize.toString(2)]
  .slice(1).map((bit) => bit === "1");

/** A line: a and b. */
export const LINE = 4 * NUMBER;
/** Lines of one element: a doubling for every bit, an addition for every 1. */
export const STEPS = LOOP_BITS.length + LOOP_BITS.filter(Boolean).length;
/** Memory of one element's lines: a line has two lanes, for two elements. */
export const ELEMENT_BYTES = STEPS * LINE / 2;

/** An affine point of the twist, as noble has it. */
export interface AffineG2 {
  readonly x: { readonly c0: bigint; readonly c1: bigint };
  readonly y: { readonly c0: bigint; readonly c1: bigint };
}

// A record at base 1: T, Q, the slope's denominator, its norm, and the product of the norms before it.
const [T_X, T_Y, Q_X, Q_Y, DENOMINATOR] = [0, 1, 2, 3, 4].map((i) => 2 * i * NUMBER);
const NORM = DENOMINATOR + 2 * NUMBER;
const BEFORE = NORM + NUMBER;
const RECORD = BEFORE + NUMBER;

/** Computes lines. @returns [step][pair of elements][LINE bytes]. */
export type LineMaker = (points: readonly AffineG2[]) => Float64Array;

export function compileLines(machine: Machine): LineMaker {
  const at1 = (offset: number) => pairAt(BASE1 + offset);
  const [tx, ty, qx, qy, denominator] = [T_X, T_Y, Q_X, Q_Y, DENOMINATOR].map(at1);
  const [norm, before] = [BASE1 + NORM, BASE1 + BEFORE];
  const zero: Fp2 = [machine.zero, machine.zero];
  const product = machine.allocate(NUMBER); // of the norms so far; then of their inverses
  const half = machine.constant((machine.p + 1n) / 2n);

  /** First pass: the denominator and its norm, the running product of norms. */
  const forward = (doubling: boolean): number => {
    const program = new Program();
    for (const part of [0, 1] as const) {
      if (doubling) program.add(denominator[part], ty[part], ty[part]);
      else program.subtract(denominator[part], tx[part], qx[part]);
    }
    const [re, im] = denominator;
    program.sum(norm, [[re, re], [im, im]], machine.zero);
    program.add(before, product, machine.zero);
    program.sum(product, [[before, norm]], machine.zero);
    return machine.load(program);
  };

  /** Second pass, from the last record to the first: slope, line (at base 2), T + T or T + Q. */
  const backward = (doubling: boolean): number => {
    const program = new Program();
    const [inverse, re, im, minusIm] = [0, 1, 2, 3].map(() => machine.allocate(NUMBER));
    program.sum(inverse, [[product, before]], machine.zero); // 1/norm
    program.add(re, product, machine.zero);
    program.sum(product, [[re, norm]], machine.zero);
    // 1/d = conjugate(d)/norm.
    program.sum(re, [[denominator[0], inverse]], machine.zero);
    program.sum(minusIm, [[denominator[1], inverse]], machine.zero);
    program.subtract(im, machine.zero, minusIm);

    const numerator = machine.pair();
    if (doubling) { // 3x²
      const three = machine.factor();
      for (const part of [0, 1] as const) {
        program.add(three[part], tx[part], tx[part]);
        program.add(three[part], three[part], tx[part]);
      }
      program.subtract(three[2], machine.zero, three[1]);
      sumFp2(program, numerator, [[tx, three]], zero);
    } else {
      for (const part of [0, 1] as const) program.subtract(numerator[part], ty[part], qy[part]);
    }
    const slope = machine.pair();
    // The numerator may be a difference of two, a right factor; 1/d is normal.
    sumFp2(program, slope, [[[re, im], negated(program, machine, numerator)]], zero);

    const factor = negated(program, machine, slope);
    const minusOther = machine.pair(); // −2x, or −xT − xQ
    const [x, y, a] = [machine.pair(), machine.pair(), machine.pair()];
    const minusY = machine.pair();
    for (const part of [0, 1] as const) {
      program.subtract(minusOther[part], machine.zero, tx[part]);
      program.subtract(minusOther[part], minusOther[part], (doubling ? tx : qx)[part]);
      program.subtract(minusY[part], machine.zero, ty[part]);
    }
    // x' = λ² − x − x_other, y' = λ(x − x') − y, a·ξ = λx − y; a term times 1 is reduced with the rest.
    const unit = [machine.one, machine.zero] as const;
    sumFp2(program, x, [[slope, factor], [unit, negated(program, machine, minusOther)]], zero);
    const difference = machine.pair();
    for (const part of [0, 1] as const) program.subtract(difference[part], tx[part], x[part]);
    const lastY = negated(program, machine, minusY);
    sumFp2(
      program,
      y,
      [[slope, negated(program, machine, difference)], [unit, lastY]],
      zero,
    );
    sumFp2(program, a, [[slope, negated(program, machine, tx)], [unit, lastY]], zero);
    // Division by ξ: (s + t·u)/(1 + u) = ((s + t) + (t − s)·u)/2.
    const [lineA, lineB] = [pairAt(BASE2), pairAt(BASE2 + 2 * NUMBER)];
    const [sum, difference2] = machine.pair();
    program.add(sum, a[0], a[1]);
    program.subtract(difference2, a[1], a[0]);
    program.sum(lineA[0], [[half, sum]], machine.zero);
    program.sum(lineA[1], [[half, difference2]], machine.zero);
    program.add(sum, slope[0], slope[1]);
    program.subtract(sum, machine.zero, sum);
    program.subtract(difference2, slope[0], slope[1]);
    program.sum(lineB[0], [[half, sum]], machine.zero);
    program.sum(lineB[1], [[half, difference2]], machine.zero);
    for (const part of [0, 1] as const) {
      program.add(tx[part], x[part], machine.zero);
      program.add(ty[part], y[part], machine.zero);
    }
    return machine.load(program);
  };

  const [doubleForward, doubleBackward] = [forward(true), backward(true)];
  const [addForward, addBackward] = [forward(false), backward(false)];

  return (points) => {
    const pairs = Math.ceil(points.length / 2);
    if (pairs === 0) return new Float64Array(0);
    const records = machine.region(pairs * (RECORD + LINE));
    const lines = records + pairs * RECORD;
    for (let i = 0; i < 2 * pairs; i++) {
      const { x, y } = points[Math.min(i, points.length - 1)];
      const record = records + (i >> 1) * RECORD;
      [x.c0, x.c1, y.c0, y.c1].forEach((value, part) => {
        machine.write(record + T_X + part * NUMBER, i & 1, value);
        machine.write(record + Q_X + part * NUMBER, i & 1, value);
      });
    }
    const out = new Float64Array(STEPS * pairs * LINE / 8);
    let done = 0;
    const step = (first: number, second: number) => {
      for (const lane of [0, 1]) machine.write(product, lane, 1n);
      machine.run(first, { times: pairs, base1: records, stride1: RECORD });
      for (const lane of [0, 1]) {
        machine.write(product, lane, bls12_381.fields.Fp.inv(machine.read(product, lane)));
      }
      machine.run(second, {
        times: pairs,
        ...{ base1: records + (pairs - 1) * RECORD, stride1: -RECORD },
        ...{ base2: lines + (pairs - 1) * LINE, stride2: -LINE },
      });
      const made = machine.view(lines, pairs * LINE);
      if (points.length % 2 === 1) { // the second lane of the last pair: a = b = 0
        for (let i = made.length - LINE / 8 + 1; i < made.length; i += 2) made[i] = 0;
      }
      out.set(made, done);
      done += made.length;
    };
    for (const bit of LOOP_BITS) {
      step(doubleForward, doubleBackward);
      if (bit) step(addForward, addBackward);
    }
    return out;
  };
}
