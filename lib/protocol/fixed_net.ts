/** A network with a first layer in fixed point, run in the clear: drawn, applied, scored.
 * @module */
import type { Dataset } from "../data/dataset.ts";
import { toFixed } from "../math/fixed_point.ts";
import { gaussian, type Rng } from "../math/rng.ts";
import type { FixedNet, InnerProducts, Scales } from "./fixed_step.ts";
import { classify, initHead } from "./head.ts";

/** Sizes of a network with one hidden layer. */
export interface FixedSizes {
  readonly n: number;
  readonly hidden: number;
  readonly classes: number;
}

/** Draws a first layer: N(0, 1/n) at scale 2^weightBits, `[hidden, n]`.
 * @throws {RangeError} a size that is no positive integer, or a weight over weightBound. */
export function initialFixedW1(
  sizes: Omit<FixedSizes, "classes">,
  scales: Scales,
  rng: Rng,
): Int32Array {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`Cannot build a network: ${name} = ${size} is not a positive integer`);
    }
  }
  const { n, hidden } = sizes;
  const reals = gaussian(rng, hidden * n).map((w) => w / Math.sqrt(n));
  const W1 = toFixed(reals, scales.weightBits);
  const large = W1.find((w) => Math.abs(w) > scales.weightBound);
  if (large !== undefined) {
    throw new RangeError(`Cannot build a network: weight ${large} exceeds ±${scales.weightBound}`);
  }
  return W1;
}

/** Draws a network: W1 first, then W2 from N(0, 1/hidden); biases 0.
 * @throws {RangeError} as `initialFixedW1`. */
export function initFixedNet(sizes: FixedSizes, scales: Scales, rng: Rng): FixedNet {
  const { n, hidden, classes } = sizes;
  const W1 = initialFixedW1(sizes, scales, rng);
  return { n, scales, W1, head: initHead(hidden, classes, rng) };
}

/** The products of images that are at hand in the clear, in plain integer arithmetic.
 * @param x pixels, `[m, n]`. */
export function clearProducts(x: Uint8Array, n: number): InnerProducts {
  const m = x.length / n;
  return {
    forward(W1) {
      const hidden = W1.length / n;
      const z1 = new Float64Array(m * hidden);
      for (let at = 0; at < z1.length; at++) {
        const [sample, unit] = [Math.floor(at / hidden) * n, (at % hidden) * n];
        let sum = 0;
        for (let j = 0; j < n; j++) sum += W1[unit + j] * x[sample + j];
        z1[at] = sum;
      }
      return Promise.resolve(z1);
    },
    backward(dz1) {
      const dW1 = new Float64Array((dz1.length / m) * n);
      for (let at = 0; at < dz1.length; at++) {
        const [unit, sample] = [Math.floor(at / m) * n, (at % m) * n];
        for (let j = 0; j < n; j++) dW1[unit + j] += dz1[at] * x[sample + j];
      }
      return Promise.resolve(dW1);
    },
  };
}

/** Share of images whose largest output is their label, in [0, 1].
 * @param products as `trainFixed` takes them.   @throws {TypeError} images of another size. */
export async function fixedAccuracy(
  net: FixedNet,
  images: Dataset,
  products: (x: Uint8Array, n: number) => InnerProducts = clearProducts,
): Promise<number> {
  if (images.n !== net.n) {
    throw new TypeError(
      `Cannot run the network: it takes ${net.n} pixels, ${images.name} has ${images.n}`,
    );
  }
  const { hidden } = net.head;
  const unit = 2 ** -(net.scales.weightBits + net.scales.pixelBits);
  const z1 = (await products(images.x, net.n).forward(net.W1)).map((z) => z * unit);
  let right = 0;
  for (let i = 0; i < images.count; i++) {
    if (classify(net.head, z1.subarray(i * hidden, (i + 1) * hidden)) === images.y[i]) right++;
  }
  return right / images.count;
}
