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
import { AT, LIMB_BITS, LIMBS, range } from "./constants.ts";

const { get, set, tee } = local;

/** The limb of the number at an address. */
export const at = (address: number, limb = 0): Code => [
  i32.const(0),
  v128.load(address + 16 * limb),
];
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
  column.map((local, k) => [at(AT.columns + 160 * row + 16 * k), set(local)]);

/** The five folded columns of the product of the numbers at two pointers. */
const multiply = (
  a: number,
  b: number,
  row: number,
  column: Columns,
  [digit, right, product]: readonly number[],
): Code => [
  begin(row, column),
  [at(AT.high), set(product + 1), at(AT.both), set(product + 2)],
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
      [get(column[k]), at(AT.mask), v128.and, carried, v128.add],
      k === 0 ? [times(1), times(4)] : [],
      [at(AT.exponent), v128.or, at(AT.offset), v128.subFloat],
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
      [at(AT.high), set(product + 1), at(AT.both), set(product + 2)],
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
      [at(AT.perLimb), at(AT.low), v128.madd, at(AT.low), v128.subFloat],
      set(8 + k),
    ]),
    range(LIMBS).map((k) => [
      [get(0), get(3 + k), get(8 + k), at(AT.limb), v128.multiplyFloat, v128.subFloat],
      k > 0
        ? [get(7 + k), v128.addFloat]
        : [get(12), at(AT.fold), v128.multiplyFloat, v128.addFloat],
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
        [load(1, k), at(AT.low), v128.addFloat],
        [at(AT.p + 16 * k), v128.add, set(to)],
      ]),
      // v + p ≥ p exactly when adding 19 carries out of bit 255.
      [at(AT.foldInteger), set(carried)],
      limb.map((from) => [get(from), get(carried), v128.add, shift, set(carried)]),
      // Then 19 is added and that carry dropped.
      [get(carried), get(carried), i32.const(1), v128.shiftLeft, v128.add],
      [get(carried), i32.const(4), v128.shiftLeft, v128.add, set(carried)],
      limb.map((from, k) => [
        [get(from), get(carried), v128.add, tee(from), shift, set(carried)],
        [get(0), get(from), at(AT.mask), v128.and, at(AT.exponent), v128.or],
        [at(AT.exponent), v128.subFloat, v128.store(16 * k)],
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
