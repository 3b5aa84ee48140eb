/** The lines of the Miller loop on BLS12-381: computed once for a G2 element, used with any G1 element.
 *
 * The twist E': y² = x³ + 4ξ maps into E over Fp12 by (x, y) ↦ (x/w², y/w³). A line of slope λ through
 * (x, y) on the twist, at P = (xP, yP), times w³/(yP·w³), which the final exponentiation removes, is
 *
 *     1 + b·(xP/2yP)·w⁵ + a·(1/2yP)·w³,   a = 2(λx − y)/ξ, b = −2λ/ξ:
 *
 * affine slopes make one coefficient 1, which saves a third of the work of every later use. Their
 * inversions are shared: at each step of the loop, one for all elements (Montgomery's trick).
 *
 * Elements go through the kernel two at a time, one a lane. The lines of the identity are all 1, and an odd
 * number of elements is filled up with it.
 * @module */
import { FpInvertBatch } from "@noble/curves/abstract/modular.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import { BASE1, BASE2, type Machine, pairAt } from "./machine.ts";
import { fp2Sums, Program, scaledSums } from "./program.ts";

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

// A record at base 1: T, Q, the slope times the norm of its denominator, that norm, the product of the norms before.
const [T_X, T_Y, Q_X, Q_Y, SLOPE] = [0, 1, 2, 3, 4].map((i) => 2 * i * NUMBER);
const NORM = SLOPE + 2 * NUMBER;
const BEFORE = NORM + NUMBER;
const RECORD = BEFORE + NUMBER;

/** What goes through the kernel in the identity's place. */
const { BASE } = bls12_381.G2.Point;

/** Compiles the computing of lines. @returns points, null for the identity ↦ lines, [step][pair of
 * elements][LINE bytes]. */
export function compileLines(
  machine: Machine,
): (points: readonly (AffineG2 | null)[]) => Float64Array {
  const [tx, ty, qx, qy, scaled] = [T_X, T_Y, Q_X, Q_Y, SLOPE].map((offset) =>
    pairAt(BASE1 + offset)
  );
  const [norm, before] = [BASE1 + NORM, BASE1 + BEFORE];
  const { zero, zero2, one } = machine;
  const product = machine.allocate(NUMBER); // of the norms so far; then of their inverses

  /** First pass: slope = numerator·conjugate(d)/norm(d); here without the division. */
  const forward = (doubling: boolean): number => {
    const program = new Program(machine);
    const [numerator, d, minus] = [machine.pair(), machine.pair(), machine.allocate(NUMBER)];
    const normOfD = { out: norm, products: d.map((part) => [part, part] as const) };
    if (doubling) { // 3x²/2y
      program.add(d, ty, ty);
      const three = program.add(machine.pair(), tx, tx);
      program.add(three, three, tx);
      program.sums([
        normOfD,
        ...fp2Sums([{ out: numerator, products: [[tx, program.factor(three)]] }]),
      ]);
    } else {
      program.subtract(d, tx, qx);
      program.subtract(numerator, ty, qy);
      program.sums([normOfD]);
    }
    program.add(before, product, zero);
    program.subtract(minus, zero, d[1]);
    const times = [numerator, [d[0], minus, d[1]]] as const;
    program.sums([
      { out: product, products: [[product, norm]] },
      ...fp2Sums([{ out: scaled, products: [times] }]),
    ]);
    return program.load();
  };

  /** Second pass, from the last record to the first: slope, line (at base 2), T + T or T + Q. */
  const backward = (doubling: boolean): number => {
    const program = new Program(machine);
    const inverse = machine.allocate(NUMBER); // 1/norm
    program.sums([
      { out: inverse, products: [[product, before]] },
      { out: product, products: [[product, norm]] },
    ]);
    const slope = machine.pair();
    program.sums(scaledSums(slope, scaled, inverse));

    // x' = λ² − x − x_other, of which a term times 1 is reduced with the rest; y' = λ(x − x') − y and a·ξ = λx − y,
    // where y is not: a sum of 68 terms at the end of the loop, well within the top limb.
    const minusOther = program.subtract(machine.pair(), zero2, tx);
    program.subtract(minusOther, minusOther, doubling ? tx : qx);
    const x = machine.pair();
    const square = fp2Sums([{ out: x, products: [[slope, program.factor(slope)]] }]);
    program.sums(square.map(({ out, products }, part) => ({
      out,
      products: [...products, [one, minusOther[part]]],
    })));
    const minusY = program.subtract(machine.pair(), zero2, ty);
    const difference = program.factor(program.subtract(machine.pair(), tx, x));
    const a = machine.pair();
    program.sums2([
      { out: a, products: [[slope, program.factor(tx)]], addend: minusY },
      { out: ty, products: [[slope, difference]], addend: minusY },
    ]);
    program.move([tx], [x]);
    // Times 2/ξ: 2·(s + t·u)/(1 + u) = (s + t) + (t − s)·u.
    const minusSlope = program.subtract(machine.pair(), zero2, slope);
    [a, minusSlope].forEach(([s, t], i) => {
      const [re, im] = pairAt(BASE2 + 2 * i * NUMBER);
      program.add(re, s, t);
      program.subtract(im, t, s);
    });
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
      });
      machine.view(record + Q_X, Q_X - T_X).set(machine.view(record + T_X, Q_X - T_X));
    }
    const out = new Float64Array(STEPS * pairs * LINE / 8);
    let done = 0;
    const step = (first: number, second: number) => {
      for (const lane of [0, 1]) machine.write(product, lane, 1n);
      machine.run(first, { times: pairs, base1: records, stride1: RECORD });
      FpInvertBatch(bls12_381.fields.Fp, [0, 1].map((lane) => machine.read(product, lane)))
        .forEach((inverse, lane) => machine.write(product, lane, inverse!));
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
