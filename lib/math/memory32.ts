/** Arrays of float32 that WebAssembly kernels reach where they lie, as JavaScript and a native library do: a memory of
 * their own, for a network's layer, say.
 *
 * The memory is shared in WebAssembly's sense, since one that is not takes its arrays away when it grows. It is not
 * given to other threads. Who disposes of it leaves it to the next: the collector is slow to see how large it is.
 * @module */

/** A module of `pairing/emit.ts` for such a memory, assembled when it is first run. */
export class Kernel {
  #module?: WebAssembly.Module;

  constructor(private readonly assemble: () => Uint8Array<ArrayBuffer>) {}

  get module(): WebAssembly.Module {
    return this.#module ??= new WebAssembly.Module(this.assemble());
  }
}

const PAGE_BYTES = 2 ** 16;
const MOST_PAGES = 2 ** 16;
/** Arrays begin at cache lines. */
const LINE_BYTES = 64;
/** Memories that this thread keeps for the next, and the largest of them. */
const [MOST_IDLE, LARGEST_IDLE_BYTES] = [4, 2 ** 26];

/** What goes from one holder to the next. */
interface Room {
  readonly memory: WebAssembly.Memory;
  readonly instances: Map<Kernel, (...parameters: number[]) => void>;
}

/** Who holds the memory that an array lies in, or held it last. */
const homes = new WeakMap<ArrayBufferLike, Memory32>();
const idle: Room[] = [];

const newRoom = (): Room => ({
  memory: new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true }),
  instances: new Map(),
});

/** The memory that the array was taken from, if any. */
export const memoryOf = (array: Float32Array): Memory32 | undefined => homes.get(array.buffer);

/** See the module's text. Once disposed of, it throws at every use but another disposal. */
export class Memory32 implements Disposable {
  #held: Room | null;
  /** Bytes that were ever taken. */
  #end = 0;
  /** Bytes of each array in use, and of each that was given back, by its place. */
  readonly #taken = new Map<number, number>();
  readonly #free = new Map<number, number>();

  private constructor(room: Room) {
    this.#held = room;
  }

  /** An empty memory. */
  static open(): Memory32 {
    return new Memory32(idle.pop() ?? newRoom());
  }

  get #room(): Room {
    if (this.#held === null) throw new Error("Cannot use a memory: it was disposed of");
    return this.#held;
  }

  /** An array of `length` numbers, whatever they are.
   * @throws {RangeError} more than 4 GiB in all, or than the machine has. */
  take(length: number): Float32Array {
    const { memory } = this.#room;
    const need = Math.max(LINE_BYTES, LINE_BYTES * Math.ceil(4 * length / LINE_BYTES));
    let [place, bytes] = [this.#end, need];
    for (const [at, room] of this.#free) {
      if (room >= need && (place === this.#end || room < bytes)) [place, bytes] = [at, room];
    }
    if (place === this.#end) {
      const pages = Math.ceil((place + need) / PAGE_BYTES) -
        memory.buffer.byteLength / PAGE_BYTES;
      if (pages > 0) memory.grow(pages);
      this.#end += need;
    }
    this.#free.delete(place);
    this.#taken.set(place, bytes);
    const { buffer } = memory;
    homes.set(buffer, this);
    return new Float32Array(buffer, place, length);
  }

  /** Takes an array back: a later one may have its room. */
  give({ byteOffset }: Float32Array): void {
    void this.#room;
    const room = this.#taken.get(byteOffset);
    if (room === undefined) return;
    this.#taken.delete(byteOffset);
    this.#free.set(byteOffset, room);
  }

  /** A copy of `array` here; the array itself where it lies here already. */
  hold(array: Float32Array): Float32Array {
    if (memoryOf(array) === this) return array;
    const held = this.take(array.length);
    held.set(array);
    return held;
  }

  /** Runs the kernel over this memory. @param parameters places in bytes, and counts. */
  run(kernel: Kernel, ...parameters: number[]): void {
    const { memory, instances } = this.#room;
    let run = instances.get(kernel);
    if (!run) {
      const env = { memory };
      const { exports } = new WebAssembly.Instance(kernel.module, { env });
      run = exports.run as (...parameters: number[]) => void;
      instances.set(kernel, run);
    }
    run(...parameters);
  }

  /** Its arrays are lost: the memory may be another's from now on. */
  [Symbol.dispose](): void {
    if (this.#held === null) return;
    const small = this.#held.memory.buffer.byteLength <= LARGEST_IDLE_BYTES;
    if (idle.length < MOST_IDLE && small) idle.push(this.#held);
    this.#held = null;
  }
}
