/** Products beside this thread: their matrices are copied into memory that outlives it (`blas_system.ts`).
 *
 * The copies cost a tenth of the product where they cost most, and what they buy is that a Worker may be terminated,
 * and the process end, at any time.
 * @module */
import { type Multiplication, type Native, type Rows, tileArguments } from "./blas_native.ts";
import type { Block } from "./blas_system.ts";

/** Products beside this thread, by a library that is open and stays. */
export class Beside {
  readonly #native: Native;
  readonly #allocate: (bytes: number) => Block;
  /** For the next product: large memory is slow when it is new. */
  readonly #free: Block[] = [];

  constructor(native: Native, allocate: (bytes: number) => Block) {
    this.#native = native;
    this.#allocate = allocate;
  }

  #reserve(bytes: number): Block {
    const at = this.#free.findIndex((block) => block.bytes >= bytes);
    return at >= 0 ? this.#free.splice(at, 1)[0] : this.#allocate(bytes);
  }

  /** The tiles of a product, as many at a time as there are cores. */
  async multiply<T extends Float32Array | Float64Array>(
    p: Multiplication<T>,
    tiles: readonly Rows[],
  ): Promise<void> {
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
