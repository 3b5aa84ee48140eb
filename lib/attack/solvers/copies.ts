/** The copies of a batch: of each image its pixels, within [0, 1], and the values of sparse forms of it, each with its
 * price; and the disagreement that they have summed up. What ADMM does to them is to shrink, to clip, to add up.
 *
 * A matrix has a row for each pixel or form and a column for each image, and up to three columns that are nobody's. All
 * lie in one WebAssembly memory, where `copies_kernel.ts` works on them.
 * @module */
import { copiesKernel, FREE, LANES, TERM } from "./copies_kernel.ts";
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

const PAGE_BYTES = 2 ** 16;

/** The copies of a batch, which start in the middle of the range. */
export class Copies {
  /** Pixels; pixels and forms. */
  readonly #n: number;
  readonly #rows: number;
  readonly #rho: number;
  /** Whether each image has prices of its own. */
  readonly #own: boolean;
  readonly #at: ReturnType<typeof layOut>["at"];
  readonly #matrices: Record<"x" | "q" | "origin" | "z" | "u", Float32Array>;
  readonly #prices: Float64Array;
  readonly #terms: DataView;
  readonly #sums: Float64Array;
  readonly #forms: Forms;
  readonly #kernel: ReturnType<typeof copiesKernel>;
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
    [this.#rho, this.#own, this.#forms] = [rho, own, forms];
    const columns = own ? width : 2;
    const { at, bytes } = layOut({ n, rows, width, columns, terms: forms.indices.length });
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    const { buffer } = memory;
    this.#at = at;
    this.#kernel = copiesKernel(memory);
    const matrix = (from: number, height: number) => new Float32Array(buffer, from, height * width);
    this.#matrices = {
      ...{ x: matrix(at.x, n), q: matrix(at.q, n), origin: matrix(at.origin, n) },
      ...{ z: matrix(at.z, rows), u: matrix(at.u, rows) },
    };
    this.#prices = new Float64Array(buffer, at.price, rows * columns);
    this.#terms = new DataView(buffer);
    this.#sums = new Float64Array(buffer, at.sums, 2 * width);
    this.#matrices.q.fill(0.5);
    this.#matrices.z.fill(0.5, 0, n * width);
    for (let column = 0; column < columns; column++) this.#setPrices(column, columns, weights);
    const bounds = new Float64Array(buffer, at.bound, 2 * weights.bounds.length);
    weights.bounds.forEach((bound, e) => bounds.fill(bound, 2 * e, 2 * e + 2));
    this.#writeTerms();
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
    const [row, n] = [4 * this.#width, this.#n];
    const [priceRow, pricePair] = this.#own ? [2 * row, 16] : [16, 0];
    const { bound, terms: term, ends, ...at } = this.#at;
    const [border, end] = [n * row, this.#rows * row];
    const shared = { ...at, row, priceRow, pricePair };
    if (measured) this.#sums.fill(0);
    this.#kernel.pixels({ ...shared, end: at.z + border }, measured);
    if (border === end) return;
    this.#kernel.forms({
      ...{ ...shared, bound, term, ends, price: at.price + n * priceRow },
      ...{ z: at.z + border, u: at.u + border, end: at.z + end },
    }, measured);
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
    this.#writeTerms();
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

  /** The terms of the forms as the kernel takes them: an offset is of a row of x. */
  #writeTerms(): void {
    const { starts, indices, values } = this.#forms;
    const { terms, ends } = this.#at;
    indices.forEach((p, k) => {
      const at = terms + TERM * k;
      this.#terms.setFloat64(at, values[k], true);
      this.#terms.setFloat64(at + 8, values[k], true);
      this.#terms.setInt32(at + 16, 4 * this.#width * p, true);
    });
    for (let e = 0; e + 1 < starts.length; e++) {
      this.#terms.setInt32(ends + 4 * e, terms + TERM * starts[e + 1], true);
    }
  }

  #column(name: "x" | "z", column: number, from: number, to: number): Float64Array {
    const [matrix, width] = [this.#matrices[name], this.#width];
    const values = new Float64Array(to - from);
    for (let at = 0; at < values.length; at++) values[at] = matrix[(from + at) * width + column];
    return values;
  }
}

const padded = (count: number) => LANES * Math.ceil(count / LANES);

/** The addresses of all parts of a batch, in the terms of the kernel. @param columns of prices. */
function layOut(
  { n, rows, width, columns, terms }: Record<"n" | "rows" | "width" | "columns" | "terms", number>,
) {
  let bytes = FREE;
  const room = (size: number) => {
    const at = bytes;
    bytes += 16 * Math.ceil(size / 16);
    return at;
  };
  const image = 4 * n * width, all = 4 * rows * width;
  const at = {
    ...{ x: room(image), q: room(image), origin: room(image), z: room(all), u: room(all) },
    ...{ price: room(8 * rows * columns), sums: room(16 * width) },
    ...{ bound: room(16 * (rows - n)), terms: room(TERM * terms), ends: room(4 * (rows - n)) },
  };
  return { at, bytes };
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
