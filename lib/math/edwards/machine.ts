/** The kernel of this thread with its memory: where points go in, and where they come out.
 *
 * A point outside the kernel is 20 float64, the limbs of X, Y, Z and T. Below `REGION` lie constants, registers and
 * programs; from there on whatever a call needs, which lasts until the next one.
 * @module */
import { LIMBS, NUMBER, P, toLimbs } from "./constants.ts";
import type { Element } from "../prime_group.ts";
import { type Kernel, startKernel } from "./kernel.ts";
import { OPERATION } from "./program.ts";
import { ACCUMULATOR, ENTRY, FREE, STEP } from "./walk.ts";

/** Numbers of a point outside the kernel. */
export const COORDINATES = 4 * LIMBS;
/** Where the region begins. */
export const REGION = 2 ** 16;

/** How elements are made of points. */
export interface Wrapping {
  readonly wrap: (limbs: Float64Array) => Element;
  readonly limbsIn: (element: Element) => Float64Array;
}

/** An address relative to the base of a run. */
export const relative = (offset: number) => offset | 1;

/** The words of a program: see `OPERATION`. */
export type Operation = readonly [
  name: keyof typeof OPERATION,
  out: number,
  a: number,
  b?: number,
  c?: number,
];

/** See the module. */
export class Machine {
  /** The whole memory, as floats and as words; anew after it grows. */
  floats: Float64Array;
  words: Int32Array;
  /** Counts the calls of {@linkcode reserve}: whose contents the region has. */
  turn = 0;
  /** The identity, as a point outside and as an entry inside. */
  readonly identity: Float64Array;
  readonly identityEntry: number;
  readonly #kernel: Kernel;
  #next = Math.ceil(FREE / NUMBER) * NUMBER;

  private constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.floats = new Float64Array(kernel.memory.buffer);
    this.words = new Int32Array(kernel.memory.buffer);
    this.identityEntry = this.allocate(ENTRY);
    this.walk(this.loadWalk([[STEP.reset], [STEP.store, this.identityEntry]]));
    this.identity = this.accumulator(0);
  }

  /** A machine, or null where the kernel does not run. */
  static start(): Machine | null {
    const kernel = startKernel();
    return kernel === null ? null : new Machine(kernel);
  }

  /** Reserves bytes below the region. @throws {RangeError} it is full. */
  allocate(bytes: number): number {
    const at = this.#next;
    this.#next += Math.ceil(bytes / NUMBER) * NUMBER;
    if (this.#next > REGION) throw new RangeError("Cannot allocate: the kernel's memory is full");
    return at;
  }

  /** A register with an integer in both lanes. */
  constant(value: bigint): number {
    const at = this.allocate(NUMBER);
    limbsOf(value).forEach((limb, k) => this.floats.fill(limb, at / 8 + 2 * k, at / 8 + 2 * k + 2));
    return at;
  }

  /** Makes room for that many bytes in the region, whose contents are the caller's until the next call.
   * @returns the caller's turn. */
  reserve(bytes: number): number {
    const missing = REGION + bytes - this.floats.byteLength;
    if (missing > 0) {
      this.#kernel.memory.grow(Math.ceil(missing / 2 ** 16));
      this.floats = new Float64Array(this.#kernel.memory.buffer);
      this.words = new Int32Array(this.#kernel.memory.buffer);
    }
    return ++this.turn;
  }

  /** Puts a program below the region. @returns its address. */
  load(operations: readonly Operation[]): number {
    const words = operations.flatMap((
      [name, out, a, b = 0, c = 0],
    ) => [OPERATION[name], out, a, b, c]);
    const at = this.allocate(4 * words.length + 4);
    this.words.set([...words, OPERATION.end], at / 4);
    return at;
  }

  /** Puts a walk below the region. @returns its address. */
  loadWalk(steps: readonly (readonly [number, number?])[]): number {
    const at = this.allocate(8 * steps.length + 8);
    this.words.set(
      [...steps, [STEP.end]].flatMap(([first, second = 0]) => [first, second]),
      at / 4,
    );
    return at;
  }

  /** Runs a program over `times` records from `base` on. */
  run(program: number, base = 0, times = 1, stride = 0): void {
    if (times > 0) this.#kernel.run(program, times, base, stride);
  }

  /** Takes the steps at an address: entries lie relative to the lanes' bases. */
  walk(steps: number, base0 = 0, base1 = base0, out = 0): void {
    this.#kernel.walk(steps, base0, base1, out);
  }

  /** Writes numbers (five limbs each) into one lane from an address on. */
  write(at: number, lane: number, limbs: Float64Array): void {
    const { floats } = this;
    for (let k = 0, to = at / 8 + lane; k < limbs.length; k++, to += 2) floats[to] = limbs[k];
  }

  /** Reads numbers, `limbs` in all, of one lane. */
  read(at: number, lane: number, limbs = COORDINATES): Float64Array {
    const { floats } = this;
    const out = new Float64Array(limbs);
    for (let k = 0, from = at / 8 + lane; k < limbs; k++, from += 2) out[k] = floats[from];
    return out;
  }

  /** Writes points into records of `stride` bytes from an address on, the first half into lane 0.
   * @returns the records, ⌈points/2⌉. */
  scatter(at: number, stride: number, points: readonly Float64Array[]): number {
    const half = Math.ceil(points.length / 2);
    for (let i = 0; i < points.length; i++) {
      this.write(at + stride * (i % half), i < half ? 0 : 1, points[i]);
    }
    if (points.length % 2 === 1) this.write(at + stride * (half - 1), 1, points[0]);
    return half;
  }

  /** The accumulator's lanes become these points. */
  setAccumulator(first: Float64Array, second = first): void {
    this.write(ACCUMULATOR, 0, first);
    this.write(ACCUMULATOR, 1, second);
  }

  /** The point in a lane of the accumulator. */
  accumulator(lane: number): Float64Array {
    return this.read(ACCUMULATOR, lane);
  }

  /** The operations to z^(2^252 − 3), the core of a square root, and z^(p − 2), and the registers of both. */
  powers(z: number): { operations: Operation[]; root: number; inverse: number } {
    const [t0, t1, t2, t3, root, inverse] = Array.from({ length: 6 }, () => this.allocate(NUMBER));
    const raise = (out: number, a: number, count: number): Operation => [
      ...["squares", out, a, 2 * count] as const,
    ];
    const times = (out: number, a: number, b: number): Operation => ["product", out, a, b];
    return {
      root,
      inverse,
      operations: [
        [raise(t0, z, 1), raise(t1, t0, 2), times(t1, z, t1), times(t0, t0, t1)], // z^9, z^11
        [raise(t2, t0, 1), times(t1, t1, t2)], // 2^5 − 1
        [raise(t2, t1, 5), times(t1, t2, t1)], // 2^10 − 1
        [raise(t2, t1, 10), times(t2, t2, t1)], // 2^20 − 1
        [raise(t3, t2, 20), times(t2, t3, t2)], // 2^40 − 1
        [raise(t2, t2, 10), times(t1, t2, t1)], // 2^50 − 1
        [raise(t2, t1, 50), times(t2, t2, t1)], // 2^100 − 1
        [raise(t3, t2, 100), times(t2, t3, t2)], // 2^200 − 1
        [raise(t2, t2, 50), times(t1, t2, t1)], // 2^250 − 1
        [raise(root, t1, 2), times(root, root, z)], // 2^252 − 3
        [raise(inverse, t1, 5), times(inverse, inverse, t0)], // 2^255 − 21
      ].flat(),
    };
  }
}

/** The limbs of an integer's representative of least absolute value. */
export function limbsOf(value: bigint): Float64Array {
  const reduced = ((value % P) + P) % P;
  return Float64Array.from(toLimbs(2n * reduced > P ? reduced - P : reduced));
}

/** The field element of five limbs, in [0, p). */
export function valueOf(limbs: Float64Array): bigint {
  const sum = limbs.reduceRight((high, limb) => (high << 51n) + BigInt(limb), 0n);
  return ((sum % P) + P) % P;
}
