/** A last layer alone, on short codes: what the server of MITIG3 has.
 *
 *   logits = A·z + b,  p = softmax(logits);  dlogits = p − y,  dz = Aᵀ·dlogits,  dA = Σ dlogits·zᵀ,  db = Σ dlogits
 *
 * As an {@linkcode UpperParty}: what a part calls z1 is z, and what it calls dz1 is dz. Plain loops, because 110 numbers
 * are no work.
 * @module */
import { gaussian, type Rng, secureRng } from "../math/rng.ts";
import { type Optimizer, optimizer, type OptimizerName, type OptimizerState } from "./optimizer.ts";
import type { Part, PartGradient, UpperParty } from "./train.ts";
import { lossGradient } from "./upper_layers.ts";

/** A `[classes, width]`, b `[classes]`. */
export interface HeadWeights {
  readonly A: Float32Array;
  readonly b: Float32Array;
}

/** The weights and what their optimizers remember. */
export interface HeadState {
  readonly weights: HeadWeights;
  readonly optimizers: Readonly<Record<keyof HeadWeights, OptimizerState>>;
}

/** Draws A from N(0, 1/width); b is 0. */
export function initialLinearHead(
  { width, classes }: { width: number; classes: number },
  rng: Rng = secureRng(),
): HeadWeights {
  const A = Float32Array.from(gaussian(rng, classes * width), (w) => w / Math.sqrt(width));
  return { A, b: new Float32Array(classes) };
}

/** A·z + b of each code. @param z `[m, width]`.   @returns `[m, classes]`. */
function logitsOf({ A, b }: HeadWeights, z: Float32Array): Float32Array {
  const [classes, width] = [b.length, A.length / b.length];
  const m = z.length / width;
  const logits = new Float32Array(m * classes);
  for (let k = 0; k < m; k++) {
    for (let i = 0; i < classes; i++) {
      let sum = b[i];
      for (let j = 0; j < width; j++) sum += A[i * width + j] * z[k * width + j];
      logits[k * classes + i] = sum;
    }
  }
  return logits;
}

/** The class with the largest logit of each code. @param z `[m, width]`. */
export function linearClasses(weights: HeadWeights, z: Float32Array): Uint8Array {
  const logits = logitsOf(weights, z);
  const classes = weights.b.length;
  return Uint8Array.from({ length: logits.length / classes }, (_, k) => {
    const row = logits.subarray(k * classes, (k + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

/** The head in training. */
export class LinearHead implements UpperParty {
  readonly classes: number;
  readonly width: number;
  readonly #weights: { A: Float32Array; b: Float32Array };
  readonly #optimizers: Record<keyof HeadWeights, Optimizer>;
  readonly #sums: Record<keyof HeadWeights, Float32Array>;

  /** @throws {TypeError} saved state of another shape. */
  constructor({ A, b }: HeadWeights, name: OptimizerName, saved?: HeadState["optimizers"]) {
    [this.classes, this.width] = [b.length, A.length / b.length];
    this.#weights = { A: A.slice(), b: b.slice() };
    this.#optimizers = {
      A: optimizer(name, A.length, saved?.A),
      b: optimizer(name, b.length, saved?.b),
    };
    this.#sums = { A: new Float32Array(A.length), b: new Float32Array(b.length) };
  }

  /** Takes the gradient of a part; the one that closes the batch moves the weights. */
  step({ z1: z, labels, close }: Part): PartGradient {
    const { classes, width } = this;
    const { A } = this.#weights;
    const { dz2: dlogits, loss } = lossGradient(logitsOf(this.#weights, z), labels, "softmax");
    const dz = new Float32Array(z.length);
    for (let k = 0; k < labels.length; k++) {
      for (let i = 0; i < classes; i++) {
        const d = dlogits[k * classes + i];
        this.#sums.b[i] += d;
        for (let j = 0; j < width; j++) {
          dz[k * width + j] += A[i * width + j] * d;
          this.#sums.A[i * width + j] += d * z[k * width + j];
        }
      }
    }
    if (close) this.#update(close.images, close.learningRate);
    return { dz1: dz, loss };
  }

  #update(divisor: number, learningRate: number): void {
    for (const name of ["A", "b"] as const) {
      this.#optimizers[name].step(this.#weights[name], this.#sums[name], divisor, learningRate);
      this.#sums[name].fill(0);
    }
  }

  /** The weights as they are, not copied. */
  get weights(): HeadWeights {
    return this.#weights;
  }

  /** All that a checkpoint keeps; views, not copies. */
  state(): HeadState {
    const { A, b } = this.#optimizers;
    return { weights: this.#weights, optimizers: { A: A.state, b: b.state } };
  }
}
