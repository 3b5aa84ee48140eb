/** Programs over the field of edwards25519, two lanes each, in WebAssembly: lists of operations on memory addresses,
 * repeated over records. What is neither addition nor doubling of points is one: encodings, inversions, keys.
 * @module */
import {
  again,
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
import { AT, LIMBS, range } from "./constants.ts";
import { at, FUNCTIONS } from "./field.ts";
import { FROZEN, IDENTITY } from "./walk.ts";

const { get, set, tee } = local;

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

/** run(program, times, base, stride). */
export const run: WasmFunction = (() => {
  const [program, times, base, stride] = range(4);
  const [operation, out, a, b, c, here] = range(6).map((i) => 4 + i);
  const word = (to: number, offset: number): Code => [
    [get(here), i32.load(offset), tee(to), i32.const(-2), i32.and],
    [i32.const(0), get(to), i32.const(1), i32.and, i32.sub, get(base), i32.and],
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
            [get(operation), i32.const(OPERATION[name]), i32.equal, ifElse(body, otherwise)],
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
