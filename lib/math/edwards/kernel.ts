/** Walks over edwards25519 and programs over its field, two lanes each, in WebAssembly: see `field.ts` for the
 * numbers.
 *
 * A point is (X : Y : Z : T), X·Y = Z·T, on −x² + y² = 1 + d·x²·y²; the formulas (Hisil, Wong, Carter, Dawson, ePrint
 * 2008/522) are complete: they add any two points of the curve, equal, opposite or the identity. A _table entry_ holds
 * Y + X, Y − X, 2·d·T, 2·Z of one point, in one lane, anywhere in the memory. A walk is a list of steps that an
 * accumulator takes, each lane with entries of its own: one such list is a sum, a multiplication by a comb, or the
 * building of a table. What is secret steers addresses, so nothing here is constant time.
 * @module */
import {
  again,
  assembleModule,
  call,
  type Code,
  forever,
  i32,
  ifElse,
  leave,
  local,
  loop,
  v128,
  type WasmFunction,
} from "../pairing/emit.ts";
import { isFused } from "../wasm_fma.ts";
import {
  AT,
  FIELD,
  FREE as FIELD_FREE,
  FUNCTIONS,
  LIMBS,
  NUMBER,
  P,
  range,
  toLimbs,
  writeConstants,
} from "./field.ts";

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
const TWO_D = ENTRY_AT + POINT + 6 * NUMBER;
const IDENTITY = TWO_D + NUMBER;
/** 0 and the sign bit, eight bytes each. */
const SIGNS = IDENTITY + POINT;
const FROZEN = SIGNS + 16;
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
const at = (address: number, limb: number): Code => [
  i32.const(0),
  v128.load(address + 16 * limb),
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
    [get(entry), i32.add, get(entry), i32.const(size), i32.add, get(plus), i32.subtract],
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

const walk: WasmFunction = {
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

/** Operations of a program, five words: [operation, out, a, b, c]. An address with its lowest bit set is relative to
 * the base of the run. Masks are all ones or all zeros in each lane, at the first 16 bytes of a number. */
export const OPERATION = {
  end: -1,
  /** out = a·b */
  product: 0,
  /** out = a^(2^(b/2)) */
  squares: 1,
  add: 2,
  subtract: 3,
  /** out = the canonical limbs of a */
  freeze: 4,
  /** out = the mask of the lanes where a is odd */
  odd: 5,
  /** … where a is 0 */
  zero: 6,
  /** out = a where the mask c is set, else b */
  select: 7,
} as const;

const run: WasmFunction = (() => {
  const [program, times, base, stride] = range(4);
  const [operation, out, a, b, c, here] = range(6).map((i) => 4 + i);
  const word = (to: number, offset: number): Code => [
    [get(here), i32.load(offset), tee(to), i32.const(-2), i32.and],
    [i32.const(0), get(to), i32.const(1), i32.and, i32.subtract, get(base), i32.and],
    [i32.add, set(to)],
  ];
  const three = (name: keyof typeof FUNCTIONS): Code => [
    [get(out), get(a), get(b), call(FUNCTIONS[name])],
  ];
  const frozen: Code = [i32.const(FROZEN), get(a), call(FUNCTIONS.freeze)];
  const zeros: Code = at(IDENTITY, 0); // its X
  const bodies: [keyof typeof OPERATION, Code][] = [
    ["product", three("product")],
    ["squares", [get(out), get(a), get(b), i32.const(1), i32.shiftRight, call(FUNCTIONS.squares)]],
    ["add", three("add")],
    ["subtract", three("subtract")],
    ["freeze", [get(out), get(a), call(FUNCTIONS.freeze)]],
    ["odd", [
      frozen,
      // An integer below 2^51 as a float plus 2^52 has itself in its low bits: the lowest becomes −bit.
      [get(out), zeros, at(FROZEN, 0), at(AT.exponent, 0), v128.addFloat],
      [i32.const(63), v128.shiftLeft, i32.const(63), v128.shiftRight],
      [v128.subtract, v128.store(0)],
    ]],
    ["zero", [
      [frozen, get(out), at(FROZEN, 0)],
      range(LIMBS - 1).map((k) => [at(FROZEN, k + 1), v128.or]),
      [zeros, v128.equal, v128.store(0)],
    ]],
  ];
  const select: Code = range(LIMBS).map((k) => [
    [get(out), get(a), v128.load(16 * k), get(b), v128.load(16 * k)],
    [get(c), v128.load(0), v128.select, v128.store(16 * k)],
  ]);
  return {
    parameters: 4,
    locals: [["i32", 6]],
    code: loop(
      [get(program), set(here)],
      forever(
        [get(here), i32.load(0), tee(operation), i32.const(OPERATION.end), i32.equal, leave],
        [word(out, 4), word(a, 8), word(b, 12), word(c, 16)],
        bodies.reduceRight(
          (otherwise, [name, body]) => [
            [is(operation, OPERATION[name]), ifElse(body, otherwise)],
          ],
          select,
        ),
        [get(here), i32.const(20), i32.add, set(here)],
      ),
      [get(base), get(stride), i32.add, set(base)],
      [get(times), i32.const(-1), i32.add, tee(times), again],
    ),
  };
})();

/** The kernel's two functions, and its memory. */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  /** Takes the steps at `stream`; points that are emitted go to `out` and after it. */
  readonly walk: (stream: number, base0: number, base1: number, out: number) => void;
  /** Runs a program `times` ≥ 1 over, with the base moving by the stride. */
  readonly run: (program: number, times: number, base: number, stride: number) => void;
}

/** Compiles the kernel, over a memory of its own.
 * @returns null where the machine has no relaxed SIMD with a fused multiply-add. */
export function startKernel(): Kernel | null {
  if (!isFused()) return null;
  const memory = new WebAssembly.Memory({ initial: 16 });
  const functions = [...FIELD, walk, run];
  const bytes = assembleModule(functions, {
    walk: FIELD.length,
    run: FIELD.length + 1,
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  writeConstants(memory);
  const floats = new Float64Array(memory.buffer);
  const write = (address: number, value: bigint) =>
    toLimbs(value).forEach((limb, k) =>
      floats.fill(limb, address / 8 + 2 * k, address / 8 + 2 * k + 2)
    );
  const twoD = (2n * D) % P;
  write(TWO_D, 2n * twoD > P ? twoD - P : twoD);
  [0n, 1n, 1n, 0n].forEach((value, i) => write(IDENTITY + i * NUMBER, value));
  floats[SIGNS / 8 + 1] = -0;
  return { memory, ...exports } as unknown as Kernel;
}
