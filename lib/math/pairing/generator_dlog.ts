/** Bounded signed discrete logarithms to the one fixed base e(g1, g2): given g_T^z with |z| ≤ bound, find z.
 *
 * Quadratic encryption ends in powers of this base whatever the key, so baby steps are worth keeping, as for the
 * groups of `math/dlog.ts`: the table covers z ∈ [−m, m], then giant steps of 2m + 1 go outward on both sides at
 * once. m grows with the bound up to 2^18: half a second to build on the kernel, |z| = 10^6 in a millisecond,
 * 2·10^9 in 20 ms. Each hit is confirmed by a power of the base: no wrong number can be returned.
 *
 * Keys are a backend's own, so the file of a table names it; a table that another kernel wrote is built again.
 * For a base that changes from search to search see `solveGT`.
 * @module */
import {
  type DlogTable,
  fillTable,
  loadTable,
  lookup,
  saveTable,
  tableEntries,
} from "../dlog_table.ts";
import { type GT, type PairingGroup, powerGT } from "./group.ts";

const MAX_ENTRIES = 2 ** 18;
/** Giant steps at once: few at first, since most results are near 0. */
const FIRST_CHUNK = 32;
const LAST_CHUNK = 512;

const generators = new WeakMap<PairingGroup, GT>();

/** g_T = e(g1, g2). */
export function generatorGT(group: PairingGroup): GT {
  let generator = generators.get(group);
  if (generator === undefined) {
    const pair = { g1: group.powersG1([1n]), g2: group.prepare(group.powersG2([1n])) };
    [generator] = group.pairingProducts([pair]);
    generators.set(group, generator);
  }
  return generator;
}

/** Keys of g_T^1, g_T^2, …, 1024 at a time. */
function keysFrom(group: PairingGroup): (count: number) => Float64Array {
  const generator = generatorGT(group);
  let from = 1;
  return (count) => {
    const half = Math.ceil(count / 2); // two orbits side by side
    const starts = [from, from + half].map((k) => powerGT(group, generator, k)) as [GT, GT];
    const [low, high] = group.orbits(starts, [generator, generator], half);
    from += count;
    const keys = new Float64Array(2 * half);
    keys.set(low);
    keys.set(high, half);
    return keys.subarray(0, count);
  };
}

const tables = new WeakMap<PairingGroup, DlogTable>();

/** A table that is large enough: the one in memory, else from the cache, else built and then cached. */
function tableFor(group: PairingGroup, bound: number): DlogTable {
  const entries = Math.min(tableEntries(bound), MAX_ENTRIES);
  const held = tables.get(group);
  if (held !== undefined && held.entries >= entries) return held;
  const owner = { name: `${group.name}-gt-${group.backend}`, id: group.id };
  const next = keysFrom(group);
  let table = loadTable(owner, entries);
  if (table === null || lookup(table, next(1)[0], (i) => i === 1) !== 1) {
    const steps = fillTable(entries, keysFrom(group));
    let step = steps.next();
    while (!step.done) step = steps.next();
    saveTable(owner, table = step.value);
  }
  tables.set(group, table);
  return table;
}

/** The z in [−bound, bound] with target = g_T^z, or null: a foreign key, or a result outside the range. */
export function solveGenerator(group: PairingGroup, target: GT, bound: number): number | null {
  const table = tableFor(group, bound);
  const generator = generatorGT(group);
  const stride = 2 * table.entries + 1;
  const giant = powerGT(group, generator, stride);
  const giants: [GT, GT] = [group.invert(giant), giant];
  const one = group.multiply(giant, giants[0]);
  const [[keyOfOne]] = group.orbits([one, one], giants, 1);
  const lastStep = Math.ceil(Math.max(0, bound - table.entries) / stride);

  /** z, if it is one of offset ± i for an i that the table proposes. */
  const search = (offset: number, key: number): number | undefined => {
    let z: number | undefined;
    const accept = (i: number) => {
      z = [offset + i, offset - i].find((e) => group.equal(powerGT(group, generator, e), target));
      return z !== undefined;
    };
    if (key === keyOfOne) accept(0); // which the table leaves out
    if (z === undefined) lookup(table, key, accept);
    return z;
  };

  for (let k = 0, chunk = FIRST_CHUNK; k <= lastStep; k += chunk) {
    if (k > 0 && chunk < LAST_CHUNK) chunk *= 2;
    const count = Math.min(chunk, lastStep + 1 - k);
    const starts = giants.map((step) => group.multiply(target, powerGT(group, step, k)));
    const keys = group.orbits(starts as [GT, GT], giants, count);
    for (let i = 0; i < count; i++) {
      const offset = (k + i) * stride;
      const z = search(offset, keys[0][i]) ?? search(-offset, keys[1][i]);
      if (z !== undefined) return Math.abs(z) <= bound ? z : null;
    }
  }
  return null;
}
