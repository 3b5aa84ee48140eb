/** BLS12-381 on `mcl-wasm` alone: an independent oracle for the library's backends, and a baseline.
 *
 * mcl pairs with precomputed lines one or two elements at a time; each pair of loops is multiplied into
 * the product before the one final exponentiation. The lines (20 kB an element) are kept outside and
 * copied into two fixed buffers when used, which takes a thousandth of a Miller loop: nothing in mcl's
 * memory grows with the number of elements.
 * @module */
import type {
  G1,
  G2,
  GT,
  PairingGroup,
  PairingProduct,
  PreparedG2,
} from "lib/math/pairing/group.ts";
import { FP_BYTES, startMcl } from "lib/math/pairing/mcl_curve.ts";
import { checkProducts } from "lib/math/pairing/noble.ts";

const GT_BYTES = 12 * FP_BYTES;

interface Prepared extends PreparedG2 {
  /** One entry an element. */
  readonly lines: readonly Uint8Array[];
}

const raw = (element: G1 | G2 | GT) => element as unknown as Uint8Array;

/** The curve by mcl, in a new instance of it. */
export async function mclPairing(): Promise<PairingGroup> {
  const { mcl, sources } = await startMcl();
  const lineBytes = 8 * mcl._mclBn_getUint64NumToPrecompute();
  const lineBuffers = [mcl._malloc(lineBytes), mcl._malloc(lineBytes)];
  const points = [mcl._malloc(1024), mcl._malloc(1024)];
  const [x, y] = [mcl._malloc(GT_BYTES), mcl._malloc(GT_BYTES)];
  const load = (at: number, bytes: Uint8Array) =>
    new Uint8Array(mcl.wasmMemory.buffer, at, bytes.length).set(bytes);
  const copy = (at: number, length: number) =>
    new Uint8Array(mcl.wasmMemory.buffer, at, length).slice();
  const result = () => copy(x, GT_BYTES) as unknown as GT;

  const product = ({ g1, g2 }: PairingProduct): GT => {
    const { lines } = g2 as Prepared;
    for (let i = 0; i < g1.length; i += 2) {
      const used = Math.min(2, g1.length - i);
      for (let k = 0; k < used; k++) {
        load(points[k], raw(g1[i + k]));
        load(lineBuffers[k], lines[i + k]);
      }
      const out = i === 0 ? x : y;
      if (used === 1) mcl._mclBn_precomputedMillerLoop(out, points[0], lineBuffers[0]);
      else {
        const [[p, q], [l, k]] = [points, lineBuffers];
        mcl._mclBn_precomputedMillerLoop2(out, p, l, q, k);
      }
      if (i > 0) mcl._mclBnGT_mul(x, x, y);
    }
    mcl._mclBn_finalExp(x, x);
    return result();
  };

  const orbit = (start: GT, step: GT, count: number) => {
    load(x, raw(start));
    load(y, raw(step));
    return Float64Array.from({ length: count }, () => {
      // The first coordinate is the same for a and 1/a, and fully reduced.
      const [low, high] = new Uint32Array(mcl.wasmMemory.buffer, x, 2);
      mcl._mclBnGT_mul(x, x, y);
      return (high % 2 ** 20) * 2 ** 32 + low;
    });
  };

  return {
    ...sources,
    backend: "mcl",
    prepare(elements): Prepared {
      const lines = elements.map((element) => {
        load(points[0], raw(element));
        mcl._mclBn_precomputeG2(lineBuffers[0], points[0]);
        return copy(lineBuffers[0], lineBytes);
      });
      return { length: lines.length, sizeBytes: lines.length * lineBytes, lines };
    },
    pairingProducts(products) {
      checkProducts(products);
      return products.map(product);
    },
    equal: (a, b) => raw(a).every((byte, i) => byte === raw(b)[i]),
    multiply(a, b) {
      load(x, raw(a));
      load(y, raw(b));
      mcl._mclBnGT_mul(x, x, y);
      return result();
    },
    invert(a) {
      load(x, raw(a));
      mcl._mclBnGT_inv(x, x);
      return result();
    },
    orbits: ([a, b], [s, t], count) => [orbit(a, s, count), orbit(b, t, count)],
  };
}
