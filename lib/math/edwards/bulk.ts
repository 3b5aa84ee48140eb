/** Many points at once on the kernel: sums of small multiples, combs, keys along a line.
 *
 * Tables of entries lie in the kernel's memory while a call lasts, at most TABLE_BYTES of them; a comb's are kept outside
 * (20 KB a base) and copied in two by two.
 * @module */
import { BLOCKS, combDigits, TEETH } from "../fixed_base.ts";
import type { Bulk, Combs, Element, Group } from "../prime_group.ts";
import type { compileCodec } from "./codec.ts";
import { ENTRY, POINT, STEP } from "./kernel.ts";
import { type Machine, REGION } from "./machine.ts";

/** Multiples of points that a sum keeps at a time; more points are summed in parts. */
const TABLE_BYTES = 2 ** 23;
/** Entries of a comb's table, the identity first in each block. */
const COMB_BLOCK = 2 ** TEETH;
const COMB_BYTES = BLOCKS * COMB_BLOCK * ENTRY;

/** How elements are wrapped. */
export interface Wrapping {
  readonly wrap: (limbs: Float64Array) => Element;
  readonly limbsIn: (element: Element) => Float64Array;
}

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

/** The digits of many integers, in [−2^(w−1), 2^(w−1)), least significant first.
 * @returns how many positions there are; digit j of value i is at place j·values.length + i. */
function splitDigits(values: Int32Array, window: number, digits: Int16Array): number {
  const [size, half] = [2 ** window, 2 ** (window - 1)];
  const rest = Float64Array.from(values);
  let positions = 0;
  for (let more = true; more; positions++) {
    more = false;
    for (let i = 0, to = positions * values.length; i < values.length; i++, to++) {
      const low = rest[i] & (size - 1);
      const digit = low < half ? low : low - size;
      digits[to] = digit;
      rest[i] = (rest[i] - digit) / size;
      if (rest[i] !== 0) more = true;
    }
  }
  return positions;
}

/** Prepares the bulk operations of a machine. */
export function compileBulk(
  machine: Machine,
  codec: ReturnType<typeof compileCodec>,
  { wrap, limbsIn }: Wrapping,
  group: Pick<Group, "order">,
): Omit<Bulk, "encode" | "decode"> {
  const IDENTITY = machine.allocate(ENTRY);
  const HALVES = machine.allocate(2 * ENTRY);
  machine.walk(machine.loadWalk([[STEP.reset], [STEP.store, IDENTITY]]));

  /** Puts the multiples 1 … `count` of each point at `tables`, and one table more. */
  function multiples(points: readonly Element[], count: number, tables: number, steps: number) {
    let to = steps / 4;
    const put = (...words: number[]) => words.forEach((word) => machine.words[to++] = word);
    put(STEP.store, 0);
    for (let d = 1; d < count; d++) put(0, 0, STEP.store, d * ENTRY);
    put(STEP.end, 0);
    const size = count * ENTRY;
    for (let i = 0; i < points.length; i += 2) {
      machine.setAccumulator(
        limbsIn(points[i]),
        limbsIn(points[Math.min(i + 1, points.length - 1)]),
      );
      machine.walk(steps, tables + i * size, tables + (i + 1) * size);
    }
  }

  /** Σ y_i·P_i over tables: half of the terms of each digit in each lane. Lane 1 counts from ENTRY. */
  function walkTerms(
    y: Int32Array,
    window: number,
    digits: Int16Array,
    tables: number,
    steps: number,
  ) {
    const { words } = machine;
    const size = 2 ** (window - 1) * ENTRY;
    let to = steps / 4;
    words[to++] = STEP.reset;
    words[to++] = 0;
    for (let j = splitDigits(y, window, digits) - 1; j >= 0; j--) {
      let lane = 0;
      for (let i = 0, at = j * y.length; i < y.length; i++, at++) {
        const digit = digits[at];
        if (digit === 0) continue;
        const multiple = digit > 0 ? digit * ENTRY : -digit * ENTRY + 1;
        words[to++] = tables + i * size - ENTRY + multiple - lane;
        lane = ENTRY - lane;
      }
      if (lane !== 0) words[to++] = IDENTITY - ENTRY;
      for (let k = j === 0 ? 0 : 2 * window; k > 0; k--) words[to++] = STEP.double;
    }
    // Both halves as entries; then lane 0 adds lane 1's.
    words.set(
      [STEP.store, HALVES, HALVES + ENTRY, IDENTITY - ENTRY, STEP.end, 0],
      to,
    );
    machine.walk(steps, 0, ENTRY);
    return wrap(machine.accumulator(0));
  }

  const sums: Bulk["sums"] = (points, vectors, window, onProgress) => {
    const count = 2 ** (window - 1);
    const part = Math.max(1, Math.floor(TABLE_BYTES / (count * ENTRY)));
    const positions = Math.ceil(33 / window) + 1;
    let totals: Element[] = vectors.map(() => wrap(identity));
    for (let from = 0; from < points.length; from += part) {
      const some = points.slice(from, from + part);
      const tables = REGION;
      const steps = tables + (some.length + 1) * count * ENTRY;
      const words = positions * (some.length + 2 + 2 * window) + 2 * count + 16;
      machine.reserve(steps - REGION + 4 * words);
      multiples(some, count, tables, steps);
      const digits = new Int16Array(positions * some.length);
      const last = from + part >= points.length;
      totals = totals.map((total, k) => {
        const y = vectors[k].subarray(from, from + some.length);
        const sum = walkTerms(y, window, digits, tables, steps);
        if (last) onProgress?.(k + 1, vectors.length);
        return from === 0 ? sum : total.add(sum);
      });
    }
    return totals;
  };
  machine.walk(machine.loadWalk([[STEP.reset]]));
  const identity = machine.accumulator(0);

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

  const combs = (bases: readonly Element[]): Combs => {
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

  /** k · element, by doublings. */
  function times(element: Element, k: number): Element {
    let sum = wrap(identity);
    for (const bit of k.toString(2)) {
      sum = sum.double();
      if (bit === "1") sum = sum.add(element);
    }
    return sum;
  }

  const multiplesKeys: Bulk["multiplesKeys"] = (element) => {
    let next = element;
    let leap: Element;
    let leapt = 0; // leap = leapt · element
    return (count) => {
      const half = Math.ceil(count / 2); // each lane takes one half
      if (half !== leapt) [leap, leapt] = [times(element, half), half];
      const middle = next.add(leap);
      const entry = REGION + POINT * (half + 1);
      const steps = entry + ENTRY;
      machine.reserve(steps - REGION + 16 * half + 32);
      machine.words.set([STEP.store, entry, STEP.end, 0], steps / 4);
      machine.setAccumulator(limbsIn(element));
      machine.walk(steps);
      for (let i = 0; i < half; i++) {
        machine.words.set([STEP.emit, 0, entry, entry], steps / 4 + 4 * i);
      }
      machine.words[steps / 4 + 4 * half] = STEP.end;
      machine.setAccumulator(limbsIn(next), limbsIn(middle));
      machine.walk(steps, 0, 0, REGION + POINT);
      next = count === 2 * half ? wrap(machine.accumulator(1)) : next.add(times(element, count));
      return codec.keysInRegion(half, count);
    };
  };

  return { sums, combs, multiplesKeys };
}
