/** MITIG1 with one master key: what any key opening any ciphertext gives the server.
 *
 * It stores all ciphertexts, and the keys of every step open all of them. So it holds
 *
 *   opened = [W1(t)]_t · Xᵀ        [rows, N], integers, rows = steps · units or as many as it cared to open
 *
 * and once more rows add nothing, their span is that of the pixels' columns: X up to one linear map, of rank² unknown
 * numbers whatever N is. The rank is exact, modulo a prime; the base of the space is float64.
 * @module */
import { dot } from "../../math/dense.ts";
import { independentRows } from "../../math/rank_mod.ts";
import { type TrainingView, visitsOf } from "./view.ts";

/** A view of MITIG1's server together with what its keys open beside their own batches. */
export interface SpanView extends TrainingView {
  /** `[rows, N]`, integers: W1(t)·x at the scheme's scale, of all samples 0 ≤ i < N, in the order of the keys: row
   * t·units + u is of step t and unit u. */
  readonly opened: Float64Array;
}

/** The space that the columns of X span over the images. */
export interface Span {
  /** N */
  readonly count: number;
  readonly rank: number;
  /** `[N, rank]`, orthonormal columns. */
  readonly base: Float64Array;
}

/** Joins a view and what was opened.
 * @throws {TypeError} not MITIG1's, samples that are not named 0 to N − 1, rows that do not fit. {RangeError} an entry
 * that is no integer. */
export function spanView(view: TrainingView, opened: Float64Array): SpanView {
  if (view.scheme !== "mitig1") {
    throw new TypeError(`Cannot build a span view: expected MITIG1's view, got ${view.scheme}`);
  }
  const names = visitsOf(view);
  const count = names.size;
  if (!Array.from({ length: count }, (_, i) => names.has(i)).every(Boolean)) {
    throw new TypeError(`Cannot build a span view: the samples are not named 0 to ${count - 1}`);
  }
  if (opened.length === 0 || opened.length % count !== 0) {
    throw new TypeError(
      `Cannot build a span view: opened has ${opened.length} entries, expected rows of ${count}`,
    );
  }
  const bad = opened.findIndex((value) => !Number.isSafeInteger(value));
  if (bad >= 0) {
    throw new RangeError(`Cannot build a span view: opened[${bad}] is ${opened[bad]}`);
  }
  return { ...view, opened };
}

/** The space, or why it does not follow: "too few steps", where each row still adds to it, or "too few images", where
 * it is all of R^N and says nothing. */
export function spanOf({ opened, units, steps }: SpanView): Span | string {
  const labels = new Set(steps.flatMap(({ samples }) => [...samples!]));
  const count = labels.size;
  const rows = opened.length / count;
  const moves = opened.slice(); // how W1 moved between steps, which is far smaller than W1: a better base
  for (let at = moves.length - 1; at >= units * count; at--) {
    moves[at] -= opened[at - units * count];
  }
  const independent = independentRows(moves, count);
  const rank = independent.length;
  if (rank === count) {
    return `too few images: ${count} images, and ${rank} independent rows are all that there can be`;
  }
  if (independent.at(-1) === rows - 1) {
    return `too few steps: the last of ${rows} opened rows still adds to the space`;
  }
  const columns = independent.map((row) => moves.slice(row * count, (row + 1) * count));
  return { count, rank, base: orthonormal(columns, 0) };
}

/** An orthonormal base of the span of vectors, by Gram and Schmidt, the longest rest first.
 * @param tolerance lengths of rests, relative to their vector's, that count as 0.
 * @returns `[length, rank]`. */
export function orthonormal(vectors: readonly Float64Array[], tolerance: number): Float64Array {
  const lengthOf = (v: Float64Array) => Math.sqrt(dot(v, v));
  const rests = vectors.map((v) => {
    const length = lengthOf(v);
    return v.map((value) => length > 0 ? value / length : 0);
  });
  const base: Float64Array[] = [];
  while (rests.length > 0) {
    const lengths = rests.map(lengthOf);
    const longest = lengths.indexOf(Math.max(...lengths));
    if (!(lengths[longest] > tolerance)) break;
    const [next] = rests.splice(longest, 1);
    for (const b of base) subtract(next, b); // once more, against rounding
    const length = lengthOf(next);
    base.push(next.map((value) => value / length));
    for (const rest of rests) subtract(rest, base.at(-1)!);
  }
  const out = new Float64Array(base.length * vectors[0].length);
  base.forEach((b, k) => b.forEach((value, i) => out[i * base.length + k] = value));
  return out;
}

function subtract(v: Float64Array, unit: Float64Array): void {
  const along = dot(v, unit);
  for (let i = 0; i < v.length; i++) v[i] -= along * unit[i];
}

/** The labels of the samples by name. @throws {TypeError} the client kept them. */
export function labelsByName({ steps }: TrainingView, count: number): Uint8Array {
  const all = new Uint8Array(count);
  for (const { samples, labels } of steps) {
    if (labels === null) throw new TypeError("Cannot align: the view has no labels");
    samples!.forEach((name, row) => all[name] = labels[row]);
  }
  return all;
}
