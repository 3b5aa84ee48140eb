/** Tables for bases that are multiplied again and again: g, every h_i of a public key, the ct0 of a ciphertext that
 * many keys decrypt.
 *
 * A comb takes full scalars (Lim and Lee, CRYPTO '94): the scalar's bits, written in TEETH rows, are read column by
 * column, and BLOCKS tables halve the doublings. `SmallMultiples` takes small integers: its tables hold d·256^j·base,
 * so a pixel is one lookup.
 * @module */
import type { Combs, Element, Group } from "./prime_group.ts";

/** 2^6 entries a block: 43 additions and 22 doublings a multiplication, where noble takes about 300. */
export const TEETH = 6;
/** See {@linkcode TEETH}. */
export const BLOCKS = 2;

/** A scalar's comb digits, one a column: computed once, used with every base of the group. */
export function combDigits(group: Pick<Group, "order">, scalar: bigint): Uint8Array {
  const columns = columnsOf(group);
  const digits = new Uint8Array(columns);
  for (let from = 0; scalar > 0n; from += 32, scalar >>= 32n) {
    const word = Number(BigInt.asUintN(32, scalar));
    for (let bit = 0; bit < 32; bit++) {
      if ((word >>> bit) % 2 === 0) continue;
      digits[(from + bit) % columns] |= 1 << Math.floor((from + bit) / columns);
    }
  }
  return digits;
}

/** Columns of the comb: every bit of a scalar below the order has its place. */
function columnsOf(group: Pick<Group, "order">): number {
  const bits = group.order.toString(2).length;
  return BLOCKS * Math.ceil(bits / (TEETH * BLOCKS));
}

/** Fixed-base table for full-size scalars. Costs about 370 group operations, once: as much as one
 * multiplication without it. */
export class Comb {
  /** blocks[j][u] = Σ over the bits r of u of 2^(r·columns + j·columns/BLOCKS) · base. */
  readonly #blocks: Element[][];
  readonly #identity: Element;

  constructor(group: Group, base: Element) {
    const stride = columnsOf(group) / BLOCKS;
    this.#identity = group.identity;
    this.#blocks = Array.from({ length: BLOCKS }, () => [group.identity]);
    let power = base;
    for (let row = 0; row < TEETH; row++) {
      for (const table of this.#blocks) {
        table.push(power, ...table.slice(1).map((element) => element.add(power)));
        for (let i = 0; i < stride; i++) power = power.double();
      }
    }
  }

  /** scalar · base, the scalar given by its `combDigits`. */
  multiply(digits: Uint8Array): Element {
    const stride = digits.length / BLOCKS;
    let sum = this.#identity;
    for (let column = stride - 1; column >= 0; column--) {
      if (sum !== this.#identity) sum = sum.double();
      for (let block = 0; block < BLOCKS; block++) {
        const digit = digits[block * stride + column];
        if (digit !== 0) sum = sum.add(this.#blocks[block][digit]);
      }
    }
    return sum;
  }
}

/** Fixed-base table for small integers, grown by need: one lookup per byte of |k|. */
export class SmallMultiples {
  /** windows[j][d] = d · 256^j · base. */
  readonly #windows: Element[][] = [];
  readonly #group: Group;
  #next: Element;

  constructor(group: Group, base: Element) {
    this.#group = group;
    this.#next = base;
  }

  /** k · base for a safe integer k. */
  multiply(k: number): Element {
    let sum = this.#group.identity;
    for (let rest = Math.abs(k), j = 0; rest > 0; rest = Math.floor(rest / 256), j++) {
      const entry = this.#window(j)[rest % 256];
      sum = sum === this.#group.identity ? entry : sum.add(entry);
    }
    return k < 0 ? sum.negate() : sum;
  }

  #window(j: number): Element[] {
    while (this.#windows.length <= j) {
      const table = [this.#group.identity];
      for (let d = 1; d <= 256; d++) table.push(table[d - 1].add(this.#next));
      this.#next = table.pop()!;
      this.#windows.push(table);
    }
    return this.#windows[j];
  }
}

/** Combs of some bases, one after the other. */
function plainCombs(group: Group, bases: readonly Element[]): Combs {
  const combs = bases.map((base) => new Comb(group, base));
  return {
    multiply(scalar) {
      const digits = combDigits(group, scalar);
      return combs.map((comb) => comb.multiply(digits));
    },
    powers: (j, scalars) => scalars.map((scalar) => combs[j].multiply(combDigits(group, scalar))),
  };
}

const combs = new WeakMap<readonly Element[], Combs>();

/** The combs of a list of bases, 20 to 60 KB each: built at their first use, gone with the list. */
export function combsOf(group: Group, bases: readonly Element[]): Combs {
  let some = combs.get(bases);
  if (some === undefined) {
    combs.set(bases, some = group.bulk?.combs(bases) ?? plainCombs(group, bases));
  }
  return some;
}

const multiples = new WeakMap<Group, SmallMultiples>();

/** Small multiples of a group's generator, shared by everyone in this thread. */
export function generatorMultiples(group: Group): SmallMultiples {
  let small = multiples.get(group);
  if (small === undefined) {
    multiples.set(group, small = new SmallMultiples(group, group.generator));
  }
  return small;
}
