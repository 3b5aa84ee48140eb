/** GF(2^255 − 19), two elements at a time, in WebAssembly with relaxed SIMD: the functions of the kernel that
 * compute in the field.
 *
 * A number is five limbs of 51 bits, balanced, each a float64, two numbers side by side in a v128. A product of
 * limbs is split as in `../pairing/kernel.ts`: the fused h = a·b + 1.5·2^103 holds the high part in its mantissa,
 * l = a·b + (1.5·2^103 + 1.5·2^52 − h) the low part, both exactly; their bit patterns are summed as integers in
 * ten columns, whose initial values take the patterns of the two constants out again. Since 2^255 = 19 in the
 * field, column k + 5 counts 19 times in column k.
 *
 * Bounds: _normal_ numbers, the results of all functions here, have limbs within 2^50 + 2^15. A factor is normal
 * or the sum of two normal numbers limb by limb, one factor of a product at most such a sum. So a product of limbs
 * stays below 2^102, where the split ends, and a folded column below 20·5·2^51 < 2^58, two of them below 2^59.
 * @module */
import { again, type Code, i32, local, loop, v128, type WasmFunction } from "../pairing/emit.ts";

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

const { get, set, tee } = local;
/** 0 … count − 1. */
export const range = (count: number) => Array.from({ length: count }, (_, i) => i);

const constant = (at: number): Code => [i32.const(0), v128.load(at)];
const load = (pointer: number, limb: number): Code => [get(pointer), v128.load(16 * limb)];

/** Where the functions lie in the module. */
export const FUNCTIONS = {
  product: 0,
  pair: 1,
  squares: 2,
  add: 3,
  subtract: 4,
  freeze: 5,
} as const;

type Columns = readonly number[];

/** column[k] += low part of a·b, column[k + 1] += high part. */
const multiplyAdd = (a: Code, b: Code, k: number, column: Columns, product: number): Code => [
  [a, b, get(product + 1), v128.madd, tee(product)],
  [get(column[k + 1]), v128.add, set(column[k + 1])],
  [a, b, get(product + 2), get(product), v128.subFloat, v128.madd],
  [get(column[k]), v128.add, set(column[k])],
];

/** The first five columns, with 19 times the others. */
const foldColumns = (column: Columns): Code =>
  range(LIMBS).map((k) => {
    const high = get(column[k + LIMBS]);
    return [
      [get(column[k]), high, v128.add, high, i32.const(1), v128.shiftLeft, v128.add],
      [high, i32.const(4), v128.shiftLeft, v128.add, set(column[k])],
    ];
  });

const begin = (row: number, column: Columns): Code =>
  column.map((local, k) => [constant(AT.columns + 160 * row + 16 * k), set(local)]);

/** The five folded columns of the product of the numbers at two pointers. */
const multiply = (
  a: number,
  b: number,
  row: number,
  column: Columns,
  [digit, right, product]: readonly number[],
): Code => [
  begin(row, column),
  [constant(AT.high), set(product + 1), constant(AT.both), set(product + 2)],
  range(LIMBS).map((i) => [
    [load(a, i), set(digit)],
    range(LIMBS).map((j) => [
      [load(b, j), set(right)],
      multiplyAdd(get(digit), get(right), i + j, column, product),
    ]),
  ]),
  foldColumns(column),
];

/** The five normal limbs of five columns that hold the bias of row 0, by one round of carries. */
const carry = (column: Columns, put: (limb: number, value: Code) => Code): Code =>
  range(LIMBS).map((k) => {
    const carried: Code = [get(column[(k + 4) % LIMBS]), i32.const(LIMB_BITS), v128.shiftRight];
    // 19·c = c + 2·c + 16·c, by shifts that drop the bits below the carry.
    const times = (shift: number): Code => [
      [get(column[4]), i32.const(LIMB_BITS), v128.shiftRight, i32.const(shift), v128.shiftLeft],
      v128.add,
    ];
    return put(k, [
      [get(column[k]), constant(AT.mask), v128.and, carried, v128.add],
      k === 0 ? [times(1), times(4)] : [],
      [constant(AT.exponent), v128.or, constant(AT.offset), v128.subFloat],
    ]);
  });

const storeAt = (pointer: number) => (limb: number, value: Code): Code => [
  [get(pointer), value, v128.store(16 * limb)],
];

/** product(out, a, b): out = a·b. */
const product: WasmFunction = {
  parameters: 3,
  locals: [["v128", 15]],
  code: [
    multiply(1, 2, 0, range(10).map((k) => 3 + k), [13, 14, 15]),
    carry(range(5).map((k) => 3 + k), storeAt(0)),
  ],
};

/** pair(difference, sum, a, b, c, d): a·b − c·d and a·b + c·d, carried once each. */
const pair: WasmFunction = {
  parameters: 6,
  locals: [["v128", 25]],
  code: [
    multiply(4, 5, 1, range(10).map((k) => 6 + k), [26, 27, 28]),
    multiply(2, 3, 0, range(10).map((k) => 16 + k), [26, 27, 28]),
    range(LIMBS).map((k) => [
      [get(16 + k), get(6 + k), v128.subtract, set(21 + k)],
      [get(16 + k), get(6 + k), v128.add, set(16 + k)],
    ]),
    carry(range(5).map((k) => 21 + k), storeAt(0)),
    carry(range(5).map((k) => 16 + k), storeAt(1)),
  ],
};

/** squares(out, a, count): out = a^(2^count), count ≥ 1, of a normal a. */
const squares: WasmFunction = {
  parameters: 3,
  locals: [["v128", 19]],
  code: (() => {
    const column = range(10).map((k) => 3 + k);
    const limb = range(LIMBS).map((k) => 13 + k);
    const [twice, product] = [18, 19];
    return [
      limb.map((to, k) => [load(1, k), set(to)]),
      [constant(AT.high), set(product + 1), constant(AT.both), set(product + 2)],
      loop(
        begin(2, column),
        range(LIMBS).map((i) => [
          multiplyAdd(get(limb[i]), get(limb[i]), 2 * i, column, product),
          [get(limb[i]), get(limb[i]), v128.addFloat, set(twice)],
          range(LIMBS - 1 - i).map((j) =>
            multiplyAdd(get(twice), get(limb[i + 1 + j]), 2 * i + 1 + j, column, product)
          ),
        ]),
        foldColumns(column),
        carry(column.slice(0, LIMBS), (k, value) => [value, set(limb[k])]),
        [get(2), i32.const(-1), i32.add, tee(2), again],
      ),
      limb.map((from, k) => [get(0), get(from), v128.store(16 * k)]),
    ];
  })(),
};

/** add(out, a, b) or subtract(out, a, b): limb by limb, then carried: normal for normal operands. */
const limbwise = (operation: Code): WasmFunction => ({
  parameters: 3,
  locals: [["v128", 10]],
  code: [
    range(LIMBS).map((k) => [
      [load(1, k), load(2, k), operation, tee(3 + k)],
      // The nearest multiple of 2^51, in units of it.
      [constant(AT.perLimb), constant(AT.low), v128.madd, constant(AT.low), v128.subFloat],
      set(8 + k),
    ]),
    range(LIMBS).map((k) => [
      [get(0), get(3 + k), get(8 + k), constant(AT.limb), v128.multiplyFloat, v128.subFloat],
      k > 0
        ? [get(7 + k), v128.addFloat]
        : [get(12), constant(AT.fold), v128.multiplyFloat, v128.addFloat],
      v128.store(16 * k),
    ]),
  ],
});

/** freeze(out, a): the limbs in [0, 2^51) of the representative in [0, p), of a normal a. */
const freeze: WasmFunction = {
  parameters: 2,
  locals: [["v128", 6]],
  code: (() => {
    const limb = range(LIMBS).map((k) => 2 + k);
    const carried = 7;
    const shift: Code = [i32.const(LIMB_BITS), v128.shiftRight];
    return [
      // v + p: every limb positive, the whole in (0, 2p).
      limb.map((to, k) => [
        [load(1, k), constant(AT.low), v128.addFloat],
        [constant(AT.p + 16 * k), v128.add, set(to)],
      ]),
      // v + p ≥ p exactly when adding 19 carries out of bit 255.
      [constant(AT.foldInteger), set(carried)],
      limb.map((from) => [get(from), get(carried), v128.add, shift, set(carried)]),
      // Then 19 is added and that carry dropped.
      [get(carried), get(carried), i32.const(1), v128.shiftLeft, v128.add],
      [get(carried), i32.const(4), v128.shiftLeft, v128.add, set(carried)],
      limb.map((from, k) => [
        [get(from), get(carried), v128.add, tee(from), shift, set(carried)],
        [get(0), get(from), constant(AT.mask), v128.and, constant(AT.exponent), v128.or],
        [constant(AT.exponent), v128.subFloat, v128.store(16 * k)],
      ]),
    ];
  })(),
};

/** The functions, by their places in `FUNCTIONS`. */
export const FIELD: readonly WasmFunction[] = [
  product,
  pair,
  squares,
  limbwise(v128.addFloat),
  limbwise(v128.subFloat),
  freeze,
];

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
