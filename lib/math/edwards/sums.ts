/** Σ y_i·P_i on the kernel, for many vectors of small signed y over the same points: see `../msm.ts`.
 *
 * Each point has a table of its multiples 1 … 2^(w − 1) in the kernel's memory. Points are summed in parts, whose tables
 * stay in the cache: a seventh faster at n = 784 than all at once. A walk doubles w times between the digits; of the terms of a digit every other is
 * lane 1's, so the lanes hold two halves of the sum until its end.
 * @module */
import type { Bulk, Element } from "../prime_group.ts";
import { ENTRY, STEP } from "./walk.ts";
import { type Machine, REGION, type Wrapping } from "./machine.ts";

/** What the tables of a part take: what a core's own cache holds. 204 points at 32 multiples each. */
const TABLE_BYTES = 2 ** 20;
/** Points of a part at least, so that its doublings stay a small part of the work: 8 MB at the widest window. */
const LEAST_POINTS = 100;

/** The digits of many integers, in [−2^(w−1), 2^(w−1)), least significant first.
 * @returns how many positions there are; digit j of value i is at place j·values.length + i. */
function splitDigits(values: Int32Array, window: number, digits: Int16Array): number {
  const rest = values.slice();
  let positions = 0;
  for (let more = -1; more !== 0; positions++) {
    more = 0;
    for (let i = 0, to = positions * rest.length; i < rest.length; i++, to++) {
      const low = rest[i] & ((1 << window) - 1);
      const carry = low >>> (window - 1);
      digits[to] = low - (carry << window);
      more |= rest[i] = (rest[i] >> window) + carry;
    }
  }
  return positions;
}

/** Prepares sums on a machine. */
export function compileSums(machine: Machine, { wrap, limbsIn }: Wrapping): Bulk["sums"] {
  const HALVES = machine.allocate(2 * ENTRY);

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
      if (lane !== 0) words[to++] = machine.identityEntry - ENTRY;
      for (let k = j === 0 ? 0 : 2 * window; k > 0; k--) words[to++] = STEP.double;
    }
    // Both halves as entries; then lane 0 adds lane 1's.
    words.set(
      [STEP.store, HALVES, HALVES + ENTRY, machine.identityEntry - ENTRY, STEP.end, 0],
      to,
    );
    machine.walk(steps, 0, ENTRY);
    return wrap(machine.accumulator(0));
  }

  return (points, vectors, window, onProgress) => {
    const count = 2 ** (window - 1);
    const part = Math.max(LEAST_POINTS, Math.floor(TABLE_BYTES / (count * ENTRY)));
    const positions = Math.ceil(33 / window) + 1;
    let totals: Element[] = vectors.map(() => wrap(machine.identity));
    for (let from = 0; from < points.length; from += part) {
      const some = points.slice(from, from + part);
      const tables = REGION;
      const steps = tables + (some.length + 1) * count * ENTRY;
      const words = positions * (some.length + 2 + 2 * window) + 2 * count + 16;
      const build = () => {
        const turn = machine.reserve(steps - REGION + 4 * words);
        multiples(some, count, tables, steps);
        return turn;
      };
      let turn = build();
      const digits = new Int16Array(positions * some.length);
      const last = from + part >= points.length;
      totals = totals.map((total, k) => {
        const y = vectors[k].subarray(from, from + some.length);
        if (turn !== machine.turn) turn = build(); // onProgress has used the kernel
        const sum = walkTerms(y, window, digits, tables, steps);
        if (last) onProgress?.(k + 1, vectors.length);
        return from === 0 ? sum : total.add(sum);
      });
    }
    return totals;
  };
}
