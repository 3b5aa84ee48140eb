/** The numbers of the kernel, and the constants that its field functions read from the memory: see `field.ts`.
 * @module */

/** Limbs of a number. */
export const LIMBS = 5;
/** Bits of a limb. */
export const LIMB_BITS = 51;
/** Bytes of a number: five limbs, two lanes. */
export const NUMBER = 16 * LIMBS;
/** The prime. */
export const P = 2n ** 255n - 19n;

/** Addresses of the constants: both lanes of one value, but for the rows of initial columns and for p. */
export const AT = {
  high: 0, // 1.5·2^103
  both: 16, // 1.5·2^103 + 1.5·2^52
  low: 32, // 1.5·2^52
  mask: 48, // 2^51 − 1
  exponent: 64, // 2^52, whose mantissa is a 52-bit integer
  offset: 80, // 2^52 + 2^50
  limb: 96, // 2^51
  perLimb: 112, // 2^−51
  fold: 128, // 19, a float
  foldInteger: 144, // 19
  columns: 160, // ten each: of a product to be carried, of one to be added to it, of a square
  p: 160 + 3 * 160, // its limbs, less the pattern of `low`
};
/** The first address that is free. */
export const FREE = AT.p + NUMBER;

/** 0 … count − 1. */
export const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The balanced limbs of an integer below 2^254 + 2^50 in absolute value. */
export function toLimbs(value: bigint): number[] {
  return range(LIMBS).map(() => {
    const limb = BigInt.asIntN(LIMB_BITS, value);
    value = (value - limb) >> BigInt(LIMB_BITS);
    return Number(limb);
  });
}

/** Writes the constants into the memory. */
export function writeConstants(memory: WebAssembly.Memory): void {
  const floats = new Float64Array(memory.buffer);
  const integers = new BigInt64Array(memory.buffer);
  const float = (at: number, value: number) => floats.fill(value, at / 8, at / 8 + 2);
  const integer = (at: number, value: bigint) =>
    integers.fill(BigInt.asIntN(64, value), at / 8, at / 8 + 2);
  const [high, low] = [1.5 * 2 ** 103, 1.5 * 2 ** 52];
  const bits = (value: number) => new BigInt64Array(Float64Array.of(value).buffer)[0];
  float(AT.high, high);
  float(AT.both, high + low);
  float(AT.low, low);
  integer(AT.mask, 2n ** 51n - 1n);
  float(AT.exponent, 2 ** 52);
  float(AT.offset, 2 ** 52 + 2 ** 50);
  float(AT.limb, 2 ** 51);
  float(AT.perLimb, 2 ** -51);
  float(AT.fold, 19);
  integer(AT.foldInteger, 19n);

  // Carries are taken by a shift that knows no sign, so 2^61 makes the columns positive; what it adds to the next
  // column is taken out there. Half a limb more rounds to nearest; `offset` takes it out.
  const bias = (k: number) => 2n ** 61n + 2n ** 50n - (k > 0 ? 1n : 19n) * 2n ** 10n;
  const [ofProduct, ofSquare] = [
    (k: number) => Math.max(0, Math.min(k + 1, 9 - k)),
    (k: number) => k < 0 || k > 8 ? 0 : Math.floor(Math.min(k, 8 - k) / 2) + 1,
  ];
  for (const [row, terms] of [ofProduct, ofProduct, ofSquare].entries()) {
    for (let k = 0; k < 10; k++) {
      const patterns = BigInt(terms(k)) * bits(low) + BigInt(terms(k - 1)) * bits(high);
      integer(AT.columns + 160 * row + 16 * k, (row !== 1 && k < LIMBS ? bias(k) : 0n) - patterns);
    }
  }
  const limbsOfP = [2n ** 51n - 19n, ...new Array<bigint>(4).fill(2n ** 51n - 1n)];
  limbsOfP.forEach((limb, k) => integer(AT.p + 16 * k, limb - bits(low)));
}
