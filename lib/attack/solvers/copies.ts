/** The copies of a batch: of each image its pixels, within [0, 1], and the values of sparse forms of it, each with its
 * price; and the disagreement that they have summed up. What ADMM does to them is to shrink, to clip, to add up.
 *
 * A matrix has a row for each pixel or form and a column for each image, and up to seven columns that are nobody's. All
 * lie in one memory, where `copies_kernel.ts` works on them.
 * @module */
import { Memory32 } from "../../math/memory32.ts";
import {
  DIFFERENCES,
  FIELDS,
  FORMS,
  type Order,
  PIXELS,
  TERM,
  TERM_PIXEL,
} from "./copies_kernel.ts";
import type { Forms } from "./forms.ts";

/** What the copies of one image pay and obey. */
export interface Weights {
  /** [n] cost of a pixel. */
  pixels: Float64Array;
  /** [forms] cost of |form|. */
  forms: Float64Array;
  /** [forms] largest |form|; Infinity for a mere cost. The same for all images of a batch. */
  bounds: Float64Array;
}

/** Root mean squares over the copies of one image. */
export interface Residual {
  /** Of x − z. */
  readonly primal: number;
  /** Of the last change of z. */
  readonly dual: number;
}

/** Columns come in eights: products like that. */
const padded = (count: number) => 8 * Math.ceil(count / 8);

/** The copies of a batch, which start in the middle of the range. */
export class Copies implements Disposable {
  /** Where matrices may lie that are multiplied by these; all are gone at the end. */
  readonly memory = Memory32.open();
  readonly #n: number;
  /** Pixels and forms. */
  readonly #rows: number;
  readonly #rho: number;
  readonly #forms: Forms;
  readonly #matrices: Record<"x" | "q" | "origin" | "z" | "u", Float32Array>;
  /** `[rows, width]`, or `[rows, 2]` where all images pay the same. */
  readonly #prices: Float64Array;
  readonly #own: boolean;
  /** How many forms, from the first on, are x_a − x_b and have no bound. */
  readonly #differences: number;
  readonly #bounds: Float64Array;
  readonly #terms: DataView;
  readonly #ends: Int32Array;
  readonly #sums: Float64Array;
  /** The kernels of a step, and what they take. */
  #steps: { kernel: typeof PIXELS; parameters: number[] }[] = [];
  #width: number;

  /** @param options.own whether images may come to pay prices of their own, by {@linkcode Copies.reweigh}. */
  constructor(
    forms: Forms,
    weights: Weights,
    { count, rho, own = false }: { count: number; rho: number; own?: boolean },
  ) {
    const n = this.#n = weights.pixels.length;
    const rows = this.#rows = n + weights.forms.length;
    const width = this.#width = padded(count);
    [this.#rho, this.#forms, this.#own] = [rho, forms, own];
    this.#differences = leadingDifferences(forms, weights.bounds);
    const matrix = (height: number) => this.memory.take(height * width);
    const [x, q, origin, z, u] = [n, n, n, rows, rows].map(matrix);
    this.#matrices = { x, q, origin, z, u };
    const doubles = (count: number) => {
      const { buffer, byteOffset } = this.memory.take(2 * count);
      return new Float64Array(buffer, byteOffset, count);
    };
    const columns = own ? width : 2;
    this.#prices = doubles(rows * columns);
    this.#bounds = doubles(2 * weights.bounds.length);
    this.#sums = doubles(2 * width);
    const terms = this.memory.take(TERM * forms.indices.length / 4);
    this.#terms = new DataView(terms.buffer, terms.byteOffset, terms.byteLength);
    const ends = this.memory.take(weights.forms.length);
    this.#ends = new Int32Array(ends.buffer, ends.byteOffset, ends.length);

    for (const images of [x, origin, u]) images.fill(0);
    for (const middle of [q, z.subarray(0, n * width)]) middle.fill(0.5);
    z.fill(0, n * width);
    for (let column = 0; column < columns; column++) this.#setPrices(column, columns, weights);
    weights.bounds.forEach((bound, e) => this.#bounds.fill(bound, 2 * e, 2 * e + 2));
    this.#arrange();
  }

  /** Columns of every matrix. */
  get width(): number {
    return this.#width;
  }

  /** `[n, width]` what the next product is of: (z − u) of the pixels and Bᵀ·(z − u) of the forms B. */
  get q(): Float32Array {
    return this.#matrices.q.subarray(0, this.#n * this.#width);
  }

  /** `[n, width]` where that product goes; after {@linkcode Copies.step} the images. */
  get x(): Float32Array {
    return this.#matrices.x.subarray(0, this.#n * this.#width);
  }

  /** Sets what {@linkcode Copies.step} adds to the product of an image, `[n]`. */
  setOrigin(column: number, origin: ArrayLike<number>): void {
    const matrix = this.#matrices.origin;
    for (let p = 0; p < this.#n; p++) matrix[p * this.#width + column] = origin[p];
  }

  /** An image `[n]` as of the last step. */
  image(column: number): Float64Array {
    return this.#column("x", column, 0, this.#n);
  }

  /** The copies of its pixels `[n]`. */
  pixels(column: number): Float64Array {
    return this.#column("z", column, 0, this.#n);
  }

  /** The copies of its forms. */
  forms(column: number): Float64Array {
    return this.#column("z", column, this.#n, this.#rows);
  }

  /** Updates the copies of all images from x = product + origin, and q.
   * @param measured for {@linkcode Copies.residual}. */
  step(measured: boolean): void {
    if (measured) this.#sums.fill(0);
    for (const { kernel, parameters } of this.#steps) {
      this.memory.run(measured ? kernel.measured : kernel.plain, ...parameters);
    }
  }

  /** Of an image, as of the last measured step. */
  residual(column: number): Residual {
    const at = 4 * Math.floor(column / 2) + column % 2; // by pair two of each
    const mean = (sum: number) => Math.sqrt(sum / this.#rows);
    return { primal: mean(this.#sums[at]), dual: mean(this.#sums[at + 2]) };
  }

  /** New prices for an image. */
  reweigh(column: number, weights: Omit<Weights, "bounds">): void {
    this.#setPrices(column, this.#width, weights);
  }

  /** Drops all images but some, whose columns close up; residuals are lost.
   * @param columns ascending. */
  keep(columns: readonly number[]): void {
    const [before, width] = [this.#width, padded(columns.length)];
    const { z, u, ...images } = this.#matrices;
    for (const matrix of Object.values(images)) closeUp(matrix, this.#n, before, width, columns);
    for (const matrix of [z, u, ...this.#own ? [this.#prices] : []]) {
      closeUp(matrix, this.#rows, before, width, columns);
    }
    this.#width = width;
    this.#arrange();
  }

  [Symbol.dispose](): void {
    this.memory[Symbol.dispose]();
  }

  #setPrices(column: number, columns: number, { pixels, forms }: Omit<Weights, "bounds">): void {
    const price = 1 / this.#rho;
    let at = column;
    for (const weights of [pixels, forms]) {
      for (let row = 0; row < weights.length; row++, at += columns) {
        this.#prices[at] = weights[row] * price;
      }
    }
  }

  /** What depends on the width: the terms of the forms, and what the kernel is told. */
  #arrange(): void {
    const { starts, indices, values } = this.#forms;
    indices.forEach((p, k) => {
      this.#terms.setFloat64(TERM * k, values[k], true);
      this.#terms.setFloat64(TERM * k + 8, values[k], true);
      this.#terms.setInt32(TERM * k + TERM_PIXEL, 4 * this.#width * p, true);
    });
    for (let e = 0; e < this.#ends.length; e++) {
      this.#ends[e] = this.#terms.byteOffset + TERM * starts[e + 1];
    }
    const n = this.#n;
    const row = 4 * this.#width;
    const [priceRow, pricePair] = this.#own ? [2 * row, 16] : [16, 0];
    const { x, q, origin, z, u } = this.#matrices;
    const order = (from: number, to: number): Order => ({
      ...{ x: x.byteOffset, q: q.byteOffset, origin: origin.byteOffset, row },
      ...{ z: z.byteOffset + from * row, u: u.byteOffset + from * row },
      ...{ end: z.byteOffset + to * row, sums: this.#sums.byteOffset },
      ...{ price: this.#prices.byteOffset + from * priceRow, priceRow, pricePair },
      // of the forms, which come after all pixels
      ...{ bound: this.#bounds.byteOffset + 16 * (from - n) },
      ...{ term: this.#terms.byteOffset + TERM * (starts[from - n] ?? 0) },
      ends: this.#ends.byteOffset + 4 * (from - n),
    });
    const others = n + this.#differences;
    const parts = [[PIXELS, 0, n], [DIFFERENCES, n, others], [FORMS, others, this.#rows]] as const;
    this.#steps = parts.filter(([, from, to]) => from < to).map(([kernel, from, to]) => {
      const fields = order(from, to);
      return { kernel, parameters: FIELDS.map((name) => fields[name]) };
    });
  }

  #column(name: "x" | "z", column: number, from: number, to: number): Float64Array {
    const [matrix, width] = [this.#matrices[name], this.#width];
    const values = new Float64Array(to - from);
    for (let at = 0; at < values.length; at++) values[at] = matrix[(from + at) * width + column];
    return values;
  }
}

function leadingDifferences({ starts, values }: Forms, bounds: Float64Array): number {
  const other = bounds.findIndex((bound, e) => {
    const [first, end] = [starts[e], starts[e + 1]];
    return bound < Infinity || end - first !== 2 || values[first] !== 1 || values[first + 1] !== -1;
  });
  return other < 0 ? bounds.length : other;
}

/** Columns of a matrix move to the front, and its rows together. */
function closeUp(
  matrix: Float32Array | Float64Array,
  rows: number,
  before: number,
  width: number,
  columns: readonly number[],
): void {
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < columns.length; at++) {
      matrix[row * width + at] = matrix[row * before + columns[at]];
    }
  }
}
