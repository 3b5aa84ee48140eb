/** BLS12-381 with mcl's G1 and G2, and everything in GT by our own kernel.
 *
 * The kernel needs relaxed SIMD with a fused multiply-add: any x86-64 since 2013 with a current V8, any
 * ARM64. It is tested at the start; where it is missing, `startPairing` takes noble.
 * @module */
import { FpInvertBatch } from "@noble/curves/abstract/modular.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { G1, GT, PairingGroup, PreparedG2 } from "./group.ts";
import { checkProducts } from "./noble.ts";
import { compileLines } from "./lines.ts";
import { Machine } from "./machine.ts";
import { FP_BYTES, raw, startMcl } from "./mcl_curve.ts";
import { type Lane, Miller, POINT } from "./miller.ts";
import { compileOrbits } from "./orbits.ts";
import { compileTower, FP12 } from "./tower.ts";

interface Prepared extends PreparedG2 {
  /** [step][pair of elements][line]. */
  readonly lines: Float64Array;
}

const lane = (a: GT) => a as unknown as Lane;
const { Fp } = bls12_381.fields;
/** mcl holds x·2^384 mod p. */
const MCL_INVERSE = Fp.inv(Fp.create(1n << 384n));

/** The first `count` coordinates of an element in mcl's bytes. */
function coordinates(element: Uint8Array, count: number): bigint[] {
  const words = new BigUint64Array(element.slice(0, count * FP_BYTES).buffer);
  return Array.from({ length: count }, (_, i) => {
    let value = 0n;
    for (let j = 5; j >= 0; j--) value = (value << 64n) | words[6 * i + j];
    return Fp.mul(value, MCL_INVERSE);
  });
}

/** The curve by mcl and the kernel, or null where the kernel does not run. */
export async function simdPairing(): Promise<PairingGroup | null> {
  const machine = await Machine.start(Fp.ORDER);
  if (machine === null) return null;
  const { sources } = await startMcl();
  const tower = compileTower(machine);
  const miller = new Miller(machine, tower);
  const makeLines = compileLines(machine);
  const orbits = compileOrbits(machine, tower, miller);
  const scratch = machine.allocate(FP12);
  const [x, y] = [machine.allocate(FP12), machine.allocate(FP12)];

  /** Points of a vector as the loop wants them, kept as long as the vector: a key meets many ciphertexts. */
  const pointsOf = new WeakMap<readonly G1[], Float64Array>();
  const preparePoints = (elements: readonly G1[]): Float64Array => {
    let points = pointsOf.get(elements);
    if (points === undefined) {
      points = new Float64Array(Math.ceil(elements.length / 2) * POINT / 8);
      const affine = elements.map((element) => coordinates(raw(element), 2));
      const inverses = FpInvertBatch(Fp, affine.map(([, y]) => y), true);
      affine.forEach(([x], i) => {
        machine.write(scratch, i & 1, Fp.mul(x, inverses[i]));
        machine.write(scratch + POINT / 2, i & 1, inverses[i]);
        points!.set(machine.view(scratch, POINT), (i >> 1) * POINT / 8);
      });
      pointsOf.set(elements, points);
    }
    return points;
  };

  const arithmetic = (program: number, a: GT, b: GT): GT => {
    miller.store(x, [lane(a), lane(a)]);
    miller.store(y, [lane(b), lane(b)]);
    machine.run(program, { base1: x, base2: y });
    return miller.load(x)[0] as unknown as GT;
  };

  return {
    ...sources,
    backend: "simd",
    prepare(elements): Prepared {
      const points = elements.map((element) => {
        const [x0, x1, y0, y1] = coordinates(raw(element), 4);
        return { x: { c0: x0, c1: x1 }, y: { c0: y0, c1: y1 } };
      });
      const lines = makeLines(points);
      return { length: elements.length, sizeBytes: lines.byteLength, lines };
    },
    pairingProducts(products) {
      checkProducts(products);
      const loops = products.map(({ g1, g2 }) =>
        miller.loop(preparePoints(g1), (g2 as Prepared).lines)
      );
      const out: Lane[] = [];
      for (let i = 0; i < loops.length; i += 2) {
        out.push(...miller.finalExponentiation([loops[i], loops[i + 1] ?? loops[i]]));
      }
      return out.slice(0, loops.length) as unknown as GT[];
    },
    equal(a, b) {
      miller.store(x, [lane(a), lane(b)]);
      return Array.from({ length: 12 }, (_, i) => x + i * FP12 / 12)
        .every((at) => machine.read(at, 0) === machine.read(at, 1));
    },
    multiply: (a, b) => arithmetic(tower.multiply, a, b),
    invert: (a) => arithmetic(tower.conjugate, a, a),
    orbits: ([a, b], [s, t], count) => orbits([lane(a), lane(b)], [lane(s), lane(t)], count),
  };
}
