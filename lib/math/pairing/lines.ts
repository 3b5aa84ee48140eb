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
 * Elements go through the kernel two at a time, one a lane. The lines of the identity are all 1, and an odd
 * number of elements is filled up with it.
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import { BASE1, BASE2, type Machine, pairAt, Program } from "./machine.ts";

/** Bits of |x|, the loop's length, from the second highest down. */
export const LOOP_BITS: readonly boolean[] = [...bls12_381.params.ateLoopSize.toString(2)]
  .slice(1).map((bit) => bit === "1");

/** A line: a and b. An element has one for every bit of the loop, and another for every 1. */
export const LINE = 4 * NUMBER;
const STEPS = LOOP_BITS.length + LOOP_BITS.filter(Boolean).length;

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

/** What goes through the kernel in the identity's place. */
const { BASE } = bls12_381.G2.Point;

/** Compiles the computing of lines. @returns points, null for the identity ↦ lines, [step][pair of
 * elements][LINE bytes]. */
export function compileLines(
  machine: Machine,
): (points: readonly (AffineG2 | null)[]) => Float64Array {
  const [tx, ty, qx, qy, denominator] = [T_X, T_Y, Q_X, Q_Y, DENOMINATOR].map((offset) =>
    pairAt(BASE1 + offset)
  );
  const [norm, before] = [BASE1 + NORM, BASE1 + BEFORE];
  const { zero, zero2 } = machine;
  const product = machine.allocate(NUMBER); // of the norms so far; then of their inverses
  const half = machine.constant((machine.p + 1n) / 2n);

  /** First pass: the denominator and its norm, the running product of norms. */
  const forward = (doubling: boolean): number => {
    const program = new Program(machine);
    if (doubling) program.add(denominator, ty, ty);
    else program.subtract(denominator, tx, qx);
    program.sum(norm, denominator.map((part) => [part, part]));
    program.add(before, product, zero);
    program.sum(product, [[product, norm]]);
    return program.load();
  };

  /** Second pass, from the last record to the first: slope, line (at base 2), T + T or T + Q. */
  const backward = (doubling: boolean): number => {
    const program = new Program(machine);
    const inverse = machine.allocate(NUMBER);
    const reciprocal = machine.pair();
    program.sum(inverse, [[product, before]]); // 1/norm
    program.sum(product, [[product, norm]]);
    // 1/d = conjugate(d)/norm.
    denominator.forEach((part, i) => program.sum(reciprocal[i], [[part, inverse]]));
    program.subtract(reciprocal[1], zero, reciprocal[1]);

    const numerator = machine.pair();
    if (doubling) { // 3x²
      const three = program.add(machine.pair(), tx, tx);
      program.add(three, three, tx);
      program.sum2(numerator, [[tx, program.factor(three)]]);
    } else program.subtract(numerator, ty, qy);
    // The numerator may be a difference of two, a right factor; 1/d is normal.
    const slope = program.sum2(machine.pair(), [[reciprocal, program.factor(numerator)]]);

    // x' = λ² − x − x_other, y' = λ(x − x') − y, a·ξ = λx − y; a term times 1 is reduced with the rest.
    const unit = [machine.one, zero] as const;
    const minusOther = program.subtract(machine.pair(), zero2, tx);
    program.subtract(minusOther, minusOther, doubling ? tx : qx);
    const minusY = program.factor(program.subtract(machine.pair(), zero2, ty));
    const x = program.sum2(machine.pair(), [
      [slope, program.factor(slope)],
      [unit, program.factor(minusOther)],
    ]);
    const difference = program.subtract(machine.pair(), tx, x);
    const y = program.sum2(machine.pair(), [[slope, program.factor(difference)], [unit, minusY]]);
    const a = program.sum2(machine.pair(), [[slope, program.factor(tx)], [unit, minusY]]);
    const minusSlope = program.subtract(machine.pair(), zero2, slope);
    // Division by ξ: (s + t·u)/(1 + u) = ((s + t) + (t − s)·u)/2.
    const [sum, rest] = machine.pair();
    [a, minusSlope].forEach(([s, t], i) => {
      const line = pairAt(BASE2 + 2 * i * NUMBER);
      program.sum(line[0], [[half, program.add(sum, s, t)]]);
      program.sum(line[1], [[half, program.subtract(rest, t, s)]]);
    });
    program.move([tx, ty], [x, y]);
    return program.load();
  };

  const [doubleForward, doubleBackward] = [forward(true), backward(true)];
  const [addForward, addBackward] = [forward(false), backward(false)];

  return (points) => {
    const pairs = Math.ceil(points.length / 2);
    if (pairs === 0) return new Float64Array(0);
    const records = machine.region(pairs * (RECORD + LINE));
    const lines = records + pairs * RECORD;
    const identities: number[] = [];
    for (let i = 0; i < 2 * pairs; i++) {
      if (!points[i]) identities.push(i);
      const { x, y } = points[i] ?? BASE.toAffine();
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
      for (const i of identities) { // a = b = 0 in its lane
        const from = (i >> 1) * LINE / 8;
        for (let k = i & 1; k < LINE / 8; k += 2) made[from + k] = 0;
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
