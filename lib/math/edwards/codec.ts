/** ristretto255 (RFC 9496, section 4.3) on the kernel: encodings, equality and keys of many points at once.
 *
 * The formulas are the RFC's, step by step; where it branches, a lane's mask selects. What is refused here is refused
 * again, and named, by noble.
 * @module */
import { D, POINT } from "./walk.ts";
import { LIMB_BITS, LIMBS, NUMBER, P } from "./constants.ts";
import { COORDINATES, type Machine, type Operation, REGION, relative } from "./machine.ts";

/** √−1, the even root. */
const I = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
/** 1/√(−1 − d), nonnegative. */
const INV_SQRT_A_MINUS_D =
  54469307008909316920995813868745141605393597292927456921205312896311721017578n;

/** Bytes of an encoding. */
export const BYTES = 32;
/** A record to decode: a point, and its three verdicts. */
const DECODED = POINT + NUMBER;
/** Records in one run: what they take stays within the cache. */
const BATCH = 512;

/** The five limbs of 32 bytes, little endian, the highest bit not read. */
export function limbsOfBytes(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
  const word = (k: number) => view.getUint32(4 * k, true);
  const low = (k: number, bits: number) => word(k) % 2 ** bits;
  const limbs = Float64Array.of(
    word(0) + low(1, 19) * 2 ** 32,
    (word(1) >>> 19) + word(2) * 2 ** 13 + low(3, 6) * 2 ** 45,
    (word(3) >>> 6) + low(4, 25) * 2 ** 26,
    (word(4) >>> 25) + word(5) * 2 ** 7 + low(6, 12) * 2 ** 39,
    (word(6) >>> 12) + low(7, 31) * 2 ** 20,
  );
  for (let k = 0; k < LIMBS; k++) { // balanced
    if (limbs[k] < 2 ** (LIMB_BITS - 1)) continue;
    limbs[k] -= 2 ** LIMB_BITS;
    limbs[(k + 1) % LIMBS] += k === LIMBS - 1 ? 19 : 1;
  }
  return limbs;
}

/** The 32 bytes of canonical limbs. */
export function bytesOfLimbs(limbs: Float64Array): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  const [a, b, c, d, e] = limbs;
  const high = (limb: number, bits: number) => Math.floor(limb / 2 ** bits);
  const words = [
    ...[a % 2 ** 32, high(a, 32) + (b % 2 ** 13) * 2 ** 19],
    ...[high(b, 13) % 2 ** 32, high(b, 45) + (c % 2 ** 26) * 2 ** 6],
    ...[high(c, 26) + (d % 2 ** 7) * 2 ** 25, high(d, 7) % 2 ** 32],
    ...[high(d, 39) + (e % 2 ** 20) * 2 ** 12, high(e, 20)],
  ];
  words.forEach((word, k) => view.setUint32(4 * k, word, true));
  return bytes;
}

const P_BYTES = Uint8Array.fromHex(P.toString(16)).reverse();

/** Whether bytes are those of an even integer in [1, p): 0 is the identity. */
function isCanonical(bytes: Uint8Array): boolean {
  if (bytes.every((byte) => byte === 0)) return false;
  let k = BYTES - 1;
  while (k > 0 && bytes[k] === P_BYTES[k]) k--;
  return bytes[k] < P_BYTES[k] && bytes[0] % 2 === 0;
}

/** What {@linkcode compileCodec} prepares. */
export type Codec = ReturnType<typeof compileCodec>;

/** Compiles the programs into a machine. */
export function compileCodec(machine: Machine) {
  const register = () => machine.allocate(NUMBER);
  const [zero, one, minusOne, rootI, d, invSqrt] = [
    ...[0n, 1n, -1n, I, D, INV_SQRT_A_MINUS_D].map((value) => machine.constant(value)),
  ];
  const [x, y, z, t, extra] = [0, 1, 2, 3, 4].map((k) => relative(k * NUMBER));
  const [mask, negated, r, check, v, v3, v7] = Array.from({ length: 7 }, register);
  const powers = machine.powers(v7);

  /** out = a where a is nonnegative (even), else −a. */
  const absolute = (out: number, a: number): Operation[] => [
    ["subtract", negated, zero, a],
    ["odd", mask, a],
    ["select", out, negated, a, mask],
  ];
  /** mask of a = b. */
  const equal = (out: number, a: number, b: number): Operation[] => [
    ["subtract", negated, a, b],
    ["zero", out, negated],
  ];
  /** r = 1/√v, nonnegative, where v is a square, which the mask at `square` says: SQRT_RATIO_M1(1, v) as far as it
   * is used here. */
  const inverseRoot = (square: number): Operation[] =>
    [
      [["squares", v3, v, 2], ["product", v3, v3, v]] as Operation[],
      [["squares", v7, v3, 2], ["product", v7, v7, v]] as Operation[],
      powers.operations,
      [["product", r, powers.root, v3]] as Operation[],
      [["squares", check, r, 2], ["product", check, check, v]] as Operation[],
      [["product", v3, r, rootI]] as Operation[],
      equal(mask, check, minusOne), // flipped: −1 has the root that 1 should have
      [["select", r, v3, r, mask], ["select", v7, one, zero, mask]] as Operation[],
      equal(mask, check, one),
      [["select", v7, one, v7, mask]] as Operation[], // 1 where it was a square
      equal(square, v7, one),
      absolute(r, r),
    ].flat();

  const [u1, u2, den1, den2, zInverse, ix, iy, rotate, unused, w] = Array.from(
    { length: 10 },
    register,
  );
  /** Section 4.3.2; the result takes the place of X. */
  const encodeProgram = machine.load([
    [["add", u1, z, y], ["subtract", w, z, y], ["product", u1, u1, w]] as Operation[],
    [["product", u2, x, y], ["squares", v, u2, 2], ["product", v, v, u1]] as Operation[],
    inverseRoot(unused),
    [["product", den1, r, u1], ["product", den2, r, u2]] as Operation[],
    [["product", zInverse, den1, den2], ["product", zInverse, zInverse, t]] as Operation[],
    [["product", ix, x, rootI], ["product", iy, y, rootI]] as Operation[],
    [["product", den1, den1, invSqrt]] as Operation[],
    [["product", w, t, zInverse], ["odd", rotate, w]] as Operation[],
    [["select", u1, iy, x, rotate], ["select", u2, ix, y, rotate]] as Operation[],
    [["select", den2, den1, den2, rotate]] as Operation[],
    [["product", w, u1, zInverse], ["odd", mask, w], ["subtract", w, zero, u2]] as Operation[],
    [["select", u2, w, u2, mask]] as Operation[],
    [["subtract", w, z, u2], ["product", w, den2, w]] as Operation[],
    absolute(w, w),
    [["freeze", x, w]] as Operation[],
  ].flat());

  const [s2, u2Square, denX, denY] = [ix, iy, den1, den2];
  /** Section 4.3.1: s in the place of X becomes X, Y, 1, T, and three verdicts. */
  const decodeProgram = machine.load([
    [["squares", s2, x, 2], ["subtract", u1, one, s2], ["add", u2, one, s2]] as Operation[],
    [["squares", u2Square, u2, 2], ["squares", w, u1, 2], ["product", w, w, d]] as Operation[],
    [["add", w, w, u2Square], ["subtract", w, zero, w]] as Operation[],
    [["product", v, w, u2Square]] as Operation[],
    inverseRoot(extra),
    [["product", denX, r, u2], ["product", denY, r, denX], [
      "product",
      denY,
      denY,
      w,
    ]] as Operation[],
    [["add", x, x, x], ["product", x, x, denX]] as Operation[],
    absolute(x, x),
    [["product", y, u1, denY], ["product", t, x, y], ["add", z, one, zero]] as Operation[],
    [["odd", extra + 16, t], ["zero", extra + 32, y]] as Operation[],
  ].flat());

  /** Records of four numbers a, b, c, e: the mask of a·b = c·e takes the place of a. */
  const equalProgram = machine.load([
    [["product", u1, x, y], ["product", u2, z, t]] as Operation[],
    equal(x, u1, u2),
  ].flat());

  const inverse = machine.powers(u1);
  const before = relative(-POINT);
  /** X becomes the product of all Z so far; `before` a record of ones. */
  const multiplyUp = machine.load([["product", x, before, z]]);
  const invert = machine.load([["add", u1, x, zero], ...inverse.operations]);
  /** Backwards: X becomes (T/Z)², canonical. */
  const divide = machine.load([
    ["product", w, inverse.inverse, before],
    ["product", inverse.inverse, inverse.inverse, z],
    ["product", w, w, t],
    ["squares", w, w, 2],
    ["freeze", x, w],
  ]);

  /** Calls `use` with the points in records, `BATCH` of them at most. */
  function inBatches<T>(items: readonly T[], use: (batch: readonly T[], from: number) => void) {
    for (let from = 0; from < items.length; from += 2 * BATCH) {
      use(items.slice(from, from + 2 * BATCH), from);
    }
  }

  /** The canonical encodings of points; the identity's is 32 zeros. */
  function encode(points: readonly Float64Array[]): Uint8Array[] {
    const out: Uint8Array[] = [];
    inBatches(points, (batch) => {
      machine.reserve(POINT * BATCH);
      const half = machine.scatter(REGION, POINT, batch);
      machine.run(encodeProgram, REGION, half, POINT);
      for (let k = 0; k < batch.length; k++) {
        const at = REGION + POINT * (k % half);
        out.push(bytesOfLimbs(machine.read(at, k < half ? 0 : 1, LIMBS)));
      }
    });
    return out;
  }

  /** The points of encodings, 32 bytes each; null for each that is refused. */
  function decode(encodings: readonly Uint8Array[]): (Float64Array | null)[] {
    const out: (Float64Array | null)[] = [];
    inBatches(encodings, (batch) => {
      machine.reserve(DECODED * BATCH);
      const half = machine.scatter(REGION, DECODED, batch.map(limbsOfBytes));
      machine.run(decodeProgram, REGION, half, DECODED);
      for (let k = 0; k < batch.length; k++) {
        const [at, lane] = [REGION + DECODED * (k % half), k < half ? 0 : 1];
        const verdict = (which: number) =>
          machine.words[(at + POINT + 16 * which + 8 * lane) / 4] !== 0;
        const good = isCanonical(batch[k]) && verdict(0) && !verdict(1) && !verdict(2);
        out.push(good ? machine.read(at, lane, COORDINATES) : null);
      }
    });
    return out;
  }

  /** Whether two points stand for one element: X1·Y2 = Y1·X2 or Y1·Y2 = X1·X2. */
  function equals(a: Float64Array, b: Float64Array): boolean {
    const [X1, Y1, X2, Y2] = [a, a, b, b].map((p, k) => p.subarray(k % 2 * LIMBS));
    machine.reserve(4 * NUMBER);
    [[X1, Y1], [Y2, Y2], [Y1, X1], [X2, X2]].forEach((pair, k) =>
      pair.forEach((number, lane) =>
        machine.write(REGION + k * NUMBER, lane, number.subarray(0, LIMBS))
      )
    );
    machine.run(equalProgram, REGION);
    const words = machine.words.subarray(REGION / 4);
    return words[0] !== 0 || words[2] !== 0;
  }

  /** The keys (T/Z)² mod p mod 2^52 of the points in `half` records of the region that begin one record after it, of
   * `count` points, the first half of them in lane 0. */
  function keysInRegion(half: number, count: number): Float64Array {
    const [first, last] = [REGION + POINT, REGION + POINT * half];
    const ones = Float64Array.of(1, 0, 0, 0, 0);
    for (const lane of [0, 1]) machine.write(REGION, lane, ones);
    machine.run(multiplyUp, first, half, POINT);
    machine.run(invert, last);
    machine.run(divide, last, half, -POINT);
    const out = new Float64Array(count);
    const { floats } = machine;
    for (let k = 0; k < count; k++) {
      const at = (REGION + POINT * (1 + k % half)) / 8 + (k < half ? 0 : 1);
      out[k] = floats[at] + floats[at + 2] % 2 * 2 ** LIMB_BITS;
    }
    return out;
  }

  /** The keys of points: one inversion for many. */
  function keys(points: readonly Float64Array[]): Float64Array {
    const out = new Float64Array(points.length);
    inBatches(points, (batch, from) => {
      machine.reserve(POINT * (BATCH + 1));
      const half = machine.scatter(REGION + POINT, POINT, batch);
      out.set(keysInRegion(half, batch.length), from);
    });
    return out;
  }

  return { encode, decode, equals, keys, keysInRegion };
}
