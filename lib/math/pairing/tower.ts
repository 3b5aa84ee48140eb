/** Fp12 = Fp2[w]/(w⁶ − ξ), ξ = 1 + u, as programs of the kernel: f = Σ f_k·w^k, k = 0 … 5.
 *
 * No Karatsuba, no tower: each coefficient of a product is one sum of up to 12 products with one
 * reduction (Longa, ePrint 2022/367). Elements of order q are unitary: 1/f is f with w ↦ −w, so the even
 * coefficients of f and 1/f agree, and f + 1/f is twice the even part, an element of Fp6 = Fp2[w²].
 * @module */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { NUMBER } from "./kernel.ts";
import { BASE1, BASE2, type Fp2, type Machine, pairAt } from "./machine.ts";
import { type Factor, Program } from "./program.ts";

/** Bytes of an Fp12 element. */
export const FP12 = 12 * NUMBER;

/** `count` Fp2 elements side by side; the six coefficients of the Fp12 element at an address. */
export const coefficients = (at: number, count = 6): Fp2[] =>
  Array.from({ length: count }, (_, k) => pairAt(at + 2 * k * NUMBER));

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
  const program = new Program(machine);
  const f = coefficients(BASE1);
  // x^p is x's conjugate.
  if (i === 1) f.forEach(([, im]) => program.subtract(im, machine.zero, im));
  f.slice(1).forEach((x, index) => {
    const { c0, c1 } = Fp2.pow(Fp2.create({ c0: 1n, c1: 1n }), BigInt(index + 1) * exponent);
    const [re, im, minusIm] = [c0, c1, -c1].map((part) => machine.constant(part));
    program.sum2(x, [[x, [re, im, minusIm]]]);
  });
  return program.load();
}

/** Compiles them. */
export function compileTower(machine: Machine): Tower {
  const [f, g] = [coefficients(BASE1), coefficients(BASE2)];

  const multiply = new Program(machine);
  const factors = g.map((x) => multiply.factor(x));
  const wrapped = g.map((x) => multiply.timesXi(x)); // w^(k + 6) = ξ·w^k
  multiply.sums2(f.map((out, k) => ({
    out,
    products: f.map((a, i) => [a, i <= k ? factors[k - i] : wrapped[k + 6 - i]] as const),
  })));

  const square = new Program(machine);
  const doubled = f.map((x) => square.add(machine.pair(), x, x));
  const [once, twice] = [f, doubled].map((all) => all.map((x) => square.factor(x)));
  const [onceXi, twiceXi] = [f, doubled].map((all) => all.map((x) => square.timesXi(x)));
  square.sums2(f.map((out, k) => {
    const products: [Fp2, Factor][] = [];
    for (let i = 0; i < 6; i++) {
      for (const j of [k - i, k + 6 - i]) {
        if (j < i || j > 5) continue; // each unordered pair once
        const [equal, different] = i + j > 5 ? [onceXi, twiceXi] : [once, twice];
        products.push([f[i], (i === j ? equal : different)[j]]);
      }
    }
    return { out, products };
  }));

  const conjugate = new Program(machine);
  for (const k of [1, 3, 5]) conjugate.subtract(f[k], machine.zero2, f[k]);

  const copy = new Program(machine);
  copy.move(f, g);

  const two = machine.constant(2n);
  const trace = new Program(machine);
  [0, 2, 4].forEach((k, i) => {
    // Times 2 by the kernel, not by additions: traces are normal numbers.
    g[i].forEach((out, part) => trace.sum(out, [[f[k][part], two]]));
  });

  return {
    multiply: multiply.load(),
    square: square.load(),
    conjugate: conjugate.load(),
    copy: copy.load(),
    frobenius: [compileFrobenius(machine, 1), compileFrobenius(machine, 2)],
    trace: trace.load(),
  };
}
