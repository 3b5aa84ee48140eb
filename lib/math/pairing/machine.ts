/** Programs for the kernel, and the numbers they work on.
 *
 * A number has two lanes: two unrelated elements of Fp, in Montgomery form (x·R mod p), that undergo the
 * same operations. Fp2 = Fp[u]/(u² + 1) is a pair of numbers. Addresses below `BASE1` are absolute;
 * `BASE1 + offset` and `BASE2 + offset` are relative to the bases of a run.
 * @module */
import {
  FREE,
  LIMB_BITS,
  MAX_PAIRS,
  NUMBER,
  R_BITS,
  type Run,
  startKernel,
  toLimbs,
} from "./kernel.ts";

/** Addresses are multiples of 16, so their low bits are free to name a base. */
export const BASE1 = 1;
export const BASE2 = 2;

/** Two addresses: the real and the imaginary part. */
export type Fp2 = readonly [re: number, im: number];
/** A right factor: what complex multiplication reads of it. */
export type Factor = readonly [re: number, im: number, minusIm: number];
/** A sum of products of numbers. */
export type Sum = readonly (readonly [a: number, b: number])[];

/** Re(a·b) as a sum. */
export const realPart = ([a0, a1]: Fp2, [b0, , minusB1]: Factor): Sum => [[a0, b0], [a1, minusB1]];
/** Im(a·b) as a sum. */
export const imaginaryPart = ([a0, a1]: Fp2, [b0, b1]: Factor): Sum => [[a0, b1], [a1, b0]];

/** The Fp2 element whose parts lie side by side from an address on. */
export const pairAt = (at: number): Fp2 => [at, at + NUMBER];

/** Operations, in the order in which they are written. */
export class Program {
  readonly words: number[] = [];

  /** out = (Σ a·b)·R⁻¹ + addend. out may not be read by a later operation that wants its old value. */
  sum(out: number, products: Sum, addend: number): void {
    if (products.length < 1 || products.length > MAX_PAIRS) {
      throw new RangeError(`Cannot sum ${products.length} products: expected 1 to ${MAX_PAIRS}`);
    }
    this.words.push(products.length, out, addend, ...products.flat());
  }

  /** out = a + b, limb by limb: not a normal number. */
  add(out: number, a: number, b: number): void {
    this.words.push(0, out, a, b);
  }

  /** out = a − b, limb by limb: not a normal number. */
  subtract(out: number, a: number, b: number): void {
    this.words.push(-1, out, a, b);
  }
}

/** The kernel's memory: a fixed part of constants, registers and programs, and a region behind it for
 * arrays of records, as large as the largest that was asked for. */
export class Machine {
  readonly p: bigint;
  readonly zero: number;
  /** R mod p, and its negative. */
  readonly one: number;
  readonly minusOne: number;
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
    this.#inverseOfR = 1n;
    const half = (p + 1n) / 2n;
    for (let i = 0n; i < R_BITS; i++) this.#inverseOfR = (this.#inverseOfR * half) % p;
    this.zero = this.constant(0n);
    this.one = this.constant(1n);
    this.minusOne = this.constant(-1n);
  }

  /** A machine for Fp, or null where the kernel does not run. */
  static async start(p: bigint): Promise<Machine | null> {
    const kernel = await startKernel(p);
    return kernel === null ? null : new Machine(p, kernel.run, kernel.memory);
  }

  /** Reserves bytes of the fixed part. */
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

  /** Three fresh registers. */
  factor(): Factor {
    const at = this.allocate(3 * NUMBER);
    return [at, at + NUMBER, at + 2 * NUMBER];
  }

  /** A register with x in both lanes. */
  constant(x: bigint): number {
    const at = this.allocate(NUMBER);
    this.write(at, 0, x);
    this.write(at, 1, x);
    return at;
  }

  /** Writes a program into the memory. @returns its address. */
  load(program: Program): number {
    const words = [...program.words, -2];
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

  /** The kernel's whole memory. */
  get sizeBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** The memory as floats, from an address on. */
  view(at: number, bytes: number): Float64Array {
    return this.#floats.subarray(at / 8, (at + bytes) / 8);
  }

  /** Writes x into one lane of the number at an address. */
  write(at: number, lane: number, x: bigint): void {
    writeLane(this.#floats, at / 8 + lane, this.#montgomery(x));
  }

  /** Reads one lane of a number: the element in [0, p). */
  read(at: number, lane: number): bigint {
    return this.#plain(this.#floats, at / 8 + lane);
  }

  #montgomery(x: bigint): bigint {
    const value = (x << R_BITS) % this.p;
    return 2n * value > this.p ? value - this.p : 2n * value < -this.p ? value + this.p : value;
  }

  #plain(floats: Float64Array, at: number): bigint {
    let value = 0n;
    for (let j = 7; j >= 0; j--) value = (value << BigInt(LIMB_BITS)) + BigInt(floats[at + 2 * j]);
    const x = (value * this.#inverseOfR) % this.p;
    return x < 0n ? x + this.p : x;
  }
}

function writeLane(floats: Float64Array, at: number, value: bigint): void {
  toLimbs(value).forEach((limb, j) => floats[at + 2 * j] = limb);
}

/** Where the region begins: the fixed part takes what is below. */
const REGION = 256 * 1024;
