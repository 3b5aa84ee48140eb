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

type On = (...pointers: number[]) => number;

/** The C functions: pointers and sizes in, a status or a length out. */
export interface Mcl {
  readonly wasmMemory: WebAssembly.Memory;
  readonly _malloc: On;
  readonly _mclBn_init: On;
  readonly [name: `_mclBn${string}`]: On;
}

/** mcl's id of the curve, and what its header wants to see: 6 words per Fp, 4 per Fr. */
const BLS12_381 = 5;
const COMPILED_TIME_VAR = 46;

/** Bytes of a coordinate. */
export const FP_BYTES = 48;
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
  return { powers, encode, decode };
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
  mcl._mclBn_verifyOrderG1(1); // deserialize refuses points outside the subgroup
  mcl._mclBn_verifyOrderG2(1);
  const [first, second] = [sourceGroup(mcl, "G1"), sourceGroup(mcl, "G2")];
  const sources = {
    ...CURVE,
    powersG1: (scalars: readonly bigint[]) => first.powers(scalars) as unknown as G1[],
    powersG2: (scalars: readonly bigint[]) => second.powers(scalars) as unknown as G2[],
    encodeG1: (element: G1) => first.encode(raw(element)),
    encodeG2: (element: G2) => second.encode(raw(element)),
    decodeG1: (bytes: Uint8Array) => first.decode(bytes) as unknown as G1,
    decodeG2: (bytes: Uint8Array) => second.decode(bytes) as unknown as G2,
  };
  return { mcl, sources };
}
