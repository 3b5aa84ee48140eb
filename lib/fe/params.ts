/** The public parameters of an inner-product scheme, what a vector must satisfy under them, and the error of
 * a decryption that finds nothing.
 * @module */
import type { Group } from "../math/group.ts";

/** What every scheme's parameters bound. */
export interface Bounds {
  /** Length of x and y. */
  readonly n: number;
  /** |x_i| ≤ boundX. */
  readonly boundX: number;
  /** |y_i| ≤ boundY. */
  readonly boundY: number;
}

/** Parameters of the DDH scheme: fixed by the authority, part of every key and ciphertext. */
export interface IpfeParams extends Bounds {
  readonly group: Group;
  /** 1 (the default): selectively secure; 2: adaptively. See `ipfe.ts`. */
  readonly masks?: 1 | 2;
}

/** No result in [−range, range]: a key of another authority, or an x or y over its bound. */
export class DlogNotFoundError extends Error {
  override readonly name = "DlogNotFoundError";
  /** Which of the keys failed, from 0. */
  readonly index: number;

  /** @param index of the key that failed, among `total`.   @param what it would have opened. */
  constructor(range: number, index: number, total: number, what = "inner product") {
    const which = total > 1 ? ` (index ${index} of ${total})` : "";
    super(`Cannot decrypt: no ${what} in [-${range}, ${range}]${which}`);
    this.index = index;
  }
}

/** Beyond this the discrete logarithm takes seconds per inner product. */
export const MAX_RANGE = 2 ** 40;
const INT32_MAX = 2 ** 31 - 1;

/** The discrete-log range: |⟨x, y⟩| ≤ n · boundX · boundY. */
export function rangeOf(pp: Bounds): number {
  return pp.n * pp.boundX * pp.boundY;
}

/** A copy of the parameters with group and bounds only, checked.
 * @throws {RangeError} n or a bound is not a positive int32, or the range exceeds 2^40. */
export function checkParams<P extends Bounds & { readonly group: unknown }>(
  action: string,
  pp: P,
): Pick<P, "group" | keyof Bounds> {
  const { group, n, boundX, boundY } = pp;
  for (const [name, value] of Object.entries({ n, boundX, boundY })) {
    if (!Number.isInteger(value) || value < 1 || value > INT32_MAX) {
      throw new RangeError(`Cannot ${action}: ${name} ${value} is not an integer in [1, 2^31 - 1]`);
    }
  }
  const range = rangeOf(pp);
  if (range > MAX_RANGE) {
    throw new RangeError(
      `Cannot ${action}: n·boundX·boundY = ${range} exceeds 2^40, the largest range to decrypt`,
    );
  }
  return { group, n, boundX, boundY };
}

/** A copy of a vector, checked.
 * @throws {TypeError} its length is not n.
 * @throws {RangeError} an entry is no integer (NaN too) or |entry| > bound. */
export function checkVector(
  action: string,
  name: string,
  values: ArrayLike<number>,
  n: number,
  bound: number,
): Int32Array {
  if (values.length !== n) {
    throw new TypeError(`Cannot ${action}: ${name} has length ${values.length}, expected ${n}`);
  }
  for (let i = 0; i < n; i++) {
    if (!Number.isInteger(values[i]) || Math.abs(values[i]) > bound) {
      throw new RangeError(
        `Cannot ${action}: ${name}[${i}] = ${values[i]} is not an integer in [-${bound}, ${bound}]`,
      );
    }
  }
  return Int32Array.from(values);
}

/** Refuses to mix parameters. @throws {TypeError} a key and a ciphertext of different ones. */
export function checkSameParams<
  P extends Bounds & { readonly group: { readonly name: string }; readonly masks?: number },
>(key: P, ciphertext: P): void {
  const [ofKey, ofCiphertext] = [key, ciphertext].map(({ group, n, boundX, boundY, masks = 1 }) =>
    `${group.name}, n = ${n}, boundX = ${boundX}, boundY = ${boundY}` +
    (masks > 1 ? `, ${masks} masks` : "")
  );
  if (ofKey !== ofCiphertext) {
    throw new TypeError(
      `Cannot decrypt: the key is for (${ofKey}), the ciphertext for (${ofCiphertext})`,
    );
  }
}
