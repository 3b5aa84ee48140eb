/** The server's side of split training with a defence: MITIG2's upper layers, behind a linear layer of its own where
 * the client sends fewer numbers, with mixed labels where the client mixes images.
 * @module */
import type { BatchEnd } from "../nn/upper_layers.ts";
import { lossGradient, type UpperLayers } from "../nn/upper_layers.ts";
import type { Setting } from "../nn/optimizer.ts";
import type { Mix } from "./distortions.ts";

/** dz2 and the loss of a part whose labels are mixed: those of both labels in the shares of the images.
 * @param z2 `[m, classes]`.   @param labels `[m]`, of the images with the larger share. */
export function mixedLossGradient(
  z2: Float32Array,
  labels: Uint8Array,
  { partner, kept }: Mix,
): { dz2: Float32Array; loss: number } {
  const classes = z2.length / labels.length;
  const own = lossGradient(z2, labels, "softmax");
  const other = lossGradient(z2, labels.map((_, i) => labels[partner[i]]), "softmax");
  const dz2 = own.dz2.map((value, at) => {
    const share = kept[Math.floor(at / classes)];
    return share * value + (1 - share) * other.dz2[at];
  });
  const share = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  return { dz2, loss: share * own.loss + (1 - share) * other.loss };
}

/** The upper layers, with U `[hidden, rank]` before them: z = U·code. Without U they are MITIG2's. */
export class DefendedUpperLayers {
  readonly #forwarded: Float32Array[] = [];
  readonly #dU: Float32Array;

  /** @param U `[hidden, rank]`, moved in place; null where z1 comes as it is. */
  constructor(private readonly layers: UpperLayers, private readonly U: Float32Array | null) {
    this.#dU = new Float32Array(U?.length ?? 0);
  }

  get #rank(): number {
    return (this.U?.length ?? 0) / this.layers.hidden;
  }

  #expand(codes: Float32Array): Float32Array {
    if (this.U === null) return codes;
    const [{ hidden }, rank, U] = [this.layers, this.#rank, this.U];
    const z = new Float32Array(codes.length / rank * hidden);
    for (let i = 0; i < codes.length / rank; i++) {
      for (let u = 0; u < hidden; u++) {
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += U[u * rank + k] * codes[i * rank + k];
        z[i * hidden + u] = sum;
      }
    }
    return z;
  }

  /** @returns z2 `[m, classes]`. */
  forward(codes: Float32Array): Float32Array {
    if (this.U !== null) this.#forwarded.push(codes);
    return this.layers.forward(this.#expand(codes));
  }

  /** @returns the gradient by what came, not divided by m. */
  backward(dz2: Float32Array): Float32Array {
    const dz = this.layers.backward(dz2);
    if (this.U === null) return dz;
    const [{ hidden }, rank, U] = [this.layers, this.#rank, this.U];
    const codes = this.#forwarded.shift()!;
    const out = new Float32Array(codes.length);
    for (let i = 0; i < codes.length / rank; i++) {
      for (let u = 0; u < hidden; u++) {
        const d = dz[i * hidden + u];
        for (let k = 0; k < rank; k++) {
          out[i * rank + k] += d * U[u * rank + k];
          this.#dU[u * rank + k] += d * codes[i * rank + k];
        }
      }
    }
    return out;
  }

  /** Moves all weights against the sums of the batch. */
  update(end: BatchEnd, setting: Pick<Setting, "divideBy">): void {
    this.layers.update(end, setting);
    if (this.U === null) return;
    for (let i = 0; i < this.U.length; i++) {
      this.U[i] -= end.learningRate * this.#dU[i] / end.images;
    }
    this.#dU.fill(0);
  }

  /** The class with the largest output for each sample. */
  classify(codes: Float32Array): Uint8Array {
    return this.layers.classify(this.#expand(codes));
  }
}
