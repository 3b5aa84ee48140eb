/** Products of pairings on BLS12-381 in the kernel: the Miller loop and the final exponentiation.
 *
 * The two lanes take the elements of one product alternately through the loop, and the accumulators of two
 * products through the final exponentiation. The final exponent is three times the usual one (Hayashida,
 * Hayasaka, Teruya, ePrint 2020/875), and the loop's sign is dropped: both are fixed powers.
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import { LINE, LOOP_BITS } from "./lines.ts";
import { BASE1, BASE2, type Lane, type Machine, pairAt } from "./machine.ts";
import { Program, scaledSums } from "./program.ts";
import { coefficients, FP12, type Tower } from "./tower.ts";

/** An affine G1 element as a line wants it: xP/2yP and 1/2yP, for two elements. */
export const POINT = 2 * NUMBER;

/** The product of the lines of one step into f. The lines are at base 1, the points at base 2. */
function compileLineStep(machine: Machine, accumulator: number): number {
  const program = new Program(machine);
  const f = coefficients(accumulator);
  const [slopeOver, over] = [BASE2, BASE2 + NUMBER];
  const [a, b] = [machine.pair(), machine.pair()]; // of w³, of w⁵
  program.sums([
    ...scaledSums(a, pairAt(BASE1), over),
    ...scaledSums(b, pairAt(BASE1 + 2 * NUMBER), slopeOver),
  ]);
  const [a3, b5] = [a, b].map((x) => program.factor(x));
  const [a9, b11] = [a, b].map((x) => program.timesXi(x));
  // w^k comes from f_k·1, f_(k−3)·a and f_(k−5)·b, where w⁶ = ξ.
  program.sums2(f.map((out, k) => ({
    out,
    products: [[f[(k + 3) % 6], k < 3 ? a9 : a3], [f[(k + 1) % 6], k < 5 ? b11 : b5]],
    addend: out,
  })));
  return program.load();
}

/** The two halves of a product of pairings. */
export interface Miller {
  /** The product of Miller loops, without the final exponentiation.
   * @param points [pair][POINT bytes].   @param lines [step][pair][LINE bytes]. */
  loop(points: Float64Array, lines: Float64Array): Lane;
  /** Raises both to 3·(p¹² − 1)/q. */
  finalExponentiation(values: readonly [Lane, Lane]): [Lane, Lane];
}

/** Compiles them. */
export function compileMiller(machine: Machine, tower: Tower): Miller {
  const [f, m, x, y] = [0, 1, 2, 3].map(() => machine.allocate(FP12));
  const lineStep = compileLineStep(machine, f);
  const run = (program: number, base1: number, base2 = 0) => machine.run(program, { base1, base2 });
  const { copy, conjugate, frobenius, multiply, square } = tower;

  /** to ← from^|x|, for the curve's parameter x, which is negative. */
  const power = (to: number, from: number) => {
    run(copy, to, from);
    for (const bit of LOOP_BITS) {
      run(square, to);
      if (bit) run(multiply, to, from);
    }
  };

  /** 1/f in one lane, by noble: once a final exponentiation. */
  const invert = (at: number, lane: number) => {
    const parts = coefficients(at).flat();
    const flat = parts.map((part) => machine.read(part, lane));
    const [a, b, c, d, e, g] = [0, 2, 4, 6, 8, 10].map((i) => ({ c0: flat[i], c1: flat[i + 1] }));
    const { c0: even, c1: odd } = bls12_381.fields.Fp12.inv({
      ...{ c0: { c0: a, c1: c, c2: e }, c1: { c0: b, c1: d, c2: g } },
    });
    [even.c0, odd.c0, even.c1, odd.c1, even.c2, odd.c2].flatMap(({ c0, c1 }) => [c0, c1])
      .forEach((value, i) => machine.write(parts[i], lane, value));
  };

  return {
    loop(points, lines) {
      const times = points.length * 8 / POINT;
      const stepFloats = times * LINE / 8;
      const pointsAt = machine.region(times * (POINT + LINE));
      const linesAt = pointsAt + times * POINT;
      machine.view(pointsAt, times * POINT).set(points);
      const target = machine.view(linesAt, times * LINE);
      const one = machine.view(f, FP12).fill(0);
      one.set(machine.view(machine.one, NUMBER));
      let at = 0;
      const step = () => {
        target.set(lines.subarray(at, at += stepFloats));
        machine.run(lineStep, {
          times,
          ...{ base1: linesAt, stride1: LINE },
          ...{ base2: pointsAt, stride2: POINT },
        });
      };
      LOOP_BITS.forEach((bit, i) => {
        if (i > 0) run(square, f);
        step();
        if (bit) step();
      });
      // The lanes hold the products over the even and the odd elements.
      const [even, odd] = machine.lanes(f, FP12);
      machine.store(f, [even, even]);
      machine.store(m, [odd, odd]);
      run(multiply, f, m);
      return machine.lanes(f, FP12)[0];
    },

    finalExponentiation(values) {
      // Easy part: m = (f̄/f)^(p² + 1), f̄ = f^(p⁶).
      machine.store(f, values);
      run(copy, m, f);
      for (const lane of [0, 1]) invert(m, lane);
      run(conjugate, f);
      run(multiply, m, f);
      run(copy, f, m);
      run(frobenius[1], f);
      run(multiply, m, f);
      // Hard part: a = m^((x − 1)²·(x + p)·(x² + p² − 1)), f = a·m³.
      const a = f;
      run(copy, a, m);
      for (let i = 0; i < 2; i++) { // a ← a^(x − 1) = 1/a^(|x| + 1)
        power(x, a);
        run(multiply, a, x);
        run(conjugate, a);
      }
      power(x, a);
      run(conjugate, x);
      run(frobenius[0], a);
      run(multiply, a, x);
      power(x, a);
      power(y, x); // a^(x²)
      run(copy, x, a);
      run(conjugate, x);
      run(frobenius[1], a);
      for (const factor of [x, y, m]) run(multiply, a, factor);
      run(square, m);
      run(multiply, a, m);
      return machine.lanes(a, FP12);
    },
  };
}
