/** Bounded signed discrete logarithms: given z·g with |z| ≤ bound, find z.
 *
 * Baby-step giant-step. The table covers z ∈ [−m, m] (one entry for ±i); giant steps of 2m + 1 go outward
 * from 0, because the z1 of real networks lie near 0. Many elements are solved together, so that one
 * inversion normalises a few hundred of them. Each hit is confirmed by equality in the group: neither a
 * colliding fingerprint nor a damaged table can yield a wrong number.
 *
 * ```ts
 * import { solveMany } from "lib/math/dlog.ts";
 * import { group } from "lib/math/group.ts";
 *
 * const G = group("ristretto255");
 * const [z] = solveMany(G, [G.multiply(G.generator, -42n)], 1000);
 * if (z !== -42) throw new Error(`z = ${z}`);
 * ```
 * @module */
import { generatorMultiples } from "./fixed_base.ts";
import {
  buildTable,
  type DlogTable,
  loadTable,
  lookup,
  saveTable,
  tableEntries,
} from "./dlog_table.ts";
import type { Element, Group } from "./group.ts";

const tables = new Map<string, DlogTable>();

/** The table for a range, from memory, else from the cache, else built (and then cached). Yields the
 * number of entries done while it builds. */
function* tableFor(group: Group, bound: number): Generator<number, DlogTable> {
  const entries = tableEntries(bound);
  const name = `${group.name}-${entries}`;
  let table = tables.get(name) ?? loadTable(group, entries);
  if (table === null) {
    table = yield* buildTable(group, entries);
    saveTable(group, table);
  }
  tables.set(name, table);
  return table;
}

/** Builds or loads the table for a range ahead of time; `solveMany` would do so on first use, but without
 * progress and without a way to stop.
 * @throws the signal's reason, once aborted; nothing is kept then. */
export async function prepareDlog(
  group: Group,
  bound: number,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<void> {
  let breath = performance.now();
  for (const done of tableFor(group, bound)) {
    options.onProgress?.(done, tableEntries(bound));
    if (performance.now() - breath > 50) { // lets timers and the stop button through
      await new Promise((resolve) => setTimeout(resolve));
      breath = performance.now();
    }
    options.signal?.throwIfAborted();
  }
}

/** Elements in one normalisation: enough to make the inversion cheap. */
const BATCH = 512;

/** z for every element z·g; NaN where none is in [−bound, bound]: a foreign key, or a result outside the range.
 * @param look called now and then: what it throws ends the search. */
export function solveMany(
  group: Group,
  elements: readonly Element[],
  bound: number,
  look: () => void = () => {},
): Float64Array {
  const steps = tableFor(group, bound);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const table = step.value;
  const generator = generatorMultiples(group);
  const stride = 2 * table.entries + 1;
  const giant = generator.multiply(stride);
  const giantBack = giant.negate();
  const out = new Float64Array(elements.length).fill(NaN);

  /** i with element = i·g and |i| ≤ m, if the table knows its key; NaN otherwise. */
  const babyStep = (element: Element, key: number): number => {
    if (key === 0 && group.equals(element, group.identity)) return 0;
    let sign = 1;
    const index = lookup(table, key, (i) => {
      const multiple = generator.multiply(i);
      sign = group.equals(element, multiple) ? 1 : -1;
      return sign === 1 || group.equals(element, multiple.negate());
    });
    return index < 0 ? NaN : sign * index;
  };

  /** Looks up a batch of probes element_j − offset·g; notes what it finds. */
  const probe = (batch: { of: number; offset: number; element: Element }[]): void => {
    const keys = group.keys(batch.map(({ element }) => element));
    batch.forEach(({ of, offset, element }, i) => {
      if (!Number.isNaN(out[of])) return;
      const z = offset + babyStep(element, keys[i]);
      if (Math.abs(z) <= bound) out[of] = z;
    });
  };

  probe(elements.map((element, of) => ({ of, offset: 0, element })));
  let pending = elements
    .map((element, of) => ({ of, below: element, above: element }))
    .filter(({ of }) => Number.isNaN(out[of]));
  const lastStep = Math.ceil(Math.max(0, bound - table.entries) / stride);
  for (let k = 1; k <= lastStep && pending.length > 0;) {
    const until = Math.min(lastStep, k + Math.floor(BATCH / (2 * pending.length)));
    const batch = [];
    for (; k <= until; k++) {
      for (const walk of pending) {
        walk.below = walk.below.add(giantBack);
        walk.above = walk.above.add(giant);
        batch.push({ of: walk.of, offset: k * stride, element: walk.below });
        batch.push({ of: walk.of, offset: -k * stride, element: walk.above });
      }
    }
    probe(batch);
    look();
    pending = pending.filter(({ of }) => Number.isNaN(out[of]));
  }
  return out;
}
