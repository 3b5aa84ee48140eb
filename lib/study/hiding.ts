/** What a key tells about the vector that it is for: plain inner-product encryption beside function hiding.
 * @module */
import { type Dataset, image } from "../data/dataset.ts";
import * as fhipe from "../fe/fhipe.ts";
import { encodeFunctionalKey } from "../fe/fhipe_encoding.ts";
import * as ipfe from "../fe/ipfe.ts";
import { group } from "../math/group.ts";
import { startPairing } from "../math/pairing/group.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { DEFAULT_SCALES } from "../protocol/fixed_net.ts";

/** Weights per grey level of the digit that they are drawn as. */
const WEIGHT = 4;

/** Which byte of an element is shown: one in the middle, where no flag bits are. */
const SHOWN_BYTE = 24;

/** A plain key and two function-hiding keys for one row of weights. */
export class KeysForOneRow {
  /** @param hiding the elements of each function-hiding key that stand for the row's entries, encoded. */
  constructor(
    readonly row: Int32Array,
    readonly shape: Dataset["shape"],
    readonly plain: { readonly y: Int32Array; readonly sizeBytes: number },
    readonly hiding: {
      readonly elements: readonly [Uint8Array[], Uint8Array[]];
      readonly count: number;
      readonly sizeBytes: number;
    },
    /** Whether a function-hiding key opens ⟨row, x⟩ of an encrypted image. */
    readonly opens: boolean,
  ) {}

  /** Whether the plain key holds the row, entry by entry. */
  get plainShows(): boolean {
    return this.plain.y.every((weight, i) => weight === this.row[i]);
  }

  /** How many of their elements the two function-hiding keys share. */
  get shared(): number {
    const [one, other] = this.hiding.elements.map((list) => list.map((bytes) => bytes.toHex()));
    return one.length + other.length - new Set([...one, ...other]).size;
  }

  /** The row, and what is seen of it in each key: a byte per element. */
  grid(name: string): Figure {
    const grey = (weights: Int32Array) => Array.from(weights, (w) => w / WEIGHT);
    const bytes = (list: readonly Uint8Array[]) => list.map((element) => element[SHOWN_BYTE]);
    const [one, other] = this.hiding.elements;
    return imageGrid({
      name,
      title: "A row of W1, and what its keys show",
      alt:
        "The plain key shows the weights; two function-hiding keys for the same row look like noise.",
      shape: this.shape,
      columns: [
        "y, a row of W1",
        "plain IPFE key",
        "function-hiding key",
        "another for the same y",
      ],
      rows: [{
        label: `as ${this.shape[0]}×${this.shape[1]}`,
        images: [grey(this.row), grey(this.plain.y), bytes(one), bytes(other)],
        captions: ["secret", "y itself", "a byte per element", "nothing shared"],
      }],
    });
  }

  /** Sizes, and what two keys for one row have in common. */
  table(): Table {
    const { plain, hiding } = this;
    return table({
      columns: ["key for y", "holds y", "elements", "bytes", "elements two keys for y share"],
      rows: [
        ["plain IPFE (ePrint 2015/017)", "yes", 1, plain.sizeBytes, "all: it is the same key"],
        ["function-hiding (ePrint 2016/440)", "no", hiding.count, hiding.sizeBytes, this.shared],
      ],
    });
  }
}

/** Derives the keys for a row of weights in the shape of a digit, so that the eye can compare.
 * @param digits the second gives the row, the first is encrypted.
 * @throws {RangeError} fewer than two digits. */
export async function keysForOneRow(digits: Dataset): Promise<KeysForOneRow> {
  const { n, shape } = digits;
  const row = Int32Array.from(image(digits, 1), (pixel) => WEIGHT * pixel);
  const x = image(digits, 0);
  const pairing = await startPairing();
  const bounds = { n, boundX: 255, boundY: DEFAULT_SCALES.weightBound };
  const plainKey = ipfe.keyDerive(ipfe.setup({ group: group("ristretto255"), ...bounds }).msk, row);
  const msk = fhipe.setup({ group: pairing, ...bounds });
  const [one, other] = [fhipe.keyDerive(msk, row), fhipe.keyDerive(msk, row)];
  const elements = (key: fhipe.FunctionalKey) =>
    key.k2.slice(0, n).map((element) => pairing.encodeG1(element));
  const opened = fhipe.decrypt(one, fhipe.encrypt(msk, x));
  return new KeysForOneRow(
    row,
    shape,
    {
      y: Int32Array.from(plainKey.y),
      sizeBytes: ipfe.encodeFunctionalKey(plainKey).length,
    },
    {
      elements: [elements(one), elements(other)],
      count: one.k2.length + 1, // and k1
      sizeBytes: encodeFunctionalKey(one).length,
    },
    opened === x.reduce((sum, pixel, i) => sum + pixel * row[i], 0),
  );
}
