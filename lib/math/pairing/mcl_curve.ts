/** G1 and G2 of BLS12-381 in an instance of `mcl-wasm` that belongs to nobody else.
 *
 * mcl's C interface is used directly, on pointers: its JavaScript classes copy every operand in and out.
 * Elements live outside, as the bytes of mcl's normalised (X, Y, 1), so nothing is ever to be freed but
 * the fixed buffers and tables of an instance, which last as long as it does.
 *
 * k·g1 and k·g2 come from tables of d·256^j·g: 32 mixed additions, four times as fast as noble's tables.
 * @module */
import createModule from "mcl-wasm/dist/mcl_c.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { decodePoint } from "../group.ts";
import type { G1, G2 } from "./group.ts";
import { checkScalars, CURVE } from "./noble.ts";
import { drawCombinations, MIN_BATCH } from "./subgroup.ts";
import { compileSums, isIdentity } from "./sums.ts";

type On = (...pointers: number[]) => number;

/** The C functions: pointers and sizes in, a status or a length out. */
export interface Mcl {
  readonly wasmMemory: WebAssembly.Memory;
  readonly _malloc: On;
  readonly _free: On;
  readonly _mclBn_init: On;
  readonly [name: `_mclBn${string}`]: On;
}

/** mcl's id of the curve, and what its header wants to see: 6 words per Fp, 4 per Fr. */
const BLS12_381 = 5;
const COMPILED_TIME_VAR = 46;

/** Bytes of a coordinate, of a scalar. */
export const FP_BYTES = 48;
const SCALAR_BYTES = 32;
/** 32 windows of one byte for scalars below 2^256. */
const WINDOWS = 32;
/** Bits of a compressed encoding's first byte: compressed, and the identity. */
const COMPRESSED = 0x80;
const INFINITY = 0x40;

/** One of the source groups: G1 over Fp, G2 over Fp2; elements are normalised points. */
function sourceGroup(mcl: Mcl, which: "G1" | "G2") {
  const degree = which === "G1" ? 1 : 2;
  const encodedBytes = degree * FP_BYTES;
  const size = 3 * degree * FP_BYTES;
  const add = mcl[`_mclBn${which}_add`];
  /** Whether deserialize refuses points outside the subgroup. */
  const verifyOrder = mcl[`_mclBn_verifyOrder${which}`];
  verifyOrder(1);
  const normalize = mcl[`_mclBn${which}_normalizeVec`];
  const point = mcl._malloc(size);
  const encoded = mcl._malloc(encodedBytes);
  /** mcl grows its memory, which detaches old views: take a new one after every allocation. */
  const view = (at: number, length: number) => new Uint8Array(mcl.wasmMemory.buffer, at, length);

  const parse = (bytes: Uint8Array) => {
    view(encoded, encodedBytes).set(bytes);
    const read = mcl[`_mclBn${which}_deserialize`](point, encoded, bytes.length);
    const infinite = (bytes[0] & INFINITY) !== 0;
    // Not left to mcl, which takes an identity whose last byte is not 0.
    const canonical = infinite
      ? bytes.every((byte, i) => byte === (i === 0 ? COMPRESSED | INFINITY : 0))
      : read === bytes.length; // curve, canonical, subgroup
    if (!canonical) throw new Error("refused by mcl");
    return { is0: () => infinite, raw: view(point, size).slice() };
  };
  const decode = (bytes: Uint8Array) =>
    decodePoint(`${CURVE.name} ${which}`, encodedBytes, bytes, parse).raw;

  const encode = (element: Uint8Array) => {
    if (isIdentity(element)) {
      throw new RangeError(`Cannot encode ${CURVE.name} ${which} element: it is the identity`);
    }
    view(point, size).set(element);
    const length = mcl[`_mclBn${which}_serialize`](encoded, encodedBytes, point);
    return view(encoded, length).slice();
  };

  /** table[256·j + d] = d·256^j·g, normalised. */
  const buildTable = () => {
    const table = mcl._malloc(256 * WINDOWS * size);
    view(table, 256 * WINDOWS * size).fill(0); // Z = 0: the identity
    view(point, size).set(decode(bls12_381[which].Point.BASE.toBytes(true)));
    for (let row = table; row < table + 256 * WINDOWS * size; row += 256 * size) {
      for (let d = 1; d < 256; d++) add(row + d * size, row + (d - 1) * size, point);
      add(point, row + 255 * size, point);
      normalize(point, point, 1);
      normalize(row + size, row + size, 255);
    }
    return table;
  };

  let table = 0;
  /** k·g for every k in [1, q). */
  const powers = (scalars: readonly bigint[]) => {
    checkScalars(scalars);
    table ||= buildTable();
    return scalars.map((scalar) => {
      view(point, size).fill(0);
      for (let row = table; scalar > 0n; row += 256 * size, scalar >>= 8n) {
        const digit = Number(BigInt.asUintN(8, scalar));
        if (digit !== 0) add(point, point, row + digit * size);
      }
      normalize(point, point, 1);
      return view(point, size).slice();
    });
  };

  const scalarAt = mcl._malloc(SCALAR_BYTES);
  /** k_i·P_i. */
  const multiply = (elements: readonly Uint8Array[], scalars: readonly bigint[]) => {
    checkScalars(scalars, elements.length);
    return elements.map((element, i) => {
      view(point, size).set(element);
      const little = scalars[i].toString(16).padStart(2 * SCALAR_BYTES, "0");
      view(scalarAt, SCALAR_BYTES).set(Uint8Array.fromHex(little).reverse());
      mcl._mclBnFr_setLittleEndian(scalarAt, scalarAt, SCALAR_BYTES);
      mcl[`_mclBn${which}_mul`](point, point, scalarAt);
      normalize(point, point, 1);
      return view(point, size).slice();
    });
  };

  const sums = compileSums(mcl, which, size);
  /** The elements of encodings side by side. */
  const decodeMany = (bytes: Uint8Array) => {
    const count = Math.ceil(bytes.length / encodedBytes);
    const parts = Array.from(
      { length: count },
      (_, i) => bytes.subarray(i * encodedBytes, (i + 1) * encodedBytes),
    );
    if (count < MIN_BATCH) return parts.map(decode);
    let elements: Uint8Array[];
    verifyOrder(0);
    try {
      elements = parts.map(decode);
    } finally {
      verifyOrder(1);
    }
    for (const sum of sums(elements, drawCombinations(which, count))) {
      if (isIdentity(sum)) continue;
      view(point, size).set(sum);
      if (mcl[`_mclBn${which}_isValidOrder`](point) === 1) continue;
      parts.forEach(decode); // names what is wrong
    }
    return elements;
  };
  return { powers, multiply, sums, encode, decode, decodeMany };
}

/** mcl's elements are bytes. */
export const raw = (element: G1 | G2) => element as unknown as Uint8Array;

/** An instance of mcl for BLS12-381, and its source groups. @throws {Error} mcl does not start. */
export async function startMcl() {
  const mcl = await createModule({
    cryptoGetRandomValues() {
      throw new Error("Cannot draw inside mcl: randomness comes from an Rng");
    },
  }) as Mcl;
  const status = mcl._mclBn_init(BLS12_381, COMPILED_TIME_VAR);
  if (status !== 0) throw new Error(`Cannot start mcl: status ${status}`);
  mcl._mclBn_setETHserialization(1); // the IETF's compressed encodings, as noble's
  const [first, second] = [sourceGroup(mcl, "G1"), sourceGroup(mcl, "G2")];
  const sources = {
    ...CURVE,
    powersG1: (scalars: readonly bigint[]) => first.powers(scalars) as unknown as G1[],
    powersG2: (scalars: readonly bigint[]) => second.powers(scalars) as unknown as G2[],
    multiplyG1: (elements: readonly G1[], scalars: readonly bigint[]) =>
      first.multiply(elements.map(raw), scalars) as unknown as G1[],
    multiplyG2: (elements: readonly G2[], scalars: readonly bigint[]) =>
      second.multiply(elements.map(raw), scalars) as unknown as G2[],
    sumsG1: (elements: readonly G1[], vectors: readonly Int32Array[]) =>
      first.sums(elements.map(raw), vectors) as unknown as G1[],
    sumsG2: (elements: readonly G2[], vectors: readonly Int32Array[]) =>
      second.sums(elements.map(raw), vectors) as unknown as G2[],
    encodeG1: (element: G1) => first.encode(raw(element)),
    encodeG2: (element: G2) => second.encode(raw(element)),
    decodeG1: (bytes: Uint8Array) => first.decode(bytes) as unknown as G1,
    decodeG2: (bytes: Uint8Array) => second.decode(bytes) as unknown as G2,
    decodeManyG1: (bytes: Uint8Array) => first.decodeMany(bytes) as unknown as G1[],
    decodeManyG2: (bytes: Uint8Array) => second.decodeMany(bytes) as unknown as G2[],
  };
  return { mcl, sources };
}
