/** Samples as PNG files, for a page and for a folder: an image pixel for pixel, enlarged by a whole factor; a row of a
 * table, which has no picture, as a strip of bars, a column a bar.
 * @module */
import { encodePng, enlarge, type Shape } from "./png.ts";
import { colour } from "./theme.ts";

/** Of a strip of bars, before it is enlarged: a step is 8 of the 256 values. */
const BAR_HEIGHT = 32;

const grey = (hex: string) => parseInt(hex.slice(1, 3), 16);
/** Of bars, of what stands between two pictures, and of one that is missing. */
const [INK, PAPER, LINE, BLANK] = [colour.text, colour.ground, colour.axis, colour.blank].map(grey);

/** Bytes and their sizes. */
type Picture = readonly [pixels: Uint8Array, shape: Shape];

/** Whether samples of this shape are rows of a table, which are drawn as bars. */
export const isRow = ([height, , channels]: Shape): boolean => height === 1 && channels === 1;

/** A row's values as bars [32, columns, 1]: 0 is none, 255 a full one. */
function bars(values: Uint8Array, columns: number): Picture {
  const pixels = new Uint8Array(BAR_HEIGHT * columns).fill(PAPER);
  values.forEach((value, column) => {
    const top = BAR_HEIGHT - Math.round(BAR_HEIGHT * value / 255);
    for (let row = top; row < BAR_HEIGHT; row++) pixels[row * columns + column] = INK;
  });
  return [pixels, [BAR_HEIGHT, columns, 1]];
}

/** What a sample looks like; null: a blank of its size. */
function pictureOf(sample: Uint8Array | null, shape: Shape): Picture {
  const [height, width, channels] = shape, n = height * width * channels;
  if (channels !== 1 && channels !== 3) {
    throw new TypeError(`Cannot draw a sample: ${channels} channels, expected 1 or 3`);
  }
  if (sample !== null && sample.length !== n) {
    throw new TypeError(`Cannot draw a sample of [${shape}]: ${sample.length} values, not ${n}`);
  }
  if (!isRow(shape)) return [sample ?? new Uint8Array(n).fill(BLANK), shape];
  if (sample !== null) return bars(sample, width);
  return [new Uint8Array(BAR_HEIGHT * width).fill(BLANK), [BAR_HEIGHT, width, 1]];
}

function png([pixels, shape]: Picture, zoom: number): Uint8Array {
  if (!(Number.isInteger(zoom) && zoom >= 1)) {
    throw new RangeError(`Cannot enlarge by ${zoom}: expected a positive integer`);
  }
  const [height, width, channels] = shape;
  return encodePng(enlarge(pixels, shape, zoom), [height * zoom, width * zoom, channels]);
}

/** One sample as a PNG, each pixel a block of zoom × zoom.
 * @param pixels [n] in 0..255.   @param shape 1 channel is grey, 3 are RGB; [1, columns, 1] is a row of a table, drawn
 * as bars [32, columns].   @returns the file.
 * @throws {TypeError} another length than the shape's, or other channels. {RangeError} a zoom that is no positive integer. */
export function samplePng(pixels: Uint8Array, shape: Shape, zoom: number): Uint8Array {
  return png(pictureOf(pixels, shape), zoom);
}

/** Original | recovered as one picture. */
function pairPicture(
  truth: Uint8Array | null,
  recovered: Uint8Array | null,
  shape: Shape,
): Picture {
  const [left, [height, width, channels]] = pictureOf(truth, shape);
  const [right] = pictureOf(recovered, shape);
  if (isRow(shape)) {
    const line = new Uint8Array(width).fill(LINE);
    return [new Uint8Array([...left, ...line, ...right]), [2 * height + 1, width, 1]];
  }
  const [stride, wide] = [width * channels, 2 * width + 1];
  const pixels = new Uint8Array(height * wide * channels).fill(LINE);
  for (let row = 0; row < height; row++) {
    const at = row * wide * channels;
    pixels.set(left.subarray(row * stride, (row + 1) * stride), at);
    pixels.set(right.subarray(row * stride, (row + 1) * stride), at + stride + channels);
  }
  return [pixels, [height, wide, channels]];
}

/** Original | recovered as one PNG, with a line of one enlarged pixel between: side by side, rows of a table one above
 * the other.
 * @param truth, recovered [n] in 0..255; null: a blank.   @returns the file.
 * @throws as {@linkcode samplePng}. */
export function pairPng(
  truth: Uint8Array | null,
  recovered: Uint8Array | null,
  shape: Shape,
  zoom: number,
): Uint8Array {
  return png(pairPicture(truth, recovered, shape), zoom);
}

/** A sample and what an attack made of it, [n] each in 0..255; null: a blank. */
export interface PixelPair {
  readonly truth: Uint8Array | null;
  readonly recovered: Uint8Array | null;
}

/** Pairs as one PNG on white: five in a line, rows of a table one below the other.
 * @param pairs one or more, each drawn as by {@linkcode pairPng}.   @returns the file.
 * @throws {RangeError} no pair. Else as {@linkcode samplePng}. */
export function pairGridPng(pairs: readonly PixelPair[], shape: Shape, zoom: number): Uint8Array {
  if (pairs.length === 0) throw new RangeError("Cannot draw a grid of pairs: there is none");
  const cells = pairs.map(({ truth, recovered }) => pairPicture(truth, recovered, shape));
  const [height, width, channels] = cells[0][1];
  const across = Math.min(isRow(shape) ? 1 : 5, cells.length), gap = 4;
  const down = Math.ceil(cells.length / across);
  const [tall, wide] = [down * (height + gap) - gap, across * (width + gap) - gap];
  const pixels = new Uint8Array(tall * wide * channels).fill(PAPER);
  cells.forEach(([cell], k) => {
    const top = Math.floor(k / across) * (height + gap), left = k % across * (width + gap);
    for (let row = 0; row < height; row++) {
      const line = cell.subarray(row * width * channels, (row + 1) * width * channels);
      pixels.set(line, ((top + row) * wide + left) * channels);
    }
  });
  return png([pixels, [tall, wide, channels]], zoom);
}
