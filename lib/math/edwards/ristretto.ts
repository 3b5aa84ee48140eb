/** ristretto255 on the kernel. What happens once (hashing) or must be refused in words (decoding) is noble's.
 *
 * One operation on one element takes less than a microsecond; `bulk` keeps both lanes busy.
 * @module */
import type { EdwardsPoint } from "@noble/curves/abstract/edwards.js";
import { mod } from "@noble/curves/abstract/modular.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { NOBLE_RISTRETTO } from "../noble_ristretto.ts";
import type { Element, Group } from "../prime_group.ts";
import { compileCodec } from "./codec.ts";
import { compileCombs } from "./combs.ts";
import { LIMBS } from "./constants.ts";
import { ENTRY, STEP } from "./walk.ts";
import { limbsOf, Machine, valueOf, type Wrapping } from "./machine.ts";
import { compileMultiples } from "./multiples.ts";
import { compileSums } from "./sums.ts";

/** Bits of a digit in `multiply`. */
const DIGIT = 4;

/** The limbs of an Edwards point of noble's. */
export function fromNoble(element: Element): Float64Array {
  const { X, Y, Z, T } = element as unknown as EdwardsPoint;
  return Float64Array.from([X, Y, Z, T].flatMap((coordinate) => [...limbsOf(coordinate)]));
}

/** The Edwards point of limbs, as noble carries it. */
export function toNoble(limbs: Float64Array): Element {
  const [X, Y, Z, T] = [0, 1, 2, 3].map((k) => valueOf(limbs.subarray(k * LIMBS, (k + 1) * LIMBS)));
  return new ed25519.Point(X, Y, Z, T) as unknown as Element;
}

/** The group, on a kernel of its own; null where the kernel does not run. */
export function kernelRistretto(): Group | null {
  const machine = Machine.start();
  return machine === null ? null : ristrettoOn(machine);
}

function ristrettoOn(machine: Machine): Group {
  const codec = compileCodec(machine);
  const two = machine.allocate(2 * ENTRY);
  // The right operand in lane 0, the left in lane 1: an entry of each, then their sum in lane 0.
  const addition = machine.loadWalk([[STEP.store, 0], [STEP.reset], [0, 0], [ENTRY, 0]]);
  const doubling = machine.loadWalk([[STEP.double]]);

  /** See the module of `group.ts`. */
  class Point implements Element {
    /** @param limbs of X, Y, Z, T. */
    constructor(readonly limbs: Float64Array) {}

    add(other: Element): Element {
      machine.setAccumulator(limbsIn(other), this.limbs);
      machine.walk(addition, two, two + ENTRY);
      return new Point(machine.accumulator(0));
    }

    double(): Element {
      machine.setAccumulator(this.limbs);
      machine.walk(doubling);
      return new Point(machine.accumulator(0));
    }

    negate(): Element {
      const limbs = this.limbs.slice();
      for (let k = 0; k < LIMBS; k++) {
        limbs[k] = -limbs[k];
        limbs[3 * LIMBS + k] = -limbs[3 * LIMBS + k];
      }
      return new Point(limbs);
    }
  }

  const limbsIn = (element: Element) => (element as Point).limbs;
  const wrap = (limbs: Float64Array): Element => new Point(limbs);
  const wrapping: Wrapping = { wrap, limbsIn };
  const identity = wrap(machine.identity);

  const encode = (elements: readonly Element[]) => {
    const encodings = codec.encode(elements.map(limbsIn));
    if (encodings.every((bytes) => bytes.some((byte) => byte !== 0))) return encodings;
    throw new RangeError("Cannot encode ristretto255 element: it is the identity");
  };
  const decode = (encodings: readonly Uint8Array[]) => {
    const sized = encodings.every(({ length }) => length === NOBLE_RISTRETTO.elementBytes);
    const points = sized ? codec.decode(encodings) : encodings.map(() => null);
    return points.map((limbs, i) => wrap(limbs ?? fromNoble(NOBLE_RISTRETTO.decode(encodings[i]))));
  };

  return {
    ...NOBLE_RISTRETTO,
    generator: wrap(fromNoble(NOBLE_RISTRETTO.generator)),
    identity,
    equals: (a, b) => codec.equals(limbsIn(a), limbsIn(b)),
    multiply(element, scalar) {
      const reduced = mod(scalar, NOBLE_RISTRETTO.order);
      const multiples = [identity];
      for (let d = 1; d < 2 ** DIGIT; d++) multiples.push(multiples[d - 1].add(element));
      let sum = identity;
      for (const digit of reduced.toString(2 ** DIGIT)) {
        for (let k = 0; k < DIGIT; k++) sum = sum.double();
        sum = sum.add(multiples[parseInt(digit, 2 ** DIGIT)]);
      }
      return sum;
    },
    sum: (elements) => elements.reduce((total, element) => total.add(element), identity),
    keys: (elements) => codec.keys(elements.map(limbsIn)),
    encode: (element) => encode([element])[0],
    decode: (bytes) => decode([bytes])[0],
    hash: (message, domain) => wrap(fromNoble(NOBLE_RISTRETTO.hash(message, domain))),
    bulk: {
      sums: compileSums(machine, wrapping),
      combs: compileCombs(machine, wrapping, NOBLE_RISTRETTO),
      multiplesKeys: compileMultiples(machine, codec, wrapping),
      encode,
      decode,
    },
  };
}
