/** Programs for the kernel: lists of operations, written down once and run often.
 * @module */
import { MAX_PAIRS, MAX_WAITING, NUMBER, OPERATION, TOGETHER, WAITING } from "./kernel_code.ts";
import type { Fp2, Machine } from "./machine.ts";

/** A right factor: what complex multiplication reads of it. */
export type Factor = readonly [re: number, im: number, minusIm: number];
/** A sum of products of numbers. */
export type Sum = readonly (readonly [a: number, b: number])[];
/** One of several sums over Fp; the default of the addend is 0. */
export interface FpSum {
  readonly out: number;
  readonly products: Sum;
  readonly addend?: number;
}
/** One of several sums over Fp2. */
export interface Fp2Sum {
  readonly out: Fp2;
  readonly products: readonly (readonly [Fp2, Factor])[];
  readonly addend?: Fp2;
}
/** Sums over Fp2 as sums of their parts. */
export function fp2Sums(all: readonly Fp2Sum[]): FpSum[] {
  return all.flatMap(({ out, products, addend }) => [
    {
      out: out[0],
      products: products.flatMap(([[a0, a1], [b0, , minus]]): Sum => [[a0, b0], [a1, minus]]),
      addend: addend?.[0],
    },
    {
      out: out[1],
      products: products.flatMap(([[a0, a1], [b0, b1]]): Sum => [[a0, b1], [a1, b0]]),
      addend: addend?.[1],
    },
  ]);
}

/** a·by for a in Fp2 and a number, as sums of their parts. */
export const scaledSums = (out: Fp2, a: Fp2, by: number): FpSum[] =>
  out.map((at, part) => ({ out: at, products: [[a[part], by]] }));

function checkedCount({ length }: Sum): number {
  if (length >= 1 && length <= MAX_PAIRS) return length;
  throw new RangeError(`Cannot sum ${length} products: expected 1 to ${MAX_PAIRS}`);
}

/** Operations, in the order in which they are written. Over Fp each reads all before it writes. */
export class Program {
  readonly #machine: Machine;
  readonly #words: number[] = [];

  /** An empty program. */
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** out = (Σ a·b)·R⁻¹ + addend. @throws {RangeError} too many products for the kernel, or none. */
  sum(out: number, products: Sum, addend = this.#machine.zero): void {
    this.#words.push(checkedCount(products), out, addend, ...products.flat());
  }

  /** Sums that read their factors before any of them writes; an addend may be its own sum's out. They are reduced four
   * at a time, which is faster than alone.
   * @throws {RangeError} more than can wait, or a sum of too many products. */
  sums(all: readonly FpSum[]): void {
    if (all.length > MAX_WAITING) {
      throw new RangeError(`Cannot make ${all.length} sums: expected at most ${MAX_WAITING}`);
    }
    all.forEach(({ products }, i) => {
      this.#words.push(OPERATION.KEEP + checkedCount(products), WAITING[i], 0, ...products.flat());
    });
    const { zero, unused } = this.#machine;
    for (let from = 0; from < all.length; from += TOGETHER) {
      this.#words.push(OPERATION.REDUCE, WAITING[from]);
      for (let i = from; i < from + TOGETHER; i++) {
        this.#words.push(all[i]?.out ?? unused, all[i]?.addend ?? zero);
      }
    }
  }

  /** Up to six sums over Fp2, as `sums`. */
  sums2(all: readonly Fp2Sum[]): void {
    this.sums(fp2Sums(all));
  }

  /** out = Σ a·b + addend over Fp2. */
  sum2(out: Fp2, products: Fp2Sum["products"], addend?: Fp2): Fp2 {
    this.sums2([{ out, products, addend }]);
    return out;
  }

  /** out = a + b over Fp or Fp2, limb by limb: not normal numbers. */
  add<T extends number | Fp2>(out: T, a: T, b: T): T {
    return this.#limbwise(0, out, a, b);
  }

  /** out = a − b over Fp or Fp2, limb by limb: not normal numbers. */
  subtract<T extends number | Fp2>(out: T, a: T, b: T): T {
    return this.#limbwise(-1, out, a, b);
  }

  /** to ← from, for elements of Fp2. */
  move(to: readonly Fp2[], from: readonly Fp2[]): void {
    to.forEach((pair, k) => this.add(pair, from[k], this.#machine.zero2));
  }

  /** x as a right factor: −Im beside it. */
  factor([re, im]: Fp2): Factor {
    return [re, im, this.subtract(this.#machine.allocate(NUMBER), this.#machine.zero, im)];
  }

  /** ξ·x = (re − im) + (re + im)·u as a right factor, by additions only. */
  timesXi([re, im]: Fp2): Factor {
    const [outRe, outIm] = this.#machine.pair();
    return this.factor([this.subtract(outRe, re, im), this.add(outIm, re, im)]);
  }

  /** Writes the program into the kernel's memory. @returns its address. */
  load(): number {
    return this.#machine.load([...this.#words, OPERATION.STOP]);
  }

  #limbwise<T extends number | Fp2>(operation: 0 | -1, out: T, a: T, b: T): T {
    const [left, right] = [[a].flat(), [b].flat()];
    [out].flat().forEach((at, i) => this.#words.push(operation, at, left[i], right[i]));
    return out;
  }
}
