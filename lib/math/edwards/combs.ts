/** Fixed bases times full scalars on the kernel: the combs of `../fixed_base.ts`.
 *
 * Tables are kept outside the kernel, 20 KB a base, and copied in two by two: each lane has a base of its own and both
 * the same digits, or both the same base and each a scalar of its own.
 * @module */
import { BLOCKS, combDigits, TEETH } from "../fixed_base.ts";
import type { Bulk, Combs, Element, Group } from "../prime_group.ts";
import { ENTRY, STEP } from "./walk.ts";
import { type Machine, REGION, type Wrapping } from "./machine.ts";

/** Entries of a block, the identity first. */
const COMB_BLOCK = 2 ** TEETH;
const COMB_BYTES = BLOCKS * COMB_BLOCK * ENTRY;

/** The steps that make a comb's table of the accumulator: powers, then their sums. */
function combSteps(columns: number): (readonly [number, number?])[] {
  const steps: (readonly [number, number?])[] = [];
  const entry = (block: number, digit: number) => (block * COMB_BLOCK + digit) * ENTRY;
  const add = (block: number, digit: number) => {
    steps.push([entry(block, digit), entry(block, digit)]);
  };
  for (let row = 0; row < TEETH; row++) {
    for (let block = 0; block < BLOCKS; block++) {
      steps.push([STEP.store, entry(block, 1 << row)]);
      for (let i = 0; i < columns / BLOCKS; i++) steps.push([STEP.double]);
    }
  }
  for (let block = 0; block < BLOCKS; block++) {
    steps.push([STEP.reset], [STEP.store, entry(block, 0)]);
    for (let digit = 3, last = 0; digit < COMB_BLOCK; digit++) {
      const top = 2 ** Math.floor(Math.log2(digit));
      if (digit === top) continue;
      if (last === digit - 1 && digit % 2 === 1) add(block, 1);
      else {
        steps.push([STEP.reset]);
        add(block, top);
        add(block, digit - top);
      }
      steps.push([STEP.store, entry(block, last = digit)]);
    }
  }
  return steps;
}

/** Prepares combs on a machine. */
export function compileCombs(
  machine: Machine,
  { wrap, limbsIn }: Wrapping,
  group: Pick<Group, "order">,
): Bulk["combs"] {
  const columns = combDigits(group, 0n).length;
  const buildComb = machine.loadWalk(combSteps(columns));

  /** The walk of a comb at `steps`, each lane with the digits of its scalar. */
  function putDigits(first: Uint8Array, second: Uint8Array, steps: number): void {
    const { words } = machine;
    const stride = columns / BLOCKS;
    let to = steps / 4;
    words[to] = STEP.reset;
    to += 2;
    for (let column = stride - 1; column >= 0; column--) {
      if (column < stride - 1) {
        words[to] = STEP.double;
        to += 2;
      }
      for (let block = 0; block < BLOCKS; block++) {
        const [a, b] = [first[block * stride + column], second[block * stride + column]];
        if (a === 0 && b === 0) continue;
        words[to++] = (block * COMB_BLOCK + a) * ENTRY;
        words[to++] = (block * COMB_BLOCK + b) * ENTRY;
      }
    }
    words[to] = STEP.end;
  }

  return (bases: readonly Element[]): Combs => {
    const [first, second, steps] = [REGION, REGION + COMB_BYTES, REGION + 2 * COMB_BYTES];
    const size = COMB_BYTES / 8;
    const room = 2 * COMB_BYTES + 8 * (2 * columns + 8);
    machine.reserve(room);
    const tables = new Float64Array(size * bases.length);
    /** Calls with each pair of bases, the last twice where they are odd. */
    const inPairs = (use: (i: number, j: number) => void) => {
      for (let i = 0; i < bases.length; i += 2) use(i, Math.min(i + 1, bases.length - 1));
    };
    inPairs((i, j) => {
      machine.setAccumulator(limbsIn(bases[i]), limbsIn(bases[j]));
      machine.walk(buildComb, first, second);
      tables.set(machine.floats.subarray(first / 8, first / 8 + size), i * size);
      if (j > i) tables.set(machine.floats.subarray(second / 8, second / 8 + size), j * size);
    });
    const put = (at: number, i: number) =>
      machine.floats.set(tables.subarray(i * size, (i + 1) * size), at / 8);
    return {
      multiply(scalar) {
        machine.reserve(room);
        const digits = combDigits(group, scalar);
        putDigits(digits, digits, steps);
        const out: Element[] = [];
        inPairs((i, j) => {
          put(first, i);
          put(second, j);
          machine.walk(steps, first, second);
          out.push(wrap(machine.accumulator(0)));
          if (j > i) out.push(wrap(machine.accumulator(1)));
        });
        return out;
      },
      powers(j, scalars) {
        machine.reserve(room);
        put(first, j);
        const digits = scalars.map((scalar) => combDigits(group, scalar));
        const out: Element[] = [];
        for (let k = 0; k < digits.length; k += 2) {
          putDigits(digits[k], digits[Math.min(k + 1, digits.length - 1)], steps);
          machine.walk(steps, first, first);
          out.push(wrap(machine.accumulator(0)));
          if (k + 1 < digits.length) out.push(wrap(machine.accumulator(1)));
        }
        return out;
      },
    };
  };
}
