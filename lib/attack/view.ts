/** All that the attacker may read: the server's own view of one encrypted sample.
 *
 * In FE-based training the server owns the first layer `W1` and, with one functional key a row,
 * decrypts `z1 = W1·x`. That is the scheme working as promised; nothing is broken. Both sides of the
 * equation are integers (fixed-point weights, byte pixels), so the view is exact. Every attack takes a
 * `ServerView` and nothing else of a client: this type is the threat model.
 * @module */

/** What the server knows of one sample. Images are stored by row, channels last:
 * pixel (i, j), channel k is entry `(i·width + j)·channels + k`. Make one with {@linkcode serverView}. */
export interface ServerView {
  /** [hidden, n] row-major, integers round(w·2^scaleBits). */
  W1: Float64Array;
  /** [hidden], W1·x exactly. */
  z1: Float64Array;
  hidden: number;
  n: number;
  shape: readonly [height: number, width: number, channels: number];
  scaleBits: number;
  pixelRange: readonly [0, 255];
}

/** A row of the threat model: a quantity, what it looks like, and whether the server knows it. */
export interface Knowledge {
  quantity: string;
  value: string;
  serverKnows: boolean;
}

/** The pixel range that every party knows. */
export const PIXEL_RANGE = [0, 255] as const;

/** Checks and copies what the server read into a {@linkcode ServerView}.
 * @param input.W1 [hidden, n] row-major, integers scaled by 2^scaleBits, n = height·width·channels.
 * @param input.z1 [hidden] integers, W1·x.
 * @throws {TypeError} lengths that do not fit together, a shape that is not three positive integers.
 * {RangeError} an entry or scaleBits is not a safe integer. */
export function serverView(input: {
  W1: ArrayLike<number>;
  z1: ArrayLike<number>;
  shape: readonly [height: number, width: number, channels: number];
  scaleBits: number;
}): ServerView {
  const { shape, scaleBits } = input;
  if (shape.length !== 3 || !shape.every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw new TypeError(`Cannot build a view: shape [${shape}] is not [height, width, channels]`);
  }
  if (!Number.isSafeInteger(scaleBits)) {
    throw new RangeError(`Cannot build a view: scaleBits ${scaleBits} is not an integer`);
  }
  const hidden = input.z1.length;
  const n = shape[0] * shape[1] * shape[2];
  if (hidden === 0) throw new TypeError("Cannot build a view: z1 is empty");
  if (input.W1.length !== hidden * n) {
    throw new TypeError(
      `Cannot build a view: W1 has ${input.W1.length} entries, expected ${hidden} × ${n}`,
    );
  }
  return {
    W1: integers("W1", input.W1),
    z1: integers("z1", input.z1),
    hidden,
    n,
    shape: [...shape],
    scaleBits,
    pixelRange: PIXEL_RANGE,
  };
}

/** The views of many samples behind one first layer: W1 is checked and copied once and shared by all.
 * @param input.z1s one z1 a sample, all of one length.   @throws as {@linkcode serverView}. */
export function serverViews(
  { z1s, ...layer }: Omit<Parameters<typeof serverView>[0], "z1"> & {
    z1s: readonly ArrayLike<number>[];
  },
): ServerView[] {
  if (z1s.length === 0) return [];
  const first = serverView({ ...layer, z1: z1s[0] });
  return z1s.map((z1) => {
    if (z1.length !== first.hidden) {
      throw new TypeError(
        `Cannot build a view: z1 has ${z1.length} entries, expected ${first.hidden}`,
      );
    }
    return { ...first, z1: integers("z1", z1) };
  });
}

/** Bits after the point that a float32 weight or z1 keeps in {@linkcode floatView}. */
const FLOAT_BITS = 30;

/** The view of a server that was sent z1 in float32 and believes that W1 made it: split learning.
 * Both are taken to integers at 2^30, so the equations hold to float32 rounding, not exactly.
 * @throws as {@linkcode serverView}. */
export function floatView(
  { W1, z1, shape }: Pick<Parameters<typeof serverView>[0], "W1" | "z1" | "shape">,
): ServerView {
  const fixed = (values: ArrayLike<number>) =>
    Float64Array.from(values, (value) => Math.round(value * 2 ** FLOAT_BITS));
  return serverView({ W1: fixed(W1), z1: fixed(z1), shape, scaleBits: FLOAT_BITS });
}

/** The first rows of a W1, by their number: copies, for a clone of a subarray takes its whole buffer along. */
const narrowed = new WeakMap<Float64Array, Map<number, Float64Array>>();

/** What the server would hold of the same sample if its first layer were only `hidden` units wide. Views of one W1
 * share the narrow one too.
 * @throws {RangeError} hidden is not in [1, view.hidden]. */
export function narrowView(view: ServerView, hidden: number): ServerView {
  if (!Number.isInteger(hidden) || hidden < 1 || hidden > view.hidden) {
    throw new RangeError(`Cannot narrow a view: width ${hidden} is not in [1, ${view.hidden}]`);
  }
  const { W1, z1, n } = view;
  if (hidden === view.hidden) return view;
  if (!narrowed.has(W1)) narrowed.set(W1, new Map());
  const widths = narrowed.get(W1)!;
  if (!widths.has(hidden)) widths.set(hidden, W1.slice(0, hidden * n));
  return { ...view, W1: widths.get(hidden)!, z1: z1.slice(0, hidden), hidden };
}

/** The threat model of this view, row by row, as data for a table. */
export function describe(view: ServerView): Knowledge[] {
  const { hidden, n, shape, scaleBits, pixelRange } = view;
  const known = (quantity: string, value: string) => ({ quantity, value, serverKnows: true });
  const secret = (quantity: string, value: string) => ({ quantity, value, serverKnows: false });
  return [
    known("W1", `${hidden} × ${n} integers in ${span(view.W1)}, scale 2^${scaleBits}`),
    known("z1 = W1·x", `${hidden} integers in ${span(view.z1)}`),
    known("image shape", shape.join(" × ")),
    known("pixel range", `integers in [${pixelRange.join(", ")}]`),
    known("equations", `${hidden} for ${n} unknown pixels`),
    secret("x", `${n} pixels of a private image`),
    secret("msk", "the authority's master secret key"),
  ];
}

function integers(name: string, values: ArrayLike<number>): Float64Array {
  const copy = Float64Array.from(values);
  const bad = copy.findIndex((value) => !Number.isSafeInteger(value));
  if (bad >= 0) {
    throw new RangeError(`Cannot build a view: ${name}[${bad}] = ${copy[bad]} is not an integer`);
  }
  return copy;
}

function span(values: Float64Array): string {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return `[${low}, ${high}]`;
}
