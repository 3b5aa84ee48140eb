/** What a layer inside a model is given, element by element.
 *
 * Before its first layer with weights a model flattens, reorders and scales its input. Each element of what the layer
 * gets is then scale · (one element of the input) + offset, so that any chain of such steps can be taken into the
 * layer's own weights: W'[r, source(e)] = W[r, e] · scale(e), and Σ W[r, e] · offset(e) is a constant that the server
 * knows.
 * @module */
import { countOf } from "./tensor.ts";

/** A value inside a model as a function of the model's input, row-major. */
export interface Elements {
  readonly shape: readonly number[];
  /** Which element of the input each one is. */
  readonly source: Int32Array;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/** The input itself. */
export function inputElements(shape: readonly number[]): Elements {
  const count = countOf(shape);
  return {
    shape,
    source: Int32Array.from({ length: count }, (_, e) => e),
    scale: new Float64Array(count).fill(1),
    offset: new Float64Array(count),
  };
}

/** The same elements in another shape; null where it holds another number of them.
 * @param shape one size may be −1: what is left. */
export function reshaped(elements: Elements, shape: readonly number[]): Elements | null {
  const count = elements.source.length;
  const known = countOf(shape.filter((size) => size !== -1));
  const sizes = shape.map((size) => size === -1 ? count / known : size);
  const right = sizes.every((size) => Number.isSafeInteger(size) && size > 0);
  return right && countOf(sizes) === count ? { ...elements, shape: sizes } : null;
}

/** The axes in another order, as NumPy's `transpose` has it; null where `axes` is no order of them. */
export function permuted(elements: Elements, axes: readonly number[]): Elements | null {
  const { shape, source, scale, offset } = elements;
  const orders = new Set(axes).size === shape.length && axes.length === shape.length;
  if (!orders || !axes.every((axis) => axis in shape)) return null;
  const steps = axes.map((axis) => countOf(shape.slice(axis + 1)));
  const sizes = axes.map((axis) => shape[axis]);
  const from = Int32Array.from(source, (_, k) => placeOf(k, sizes, steps));
  return {
    shape: sizes,
    source: source.map((_, k) => source[from[k]]),
    scale: scale.map((_, k) => scale[from[k]]),
    offset: offset.map((_, k) => offset[from[k]]),
  };
}

/** Where the k-th element in row-major order of these sizes lies, an index along each axis being a step. */
function placeOf(k: number, sizes: readonly number[], steps: readonly number[]): number {
  let place = 0;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    place += (k % sizes[axis]) * steps[axis];
    k = Math.floor(k / sizes[axis]);
  }
  return place;
}

/** Constants in a model. */
export interface Constant {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Constants as the elements of a shape see them, repeated along axes where they have size 1, as NumPy broadcasts;
 * null where they do not fit into it. */
export function broadcast({ shape, values }: Constant, to: readonly number[]): Float64Array | null {
  if (shape.length > to.length) return null;
  const sizes = [...to.slice(0, to.length - shape.length).fill(1), ...shape];
  if (!sizes.every((size, axis) => size === 1 || size === to[axis])) return null;
  const steps = sizes.map((size, axis) => size === 1 ? 0 : countOf(sizes.slice(axis + 1)));
  return Float64Array.from({ length: countOf(to) }, (_, k) => values[placeOf(k, to, steps)]);
}

/** The elements times `scale` plus `offset`, each broadcast; null where they do not fit. */
export function scaled(elements: Elements, scale: Constant, offset: Constant): Elements | null {
  const [s, o] = [broadcast(scale, elements.shape), broadcast(offset, elements.shape)];
  if (s === null || o === null) return null;
  return {
    ...elements,
    scale: elements.scale.map((value, e) => value * s[e]),
    offset: elements.offset.map((value, e) => value * s[e] + o[e]),
  };
}

/** One number as a constant. */
export const scalar = (value: number): Constant => ({ shape: [], values: [value] });
