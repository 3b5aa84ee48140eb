/** A first layer where a file has it, and the matrix that it is on pixels.
 *
 * A dense layer is a matrix already. Of a convolution, output (f, i, j) is
 * Σ w[f, a, b, k] · v[i·stride + a − top, j·stride + b − left, k], zero outside: a row a filter and place, as
 * {@link ../attack/conv.ts} has them. Either acts on {@linkcode Elements}, hence on pixels.
 * @module */
import { refusal } from "./dataset.ts";
import type { Elements } from "./elements.ts";
import { countOf, shapeText, type Tensor } from "./tensor.ts";

/** How a matrix lies: PyTorch has [hidden, in], Keras [in, hidden]. Filters of a convolution likewise: PyTorch has
 * [filters, channels, kernel, kernel], Keras [kernel, kernel, channels, filters]. */
export const ORIENTATIONS = ["hidden-in", "in-hidden"] as const;
/** One of them. */
export type Orientation = (typeof ORIENTATIONS)[number];

/** More are no first layer but, say, the images themselves. */
export const MAX_HIDDEN = 10_000;

/** Of a convolution's matrix: the attacks hold some ten copies of it, and should stay under 2 GB. */
const MAX_ENTRIES = 2 ** 24;
/** Rows a pixel that are taken all the same: they decide the image with some to spare. */
const ENOUGH = 1.5;

/** Rows of a convolution that are taken at most, for n pixels. */
const mostRows = (n: number): number =>
  Math.min(MAX_HIDDEN, Math.max(Math.floor(MAX_ENTRIES / n), Math.ceil(ENOUGH * n)));

/** Zeros around an image. */
export type Padding = readonly [top: number, left: number, bottom: number, right: number];

/** Zeros before and after, so that there are ⌈size / stride⌉ outputs; the odd one comes after. */
export function samePadding(size: number, kernel: number, stride: number): [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** A layer in a file. */
export interface FoundLayer {
  /** What it is, for messages: "fc1.weight", "layer dense_1 (Dense)"; "" where the file holds nothing else. */
  readonly called: string;
  readonly weights: Tensor;
  readonly orientation: Orientation;
  /** The weights count this many times. */
  readonly factor: number;
  /** [hidden], or a number a filter. */
  readonly bias: ArrayLike<number> | null;
  /** What it is given: [in], or [height, width, channels] for a convolution. */
  readonly input: Elements;
  readonly convolution: { readonly stride: number; readonly padding: Padding } | null;
}

/** A convolution as it was taken. */
export interface Convolution {
  /** Those taken: the first ones. */
  readonly filters: number;
  /** Side of the square kernel. */
  readonly kernel: number;
  readonly stride: number;
  /** Zeros around the image; the four sides apart where they differ, as under Keras' "same". */
  readonly padding: number | Padding;
  /** Of one filter. */
  readonly outputs: readonly [height: number, width: number];
}

/** The layer as equations of pixels. */
export interface LayerRows {
  /** [hidden, n] row-major. */
  readonly W1: Float64Array;
  readonly hidden: number;
  /** [hidden]; null where it is zero because there is none. */
  readonly bias: Float64Array | null;
  readonly convolution: Convolution | null;
  /** Filters that the file has. */
  readonly filters: number;
}

/** "fc1.weight [300, 784]", or the sizes alone. */
const textOf = ({ called, weights: { shape } }: FoundLayer) =>
  `${called} ${shapeText(shape)}`.trim();

/** Adds `w` at an element of a row. */
type Add = (row: number, element: number, w: number) => void;

/** Makes the rows.
 * @param pixels of each element of the model's input: which pixel it is.   @param n pixels an image.
 * @throws {DataError} damaged weights, none, too many units, a kernel that is no square or larger than the image. */
export function layerRows(
  path: string,
  layer: FoundLayer,
  pixels: Int32Array,
  n: number,
): LayerRows {
  const fail = refusal(`Cannot use ${path}`);
  const { weights: { shape }, input } = layer;
  if (countOf(shape) === 0) fail(`${textOf(layer)} holds no number`);
  const geometry = layer.convolution === null ? null : geometryOf(layer, fail);
  const units = layer.orientation === "hidden-in" ? shape[0] : shape.at(-1)!;
  const hidden = geometry?.hidden ?? units;
  if (geometry === null && hidden > MAX_HIDDEN) {
    const much = `${textOf(layer)} has ${hidden} units, at most ${MAX_HIDDEN}`;
    fail(`${much}: save W[:${MAX_HIDDEN}]`);
  }
  const values = layer.weights.values();
  const W1 = new Float64Array(hidden * n);
  const bias = new Float64Array(hidden);
  const perUnit = geometry === null ? 1 : geometry.hidden / geometry.convolution.filters;
  if (layer.bias !== null) {
    bias.forEach((_, row) => bias[row] = layer.bias![Math.floor(row / perUnit)]);
  }
  const add: Add = (row, element, w) => {
    w *= layer.factor;
    W1[row * n + pixels[input.source[element]]] += w * input.scale[element];
    bias[row] += w * input.offset[element];
  };
  if (geometry === null) addDense(layer, values, hidden, add);
  else addConvolution(layer, values, geometry.convolution, add);
  if (!W1.every(Number.isFinite) || !bias.every(Number.isFinite)) {
    fail(`the scale of its inputs takes ${textOf(layer)} out of float64`);
  }
  const constant = layer.bias !== null || input.offset.some((value) => value !== 0);
  const convolution = geometry?.convolution ?? null;
  return { W1, hidden, bias: constant ? bias : null, convolution, filters: units };
}

function addDense(
  { orientation, input }: FoundLayer,
  values: Float64Array,
  hidden: number,
  add: Add,
): void {
  const inputs = input.source.length;
  const [down, across] = orientation === "hidden-in" ? [inputs, 1] : [1, hidden];
  for (let row = 0; row < hidden; row++) {
    for (let e = 0; e < inputs; e++) add(row, e, values[row * down + e * across]);
  }
}

/** What a convolution yields, and how many of its filters are taken. */
function geometryOf(
  layer: FoundLayer,
  fail: (why: string) => never,
): { hidden: number; convolution: Convolution } {
  const { weights: { shape }, orientation, input, convolution } = layer;
  const called = textOf(layer);
  const first = orientation === "hidden-in"; // [filters, channels, k, k], else [k, k, channels, filters]
  const [height, width] = input.shape;
  const [down, across] = first ? shape.slice(2) : shape;
  const { stride, padding } = convolution!;
  if (down !== across) {
    fail(`the kernel of ${called} is ${down} × ${across}, only square ones are read`);
  }
  const [top, left, bottom, right] = padding;
  const side = (size: number) => Math.floor((size - down) / stride) + 1;
  const outputs = [side(height + top + bottom), side(width + left + right)] as const;
  if (!outputs.every((size) => size >= 1)) {
    fail(
      `the kernel of ${called} is ${down} × ${down}, larger than images of ${height} × ${width}`,
    );
  }
  const perFilter = outputs[0] * outputs[1];
  if (perFilter > MAX_HIDDEN) {
    const much = `one filter of ${called} has ${perFilter} outputs, at most ${MAX_HIDDEN}`;
    fail(`${much}: give smaller images by --resize, or a larger --stride`);
  }
  const has = first ? shape[0] : shape[3];
  const filters = Math.min(has, Math.max(1, Math.floor(mostRows(input.source.length) / perFilter)));
  const even = padding.every((zeros) => zeros === top);
  return {
    hidden: filters * perFilter,
    convolution: { filters, kernel: down, stride, padding: even ? top : padding, outputs },
  };
}

function addConvolution(
  { weights: { shape }, orientation, input, convolution }: FoundLayer,
  values: Float64Array,
  { filters, kernel, stride, outputs: [down, across] }: Convolution,
  add: Add,
): void {
  const [height, width, channels] = input.shape;
  const [top, left] = convolution!.padding;
  const weightAt = orientation === "hidden-in"
    ? (f: number, a: number, b: number, k: number) => ((f * channels + k) * kernel + a) * kernel + b
    : (f: number, a: number, b: number, k: number) =>
      ((a * kernel + b) * channels + k) * shape[3] + f;
  for (let row = 0; row < filters * down * across; row++) {
    const f = Math.floor(row / (down * across));
    const [i, j] = [Math.floor(row / across) % down, row % across];
    for (let a = 0; a < kernel; a++) {
      const y = i * stride + a - top;
      if (y < 0 || y >= height) continue;
      for (let b = 0; b < kernel; b++) {
        const x = j * stride + b - left;
        if (x < 0 || x >= width) continue;
        for (let k = 0; k < channels; k++) {
          add(row, (y * width + x) * channels + k, values[weightAt(f, a, b, k)]);
        }
      }
    }
  }
}
