/** Arrays of float32 that WebAssembly kernels reach where they lie, and JavaScript and a native library too: a memory
 * of their own, for a network's layer, say, that goes when nobody holds its arrays.
 *
 * The memory is shared in WebAssembly's sense, since one that is not takes its arrays away when it grows. It is not
 * given to other threads.
 * @module */

/** A module of `pairing/emit.ts` for a shared memory, assembled when it is first used. */
export class Kernel {
  #module?: WebAssembly.Module;

  constructor(private readonly assemble: () => Uint8Array<ArrayBuffer>) {}

  get module(): WebAssembly.Module {
    return this.#module ??= new WebAssembly.Module(this.assemble());
  }
}

const PAGE_BYTES = 2 ** 16;
const MOST_PAGES = 2 ** 16;
/** Places of arrays: a cache line. */
const LINE_BYTES = 64;

/** The memory that an array lies in. */
const homes = new WeakMap<ArrayBufferLike, Memory32>();

/** The memory that the array was taken from, if any. */
export const memoryOf = (array: Float32Array): Memory32 | undefined => homes.get(array.buffer);

/** See the module's text. */
export class Memory32 {
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  readonly #instances = new Map<Kernel, (...parameters: number[]) => void>();
  /** Bytes in use or given back. */
  #end = 0;
  /** Room given back, by place: its bytes. */
  readonly #free = new Map<number, number>();
  /** Room of the arrays in use, by place. */
  readonly #taken = new Map<number, number>();

  /** An array of `length` numbers, whatever they are.
   * @throws {RangeError} more than 4 GiB, or than the machine has. */
  take(length: number): Float32Array {
    const need = LINE_BYTES * Math.ceil(4 * length / LINE_BYTES);
    let [place, bytes] = [this.#end, need];
    for (const [at, room] of this.#free) {
      if (room >= need && (place === this.#end || room < bytes)) [place, bytes] = [at, room];
    }
    if (place === this.#end) {
      const pages = Math.ceil((place + need) / PAGE_BYTES) -
        this.#memory.buffer.byteLength / PAGE_BYTES;
      if (pages > 0) this.#memory.grow(pages);
      this.#end += need;
    }
    this.#free.delete(place);
    this.#taken.set(place, bytes);
    const { buffer } = this.#memory;
    homes.set(buffer, this);
    return new Float32Array(buffer, place, length);
  }

  /** Takes an array back: the next `take` may have its room. */
  give(array: Float32Array): void {
    const room = this.#taken.get(array.byteOffset);
    if (room === undefined) return;
    this.#taken.delete(array.byteOffset);
    this.#free.set(array.byteOffset, room);
  }

  /** Takes all arrays back. */
  clear(): void {
    this.#end = 0;
    this.#free.clear();
    this.#taken.clear();
  }

  /** A copy of `array` here; the array itself where it lies here already. */
  hold(array: Float32Array): Float32Array {
    if (memoryOf(array) === this) return array;
    const held = this.take(array.length);
    held.set(array);
    return held;
  }

  /** The kernel over this memory: it takes places in bytes, and counts. */
  run(kernel: Kernel, ...parameters: number[]): void {
    let run = this.#instances.get(kernel);
    if (!run) {
      const { exports } = new WebAssembly.Instance(kernel.module, {
        env: { memory: this.#memory },
      });
      run = exports.run as (...parameters: number[]) => void;
      this.#instances.set(kernel, run);
    }
    run(...parameters);
  }
}
