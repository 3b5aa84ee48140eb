/** The first layer of the network, or some of its rows: Z1 = X·W1ᵀ, dW1 = dZ1ᵀ·X.
 *
 * These two products take nine tenths of a training. A sample is a row of X `[m, n]`, Z1 and dZ1
 * `[m, hidden]`. What the backend does slowly decides how they are computed: a transpose flag costs ten
 * times the product, and the right factor is repacked each time that it is new. So W1 is kept transposed,
 * X and Xᵀ are both written from the bytes, and the larger factors that change stand on the left. A batch may come
 * in parts: `prepare`, `forward` and `backward` take the parts in turn, first in, first out, and `update`
 * closes the batch. The bias b1 is not here, because in MITIG2 it is the server's.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { transpose } from "./backend.ts";
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
}

/** W1, for scaled pixels as before, and what its optimizer remembers. */
export interface FirstLayerState extends OptimizerState {
  readonly W1: Float32Array;
}

/** Milliseconds that each kind of work took, all batches together. */
export type FirstLayerTimes = Record<"prepare" | "forward" | "backward" | "update", number>;

/** Some images, scaled: X `[m, n]` and its transpose. */
interface Pixels {
  readonly X: tf.Tensor2D;
  readonly Xt: tf.Tensor2D;
}

/** A first layer in this thread. Call `startBackend` first. */
export class LocalFirstLayer implements Disposable {
  readonly #n: number;
  readonly #images: Uint8Array;
  readonly #scale: number;
  /** `[n, rows]` */
  readonly #W1t: Float32Array;
  readonly #optimizer: Optimizer;
  readonly #ready: Pixels[] = [];
  readonly #forwarded: tf.Tensor2D[] = [];
  #weights?: tf.Tensor2D;
  #dW1t?: tf.Tensor;
  readonly #times: FirstLayerTimes = { prepare: 0, forward: 0, backward: 0, update: 0 };
  #scratch: [Float32Array, Float32Array] = [new Float32Array(), new Float32Array()];

  constructor({ W1, n, images, setting, state }: FirstLayerParts) {
    this.#n = n;
    this.#images = images;
    this.#scale = setting.pixelScale;
    const rows = W1.length / n;
    this.#W1t = transpose(W1, rows, n);
    const saved = state && {
      steps: state.steps,
      moments: state.moments.map((moment) => transpose(moment, rows, n)),
    };
    this.#optimizer = optimizer(setting.optimizer, W1.length, saved);
  }

  get #rows(): number {
    return this.#W1t.length / this.#n;
  }

  /** The images as rows and as columns. */
  #read(indices: Uint32Array): Pixels {
    const [n, m] = [this.#n, indices.length];
    if (this.#scratch[0].length < n * m) {
      this.#scratch = [new Float32Array(n * m), new Float32Array(n * m)];
    }
    const [rows, columns] = this.#scratch.map((array) => array.subarray(0, n * m));
    for (let k = 0; k < m; k++) {
      const from = indices[k] * n;
      for (let p = 0; p < n; p++) {
        rows[k * n + p] = columns[p * m + k] = this.#images[from + p] * this.#scale;
      }
    }
    return { X: tf.tensor2d(rows, [m, n]), Xt: tf.tensor2d(columns, [n, m]) }; // tfjs copies
  }

  #product(X: tf.Tensor2D): Float32Array {
    this.#weights ??= tf.tensor2d(this.#W1t, [this.#n, this.#rows]);
    const Z1 = X.matMul(this.#weights);
    const z1 = Z1.dataSync<"float32">();
    tf.dispose([Z1, X]);
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

  /** z1 of the next prepared images, `[m, rows]`. */
  forward(): Float32Array {
    const { X, Xt } = this.#ready.shift()!;
    this.#forwarded.push(Xt);
    return this.#timed("forward", () => this.#product(X));
  }

  /** Adds dZ1ᵀ·X of the images that went forward first and did not yet come back. */
  backward(dz1: Float32Array): void {
    this.#timed("backward", () => this.#addProduct(dz1));
  }

  #addProduct(dz1: Float32Array): void {
    const Xt = this.#forwarded.shift()!;
    const before = this.#dW1t;
    this.#dW1t = tf.tidy(() => {
      const product = Xt.matMul(tf.tensor2d(dz1, [Xt.shape[1], this.#rows])); // [n, rows]
      return before ? before.add(product) : product;
    });
    tf.dispose([Xt, ...(before ? [before] : [])]);
  }

  /** Moves W1 against the sum over `divisor`. */
  update(divisor: number, learningRate: number): void {
    this.#timed("update", () => this.#step(divisor, learningRate));
  }

  #step(divisor: number, learningRate: number): void {
    const sums = this.#dW1t!.dataSync<"float32">();
    this.#optimizer.step(this.#W1t, sums, divisor, learningRate);
    tf.dispose([this.#dW1t!, ...(this.#weights ? [this.#weights] : [])]);
    this.#dW1t = this.#weights = undefined;
  }

  /** z1 of images that are not trained on. */
  apply(indices: Uint32Array): Float32Array {
    const { X, Xt } = this.#read(indices);
    Xt.dispose();
    return this.#product(X);
  }

  /** All that a checkpoint keeps. */
  state(): FirstLayerState {
    const { steps, moments } = this.#optimizer.state;
    const rowwise = (matrix: Float32Array) => transpose(matrix, this.#n, this.#rows);
    return { steps, moments: moments.map(rowwise), W1: rowwise(this.#W1t) };
  }

  /** So far. */
  times(): FirstLayerTimes {
    return this.#times;
  }

  [Symbol.dispose](): void {
    tf.dispose([this.#weights, this.#dW1t].filter((tensor) => tensor !== undefined));
    tf.dispose(this.#ready.splice(0).flatMap(({ X, Xt }) => [X, Xt]));
    tf.dispose(this.#forwarded.splice(0));
    this.#weights = this.#dW1t = undefined;
  }
}

/** What can be asked of a first layer. */
export type FirstLayerMethods = Pick<
  LocalFirstLayer,
  "prepare" | "forward" | "backward" | "update" | "apply" | "state" | "times"
>;

/** A first layer as the training loop sees it, in this thread or in Workers, which answer later. */
export type TrainableFirstLayer =
  & Disposable
  & {
    [M in keyof FirstLayerMethods]: (
      ...args: Parameters<FirstLayerMethods[M]>
    ) => ReturnType<FirstLayerMethods[M]> | Promise<ReturnType<FirstLayerMethods[M]>>;
  };
