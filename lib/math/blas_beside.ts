/** Products beside this thread, in memory and code that outlive it.
 *
 * A call that does not block goes on when its Worker is terminated, or when the process ends by an error: on arrays
 * that are freed, in a library that is unloaded. Both ended Deno by a segmentation fault, in 40 of 50 tries. So the
 * matrices are copied into memory from `malloc`, which nobody frees under a call, and the library is opened once
 * more, by the system's own `dlopen`, and stays.
 * @module */
import { type Multiplication, type Native, type Rows, tileArguments } from "./blas_native.ts";

const LIBC: Record<string, string> = { linux: "libc.so.6", darwin: "libSystem.B.dylib" };

/** Resolve all symbols now. */
const RTLD_NOW = 2;

const SYSTEM = {
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  malloc: { parameters: ["usize"], result: "pointer" },
} as const;

type Matrix = Float32Array | Float64Array;

/** Memory that stays: blocks that were given back wait for the next product. */
interface Block {
  readonly start: NonNullable<Deno.PointerValue>;
  readonly bytes: number;
}

/** Products beside this thread, by a library that is open. */
export class Beside {
  readonly #native: Native;
  readonly #system: Deno.StaticForeignLibraryInterface<typeof SYSTEM>;
  readonly #free: Block[] = [];

  /** @throws {Error} this system is not known, or does not open the library again. */
  constructor(native: Native, file: string) {
    this.#native = native;
    this.#system = Deno.dlopen(LIBC[Deno.build.os] ?? "", SYSTEM).symbols;
    const handle = this.#system.dlopen(new TextEncoder().encode(`${file}\0`), RTLD_NOW);
    if (handle === null) throw new Error(`Cannot keep ${file}: it does not open again`);
  }

  #reserve(bytes: number): Block {
    const at = this.#free.findIndex((block) => block.bytes >= bytes);
    if (at >= 0) return this.#free.splice(at, 1)[0];
    const start = this.#system.malloc(BigInt(bytes));
    if (start === null) throw new RangeError(`Cannot multiply: no memory for ${bytes} bytes`);
    return { start, bytes };
  }

  /** The tiles of a product, as many at a time as there are cores. */
  async multiply<T extends Matrix>(p: Multiplication<T>, tiles: readonly Rows[]): Promise<void> {
    const { A, B, C } = p;
    const right = A === B ? 0 : A.byteLength;
    const offsets = { A: 0, B: right, C: right + B.byteLength };
    const block = this.#reserve(offsets.C + C.byteLength);
    const width = A.BYTES_PER_ELEMENT;
    const place = (X: "A" | "B" | "C", entry: number) =>
      Deno.UnsafePointer.offset(block.start, offsets[X] + width * entry);
    const copy = (X: "A" | "B" | "C") => {
      const bytes = Deno.UnsafePointerView.getArrayBuffer(place(X, 0)!, p[X].byteLength);
      return A instanceof Float32Array ? new Float32Array(bytes) : new Float64Array(bytes);
    };
    copy("A").set(A);
    if (A !== B) copy("B").set(B);
    if (p.add) copy("C").set(C);
    const { sgemmLater, dgemmLater, dsyrkLater } = this.#native.symbols;
    const product = A instanceof Float32Array ? sgemmLater : dgemmLater;
    let next = 0;
    const lane = async () => {
      while (next < tiles.length) {
        const { gemm, syrk } = tileArguments(p, tiles[next++], place);
        if (gemm) await product(...gemm);
        if (syrk) await dsyrkLater(...syrk);
      }
    };
    await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, lane));
    const result = copy("C");
    if (!p.lower) C.set(result);
    else {
      for (let i = 0; i < p.n; i++) C.set(result.subarray(i * p.n, i * p.n + i + 1), i * p.n);
    }
    this.#free.push(block);
  }
}
