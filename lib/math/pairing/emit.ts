/** Just enough of an assembler to write WebAssembly functions from TypeScript: the instructions that the kernels of
 * `lib/math/` and `lib/nn/` use, and a module around them.
 *
 * Opcodes are the numbers of the WebAssembly specification with 128-bit SIMD; `madd` is
 * `f64x2.relaxed_madd` of the relaxed SIMD extension.
 * @module */

/** Bytes, nested as they were written. */
export type Code = number | readonly Code[];

/** An unsigned integer in LEB128. */
function uleb(value: number): number[] {
  const out = [];
  for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
  return [...out, value];
}

/** An int32 in signed LEB128. */
function sleb(value: number): number[] {
  const out = [];
  for (; value < -64 || value > 63; value >>= 7) out.push((value & 127) | 128);
  return [...out, value & 127];
}

const simd = (opcode: number): Code => [0xfd, uleb(opcode)];

const TYPES = { i32: 0x7f, v128: 0x7b } as const;

/** Parameters and local variables, by index. */
export const local = {
  get: (index: number): Code => [0x20, uleb(index)],
  set: (index: number): Code => [0x21, uleb(index)],
  tee: (index: number): Code => [0x22, uleb(index)],
};

/** 32-bit integers. */
export const i32 = {
  const: (value: number): Code => [0x41, sleb(value)],
  load: (offset: number): Code => [0x28, 2, uleb(offset)],
  store: (offset: number): Code => [0x36, 2, uleb(offset)],
  equal: 0x46,
  less: 0x48,
  add: 0x6a,
  sub: 0x6b,
  multiply: 0x6c,
  and: 0x71,
  shiftLeft: 0x74,
  shiftRight: 0x76, // shr_u
};

/** Two lanes of 64 bits, as integers or as floats. */
export const v128 = {
  load: (offset: number): Code => [simd(0), 4, uleb(offset)],
  store: (offset: number): Code => [simd(11), 4, uleb(offset)],
  /** One float into both lanes. */
  loadSplat: (offset: number): Code => [simd(10), 3, uleb(offset)],
  /** 64 bits into lane 0, zeros into lane 1. */
  loadZero: (offset: number): Code => [simd(93), 3, uleb(offset)],
  /** 64 bits into one lane of the vector on the stack. */
  loadLane: (offset: number, lane: 0 | 1): Code => [simd(87), 3, uleb(offset), lane],
  storeLane: (offset: number, lane: 0 | 1): Code => [simd(91), 3, uleb(offset), lane],
  and: simd(78),
  or: simd(80),
  xor: simd(81),
  select: simd(82), // v128.bitselect: the first where the third has ones, else the second
  shiftLeft: simd(203), // i64x2.shl
  shiftRight: simd(205), // i64x2.shr_u
  add: simd(206), // i64x2.add
  subtract: simd(209), // i64x2.sub
  equal: simd(214), // i64x2.eq
  addFloat: simd(240),
  subFloat: simd(241),
  multiplyFloat: simd(242),
  madd: simd(0x107),
};

/** A number as its bytes. */
const bytes32 = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];
const bytes64 = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];

/** Four lanes of 32 bits. */
export const f32x4 = {
  /** One float into all lanes. */
  loadSplat: (offset: number): Code => [simd(9), 2, uleb(offset)],
  const: (value: number): Code => [simd(12), [0, 1, 2, 3].map(() => bytes32(value))],
  greater: simd(68),
  abs: simd(224),
  add: simd(228),
  sub: simd(229),
  multiply: simd(230),
  divide: simd(231),
  sqrt: simd(227),
  /** The bits of each lane to the left. */
  shiftLeft: simd(171),
  /** The sign of each lane into all its bits. */
  shiftRightSigned: simd(172),
  /** a & ~b */
  andNot: simd(79),
  /** Of the first where the third has ones, of the second where it has zeros. */
  select: simd(82),
};

/** Four lanes of 32-bit integers. */
export const i32x4 = {
  /** Of 8 bytes, the first four. */
  loadBytes: (offset: number): Code => [simd(2), 0, uleb(offset), simd(169)],
};

/** Two lanes of float64, and from and to the float32 that memory has. */
export const f64x2 = {
  const: (value: number): Code => [simd(12), [0, 1].map(() => bytes64(value))],
  negate: simd(237),
  sqrt: simd(239),
  divide: simd(243),
  /** Of the first two of four 32-bit integers. */
  fromIntegers: simd(254),
  /** b < a ? b : a, for a below b on the stack. */
  least: simd(246), // pmin
  /** a < b ? b : a. */
  most: simd(247), // pmax
  /** Two float32, from 8 bytes. */
  loadFloats: (offset: number): Code => [simd(93), 3, uleb(offset), simd(95)],
  /** Rounded to two float32 in the lower half. */
  demote: simd(94),
  /** The lower half as 8 bytes; the address lies below the value. */
  storeFloats: (offset: number): Code => [simd(91), 3, uleb(offset), 0],
};

/** A loop; `again` inside it (not in a nested block) goes round if the i32 on the stack is not 0. */
export const loop = (...body: Code[]): Code => [0x03, 0x40, body, 0x0b];
/** See {@linkcode loop}. */
export const again: Code = [0x0d, 0];
/** Takes a value off the stack. */
export const drop: Code = 0x1a;
/** A loop that `leave` (directly inside it) ends if the i32 on the stack is not 0. */
export const forever = (
  ...body: Code[]
): Code => [0x02, 0x40, 0x03, 0x40, body, 0x0c, 0, 0x0b, 0x0b];
/** See {@linkcode forever}. */
export const leave: Code = [0x0d, 1];
/** One or the other, as the i32 on the stack is not 0 or 0. */
export const ifElse = (yes: Code, no: Code): Code => [0x04, 0x40, yes, 0x05, no, 0x0b];

function flat(code: Code, out: number[] = []): number[] {
  if (typeof code === "number") out.push(code);
  else for (const part of code) flat(part, out);
  return out;
}
function section(id: number, body: Code): Code {
  const bytes = flat(body);
  return [id, uleb(bytes.length), bytes];
}
const name = (text: string): Code => [text.length, [...new TextEncoder().encode(text)]];

/** The memory of a module, as its import says it: of at least a page, or any shared one. */
const MEMORIES = { own: [0, 1], shared: [3, 0, uleb(2 ** 16)] } as const;
/** A function of a module: its parameters, all int32, the locals listed after them, and its code; it returns
 * nothing. */
export interface WasmFunction {
  readonly parameters: number;
  readonly locals: readonly (readonly [type: keyof typeof TYPES, count: number])[];
  readonly code: Code;
}

/** Calls the function of that index. */
export const call = (index: number): Code => [0x10, uleb(index)];

/** A module with one memory, imported as "env.memory", whose functions call each other by their place in the
 * list; those named in `exported` are exported. */
export function assembleModule(
  functions: readonly WasmFunction[],
  exported: Readonly<Record<string, number>>,
  memory: keyof typeof MEMORIES = "own",
): Uint8Array<ArrayBuffer> {
  const bodies = functions.map(({ locals, code }) => {
    const declared = locals.map(([type, count]) => [uleb(count), TYPES[type]]);
    const body = flat([uleb(locals.length), declared, code, 0x0b]);
    return [...uleb(body.length), ...body];
  });
  const types = functions.map(({ parameters }) => [
    [0x60, uleb(parameters), new Array<number>(parameters).fill(TYPES.i32), 0],
  ]);
  const names = Object.entries(exported);
  return Uint8Array.from(flat([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    section(1, [uleb(types.length), types]),
    section(2, [1, name("env"), name("memory"), 2, MEMORIES[memory]]),
    section(3, [uleb(functions.length), functions.map((_, i) => uleb(i))]),
    section(7, [names.length, names.map(([key, index]) => [name(key), 0, uleb(index)])]),
    section(10, [uleb(functions.length), bodies]),
  ]));
}

/** A module with one memory, imported as "env.memory", and one function, exported as "run", that takes
 * `parameters` int32 and has the locals listed after them. */
export function assemble(
  parameters: number,
  locals: WasmFunction["locals"],
  code: Code,
  memory: keyof typeof MEMORIES = "own",
): Uint8Array<ArrayBuffer> {
  return assembleModule([{ parameters, locals, code }], { run: 0 }, memory);
}
