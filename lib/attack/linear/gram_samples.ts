/** The samples of a batch from their exact inner products, sample by sample, up to order.
 *
 * The columns of a batch of B samples (each feature, the ones, the labels' signs) are n + 2 vectors of Z^B whose inner
 * products are known. Where they generate Z^B, a reduced basis of their lattice is orthonormal, and so made of the unit
 * vectors e_i of Z^B, up to sign: there are no others. ⟨e_i, column j⟩ is feature j of sample i, and the sign is that
 * of ⟨e_i, ones⟩ = ±1.
 *
 * - Equal samples: m of them give one vector v of square m with ⟨v, ones⟩ = m, their sum. Whole numbers v_i with
 *   Σ v_i² = Σ v_i are 0 or 1, so no other vector looks like it.
 * - A lattice of index k > 1 in Z^B, as n + 2 − B gets small: every integral lattice around it of index k is tried
 *   (`overlattice.ts`). Exactly one that is orthonormal, with ones and labels of ±1, is the batch; two are no proof.
 *
 * As many samples as columns, or more, leave a lattice of large index or small rank: their rows are not found here. That
 * is no proof that their inner products do not determine them.
 * @module */
import { type ReducedGram, reduceGram } from "../../math/lll.ts";
import { overlattices } from "../../math/overlattice.ts";
import type { FoundSample } from "./recovery.ts";

/** Reductions that one batch may take. */
const MOST_LATTICES = 256;

/** What inner products say of a batch. */
export interface GramSamples {
  /** Samples that are proven; all of the batch where `why` is null. */
  readonly samples: readonly FoundSample[];
  readonly why: string | null;
}

/** Finds samples from their columns' inner products.
 * @param gram `[n + 2, n + 2]` integers: n features, ones, labels over |label|.   @param size B.
 * @throws as `reduceGram`. */
export function samplesFromGram(
  gram: Float64Array,
  { n, label, size }: { readonly n: number; readonly label: number; readonly size: number },
): GramSamples {
  const columns = n + 2;
  const lattice = reduceGram(gram, { m: columns, carry: gram });
  if (lattice.status !== "reduced") return { samples: [], why: "the reduction did not end" };
  const found = scaled(pinned(lattice, { n, size }), label);
  if (found.length === size) return { samples: found, why: null };
  const open = {
    samples: found,
    why: `${columns} columns generate ${lattice.rank} dimensions of ${size}`,
  };
  if (lattice.rank < size) return open;
  const { batches, complete } = batchesAround(lattice, { n, size });
  if (complete && batches.length === 1) return { samples: scaled(batches[0], label), why: null };
  const unproven = complete ? `${batches.length} batches fit` : "too many to try lie around them";
  return { ...open, why: `${columns} columns generate less than all of Z^${size}: ${unproven}` };
}

const scaled = (samples: readonly FoundSample[], label: number) =>
  samples.map(({ x, y }) => ({ x, y: y * label }));

/** The samples that vectors of the basis prove, their labels ±1: those of unit vectors; and where all vectors are
 * orthogonal sums of equal samples that make up the batch, all of it. */
function pinned(
  { gram, carried, rank }: ReducedGram,
  { n, size }: { n: number; size: number },
): FoundSample[] {
  const singles: FoundSample[] = [];
  const all: FoundSample[] = [];
  let sums = true;
  for (let i = 0; i < rank; i++) {
    const square = gram[i * rank + i];
    const row = carried.subarray(i * (n + 2), (i + 1) * (n + 2));
    const values = Array.from(row, (value) => value / row[n]);
    const sample = { x: values.slice(0, n), y: values[n + 1] };
    const alone = gram.subarray(i * rank, (i + 1) * rank).every((g, j) => j === i || g === 0);
    const sum = Math.abs(row[n]) === square && Math.abs(sample.y) === 1;
    sums &&= sum && alone;
    if (sum && square === 1) singles.push(sample);
    for (let copy = 0; copy < square && sums; copy++) all.push(sample);
  }
  return sums && all.length === size ? all : singles;
}

/** The different batches of the lattices around this one, and whether all of those were tried. */
function batchesAround(
  lattice: ReducedGram,
  { n, size }: { n: number; size: number },
): { batches: FoundSample[][]; complete: boolean } {
  const batches = new Map<string, FoundSample[]>();
  const queue = [lattice];
  let complete = true;
  for (let tried = 0; queue.length > 0 && tried < MOST_LATTICES; tried++) {
    const around = overlattices(queue.shift()!, { characteristic: [n, n + 1] });
    complete &&= around.complete;
    for (const wider of around.lattices) {
      const samples = pinned(wider, { n, size });
      if (samples.length < size) queue.push(wider);
      else batches.set(samples.map(({ x, y }) => [...x, y].join()).sort().join(";"), samples);
    }
  }
  return { batches: [...batches.values()], complete: complete && queue.length === 0 };
}
