/** The first layer of the network, or some of its units: Z1 = X·W1ᵀ, dW1 = dZ1ᵀ·X.
 *
 * These two products take nine tenths of a training. A sample is a row of X `[m, n]`, Z1 and dZ1 `[m, hidden]`. The
 * units are taken in blocks, one product a block, because a library's product may differ in its last bits when its
 * columns are cut elsewhere (math/blas.ts): so W1 does not depend on how many Workers share the blocks. A block lies
 * transposed, `[n, width]`, which both products read in its order, and its width is a whole number of the panels that
 * WebAssembly computes by; the columns past the last unit are 0 and stay so. A batch may come in parts: `prepare`,
 * `forward` and `backward` take the parts in turn, first in, first out, and `update` closes the batch. The bias b1 is
 * not here, because in MITIG2 it is the server's.
 * @module */
import { blas, sgemm } from "../math/blas.ts";
import { Memory32 } from "../math/memory32.ts";
import { pixels32 } from "./pixel_kernel.ts";
import { type Optimizer, optimizer, type OptimizerState, type Setting } from "./optimizer.ts";

/** What makes a first layer. */
export interface FirstLayerParts {
  /** `[rows, n]`, for pixels times the setting's `pixelScale`. */
  readonly W1: Float32Array;
  /** Inputs, n. */
  readonly n: number;
  /** Pixels `[count, n]` of all the images that it will be asked for. */
  readonly images: Uint8Array;
  readonly setting: Pick<Setting, "optimizer" | "pixelScale">;
  /** To go on from a checkpoint. */
  readonly state?: OptimizerState;
  /** Which rows these are, where they are not all of the layer's. */
  readonly share?: Share;
}

/** Some whole blocks of a layer. */
export interface Share {
  /** Units of the layer. */
  readonly hidden: number;
  /** The first that is in the share. */
  readonly first: number;
  /** Units of each block, of those of {@linkcode unitBlocks}. */
  readonly blocks: readonly number[];
}

/** W1, for scaled pixels as before, and what its optimizer remembers. */
export interface FirstLayerState extends OptimizerState {
  readonly W1: Float32Array;
}

/** Milliseconds that each kind of work took, all batches together. */
export type FirstLayerTimes = Record<"prepare" | "forward" | "backward" | "update", number>;

/** Columns that WebAssembly computes at a time. */
const PANEL = 8;
/** Units of a block, about: fewer, and a product by a library slows down. Without one only what threads have to do hangs
 * on it, no bit. */
const block = () => blas() ? 60 : 25;

/** How the units of a layer are cut: by their number and the backend alone. @returns the units of each block. */
export function unitBlocks(hidden: number): number[] {
  const count = Math.min(Math.ceil(hidden / PANEL), Math.max(2, Math.round(hidden / block())));
  const end = (k: number) => k === count ? hidden : PANEL * Math.round(k * hidden / count / PANEL);
  return Array.from({ length: count }, (_, k) => end(k + 1) - end(k));
}

/** Some units. */
interface Block {
  /** The first of them, in the layer; and in the rows that are here. */
  readonly column: number;
  readonly first: number;
  readonly units: number;
  /** `units`, or a little more. */
  readonly width: number;
  /** `[n, width]` */
  readonly W1t: Float32Array;
  /** Of dW1 over the batch, `[n, width]`. */
  readonly sums: Float32Array;
  readonly optimizer: Optimizer;
}

/** A first layer in this thread. */
export class LocalFirstLayer implements Disposable {
  readonly #n: number;
  readonly #images: Uint8Array;
  readonly #scale: number;
  readonly #rows: number;
  /** Units of the whole layer: numbers of a row of z1. */
  readonly #hidden: number;
  readonly #blocks: readonly Block[];
  readonly #memory = Memory32.open();
  /** X `[m, n]` of the parts that were prepared, and of those that went forward. */
  readonly #ready: Float32Array[] = [];
  readonly #forwarded: Float32Array[] = [];
  /** Whether the sums hold a part of the batch. */
  #begun = false;
  readonly #times: FirstLayerTimes = { prepare: 0, forward: 0, backward: 0, update: 0 };

  constructor({ W1, n, images, setting, state, share }: FirstLayerParts) {
    this.#n = n;
    this.#images = images;
    this.#scale = setting.pixelScale;
    this.#rows = W1.length / n;
    this.#hidden = share?.hidden ?? this.#rows;
    let next = 0;
    this.#blocks = (share?.blocks ?? unitBlocks(this.#rows)).map((units) => {
      const width = PANEL * Math.ceil(units / PANEL);
      const place = { column: (share?.first ?? 0) + next, first: next, units, width };
      next += units;
      const saved = state && {
        steps: state.steps,
        moments: state.moments.map((moment) => this.#columns(moment, place)),
      };
      const W1t = this.#columns(W1, place);
      return {
        ...{ ...place, W1t, sums: this.#memory.take(W1t.length) },
        optimizer: optimizer(setting.optimizer, W1t.length, saved, this.#memory),
      };
    });
  }

  /** Rows of a matrix `[rows, n]` as columns `[n, width]`. */
  #columns(
    matrix: Float32Array,
    { first, units, width }: Pick<Block, "first" | "units" | "width">,
  ): Float32Array {
    const n = this.#n;
    const columns = this.#memory.take(n * width).fill(0);
    for (let i = 0; i < units; i++) {
      for (let p = 0; p < n; p++) columns[p * width + i] = matrix[(first + i) * n + p];
    }
    return columns;
  }

  /** Puts columns back into their rows. */
  #putRows(matrix: Float32Array, columns: Float32Array, { first, units, width }: Block): void {
    const n = this.#n;
    for (let i = 0; i < units; i++) {
      for (let p = 0; p < n; p++) matrix[(first + i) * n + p] = columns[p * width + i];
    }
  }

  /** X of the images. */
  #read(indices: Uint32Array): Float32Array {
    const images = { images: this.#images, n: this.#n, scale: this.#scale };
    return pixels32(this.#memory, images, indices);
  }

  /** Z1 `[m, hidden]` of X `[m, n]`: the columns of these units. */
  #product(X: Float32Array, out?: Float32Array): Float32Array {
    const [n, hidden, m] = [this.#n, this.#hidden, X.length / this.#n];
    const z1 = out ?? new Float32Array(m * hidden);
    for (const { W1t: B, column, units, width } of this.#blocks) {
      const C = this.#memory.take(m * width);
      sgemm({ m, n: width, k: n, A: X, B, C });
      for (let k = 0; k < m; k++) {
        const [from, to] = [k * width, k * hidden + column];
        for (let i = 0; i < units; i++) z1[to + i] = C[from + i];
      }
      this.#memory.give(C);
    }
    return z1;
  }

  #timed<T>(what: keyof FirstLayerTimes, work: () => T): T {
    const start = performance.now();
    const result = work();
    this.#times[what] += performance.now() - start;
    return result;
  }

  /** Reads the images that a coming `forward` is about. */
  prepare(indices: Uint32Array): void {
    this.#ready.push(this.#timed("prepare", () => this.#read(indices)));
  }

  /** z1 of the next prepared images, `[m, hidden]`. @param out where it goes, if there is such a place. */
  forward(out?: Float32Array): Float32Array {
    const X = this.#ready.shift()!;
    this.#forwarded.push(X);
    return this.#timed("forward", () => this.#product(X, out));
  }

  /** Adds dZ1ᵀ·X of the images that went forward first and did not yet come back.
   * @param dz1 `[m, hidden]` */
  backward(dz1: Float32Array): void {
    this.#timed("backward", () => this.#addProduct(dz1));
  }

  #addProduct(dz1: Float32Array): void {
    const X = this.#forwarded.shift()!;
    const [n, hidden, k] = [this.#n, this.#hidden, X.length / this.#n];
    for (const { sums: C, column, units, width } of this.#blocks) {
      const B = this.#memory.take(k * width);
      if (units < width) B.fill(0);
      for (let j = 0; j < k; j++) {
        const [from, to] = [j * hidden + column, j * width];
        for (let i = 0; i < units; i++) B[to + i] = dz1[from + i];
      }
      sgemm({ m: n, n: width, k, A: X, transposeA: true, B, C, add: this.#begun });
      this.#memory.give(B);
    }
    this.#begun = true;
    this.#memory.give(X);
  }

  /** Moves W1 against the sum over `divisor`. */
  update(divisor: number, learningRate: number): void {
    this.#timed("update", () => {
      for (const { W1t, sums, optimizer } of this.#blocks) {
        optimizer.step(W1t, sums, divisor, learningRate);
      }
    });
    this.#begun = false;
  }

  /** z1 of images that are not trained on. @param out as of `forward`. */
  apply(indices: Uint32Array, out?: Float32Array): Float32Array {
    const X = this.#read(indices);
    const z1 = this.#product(X, out);
    this.#memory.give(X);
    return z1;
  }

  /** All that a checkpoint keeps. */
  state(): FirstLayerState {
    const gather = (of: (block: Block) => Float32Array) => {
      const matrix = new Float32Array(this.#rows * this.#n);
      for (const block of this.#blocks) this.#putRows(matrix, of(block), block);
      return matrix;
    };
    const { steps, moments } = this.#blocks[0].optimizer.state;
    return {
      steps,
      moments: moments.map((_, k) => gather((block) => block.optimizer.state.moments[k])),
      W1: gather((block) => block.W1t),
    };
  }

  /** So far. */
  times(): FirstLayerTimes {
    return this.#times;
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** What can be asked of a first layer. */
export interface FirstLayerMethods
  extends Pick<LocalFirstLayer, "prepare" | "backward" | "update" | "state" | "times"> {
  forward(): Float32Array;
  apply(indices: Uint32Array): Float32Array;
}

/** A first layer as the training loop sees it, in this thread or in Workers, which answer later. */
export type TrainableFirstLayer =
  & Disposable
  & {
    [M in keyof FirstLayerMethods]: (
      ...args: Parameters<FirstLayerMethods[M]>
    ) => ReturnType<FirstLayerMethods[M]> | Promise<ReturnType<FirstLayerMethods[M]>>;
  };
