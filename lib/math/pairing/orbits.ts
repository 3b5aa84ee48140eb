/** Keys of start·step^k in the kernel, by traces: the inner loop of a discrete logarithm in GT.
 *
 * For unitary a let T(a) = a + 1/a, an element of Fp6 that is the same for a and 1/a and for no other. With
 * W_k = T(start·step^k), W_{k+1} = W_k·T(step) − W_{k−1} (Lucas): 42 products in Fp a step for two orbits
 * side by side, where a multiplication in Fp12 takes 144.
 *
 * A result of the kernel is the one representative in about (−p/2, p/2), so its lowest limb is a key of 50
 * bits. Only within 2^-17·p of ±p/2 may a residue have either of two representatives; for what is near
 * there the key is taken from the residue itself.
 * @module */
import { LIMB_BITS, NUMBER, toLimbs } from "./kernel.ts";
import { BASE2, type Factor, type Fp2, type Machine, pairAt, Program } from "./machine.ts";
import type { Lane, Miller } from "./miller.ts";
import { FP12, FP6, negated, sumFp2, timesXi, type Tower } from "./tower.ts";

/** Steps in one run of the kernel. */
const BATCH = 512;

export type Orbits = (
  starts: readonly [Lane, Lane],
  steps: readonly [Lane, Lane],
  count: number,
) => [Float64Array, Float64Array];

/** Compiles the recurrence: at base 2 lie W_{k−1}, W_k and room for W_{k+1}. */
function compileRecurrence(machine: Machine, step: number): { prepare: number; advance: number } {
  const prepare = new Program();
  const s: Fp2[] = [0, 1, 2].map((i) => pairAt(step + 2 * i * NUMBER));
  const factors: Factor[] = s.map((x) => negated(prepare, machine, x));
  const wrapped = s.map((x) => timesXi(prepare, machine, x)); // (w²)^(i + 3) = ξ·(w²)^i
  const advance = new Program();
  const [before, current, after] = [0, 1, 2].map((which) =>
    [0, 1, 2].map((i) => pairAt(BASE2 + which * FP6 + 2 * i * NUMBER))
  );
  const minusOne: Factor = [machine.minusOne, machine.zero, machine.zero];
  after.forEach((out, k) => {
    const products = current.map((a, i) =>
      [a, i <= k ? factors[k - i] : wrapped[k + 3 - i]] as const
    );
    sumFp2(advance, out, [...products, [before[k], minusOne]], [machine.zero, machine.zero]);
  });
  return { prepare: machine.load(prepare), advance: machine.load(advance) };
}

export function compileOrbits(machine: Machine, tower: Tower, miller: Miller): Orbits {
  const [f, g] = [machine.allocate(FP12), machine.allocate(FP12)];
  const step = machine.allocate(FP6);
  const { prepare, advance } = compileRecurrence(machine, step);
  const halfLimb = Math.abs(toLimbs((machine.p + 1n) / 2n)[7]);

  /** The key of the number at an address, by its first limb unless its last is about p/2. */
  const keyAt = (floats: Float64Array, at: number, address: number, lane: number) => {
    if (Math.abs(floats[at + 14]) >= halfLimb * (1 - 2 ** -14)) {
      return Number(BigInt.asUintN(LIMB_BITS, machine.read(address, lane)));
    }
    return floats[at] < 0 ? floats[at] + 2 ** LIMB_BITS : floats[at];
  };

  return (starts, steps, count) => {
    const records = machine.region((BATCH + 2) * FP6);
    // W_{−1} and W_0.
    miller.store(f, starts);
    machine.run(tower.trace, { base1: f, base2: records + FP6 });
    miller.store(g, steps);
    machine.run(tower.trace, { base1: g, base2: step });
    machine.run(prepare);
    machine.run(tower.conjugate, { base1: g });
    miller.multiply(f, g);
    machine.run(tower.trace, { base1: f, base2: records });

    const keys: [Float64Array, Float64Array] = [new Float64Array(count), new Float64Array(count)];
    for (let done = 0; done < count;) {
      const times = Math.min(BATCH, count - done);
      machine.run(advance, { times, base2: records, stride2: FP6 });
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
