/** Which pixel each input of a model is: its sizes beside the images' tell, or a convention does.
 * @module */
import { DATASETS, shapeOf } from "./load.ts";
import { countOf } from "./tensor.ts";

/** How images lie where they are flattened: PyTorch has channel by channel, Keras pixel by pixel. */
export const INPUT_ORDERS = ["channels-first", "channels-last"] as const;
/** One of them. */
export type InputOrder = (typeof INPUT_ORDERS)[number];

/** Of images: [height, width, channels]. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** Sizes of an input without its batch; null where the model takes any. */
export type InputSizes = readonly (number | null)[];

/** The orders that the sizes of an input allow; none where these images do not fit in.
 * @returns `stated`: the sizes are those of an image, not of a flat vector. */
export function ordersOf(
  sizes: InputSizes,
  shape: ImageShape,
): { orders: readonly InputOrder[]; stated: boolean; sizes: readonly number[] } {
  const [height, width, channels] = shape;
  const matches = (...wanted: number[]) =>
    sizes.length === wanted.length && sizes.every((size, k) => size === null || size === wanted[k]);
  const [first, last] = [matches(channels, height, width), matches(height, width, channels)];
  if (first || last) {
    const orders = INPUT_ORDERS.filter((_, k) => [first, last][k]);
    return { orders, stated: true, sizes: first ? [channels, height, width] : shape };
  }
  if (channels === 1 && matches(height, width)) {
    return { orders: INPUT_ORDERS, stated: true, sizes: [height, width] };
  }
  const n = countOf(shape);
  const unknown = sizes.filter((size) => size === null).length;
  const known = countOf(sizes.filter((size) => size !== null));
  const fits = unknown === 0 ? known === n : unknown === 1 && n % known === 0;
  return {
    ...{ orders: fits ? INPUT_ORDERS : [], stated: false },
    sizes: sizes.map((size) => size ?? n / known),
  };
}

/** For each input in turn, the pixel that it is; pixels are row, column, channel. */
export function pixelsOf(order: InputOrder, [height, width, channels]: ImageShape): Int32Array {
  const area = height * width;
  const place = (e: number) =>
    order === "channels-last" ? e : (e % area) * channels + Math.floor(e / area);
  return Int32Array.from({ length: area * channels }, (_, e) => place(e));
}

const MIN_SIDE = 4;

/** An image that has so many numbers: square, grey or colour. */
function imageOf(count: number): ImageShape | null {
  for (const channels of [1, 3]) {
    const side = Math.sqrt(count / channels);
    if (Number.isInteger(side) && side >= MIN_SIDE) return [side, side, channels];
  }
  return null;
}

/** Whether samples are rows of a table. */
const isTable = ([height, , channels]: ImageShape) => height === 1 && channels === 1;

/** Samples as a message has them: "the images are 28 × 28 × 1". */
export const samplesText = (shape: ImageShape): string =>
  isTable(shape)
    ? `the samples are rows of ${shape[1]} numbers`
    : `the images are ${shape.join(" × ")}`;

/** What to do about images that a model does not take; null where nothing can be done by a flag.
 * @param sizes what it takes. */
export function wayOut(sizes: InputSizes, shape: ImageShape): string | null {
  if (isTable(shape)) return null;
  const [height, width, channels] = shape;
  const known = sizes.filter((size): size is number => size !== null);
  const colours = (size: number | undefined) => size === 1 || size === 3;
  const wanted: ImageShape | null = known.length < sizes.length
    ? null
    : known.length === 3 && colours(known[2])
    ? [known[0], known[1], known[2]]
    : known.length === 3 && colours(known[0])
    ? [known[1], known[2], known[0]]
    : known.length === 2
    ? [known[0], known[1], 1]
    : imageOf(countOf(known));
  if (wanted === null) return null;
  const flags = [
    ...wanted[0] === height && wanted[1] === width ? [] : [`--resize ${wanted[0]}x${wanted[1]}`],
    ...wanted[2] === 1 && channels > 1 ? ["--grey"] : [],
  ];
  const others = DATASETS.filter((name) => shapeOf(name).join() === wanted.join());
  const ways = [
    ...flags.length > 0 ? [`give ${flags.join(" ")}`] : [],
    ...wanted[2] > 1 && channels === 1 ? ["give colour images"] : [],
  ].join(" and ");
  return others.length > 0 ? `${ways}; it fits --dataset ${others.join(" or ")}` : ways;
}
