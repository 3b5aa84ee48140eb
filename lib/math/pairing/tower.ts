/** Fp12 = Fp2[w]/(w⁶ − ξ), ξ = 1 + u, as programs of the kernel: f = Σ f_k·w^k, k = 0 … 5.
 *
 * No Karatsuba, no tower: each coefficient of a product is one sum of up to 12 products with one
 * reduction (Longa, ePrint 2022/367). Elements of order q are unitary: 1/f is f with w ↦ −w, so the even
 * coefficients of f and 1/f agree, and f + 1/f is twice the even part, an element of Fp6 = Fp2[w²].
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import {
  BASE1,
  BASE2,
  type Factor,
  type Fp2,
  imaginaryPart,
  type Machine,
  pairAt,
  Program,
  realPart,
  type Sum,
} from "./machine.ts";

/** Bytes of an Fp12 element, and of an Fp6. */
export const FP12 = 12 * NUMBER;
export const FP6 = 6 * NUMBER;

/** The six coefficients of the Fp12 element at an address. */
export const coefficients = (at: number): Fp2[] =>
  Array.from({ length: 6 }, (_, k) => pairAt(at + 2 * k * NUMBER));

/** Writes −Im beside an element: x as a right factor. */
export function negated(program: Program, machine: Machine, [re, im]: Fp2): Factor {
  const minus = machine.allocate(NUMBER);
  program.subtract(minus, machine.zero, im);
  return [re, im, minus];
}

/** ξ·x = (re − im) + (re + im)·u as a right factor, by additions only. */
export function timesXi(program: Program, machine: Machine, [re, im]: Fp2): Factor {
  const [outRe, outIm, minus] = machine.factor();
  program.subtract(outRe, re, im);
  program.add(outIm, re, im);
  program.subtract(minus, machine.zero, outIm);
  return [outRe, outIm, minus];
}

/** 2·x, by additions only. */
function doubled(program: Program, machine: Machine, [re, im]: Fp2): Fp2 {
  const out = machine.pair();
  program.add(out[0], re, re);
  program.add(out[1], im, im);
  return out;
}

/** out = Σ a·b over Fp2 + addend. */
export function sumFp2(
  program: Program,
  out: Fp2,
  products: readonly (readonly [Fp2, Factor])[],
  addend: Fp2,
): void {
  const parts = (part: (a: Fp2, b: Factor) => Sum) => products.flatMap(([a, b]) => part(a, b));
  program.sum(out[0], parts(realPart), addend[0]);
  program.sum(out[1], parts(imaginaryPart), addend[1]);
}

function move(program: Program, machine: Machine, to: readonly Fp2[], from: readonly Fp2[]): void {
  to.forEach(([re, im], k) => {
    program.add(re, from[k][0], machine.zero);
    program.add(im, from[k][1], machine.zero);
  });
}

/** The programs of Fp12, on the elements at base 1 (f) and base 2 (g). */
export interface Tower {
  /** f ← f·g. */
  readonly multiply: number;
  /** f ← f². */
  readonly square: number;
  /** f ← f with w ↦ −w. */
  readonly conjugate: number;
  /** f ← g. */
  readonly copy: number;
  /** f ← f^(p^i), i = 1, 2. */
  readonly frobenius: readonly [number, number];
  /** g[0 … 2] ← f + 1/f for a unitary f: twice its even part, an element of Fp6. */
  readonly trace: number;
}

/** f ← f^(p^i): f_k ↦ f_k^(p^i) · ξ^(k·(p^i − 1)/6). */
function compileFrobenius(machine: Machine, i: 1 | 2): number {
  const { Fp2 } = bls12_381.fields;
  const exponent = (machine.p ** BigInt(i) - 1n) / 6n;
  const program = new Program();
  const f = coefficients(BASE1);
  f.slice(1).forEach((x, index) => {
    const { c0, c1 } = Fp2.pow(Fp2.create({ c0: 1n, c1: 1n }), BigInt(index + 1) * exponent);
    const [re, im, minusIm, minusRe] = [c0, c1, -c1, -c0].map((part) => machine.constant(part));
    const out = machine.pair();
    // x^p is x's conjugate: both columns of its imaginary part change sign.
    program.sum(out[0], [[x[0], re], [x[1], i === 1 ? im : minusIm]], machine.zero);
    program.sum(out[1], [[x[0], im], [x[1], i === 1 ? minusRe : re]], machine.zero);
    move(program, machine, [x], [out]);
  });
  if (i === 1) f[0].slice(1).forEach((im) => program.subtract(im, machine.zero, im));
  return machine.load(program);
}

export function compileTower(machine: Machine): Tower {
  const zero: Fp2 = [machine.zero, machine.zero];
  const [f, g] = [coefficients(BASE1), coefficients(BASE2)];
  const result = coefficients(machine.allocate(FP12));

  const multiply = new Program();
  const factors = g.map((x) => negated(multiply, machine, x));
  const wrapped = g.map((x) => timesXi(multiply, machine, x)); // w^(k + 6) = ξ·w^k
  result.forEach((out, k) => {
    const products = f.map((a, i) => [a, i <= k ? factors[k - i] : wrapped[k + 6 - i]] as const);
    sumFp2(multiply, out, products, zero);
  });
  move(multiply, machine, f, result);

  const square = new Program();
  const once = f.map((x) => negated(square, machine, x));
  const onceWrapped = f.map((x) => timesXi(square, machine, x));
  const twos = f.map((x) => doubled(square, machine, x));
  const twice = twos.map((x) => negated(square, machine, x));
  const twiceWrapped = twos.map((x) => timesXi(square, machine, x));
  result.forEach((out, k) => {
    const products: [Fp2, Factor][] = [];
    for (let i = 0; i < 6; i++) {
      for (const j of [k - i, k + 6 - i]) {
        if (j < i || j > 5) continue; // each unordered pair once
        const wraps = i + j > 5;
        const [equal, different] = wraps ? [onceWrapped, twiceWrapped] : [once, twice];
        products.push([f[i], (i === j ? equal : different)[j]]);
      }
    }
    sumFp2(square, out, products, zero);
  });
  move(square, machine, f, result);

  const conjugate = new Program();
  for (const k of [1, 3, 5]) f[k].forEach((at) => conjugate.subtract(at, machine.zero, at));

  const copy = new Program();
  move(copy, machine, f, g);

  const two = machine.constant(2n);
  const trace = new Program();
  [0, 2, 4].forEach((k, i) => {
    // Times 2 by the kernel, not by additions: traces are normal numbers.
    g[i].forEach((out, part) => trace.sum(out, [[f[k][part], two]], machine.zero));
  });

  return {
    multiply: machine.load(multiply),
    square: machine.load(square),
    conjugate: machine.load(conjugate),
    copy: machine.load(copy),
    frobenius: [compileFrobenius(machine, 1), compileFrobenius(machine, 2)],
    trace: machine.load(trace),
  };
}
