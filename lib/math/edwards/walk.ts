/** Walks over edwards25519, two lanes each, in WebAssembly: see `field.ts` for the numbers.
 *
 * A point is (X : Y : Z : T), X·Y = Z·T, on −x² + y² = 1 + d·x²·y²; the formulas (Hisil, Wong, Carter, Dawson, ePrint
 * 2008/522) are complete: they add any two points of the curve, equal, opposite or the identity. A _table entry_ holds
 * Y + X, Y − X, 2·d·T, 2·Z of one point, in one lane, anywhere in the memory. A walk is a list of steps that an
 * accumulator takes, each lane with entries of its own: one such list is a sum, a multiplication by a comb, or the
 * building of a table. What is secret steers addresses, so nothing here is constant time.
 * @module */
import {
  call,
  type Code,
  forever,
  i32,
  ifElse,
  leave,
  local,
  v128,
  type WasmFunction,
} from "../pairing/emit.ts";
import { FREE as FIELD_FREE, LIMBS, NUMBER, range } from "./constants.ts";
import { at, FUNCTIONS } from "./field.ts";

/** Bytes of a table entry: four numbers of one lane. */
export const ENTRY = 4 * LIMBS * 8;
/** Bytes of a point: four numbers. */
export const POINT = 4 * NUMBER;

/** The curve's d = −121665/121666. */
export const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

const numbers = (count: number, from: number) => range(count).map((i) => from + i * NUMBER);

/** The accumulator X, Y, Z, T lies here between walks. */
export const ACCUMULATOR = FIELD_FREE;
const [X, Y, Z, T] = numbers(4, ACCUMULATOR);
/** A gathered entry, or one to be scattered. */
const ENTRY_AT = ACCUMULATOR + POINT;
const [PLUS, MINUS, TD, ZZ] = numbers(4, ENTRY_AT);
const [E, F, G, H, U, V] = numbers(6, ENTRY_AT + POINT);
/** 2·d. */
export const TWO_D = ENTRY_AT + POINT + 6 * NUMBER;
/** X, Y, Z, T of the identity; its X is a 0. */
export const IDENTITY = TWO_D + NUMBER;
/** 0 and the sign bit, eight bytes each. */
export const SIGNS = IDENTITY + POINT;
/** What a program freezes before it looks. */
export const FROZEN = SIGNS + 16;
/** The first address that is free. */
export const FREE = FROZEN + NUMBER;

const { get, set, tee } = local;

/** Steps of a walk: two words. An address that is not negative, one a lane, adds the entry there, relative to the
 * lane's base; its lowest bit subtracts it. Others: */
export const STEP = {
  end: -1,
  double: -2,
  /** Writes the accumulator as entries; the second word is the address relative to both bases. */
  store: -3,
  /** The accumulator becomes the identity. */
  reset: -4,
  /** Writes the accumulator as a point at `out`, which moves on. */
  emit: -5,
} as const;

const on = (name: keyof typeof FUNCTIONS, ...addresses: number[]): Code => [
  addresses.map(i32.const),
  call(FUNCTIONS[name]),
];
/** out = a ± b, limb by limb, not normal: a factor for normal ones. */
const rough = (out: number, a: number, b: number, operation: Code): Code =>
  range(LIMBS).map((k) => [
    [i32.const(0), at(a, k), at(b, k), operation, v128.store(out + 16 * k)],
  ]);
const copy = (out: Code, from: Code): Code =>
  range(4 * LIMBS).map((k) => [out, from, v128.load(16 * k), v128.store(16 * k)]);

/** X, Y, Z, T = E·F, G·H, F·G, E·H. */
const finish: Code = [
  [on("product", X, E, F), on("product", Y, G, H)],
  [on("product", Z, F, G), on("product", T, E, H)],
];

/** add-2008-hwcd-3 with a prepared right side. */
const addEntry: Code = [
  rough(U, Y, X, v128.addFloat),
  rough(V, Y, X, v128.subFloat),
  on("pair", E, H, U, PLUS, V, MINUS),
  on("pair", F, G, Z, ZZ, T, TD),
  finish,
];

/** dbl-2008-hwcd for a = −1, with F and H negated, which negates all four coordinates. */
const doubleAccumulator: Code = [
  on("pair", G, H, Y, Y, X, X),
  rough(U, X, X, v128.addFloat),
  on("product", E, U, Y),
  rough(V, Z, Z, v128.addFloat),
  on("product", F, V, Z),
  rough(F, F, G, v128.subFloat),
  finish,
];

// Parameters and locals of `walk`.
const [STREAM, BASE0, BASE1, OUT, LEFT, RIGHT] = range(6);
const SIGN = 6;

const [PLUS0, PLUS1, MINUS0, MINUS1, LANE0, LANE1] = range(6).map((i) => 7 + i);

/** A number of both lanes' entries, at an offset from the pointers. */
const gather = (to: number, from: readonly number[], offset: number, signed = false): Code =>
  range(LIMBS).map((k) => [
    [i32.const(0), get(from[1]), get(from[0]), v128.loadZero(offset + 8 * k)],
    [v128.loadLane(offset + 8 * k, 1), signed ? [get(SIGN), v128.xor] : []],
    v128.store(to + 16 * k),
  ]);

/** Reads the entries that LEFT and RIGHT say: to subtract one swaps its first two numbers and negates the third. */
const gatherEntries: Code = (() => {
  const size = 8 * LIMBS;
  const lane = (word: number, base: number, entry: number, plus: number, minus: number): Code => [
    [get(word), i32.const(-8), i32.and, get(base), i32.add, set(entry)],
    [get(word), i32.const(1), i32.and, i32.const(size), i32.multiply, tee(plus)],
    [get(entry), i32.add, get(entry), i32.const(size), i32.add, get(plus), i32.sub],
    [set(minus), set(plus)],
  ];
  const sign = (word: number): Code => [
    [get(word), i32.const(1), i32.and, i32.const(3), i32.shiftLeft],
  ];
  return [
    [sign(RIGHT), sign(LEFT), v128.loadZero(SIGNS), v128.loadLane(SIGNS, 1), set(SIGN)],
    lane(LEFT, BASE0, LANE0, PLUS0, MINUS0),
    lane(RIGHT, BASE1, LANE1, PLUS1, MINUS1),
    gather(PLUS, [PLUS0, PLUS1], 0),
    gather(MINUS, [MINUS0, MINUS1], 0),
    gather(TD, [LANE0, LANE1], 2 * size, true),
    gather(ZZ, [LANE0, LANE1], 3 * size),
  ];
})();

/** Writes the accumulator as entries at BASE0 + RIGHT and BASE1 + RIGHT. */
const storeEntries: Code = [
  [on("add", PLUS, Y, X), on("subtract", MINUS, Y, X)],
  [on("product", TD, T, TWO_D), rough(ZZ, Z, Z, v128.addFloat)],
  range(4 * LIMBS).map((k) => [
    [get(BASE0), get(RIGHT), i32.add, at(ENTRY_AT, k), v128.storeLane(8 * k, 0)],
    [get(BASE1), get(RIGHT), i32.add, at(ENTRY_AT, k), v128.storeLane(8 * k, 1)],
  ]),
];

const is = (word: number, value: number): Code => [get(word), i32.const(value), i32.equal];

/** walk(steps, base0, base1, out): see `STEP`. */
export const walk: WasmFunction = {
  parameters: 4,
  locals: [["i32", 2], ["v128", 1], ["i32", 6]],
  code: forever(
    [get(STREAM), i32.load(0), set(LEFT), get(STREAM), i32.load(4), set(RIGHT)],
    [get(STREAM), i32.const(8), i32.add, set(STREAM)],
    [is(LEFT, STEP.end), leave],
    [get(LEFT), i32.const(0), i32.less],
    ifElse(
      [
        is(LEFT, STEP.double),
        ifElse(doubleAccumulator, [
          is(LEFT, STEP.store),
          ifElse(storeEntries, [
            is(LEFT, STEP.reset),
            ifElse(copy(i32.const(ACCUMULATOR), i32.const(IDENTITY)), [
              copy(get(OUT), i32.const(ACCUMULATOR)),
              [get(OUT), i32.const(POINT), i32.add, set(OUT)],
            ]),
          ]),
        ]),
      ],
      [gatherEntries, addEntry],
    ),
  ),
};
