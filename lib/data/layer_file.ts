/** A first layer out of a file, as it acts on pixels: which of its arrays, which way round, for which images.
 *
 * Where the file has a structure (tfjs layers model, ONNX), the first layer with weights is the one that its input
 * reaches, and what stands before it is taken into the weights. Where it has names only, the array that fits is taken.
 * @module */
import { DataError, refusal } from "./dataset.ts";
import {
  type Convolution,
  type FoundLayer,
  layerRows,
  MAX_HIDDEN,
  type Orientation,
} from "./found_layer.ts";
import {
  type ImageShape,
  type InputOrder,
  type InputSizes,
  ordersOf,
  pixelsOf,
  samplesText,
  wayOut,
} from "./input_order.ts";
import { plainLayer } from "./plain_layer.ts";
import { countOf, shapeText } from "./tensor.ts";
import { type ModelFile, readModelFile } from "./weights_file.ts";

export { MAX_HIDDEN, type Orientation, ORIENTATIONS } from "./found_layer.ts";
export { INPUT_ORDERS, type InputOrder } from "./input_order.ts";

/** A layer as a file has it. */
export interface LayerFile {
  /** [hidden, n] row-major, for pixels of 0..255 in the order row, column, channel. */
  readonly W1: Float64Array;
  readonly hidden: number;
  readonly n: number;
  /** [hidden]; the server knows it and subtracts it. null where the file has none. */
  readonly bias: Float64Array | null;
  /** What W1 is the matrix of, where the layer is no dense one; its rows are by filter, row, column. */
  readonly convolution: Convolution | null;
  /** What was taken and how, in a line each. */
  readonly notes: readonly string[];
}

/** What is asked of a file. */
export interface LayerWanted {
  /** Of the images. */
  readonly shape: ImageShape;
  /** Which array, where several would do. */
  readonly tensor?: string;
  /** Which way round, where both would do. */
  readonly orientation?: Orientation;
  /** How the model flattens images of several channels, where neither sizes nor orientation should decide. */
  readonly inputOrder?: InputOrder;
  /** Of a convolution whose file does not say; 1 by default. */
  readonly stride?: number;
  /** Zeros around the image, of a convolution whose file does not say; 0 by default. */
  readonly padding?: number;
}

/** A layer, the sizes of the input that it hangs on, and how images lie there if nothing else is known. */
interface Placed {
  readonly layer: FoundLayer;
  readonly input: InputSizes;
  readonly usual: InputOrder;
}

/** Reads a first layer.
 * @throws {DataError} what cannot be read, no or several arrays that fit, both ways round fit, other images than the
 * model takes, a step before the layer that is not linear. {RangeError} a stride or padding that is none. */
export async function readLayerFile(path: string, wanted: LayerWanted): Promise<LayerFile> {
  const { shape, stride, padding } = wanted;
  for (const [name, value, least] of [["stride", stride, 1], ["padding", padding, 0]] as const) {
    if (value === undefined || Number.isSafeInteger(value) && value >= least) continue;
    throw new RangeError(
      `Cannot read ${path}: ${name} ${value}, expected an integer from ${least}`,
    );
  }
  const model = await readModelFile(path);
  const notes: string[] = [];
  const note = (what: string) => notes.push(`${path}: ${what}`);
  const said = structured(path, model, wanted, note);
  const { layer, input, usual } = said ?? plainLayer(path, model, wanted, note);
  const order = orderOf(path, { input, usual }, wanted, note);
  const n = countOf(shape);
  const { W1, hidden, bias, convolution, filters } = layerRows(
    path,
    layer,
    pixelsOf(order, shape),
    n,
  );
  if (convolution !== null && convolution.filters < filters && hidden < n) {
    refusal(`Cannot use ${path}`)(
      `its ${filters} filters give more rows than the ${MAX_HIDDEN} that are taken, for ${n} pixels; ` +
        `resize the images, to 46 × 46 in colour or 80 × 80 in grey at most`,
    );
  }
  if (convolution !== null) noteConvolution({ ...convolution, has: filters, hidden, n }, note);
  if (convolution !== null && said === null && (stride === undefined || padding === undefined)) {
    note(
      "its file says nothing of stride and padding: give --stride and --padding if these are others",
    );
  }
  return { W1, hidden, n, bias, convolution, notes };
}

/** Says how a convolution was taken. */
function noteConvolution(
  { filters, kernel, stride, padding, outputs, has, hidden, n }: Convolution & {
    has: number;
    hidden: number;
    n: number;
  },
  note: (what: string) => void,
): void {
  note(
    `${has} filters of ${kernel} × ${kernel}, stride ${stride}, padding ${padding}, each with ` +
      `${outputs.join(" × ")} outputs`,
  );
  if (filters === has) return;
  note(`only the first ${filters} filters are taken: ${hidden} rows, for ${n} pixels`);
}

/** The layer that the file's own structure says; null where it has none, or another array is asked for by name. */
function structured(
  path: string,
  { structure }: ModelFile,
  wanted: LayerWanted,
  note: (what: string) => void,
): Placed | null {
  if (structure === null) return null;
  let layer: FoundLayer;
  try {
    layer = structure.first(inputSizes(path, structure.input, wanted.shape));
  } catch (error) {
    if (error instanceof DataError && wanted.tensor !== undefined) return null;
    throw error;
  }
  const { called, weights, orientation, input } = layer;
  if (wanted.tensor !== undefined && wanted.tensor !== weights.name) return null;
  const stray = (["orientation", "stride", "padding"] as const).find((flag) =>
    wanted[flag] !== undefined
  );
  if (stray !== undefined) {
    refusal(`Cannot use ${path}`)(`its own structure tells, leave out --${stray}`);
  }
  note(`${called} is its first layer with weights, ${shapeText(weights.shape)}`);
  if (input.scale.some((value) => value !== 1)) note("the scale of its inputs is taken into W1");
  if (input.offset.some((value) => value !== 0)) {
    note("the offset of its inputs is a constant that the server knows, taken into the bias");
  }
  const flat = orientation === "hidden-in" ? "channels-first" : "channels-last";
  return { layer, input: structure.input, usual: structure.usual ?? flat };
}

/** The sizes of the model's input for these images. */
function inputSizes(path: string, input: InputSizes, shape: ImageShape): readonly number[] {
  const { sizes, orders } = ordersOf(input, shape);
  if (orders.length > 0) return sizes;
  const takes = `[${input.map((size) => size ?? "any").join(", ")}]`;
  const count = input.length < 2 || input.includes(null) ? "" : `, ${countOf(sizes)} inputs`;
  const way = wayOut(input, shape) ?? "give samples of the size that it takes";
  return refusal(`Cannot use ${path}`)(
    `the model takes ${takes}${count}, ${samplesText(shape)}: ${way}`,
  );
}

/** How images lie in the input: as its sizes say, as asked for, else as the file's kind has it. */
function orderOf(
  path: string,
  { input, usual }: Pick<Placed, "input" | "usual">,
  { shape, inputOrder }: LayerWanted,
  note: (what: string) => void,
): InputOrder {
  const { orders, stated, sizes } = ordersOf(input, shape);
  if (inputOrder !== undefined && !orders.includes(inputOrder)) {
    refusal(`Cannot use ${path}`)(
      `its inputs are ${shapeText(sizes)}, ${orders[0]}: leave out --input-order`,
    );
  }
  const order = inputOrder ?? (orders.includes(usual) ? usual : orders[0]);
  const first = order === "channels-first";
  if (shape[2] > 1 && !stated && inputOrder === undefined) {
    const [as, whose, other] = first
      ? ["channel by channel", "PyTorch", "channels-last for pixel by pixel"]
      : ["pixel by pixel", "Keras", "channels-first for channel by channel"];
    note(`its inputs are taken ${as}, as ${whose} flattens images: --input-order ${other}`);
  } else if (shape[2] > 1 && first) {
    note("its inputs are channel by channel, reordered to pixel by pixel");
  }
  return order;
}
