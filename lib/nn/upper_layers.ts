/** Everything after the first layer's product, z1 in, dz1 out: what the server of MITIG2 has.
 *
 *   a1 = σ(z1 + b1),  z2 = W2·a1 + b2;  dz2 = a2 − y,  dz1 = (W2ᵀ·dz2) ∘ a1 ∘ (1 − a1),
 *   dW2 = Σ dz2·a1ᵀ,  db = Σ dz
 *
 * A sample is a row. A batch may come in parts: `forward` and `backward` take them in turn, first in,
 * first out; `update` closes the batch. The loss stands apart, because it may be taken by another party.
 * @module */
import { sgemm } from "../math/blas.ts";
import { Memory32 } from "../math/memory32.ts";
import {
  type Optimizer,
  optimizer,
  type OptimizerState,
  type Output,
  type Setting,
} from "./optimizer.ts";
import { sigmoid32, sigmoidSlope32 } from "./sigmoid_kernel.ts";
import { addColumnSums } from "./sums_kernel.ts";

/** Loss of a batch, and its gradient at the outputs, in one pass. For both output functions dz2 = a2 − y.
 *
 *   softmax: −log softmax(z)_y = log Σ exp z − z_y;  sigmoid: Σ −y·log σ(z) − (1−y)·log(1−σ(z)) = Σ softplus(z) − z_y
 *
 * @param z2 `[m, classes]`.   @param labels `[m]`, each in [0, classes).
 * @returns dz2 `[m, classes]`, not divided by m, and the summed loss. */
export function lossGradient(
  z2: Float32Array,
  labels: Uint8Array,
  output: Output,
): { dz2: Float32Array; loss: number } {
  const classes = z2.length / labels.length;
  const dz2 = new Float32Array(z2.length);
  let loss = 0;
  for (let k = 0, at = 0; k < labels.length; k++, at += classes) {
    const end = at + classes;
    if (output === "softmax") {
      let [largest, total] = [-Infinity, 0];
      for (let i = at; i < end; i++) largest = Math.max(largest, z2[i]);
      for (let i = at; i < end; i++) total += dz2[i] = Math.exp(z2[i] - largest);
      for (let i = at; i < end; i++) dz2[i] /= total;
      loss += largest + Math.log(total);
    } else {
      for (let i = at; i < end; i++) {
        dz2[i] = 1 / (1 + Math.exp(-z2[i]));
        loss += Math.max(z2[i], 0) + Math.log1p(Math.exp(-Math.abs(z2[i])));
      }
    }
    loss -= z2[at + labels[k]];
    dz2[at + labels[k]] -= 1;
  }
  return { dz2, loss };
}

/** b1 `[hidden]`, W2 `[classes, hidden]`, b2 `[classes]`. */
export interface UpperWeights {
  readonly b1: Float32Array;
  readonly W2: Float32Array;
  readonly b2: Float32Array;
}

/** The weights and what their optimizers remember. */
export interface UpperState {
  readonly weights: UpperWeights;
  readonly optimizers: Readonly<Record<keyof UpperWeights, OptimizerState>>;
}

/** What stands between the two layers: a = f(z), and its derivative by what it gave, both in place. */
interface Activation {
  apply(z: Float32Array, memory: Memory32): void;
  /** da ← da ∘ f′, each step rounded to float32. */
  backward(da: Float32Array, a: Float32Array, memory: Memory32): void;
}

const ACTIVATIONS = {
  sigmoid: {
    apply: (z, memory) => sigmoid32(memory, z),
    backward: (da, a, memory) => sigmoidSlope32(memory, da, a),
  },
  relu: {
    apply(z) {
      for (let i = 0; i < z.length; i++) z[i] = Math.max(z[i], 0);
    },
    backward(da, a) {
      for (let i = 0; i < a.length; i++) da[i] *= a[i] > 0 ? 1 : 0;
    },
  },
  none: { apply() {}, backward() {} },
} satisfies Record<string, Activation>;

/** The paper's sigmoid, or what a defence has in its place. */
export type ActivationName = keyof typeof ACTIVATIONS;

/** The end of a batch: how many images it had, and the learning rate of its step. */
export interface BatchEnd {
  readonly images: number;
  readonly learningRate: number;
}

const NAMES = ["b1", "W2", "b2"] as const;

/** The upper layers in training or in use. */
export class UpperLayers implements Disposable {
  readonly hidden: number;
  readonly classes: number;
  readonly #weights: UpperWeights;
  readonly #optimizers: Record<keyof UpperWeights, Optimizer>;
  readonly #sums: Record<keyof UpperWeights, Float32Array>;
  readonly #memory = Memory32.open();
  /** A1 `[m, hidden]` of the parts that went forward. */
  readonly #forwarded: Float32Array[] = [];
  readonly #activation: Activation;

  /** @throws {TypeError} saved state of another shape. */
  constructor(
    weights: UpperWeights,
    { optimizer: name }: Pick<Setting, "optimizer">,
    saved?: UpperState["optimizers"],
    activation: ActivationName = "sigmoid",
  ) {
    this.#activation = ACTIVATIONS[activation];
    [this.hidden, this.classes] = [weights.b1.length, weights.b2.length];
    const each = <T>(make: (name: keyof UpperWeights) => T) => ({
      b1: make("b1"),
      W2: make("W2"),
      b2: make("b2"),
    });
    this.#weights = each((key) => weights[key].slice());
    this.#optimizers = each((key) => optimizer(name, weights[key].length, saved?.[key]));
    this.#sums = each((key) => new Float32Array(weights[key].length));
  }

  /** A1 `[m, hidden]`, which the caller gives back, and z2. */
  #outputs(z1: Float32Array): { A1: Float32Array; z2: Float32Array } {
    const { hidden, classes } = this;
    const { b1, W2, b2 } = this.#weights;
    const m = z1.length / hidden;
    const A1 = this.#memory.take(z1.length);
    addToRows(A1, z1, b1);
    this.#activation.apply(A1, this.#memory);
    const z2 = new Float32Array(m * classes);
    sgemm({ m, n: classes, k: hidden, A: A1, B: W2, C: z2, transposeB: true });
    addToRows(z2, z2, b2);
    return { A1, z2 };
  }

  /** @param z1 `[m, hidden]`, without b1.   @returns z2 `[m, classes]`. */
  forward(z1: Float32Array): Float32Array {
    const { A1, z2 } = this.#outputs(z1);
    this.#forwarded.push(A1);
    return z2;
  }

  /** @param dz2 `[m, classes]` of the part that went forward first and did not yet come back.
   * @returns dz1 `[m, hidden]`, by the weights before the batch. */
  backward(dz2: Float32Array): Float32Array {
    const { hidden, classes } = this;
    const A1 = this.#forwarded.shift()!;
    const m = A1.length / hidden;
    const memory = this.#memory;
    const [dZ1, dZ2] = [memory.take(m * hidden), memory.hold(dz2)];
    sgemm({ m, n: hidden, k: classes, A: dZ2, B: this.#weights.W2, C: dZ1 });
    this.#activation.backward(dZ1, A1, memory);
    const { b1, W2, b2 } = this.#sums;
    addColumnSums(memory, b1, dZ1);
    sgemm({ m: classes, n: hidden, k: m, A: dZ2, B: A1, C: W2, transposeA: true, add: true });
    addColumnSums(memory, b2, dZ2);
    const dz1 = new Float32Array(dZ1);
    for (const array of [A1, dZ1, dZ2]) memory.give(array);
    return dz1;
  }

  /** Moves the weights against the summed gradients of the batch, divided as the setting says. */
  update({ images, learningRate }: BatchEnd, { divideBy }: Pick<Setting, "divideBy">): void {
    const divisor = divideBy === "classes" ? this.classes : images;
    for (const name of NAMES) {
      this.#optimizers[name].step(this.#weights[name], this.#sums[name], divisor, learningRate);
      this.#sums[name].fill(0);
    }
  }

  /** The class with the largest output for each sample. @param z1 `[m, hidden]`, without b1. */
  classify(z1: Float32Array): Uint8Array {
    const { A1, z2 } = this.#outputs(z1);
    this.#memory.give(A1);
    return Uint8Array.from({ length: z1.length / this.hidden }, (_, k) => {
      const row = z2.subarray(k * this.classes, (k + 1) * this.classes);
      return row.indexOf(Math.max(...row));
    });
  }

  /** All that a checkpoint keeps; views, not copies. */
  state(): UpperState {
    const { b1, W2, b2 } = this.#optimizers;
    return {
      weights: this.#weights,
      optimizers: { b1: b1.state, W2: W2.state, b2: b2.state },
    };
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** Every row of `out` ← that of `matrix` plus `row`. */
function addToRows(out: Float32Array, matrix: Float32Array, row: Float32Array): void {
  const width = row.length;
  for (let at = 0; at < matrix.length; at += width) {
    for (let i = 0; i < width; i++) out[at + i] = matrix[at + i] + row[i];
  }
}
