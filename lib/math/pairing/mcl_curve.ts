/** G1, G2 and GT of BLS12-381 in an instance of `mcl-wasm` that belongs to nobody else.
 *
 * mcl's C interface is used directly, on pointers: its JavaScript classes copy every operand in and out.
 * Elements live outside, as the bytes of mcl's normalised (X, Y, 1), so nothing is ever to be freed but
 * the fixed buffers and tables of an instance, which last as long as it does.
 *
 * k·g1 and k·g2 come from tables of d·256^j·g: 32 mixed additions, where mcl's own multiplication takes
 * five times as long.
 * @module */
import createModule from "mcl-wasm/dist/mcl_c.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { type G1, type G2, PAIRING_IDS } from "./group.ts";
import { badEncoding, checkLength, checkScalars, isIdentity } from "./check.ts";

/** The C functions that are called here. */
interface Mcl {
  readonly wasmMemory: WebAssembly.Memory;
  _malloc(size: number): number;
  _mclBn_init(curve: number, compiledTimeVar: number): number;
  _mclBn_setETHserialization(on: number): void;
  _mclBn_verifyOrderG1(on: number): void;
  _mclBn_verifyOrderG2(on: number): void;
  _mclBn_getUint64NumToPrecompute(): number;
  _mclBn_precomputeG2(lines: number, q: number): void;
  _mclBn_precomputedMillerLoop(out: number, p: number, lines: number): void;
  _mclBn_precomputedMillerLoop2(
    out: number,
    p1: number,
    lines1: number,
    p2: number,
    lines2: number,
  ): void;
  _mclBn_finalExp(out: number, a: number): void;
  _mclBnGT_mul(out: number, a: number, b: number): void;
  _mclBnGT_inv(out: number, a: number): void;
  _mclBnG1_deserialize(out: number, bytes: number, length: number): number;
  _mclBnG1_serialize(bytes: number, size: number, p: number): number;
  _mclBnG1_add(out: number, a: number, b: number): void;
  _mclBnG1_normalizeVec(out: number, p: number, count: number): void;
  _mclBnG2_deserialize(out: number, bytes: number, length: number): number;
  _mclBnG2_serialize(bytes: number, size: number, p: number): number;
  _mclBnG2_add(out: number, a: number, b: number): void;
  _mclBnG2_normalizeVec(out: number, p: number, count: number): void;
}

/** mcl's id of the curve, and what its header wants to see: 6 words per Fp, 4 per Fr. */
const BLS12_381 = 5;
const COMPILED_TIME_VAR = 46;

export const FP_BYTES = 48;
export const GT_BYTES = 12 * FP_BYTES;
/** 32 windows of one byte for scalars below 2^256. */
const WINDOWS = 32;
/** Bit of a compressed encoding's first byte that marks the identity. */
const INFINITY = 0x40;

/** One of the source groups: G1 over Fp, G2 over Fp2. */
class SourceGroup {
  readonly encodedBytes: number;
  readonly #pointBytes: number;
  readonly #mcl: Mcl;
  readonly #name: string;
  readonly #scratch: number;
  readonly #generator: Uint8Array;
  readonly #c: {
    deserialize: Mcl["_mclBnG1_deserialize"];
    serialize: Mcl["_mclBnG1_serialize"];
    add: Mcl["_mclBnG1_add"];
    normalizeVec: Mcl["_mclBnG1_normalizeVec"];
  };
  #table = 0;

  constructor(mcl: Mcl, which: "G1" | "G2", scratch: number) {
    const degree = which === "G1" ? 1 : 2;
    this.encodedBytes = degree * FP_BYTES;
    this.#pointBytes = 3 * degree * FP_BYTES;
    this.#mcl = mcl;
    this.#name = `bls12-381 ${which}`;
    this.#scratch = scratch;
    this.#generator = bls12_381[which].Point.BASE.toBytes(true);
    this.#c = {
      deserialize: mcl[`_mclBn${which}_deserialize`],
      serialize: mcl[`_mclBn${which}_serialize`],
      add: mcl[`_mclBn${which}_add`],
      normalizeVec: mcl[`_mclBn${which}_normalizeVec`],
    };
  }

  /** mcl grows its memory, which detaches old views: take a new one after every allocation. */
  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#mcl.wasmMemory.buffer, at, length);
  }

  /** k·g for every k in [1, q). */
  powers(scalars: readonly bigint[]): Uint8Array[] {
    checkScalars(bls12_381.fields.Fr.ORDER, scalars);
    this.#table ||= this.#buildTable();
    const { add, normalizeVec } = this.#c;
    const sum = this.#scratch;
    return scalars.map((scalar) => {
      this.#bytes(sum, this.#pointBytes).fill(0); // Z = 0: the identity
      for (let window = 0; scalar > 0n; window++, scalar >>= 8n) {
        const digit = Number(BigInt.asUintN(8, scalar));
        if (digit !== 0) add(sum, sum, this.#table + (256 * window + digit) * this.#pointBytes);
      }
      normalizeVec(sum, sum, 1);
      return this.#bytes(sum, this.#pointBytes).slice();
    });
  }

  /** table[256·j + d] = d·256^j·g, normalised. */
  #buildTable(): number {
    const size = this.#pointBytes;
    const { add, normalizeVec } = this.#c;
    const table = this.#mcl._malloc(256 * WINDOWS * size);
    this.#bytes(table, 256 * WINDOWS * size).fill(0);
    let base = this.#scratch;
    this.#load(base, this.decode(this.#generator));
    for (let window = 0; window < WINDOWS; window++) {
      const row = table + 256 * window * size;
      for (let d = 1; d < 256; d++) add(row + d * size, row + (d - 1) * size, base);
      add(this.#scratch, row + 255 * size, base);
      base = this.#scratch;
      normalizeVec(base, base, 1);
      normalizeVec(row + size, row + size, 255);
    }
    return table;
  }

  /** The compressed encoding. */
  encode(point: Uint8Array): Uint8Array {
    this.#load(this.#scratch, point);
    const bytes = this.#scratch + this.#pointBytes;
    const length = this.#c.serialize(bytes, this.encodedBytes, this.#scratch);
    return this.#bytes(bytes, length).slice();
  }

  /** The normalised point. @throws {RangeError} see `PairingGroup.decodeG1`. */
  decode(encoded: Uint8Array): Uint8Array {
    checkLength(this.#name, encoded, this.encodedBytes);
    const point = this.#scratch;
    const bytes = point + this.#pointBytes;
    this.#load(bytes, encoded);
    const read = this.#c.deserialize(point, bytes, encoded.length);
    if ((encoded[0] & INFINITY) !== 0) {
      // Not left to mcl, which takes an identity whose last byte is not 0.
      const canonical = encoded[0] === (INFINITY | 0x80) &&
        encoded.subarray(1).every((b) => b === 0);
      throw canonical ? isIdentity(this.#name) : badEncoding(this.#name);
    }
    if (read !== encoded.length) throw badEncoding(this.#name); // curve, canonical, subgroup
    return this.#bytes(point, this.#pointBytes).slice();
  }

  #load(at: number, bytes: Uint8Array): void {
    this.#bytes(at, bytes.length).set(bytes);
  }
}

/** What every backend over mcl's G1 and G2 shares. */
function sourceGroups(first: SourceGroup, second: SourceGroup) {
  const raw = (element: G1 | G2) => element as unknown as Uint8Array;
  return {
    name: "bls12-381",
    id: PAIRING_IDS["bls12-381"],
    order: bls12_381.fields.Fr.ORDER,
    g1Bytes: first.encodedBytes,
    g2Bytes: second.encodedBytes,
    powersG1: (scalars: readonly bigint[]) => first.powers(scalars) as unknown as G1[],
    powersG2: (scalars: readonly bigint[]) => second.powers(scalars) as unknown as G2[],
    encodeG1: (element: G1) => first.encode(raw(element)),
    encodeG2: (element: G2) => second.encode(raw(element)),
    decodeG1: (bytes: Uint8Array) => first.decode(bytes) as unknown as G1,
    decodeG2: (bytes: Uint8Array) => second.decode(bytes) as unknown as G2,
  } as const;
}

/** An instance of mcl for BLS12-381, and its source groups. @throws {Error} mcl does not start. */
export async function startMcl(): Promise<{ mcl: Mcl; sources: ReturnType<typeof sourceGroups> }> {
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
  const scratch = mcl._malloc(1024); // a point and its encoding
  const [first, second] = (["G1", "G2"] as const).map((name) =>
    new SourceGroup(mcl, name, scratch)
  );
  return { mcl, sources: sourceGroups(first, second) };
}
