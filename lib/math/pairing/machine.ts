/** The kernel's memory, and the numbers in it.
 *
 * A number has two lanes: two unrelated elements of Fp, in Montgomery form (x·R mod p), that undergo the
 * same operations. Fp2 = Fp[u]/(u² + 1) is a pair of numbers. Addresses below `BASE1` are absolute;
 * `BASE1 + offset` and `BASE2 + offset` are relative to the bases of a run.
 * @module */
import { invert, mod } from "@noble/curves/abstract/modular.js";
import { FREE, LIMB_BITS, NUMBER, R_BITS, type Run, startKernel, toLimbs } from "./kernel.ts";

/** Addresses are multiples of 16, so their low bits are free to name a base. */
export const BASE1 = 1;
/** See {@linkcode BASE1}. */
export const BASE2 = 2;

/** Two addresses: the real and the imaginary part. */
export type Fp2 = readonly [re: number, im: number];
/** One lane of an array of numbers outside the kernel, 8 limbs a number. */
export type Lane = Float64Array;

/** The Fp2 element whose parts lie side by side from an address on. */
export const pairAt = (at: number): Fp2 => [at, at + NUMBER];

/** Where the region begins: the fixed part takes what is below. */
const REGION = 256 * 1024;

/** The kernel's memory: a fixed part of constants, registers and programs, and a region behind it for
 * arrays of records, as large as the largest that was asked for. */
export class Machine {
  readonly p: bigint;
  readonly zero: number;
  readonly zero2: Fp2;
  /** R mod p, and its negative. */
  readonly one: number;
  readonly minusOne: number;
  /** A number that nobody reads. */
  readonly unused: number;
  readonly #run: Run;
  readonly #memory: WebAssembly.Memory;
  readonly #inverseOfR: bigint;
  #floats: Float64Array;
  #next = FREE;

  private constructor(p: bigint, run: Run, memory: WebAssembly.Memory) {
    this.p = p;
    this.#run = run;
    this.#memory = memory;
    this.#floats = new Float64Array(memory.buffer);
    this.#inverseOfR = invert(1n << R_BITS, p);
    this.zero = this.constant(0n);
    this.zero2 = [this.zero, this.zero];
    this.one = this.constant(1n);
    this.minusOne = this.constant(-1n);
    this.unused = this.allocate(NUMBER);
  }

  /** A machine for Fp, or null where the kernel does not run. */
  static async start(p: bigint): Promise<Machine | null> {
    const kernel = await startKernel(p);
    return kernel === null ? null : new Machine(p, kernel.run, kernel.memory);
  }

  /** Reserves bytes of the fixed part. @throws {RangeError} it is full. */
  allocate(bytes: number): number {
    const at = this.#next;
    this.#next += Math.ceil(bytes / NUMBER) * NUMBER;
    if (this.#next > REGION) {
      throw new RangeError("Cannot allocate: the kernel's fixed part is full");
    }
    return at;
  }

  /** A pair of fresh registers. */
  pair(): Fp2 {
    return pairAt(this.allocate(2 * NUMBER));
  }

  /** A register with x in both lanes. */
  constant(x: bigint): number {
    const at = this.allocate(NUMBER);
    for (const lane of [0, 1]) this.write(at, lane, x);
    return at;
  }

  /** Writes words into the fixed part. @returns their address. */
  load(words: readonly number[]): number {
    const at = this.allocate(4 * words.length);
    new Int32Array(this.#memory.buffer).set(words, at / 4);
    return at;
  }

  /** Runs a program, `times` over, with the two bases moving by their strides. */
  run(
    program: number,
    { times = 1, base1 = 0, stride1 = 0, base2 = 0, stride2 = 0 } = {},
  ): void {
    this.#run(program, times, base1, stride1, base2, stride2);
  }

  /** The address of a region of that many bytes, for arrays of records. Its contents last until the
   * next call. */
  region(bytes: number): number {
    const missing = REGION + bytes - this.#memory.buffer.byteLength;
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / 65536));
      this.#floats = new Float64Array(this.#memory.buffer);
    }
    return REGION;
  }

  /** The memory as floats, from an address on. */
  view(at: number, bytes: number): Float64Array {
    return this.#floats.subarray(at / 8, (at + bytes) / 8);
  }

  /** Writes x into one lane of the number at an address. */
  write(at: number, lane: number, x: bigint): void {
    const value = mod(x << R_BITS, this.p);
    toLimbs(2n * value > this.p ? value - this.p : value)
      .forEach((limb, j) => this.#floats[at / 8 + 2 * j + lane] = limb);
  }

  /** Reads one lane of a number: the element in [0, p). */
  read(at: number, lane: number): bigint {
    let value = 0n;
    for (let j = 7; j >= 0; j--) {
      value = (value << BigInt(LIMB_BITS)) + BigInt(this.#floats[at / 8 + 2 * j + lane]);
    }
    return mod(value * this.#inverseOfR, this.p);
  }

  /** Writes the numbers at an address, both lanes. */
  store(at: number, [first, second]: readonly [Lane, Lane]): void {
    const view = this.view(at, 16 * first.length);
    for (let i = 0; i < first.length; i++) {
      view[2 * i] = first[i];
      view[2 * i + 1] = second[i];
    }
  }

  /** Reads the numbers at an address, that many bytes, both lanes. */
  lanes(at: number, bytes: number): [Lane, Lane] {
    const view = this.view(at, bytes);
    const [first, second] = [new Float64Array(bytes / 16), new Float64Array(bytes / 16)];
    for (let i = 0; i < first.length; i++) {
      first[i] = view[2 * i];
      second[i] = view[2 * i + 1];
    }
    return [first, second];
  }
}
