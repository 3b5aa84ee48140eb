/** A network with a first layer in fixed point: its scales, how it is drawn, and run in the clear.
 * @module */
import { accuracyOf, type Dataset } from "../data/dataset.ts";
import { dgemm } from "../math/blas.ts";
import { toFixed } from "../math/fixed_point.ts";
import { gaussian, type Rng } from "../math/rng.ts";
import type { Mlp, MlpSizes } from "../nn/mlp.ts";
import { type Head, headClasses, initHead } from "./head.ts";

/** How reals become integers. All are stated with a result. */
export interface Scales {
  /** W1 holds round(w · 2^weightBits). */
  readonly weightBits: number;
  /** Largest |entry| of the integer W1. */
  readonly weightBound: number;
  /** A pixel x counts as x / 2^pixelBits; 0 in the authors' code. */
  readonly pixelBits: number;
  /** dz1 is rounded to multiples of 2^-gradientBits. */
  readonly gradientBits: number;
  /** Largest |entry| of the integer dz1. */
  readonly gradientBound: number;
  /** learningRate / m is rounded to a multiple of 2^-rateBits. */
  readonly rateBits: number;
}

/** Pixels as x/256; weights up to ±8 in steps of 2^-10, dz1 up to ±16 in steps of 2^-10. */
export const DEFAULT_SCALES: Scales = {
  weightBits: 10,
  weightBound: 2 ** 13,
  pixelBits: 8,
  gradientBits: 10,
  gradientBound: 2 ** 14,
  rateBits: 20,
};

/** A network whose first layer is in fixed point. */
export interface FixedNet {
  readonly n: number;
  readonly scales: Scales;
  /** `[hidden, n]` row-major, |entry| ≤ weightBound. */
  readonly W1: Int32Array;
  /** b1 and the later layers, in float64. */
  readonly head: Head;
}

/** Draws a first layer: N(0, 1/n) at scale 2^weightBits, `[hidden, n]`.
 * @throws {RangeError} a size that is no positive integer, or a weight over weightBound. */
export function initialFixedW1(
  { n, hidden }: Pick<MlpSizes, "n" | "hidden">,
  scales: Scales,
  rng: Rng,
): Int32Array {
  for (const [name, size] of Object.entries({ n, hidden })) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`Cannot build a network: ${name} = ${size} is not a positive integer`);
    }
  }
  const reals = gaussian(rng, hidden * n).map((w) => w / Math.sqrt(n));
  const W1 = toFixed(reals, scales.weightBits);
  const large = W1.find((w) => Math.abs(w) > scales.weightBound);
  if (large !== undefined) {
    throw new RangeError(`Cannot build a network: weight ${large} exceeds ±${scales.weightBound}`);
  }
  return W1;
}

/** Draws a network: W1 first, then W2 from N(0, 1/hidden); biases 0.
 * @param upperRng draws the later layers where they have a source of their own: under MITIG1 the server's.
 * @throws {RangeError} as `initialFixedW1`. */
export function initFixedNet(
  sizes: MlpSizes,
  scales: Scales,
  rng: Rng,
  upperRng: Rng = rng,
): FixedNet {
  const W1 = initialFixedW1(sizes, scales, rng);
  return { n: sizes.n, scales, W1, head: initHead(sizes.hidden, sizes.classes, upperRng) };
}

/** The same network in float32, for pixels in 0..255. */
export function floatNet({ n, scales, W1, head }: FixedNet): Mlp {
  const [unit, pixelScale] = [2 ** -scales.weightBits, 2 ** -scales.pixelBits];
  return {
    ...{ n, hidden: head.hidden, classes: head.classes },
    W1: Float32Array.from(W1, (w) => w * unit * pixelScale),
    b1: Float32Array.from(head.b1),
    W2: Float32Array.from(head.W2),
    b2: Float32Array.from(head.b2),
  };
}

/** Where the integers of a batch of m samples come from: decryption, or {@linkcode clearProducts}. */
export interface InnerProducts {
  /** z1 = W1·x, `[m, hidden]`. */
  forward(W1: Int32Array): Float64Array | Promise<Float64Array>;
  /** dW1 = dz1·X, `[hidden, n]`. @param dz1 `[hidden, m]`: one row per hidden unit. */
  backward(dz1: Int32Array): Float64Array | Promise<Float64Array>;
}

/** Largest pixel. */
const WHITE = 255;

/** Factors of pixels in float64. @throws {RangeError} a sum of so many products could lose a bit. */
function exactFactors(factors: Int32Array, terms: number): Float64Array {
  let largest = 0;
  for (const factor of factors) largest = Math.max(largest, Math.abs(factor));
  if (terms * WHITE * largest > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(
      `Cannot multiply exactly: ${terms} pixels times up to ${largest} can exceed 2^53`,
    );
  }
  return new Float64Array(factors);
}

/** The products of images that are at hand in the clear. Exact, in whatever order they are summed up, by whatever
 * library: integers in float64, no partial sum over n·255·|W1| or m·255·|dz1|, and that below 2^53.
 * @param x pixels, `[m, n]`.   @throws {RangeError} from both: the factors are too large for that. */
export function clearProducts(x: Uint8Array, n: number) {
  const X = new Float64Array(x);
  const m = x.length / n;
  return {
    forward(W1: Int32Array): Float64Array {
      const hidden = W1.length / n;
      const z1 = new Float64Array(m * hidden);
      const B = exactFactors(W1, n);
      dgemm({ m, n: hidden, k: n, A: X, B, transposeB: true, C: z1 });
      return z1;
    },
    backward(dz1: Int32Array): Float64Array {
      const hidden = dz1.length / m;
      const dW1 = new Float64Array(hidden * n);
      dgemm({ m: hidden, n, k: m, A: exactFactors(dz1, m), B: X, C: dW1 });
      return dW1;
    },
  } satisfies InnerProducts;
}

/** z1 as reals: integers at scale 2^(weightBits + pixelBits). */
export function realZ1(z1: Float64Array, { weightBits, pixelBits }: Scales): Float64Array {
  const unit = 2 ** -(weightBits + pixelBits);
  return z1.map((z) => z * unit);
}

/** Images of one product. */
const CHUNK = 1000;

/** The class with the largest output for each image. @param x pixels, `[m, n]`. */
export function fixedClasses({ n, scales, W1, head }: FixedNet, x: Uint8Array): Uint8Array {
  const classes = new Uint8Array(x.length / n);
  for (let from = 0; from < classes.length; from += CHUNK) {
    const z1 = clearProducts(x.subarray(from * n, (from + CHUNK) * n), n).forward(W1);
    classes.set(headClasses(head, realZ1(z1, scales)), from);
  }
  return classes;
}

/** Share of images whose largest output is their label, in [0, 1].
 * @throws {TypeError} images of another size. */
export function fixedAccuracy(net: FixedNet, images: Dataset): number {
  if (images.n !== net.n) {
    throw new TypeError(
      `Cannot run the network: it takes ${net.n} pixels, ${images.name} has ${images.n}`,
    );
  }
  return accuracyOf(fixedClasses(net, images.x), images.y);
}
