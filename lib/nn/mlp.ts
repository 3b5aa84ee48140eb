/** The network of the paper: one hidden layer, sigmoids, 784-300-10 on MNIST.
 *
 *   z1 = W1·x + b1,  a1 = σ(z1),  z2 = W2·a1 + b2,  a2 = σ(z2),  prediction = argmax a2
 *
 * Weights are plain float32 arrays, row-major with one row per unit, because that is how the protocols
 * use them: the rows of `W1` are what functional keys are asked for. Pixels enter as bytes
 * 0..255, unscaled, as in the authors' code (Juve45/cryptonn, mitigation2_client.py) and as encryption
 * needs them; a training that scales pixels has the factor in its W1.
 * @module */
import { accuracyOf, type Dataset } from "../data/dataset.ts";
import { gaussian, type Rng, secureRng } from "../math/rng.ts";
import { LocalFirstLayer } from "./first_layer.ts";
import type { Initial } from "./optimizer.ts";
import { UpperLayers, type UpperWeights } from "./upper_layers.ts";

/** Sizes of a network with one hidden layer. */
export interface MlpSizes {
  /** Inputs, n. */
  readonly n: number;
  readonly hidden: number;
  readonly classes: number;
}

/** Weights of such a network. */
export interface Mlp extends MlpSizes, UpperWeights {
  /** `[hidden, n]` */
  readonly W1: Float32Array;
}

/** Refuses sizes that no network has. @throws {RangeError} one that is not a positive integer. */
function check(sizes: MlpSizes): void {
  for (const name of ["n", "hidden", "classes"] as const) {
    if (!Number.isInteger(sizes[name]) || sizes[name] < 1) {
      throw new RangeError(
        `Cannot build a network: ${name} = ${sizes[name]} is not a positive integer`,
      );
    }
  }
}

const normal = (rng: Rng, length: number, deviation: number) =>
  Float32Array.from(gaussian(rng, length), (value) => value * deviation);

/** Draws a first layer: W1 `[hidden, n]`, for pixels in 0..255.
 * @throws {RangeError} a size that is not a positive integer. */
export function initialW1(sizes: MlpSizes, initial: Initial, rng: Rng = secureRng()): Float32Array {
  check(sizes);
  const { n, hidden } = sizes;
  return normal(rng, hidden * n, initial === "authors" ? 0.01 : Math.sqrt(2 / (n + hidden)) / 255);
}

/** Draws everything after the first layer's product: W2; the biases are 0.
 * @throws {RangeError} a size that is not a positive integer. */
export function initialUpper(
  sizes: MlpSizes,
  initial: Initial,
  rng: Rng = secureRng(),
): UpperWeights {
  check(sizes);
  const { hidden, classes } = sizes;
  const deviation = initial === "authors" ? 0.01 : Math.sqrt(2 / (hidden + classes));
  return {
    b1: new Float32Array(hidden),
    W2: normal(rng, classes * hidden, deviation),
    b2: new Float32Array(classes),
  };
}

/** Draws an untrained network, W1 first.
 * @throws {RangeError} a size that is not a positive integer. */
export function initialMlp(sizes: MlpSizes, initial: Initial, rng: Rng = secureRng()): Mlp {
  const { n, hidden, classes } = sizes;
  const W1 = initialW1(sizes, initial, rng);
  return { n, hidden, classes, W1, ...initialUpper(sizes, initial, rng) };
}

/** Images of one pass through the network. */
const CHUNK = 1000;

/** The class with the largest output for each image.
 * @param x pixels, `[m, n]` row-major.   @throws {TypeError} x is not whole rows of n pixels. */
export function classify(mlp: Mlp, x: Uint8Array): Uint8Array {
  const { W1, n } = mlp;
  if (x.length === 0 || x.length % n !== 0) {
    throw new TypeError(`Cannot run the network: ${x.length} pixels are not rows of ${n}`);
  }
  const setting = { optimizer: "sgd", pixelScale: 1 } as const; // neither is trained here
  using first = new LocalFirstLayer({ W1, n, images: x, setting });
  using upper = new UpperLayers(mlp, setting);
  const classes = new Uint8Array(x.length / n);
  for (let from = 0; from < classes.length; from += CHUNK) {
    const length = Math.min(CHUNK, classes.length - from);
    const indices = Uint32Array.from({ length }, (_, i) => from + i);
    classes.set(upper.classify(first.apply(indices)), from);
  }
  return classes;
}

/** Share of images whose largest output is their label, in [0, 1]. */
export function accuracy(mlp: Mlp, data: Dataset): number {
  return accuracyOf(classify(mlp, data.x), data.y);
}
