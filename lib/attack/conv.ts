/** A convolutional first layer as the linear map it is, so that every attack applies unchanged.
 *
 * Output (f, i, j) is Σ w[f, a, b, k]·x[i·stride + a − padding, j·stride + b − padding, k] over the kernel's
 * rows a, columns b and the channels k. Each is one row of W1 with kernel² · channels entries. A
 * convolution gives the server far more equations than a dense layer: six 5 × 5 filters on a 32 × 32
 * grey image are 4704 equations for 1024 pixels, and least squares is enough. What stays open is a layer
 * of few filters, whose valid outputs see the border less often than the middle.
 *
 * The authors' code (Juve45/cryptonn) differs: `cnn_attack.py` multiplies patch and filter as matrices,
 * so that a filter acts through its column sums, and keeps 1480 equations; `ResNet56attack.py` applies
 * each filter to each channel apart, which is {@linkcode ConvLayer}'s `perChannel`, and keeps 2700.
 * @module */
import type { Shape } from "./priors.ts";

/** The geometry of a convolutional layer. */
export interface ConvLayer {
  filters: number;
  /** Side of the square kernel. */
  kernel: number;
  /** Of the image. */
  shape: Shape;
  /** 1 by default. */
  stride?: number;
  /** Zeros around the image, 0 by default ("valid"). */
  padding?: number;
  /** Each filter sees one channel at a time and gives an output for each; the filter has no channels. */
  perChannel?: boolean;
}

/** Outputs a channel or filter has along one side. @throws {RangeError} a kernel larger than the image. */
export function outputSide(side: number, { kernel, stride = 1, padding = 0 }: ConvLayer): number {
  const out = Math.floor((side + 2 * padding - kernel) / stride) + 1;
  if (!(out >= 1)) {
    throw new RangeError(
      `Cannot convolve: kernel ${kernel} over ${side} pixels, padding ${padding}`,
    );
  }
  return out;
}

/** Weights that {@linkcode convMatrix} takes: filters · kernel² · channels, one channel if `perChannel`. */
export function convWeights({ filters, kernel, shape, perChannel = false }: ConvLayer): number {
  return filters * kernel * kernel * (perChannel ? 1 : shape[2]);
}

/** The layer as a matrix `[hidden, n]` row-major, rows by filter (then channel if `perChannel`), row, column.
 * @param weights [filters, kernel, kernel, channels].
 * @throws {TypeError} another number of weights. {RangeError} a geometry without outputs. */
export function convMatrix(layer: ConvLayer, weights: ArrayLike<number>): Float64Array {
  const { filters, kernel, shape, stride = 1, padding = 0, perChannel = false } = layer;
  const [height, width, channels] = shape;
  for (
    const [name, value, least] of [
      ["filters", filters, 1],
      ["kernel", kernel, 1],
      ["stride", stride, 1],
      ["padding", padding, 0],
    ] as const
  ) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`Cannot convolve: ${name} ${value}`);
    }
  }
  if (weights.length !== convWeights(layer)) {
    throw new TypeError(
      `Cannot convolve: ${weights.length} weights, expected ${convWeights(layer)}`,
    );
  }
  const n = height * width * channels;
  const [down, across] = [outputSide(height, layer), outputSide(width, layer)];
  const depth = perChannel ? 1 : channels; // channels that an output sees
  const planes = filters * (perChannel ? channels : 1);
  const W1 = new Float64Array(planes * down * across * n);
  for (let plane = 0, row = 0; plane < planes; plane++) {
    const filter = perChannel ? Math.floor(plane / channels) : plane;
    const first = perChannel ? plane % channels : 0;
    for (let i = 0; i < down; i++) {
      for (let j = 0; j < across; j++, row++) {
        for (let tap = 0; tap < kernel * kernel * depth; tap++) {
          const [a, b] = [Math.floor(tap / depth / kernel), Math.floor(tap / depth) % kernel];
          const [y, x] = [i * stride + a - padding, j * stride + b - padding];
          if (y < 0 || y >= height || x < 0 || x >= width) continue;
          const at = (y * width + x) * channels + first + tap % depth;
          W1[row * n + at] = weights[filter * kernel * kernel * depth + tap];
        }
      }
    }
  }
  return W1;
}
