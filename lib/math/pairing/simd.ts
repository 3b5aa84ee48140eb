/** BLS12-381 with mcl's G1 and G2, and everything in GT by our own kernel.
 *
 * **Orbits**, the inner loop of a discrete logarithm, go by traces. For unitary a let T(a) = a + 1/a, an
 * element of Fp6 that is the same for a and 1/a and for no other. With W_k = T(start·step^k),
 * W_{k+1} = W_k·T(step) − W_{k−1} (Lucas): 42 products in Fp a step for two orbits side by side, where a
 * multiplication in Fp12 takes 144.
 * @module */
import { FpInvertBatch } from "@noble/curves/abstract/modular.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { G1, GT, PairingGroup, PreparedG2 } from "./group.ts";
import { LIMB_BITS, NUMBER, toLimbs } from "./kernel.ts";
import { compileLines } from "./lines.ts";
import { BASE2, type Lane, Machine } from "./machine.ts";
import { FP_BYTES, raw, startMcl } from "./mcl_curve.ts";
import { compileMiller, POINT } from "./miller.ts";
import { checkProducts } from "./noble.ts";
import { type Factor, Program } from "./program.ts";
import { isIdentity } from "./sums.ts";
import { coefficients, compileTower, FP12, type Tower } from "./tower.ts";

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

/** Bytes of an element of Fp6, and steps of an orbit in one run of the kernel. */
const FP6 = 6 * NUMBER;
const BATCH = 512;

/** Compiles the orbits of two (start, step) side by side. */
function compileOrbits(machine: Machine, tower: Tower) {
  const [f, g] = [machine.allocate(FP12), machine.allocate(FP12)];
  const step = machine.allocate(FP6);
  const prepare = new Program(machine);
  const s = coefficients(step, 3);
  const factors = s.map((x) => prepare.factor(x));
  const wrapped = s.map((x) => prepare.timesXi(x)); // (w²)^(i + 3) = ξ·(w²)^i
  const minusOne: Factor = [machine.minusOne, machine.zero, machine.zero];
  const advance = new Program(machine); // at base 2 lie W_{k−1}, W_k and room for W_{k+1}
  const [before, current, after] = [0, 1, 2].map((which) => coefficients(BASE2 + which * FP6, 3));
  advance.sums2(after.map((out, k) => {
    const products = current.map((a, i) =>
      [a, i <= k ? factors[k - i] : wrapped[k + 3 - i]] as const
    );
    return { out, products: [...products, [before[k], minusOne]] };
  }));
  const [prepareAt, advanceAt] = [prepare.load(), advance.load()];
  const halfLimb = Math.abs(toLimbs((machine.p + 1n) / 2n)[7]);

  /** The key of a number: its lowest limb, 50 bits, since a result of the kernel is the one representative in
   * about (−p/2, p/2). Within 2^-17·p of ±p/2 a residue may have either of two, so near there it is read. */
  const keyAt = (floats: Float64Array, at: number, address: number, lane: number) => {
    if (Math.abs(floats[at + 14]) >= halfLimb * (1 - 2 ** -14)) {
      return Number(BigInt.asUintN(LIMB_BITS, machine.read(address, lane)));
    }
    return floats[at] < 0 ? floats[at] + 2 ** LIMB_BITS : floats[at];
  };

  return (starts: readonly [Lane, Lane], steps: readonly [Lane, Lane], count: number) => {
    const records = machine.region((BATCH + 2) * FP6);
    // W_{−1} and W_0.
    machine.store(f, starts);
    machine.run(tower.trace, { base1: f, base2: records + FP6 });
    machine.store(g, steps);
    machine.run(tower.trace, { base1: g, base2: step });
    machine.run(prepareAt);
    machine.run(tower.conjugate, { base1: g });
    machine.run(tower.multiply, { base1: f, base2: g });
    machine.run(tower.trace, { base1: f, base2: records });

    const keys: [Float64Array, Float64Array] = [new Float64Array(count), new Float64Array(count)];
    for (let done = 0; done < count;) {
      const times = Math.min(BATCH, count - done);
      machine.run(advanceAt, { times, base2: records, stride2: FP6 });
      const floats = machine.view(records, (BATCH + 2) * FP6);
      for (let i = 0; i < times; i++) {
        const at = (i + 1) * FP6; // W_0 first; the last is the next batch's W_0
        for (const lane of [0, 1]) {
          keys[lane][done + i] = keyAt(floats, at / 8 + lane, records + at, lane);
        }
      }
      floats.copyWithin(0, times * FP6 / 8, (times + 2) * FP6 / 8);
      done += times;
    }
    return keys;
  };
}

/** The curve by mcl and the kernel, or null where the kernel does not run. */
export async function simdPairing(): Promise<PairingGroup | null> {
  const machine = await Machine.start(Fp.ORDER);
  if (machine === null) return null;
  const { sources } = await startMcl();
  const tower = compileTower(machine);
  const miller = compileMiller(machine, tower);
  const makeLines = compileLines(machine);
  const orbits = compileOrbits(machine, tower);
  const [x, y] = [machine.allocate(FP12), machine.allocate(FP12)];

  /** Points of a vector as the loop wants them, kept as long as the vector: a key meets many ciphertexts. */
  const pointsOf = new WeakMap<readonly G1[], Float64Array>();
  const preparePoints = (elements: readonly G1[]): Float64Array => {
    let points = pointsOf.get(elements);
    if (points === undefined) {
      points = new Float64Array(Math.ceil(elements.length / 2) * POINT / 8);
      const affine = elements.map((element) => coordinates(raw(element), 2));
      const doubled = affine.map(([, y]) => Fp.add(y, y));
      const inverses = FpInvertBatch(Fp, doubled, true); // 0 for the identity: its lines are 1
      affine.forEach(([xP], i) => {
        machine.write(x, i & 1, Fp.mul(xP, inverses[i]));
        machine.write(x + POINT / 2, i & 1, inverses[i]);
        points!.set(machine.view(x, POINT), (i >> 1) * POINT / 8);
      });
      pointsOf.set(elements, points);
    }
    return points;
  };

  const arithmetic = (program: number, a: GT, b: GT): GT => {
    machine.store(x, [lane(a), lane(a)]);
    machine.store(y, [lane(b), lane(b)]);
    machine.run(program, { base1: x, base2: y });
    return machine.lanes(x, FP12)[0] as unknown as GT;
  };

  return {
    ...sources,
    backend: "simd",
    prepare(elements): Prepared {
      const points = elements.map((element) => {
        if (isIdentity(raw(element))) return null;
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
      machine.store(x, [lane(a), lane(b)]);
      return coefficients(x).flat().every((at) => machine.read(at, 0) === machine.read(at, 1));
    },
    multiply: (a, b) => arithmetic(tower.multiply, a, b),
    invert: (a) => arithmetic(tower.conjugate, a, a),
    orbits: ([a, b], [s, t], count) => orbits([lane(a), lane(b)], [lane(s), lane(t)], count),
  };
}
