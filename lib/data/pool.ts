/** Smaller images by average pooling, for what encryption makes expensive.
 * @module */
import { DataError, type Dataset, dataset } from "./dataset.ts";

/** Averages blocks of factor × factor pixels, each channel apart, rounded to a byte (halves up).
 * @throws {RangeError} factor is no positive integer.   @throws {DataError} it does not divide the sides. */
export function poolImages(images: Dataset, factor: number): Dataset {
  if (!Number.isInteger(factor) || factor < 1) {
    throw new RangeError(`Cannot pool ${images.name}: factor ${factor} is not a positive integer`);
  }
  const [height, width, channels] = images.shape;
  if (height % factor !== 0 || width % factor !== 0) {
    throw new DataError(
      `Cannot pool ${images.name}: ${height}×${width} is not whole blocks of ${factor}×${factor}`,
    );
  }
  const [rows, columns] = [height / factor, width / factor];
  const x = new Uint8Array(images.count * rows * columns * channels);
  for (let at = 0; at < x.length; at++) {
    const channel = at % channels;
    const column = Math.floor(at / channels) % columns;
    const row = Math.floor(at / (channels * columns)); // over all images: blocks never cross one
    let sum = 0;
    for (let i = row * factor; i < (row + 1) * factor; i++) {
      for (let j = column * factor; j < (column + 1) * factor; j++) {
        sum += images.x[(i * width + j) * channels + channel];
      }
    }
    x[at] = Math.round(sum / factor ** 2);
  }
  return dataset({
    name: `${images.name} pooled to ${rows}×${columns}`,
    x,
    y: images.y,
    shape: [rows, columns, channels],
    classes: images.classes,
  });
}
