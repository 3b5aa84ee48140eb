/** The samples of a batch under quadratic encryption: who holds which columns, and how they encrypt them. The
 * scheme and what it opens: `qfe_gradient.ts`.
 *
 * A sample is u_i = (x_i, 1, y_i): n features, the bias's constant, the label. The authority draws s and t for all
 * columns; `sliceKey` gives a party of a vertical split those of its own. Parties share a mask (γ, W), encrypt
 * their columns apart, and the aggregator joins them.
 *
 * **Who may work with whom.** The mask is the parties' secret: W taken off, an element holds u_ik itself, which is
 * small enough to be searched for. So the aggregator alone learns what its keys open; together with any one party
 * it reads every column.
 * @module */
import type { G1, G2, PairingGroup } from "../math/pairing/group.ts";
import { randomNonZero, type Rng, secureRng } from "../math/rng.ts";
import { type Bounds, checkParams } from "./params.ts";
import { drawMask, type Mask, times2 } from "./qfe_mask.ts";

/** Public parameters of a batch: part of every key and ciphertext. */
export interface BatchParams extends Bounds {
  readonly group: PairingGroup;
  /** Features of a sample, its columns 0 … n − 1, |u_ij| ≤ boundX. Column n is the bias's constant, within boundX
   * too; column n + 1 the label, within boundY. */
  readonly n: number;
  /** Samples B. */
  readonly batch: number;
}

/** Columns from … to − 1 of a batch, one party's or all. */
export interface Columns {
  readonly pp: BatchParams;
  readonly from: number;
  readonly to: number;
}

/** The secrets of some columns of a batch: a party's, to encrypt them, or all, which the authority derives keys
 * from. */
export interface ColumnsKey extends Columns {
  /** For each column j ≤ n of it, B scalars. */
  readonly s: readonly (readonly bigint[])[];
  /** For each column of it, B scalars. */
  readonly t: readonly (readonly bigint[])[];
}

/** Some encrypted columns of a batch, or all. */
export interface BatchCiphertext extends Columns {
  /** [γ]₂. */
  readonly ct0: G2;
  /** For each column j ≤ n of it, 2B elements: the first row of W⁻ᵀ·(u_ij, −s_ij) for all i, then the second. */
  readonly a: readonly (readonly G1[])[];
  /** For each column of it, 2B elements: the first row of W·(u_ik, γ·t_ik) for all i, then the second. */
  readonly b: readonly (readonly G2[])[];
}

/** n features, the bias's constant, the label. */
export const columnsOf = (n: number): number => n + 2;

/** |u_ik| of a column is at most this. */
export const boundOf = ({ n, boundX, boundY }: BatchParams, k: number): number =>
  k <= n ? boundX : boundY;

/** Columns that a gradient has a coordinate for, among from … to − 1: all but the label. */
export const inputsOf = ({ pp: { n }, from, to }: Columns): number =>
  Math.max(0, Math.min(to, n + 1) - from);

/** A copy of the parameters, checked. @throws {RangeError} as `setupBatch`. */
export function checkBatchParams(action: string, pp: BatchParams): BatchParams {
  const checked = checkParams(action, pp);
  const { batch } = pp;
  if (!Number.isInteger(batch) || batch < 1 || batch >= 2 ** 31) {
    throw new RangeError(
      `Cannot ${action}: batch ${batch} is not an integer in [1, 2^31 - 1]`,
    );
  }
  return { ...checked, batch };
}

/** Draws the secrets of one batch. (Authority) Those of a training need not be kept: give every batch a stream
 * of its own, `expandedRng(secret, name)`.
 * @throws {RangeError} n, the batch or a bound is no positive integer, or n·boundX·boundY exceeds 2^40. */
export function setupBatch(pp: BatchParams, rng: Rng = secureRng()): ColumnsKey {
  pp = checkBatchParams("set up", pp);
  const { n, batch, group: { order } } = pp;
  const draw = (columns: number) =>
    Array.from({ length: columns }, () => randomNonZero(order, rng, batch));
  return { pp, from: 0, to: columnsOf(n), s: draw(n + 1), t: draw(columnsOf(n)) };
}

/** The secrets of columns from … to − 1, which let their party encrypt them. (Authority)
 * @throws {RangeError} no columns, or columns that the key does not have. */
export function sliceKey(msk: ColumnsKey, from: number, to: number): ColumnsKey {
  if (
    !(Number.isInteger(from) && Number.isInteger(to) && msk.from <= from && from < to &&
      to <= msk.to)
  ) {
    throw new RangeError(
      `Cannot slice a key: columns [${from}, ${to}) are not within [${msk.from}, ${msk.to})`,
    );
  }
  const [first, last] = [from - msk.from, to - msk.from];
  return { pp: msk.pp, from, to, s: msk.s.slice(first, last), t: msk.t.slice(first, last) };
}

/** Draws the γ and W that all parties of a batch share, and the aggregator must not see. (Client) */
export function drawBatchMask(pp: BatchParams, rng: Rng = secureRng()): Mask {
  return drawMask(pp.group.order, rng);
}

/** Encrypts some columns of a batch under the mask that its parties share. (Client) Once under each mask: nothing is drawn
 * here, so the same columns give the same bytes, and two encryptions show which values moved.
 * @param u B rows of to − from integers.
 * @throws {TypeError} another number of rows, or a row of another length. {RangeError} an entry over its column's
 * bound or no integer. */
export function encryptColumns(
  key: ColumnsKey,
  mask: Mask,
  u: readonly ArrayLike<number>[],
): BatchCiphertext {
  const { pp, from, to, s, t } = key;
  const { group: { order, ...group } } = pp;
  checkColumns(key, u);
  /** Both rows of the pairs, the first before the second. */
  const rows = (
    pairs: readonly [bigint, bigint][],
  ) => [...pairs.map(([first]) => first), ...pairs.map(([, second]) => second)];
  const column = (k: number) => u.map((row) => BigInt(row[k]));
  const a = s.map((scalars, j) =>
    group.powersG1(rows(column(j).map((x, i) => times2(mask.dual, x, -scalars[i], order))))
  );
  const b = t.map((scalars, k) =>
    group.powersG2(rows(column(k).map((x, i) => times2(mask.w, x, mask.gamma * scalars[i], order))))
  );
  return { pp, from, to, ct0: group.powersG2([mask.gamma])[0], a, b };
}

/** Refuses columns that cannot be encrypted. @throws as {@linkcode encryptColumns}. */
export function checkColumns(columns: Columns, u: readonly ArrayLike<number>[]): void {
  const { batch } = columns.pp;
  if (u.length !== batch) {
    throw new TypeError(`Cannot encrypt: ${u.length} samples, expected a batch of ${batch}`);
  }
  u.forEach((row, i) => checkSample(columns, row, i));
}

function checkSample({ pp, from, to }: Columns, row: ArrayLike<number>, i: number): void {
  if (row.length !== to - from) {
    throw new TypeError(`Cannot encrypt: u[${i}] has length ${row.length}, expected ${to - from}`);
  }
  for (let k = 0; k < row.length; k++) {
    const bound = boundOf(pp, from + k);
    if (!Number.isInteger(row[k]) || Math.abs(row[k]) > bound) {
      throw new RangeError(
        `Cannot encrypt: u[${i}][${k}] = ${row[k]} is not an integer in [-${bound}, ${bound}]`,
      );
    }
  }
}

/** Encrypts a batch whose columns are all here. (Client)
 * @param u B rows of n + 2 integers: features, the bias's constant, the label.
 * @throws as `encryptColumns`. */
export function encryptBatch(
  msk: ColumnsKey,
  u: readonly ArrayLike<number>[],
  rng: Rng = secureRng(),
): BatchCiphertext {
  return encryptColumns(msk, drawBatchMask(msk.pp, rng), u);
}

/** Puts the columns of a batch together. (Aggregator)
 * @throws {TypeError} parts of different parameters or masks, columns that are missing or there twice. */
export function joinColumns(parts: readonly BatchCiphertext[]): BatchCiphertext {
  const sorted = parts.toSorted((first, second) => first.from - second.from);
  if (sorted.length === 0) throw new TypeError("Cannot join: no columns");
  const [{ pp, ct0 }] = sorted;
  let next = 0;
  for (const part of sorted) {
    checkSameBatch("join", "columns", part.pp, "other columns", pp);
    if (part.from !== next) {
      const state = part.from > next ? `are missing` : `are there twice`;
      const [low, high] = [next, part.from].toSorted((a, b) => a - b);
      throw new TypeError(`Cannot join: columns [${low}, ${high}) ${state}`);
    }
    if (pp.group.encodeG2(part.ct0).toHex() !== pp.group.encodeG2(ct0).toHex()) {
      throw new TypeError(
        `Cannot join: columns [${part.from}, ${part.to}) were encrypted under another γ`,
      );
    }
    next = part.to;
  }
  const joined = {
    ...{ pp, from: 0, to: next, ct0 },
    a: sorted.flatMap(({ a }) => a),
    b: sorted.flatMap(({ b }) => b),
  };
  checkComplete("join", joined);
  return joined;
}

/** Refuses a slice. @throws {TypeError} columns are missing. */
export function checkComplete(action: string, { pp, from, to }: Columns): void {
  const columns = columnsOf(pp.n);
  if (from === 0 && to === columns) return;
  throw new TypeError(`Cannot ${action}: only columns [${from}, ${to}) of ${columns} are here`);
}

/** Refuses to mix parameters. @throws {TypeError} different ones. */
export function checkSameBatch(
  action: string,
  what: string,
  first: BatchParams,
  other: string,
  second: BatchParams,
): void {
  const [one, two] = [first, second].map(({ group, n, batch, boundX, boundY }) =>
    `${group.name}, n = ${n}, batch = ${batch}, boundX = ${boundX}, boundY = ${boundY}`
  );
  if (one !== two) {
    throw new TypeError(`Cannot ${action}: ${what} are for (${one}), ${other} for (${two})`);
  }
}
