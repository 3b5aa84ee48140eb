/** A first layer out of a file: which of its arrays, which way round, for which images.
 * @module */
import { transpose } from "../math/dense.ts";
import { refusal } from "./dataset.ts";
import { DATASETS, shapeOf } from "./load.ts";
import { countOf, shapeText, shown, type Tensor } from "./tensor.ts";
import { readWeightsFile } from "./weights_file.ts";

/** How a matrix lies: PyTorch has [hidden, in], Keras [in, hidden]. */
export const ORIENTATIONS = ["hidden-in", "in-hidden"] as const;
/** One of them. */
export type Orientation = (typeof ORIENTATIONS)[number];

/** More are no first layer but, say, the images themselves. */
export const MAX_HIDDEN = 10_000;

/** A layer as a file has it. */
export interface LayerFile {
  /** [hidden, n] row-major, for pixels of 0..255. */
  readonly W1: Float64Array;
  readonly n: number;
  /** What was taken and how, in a line each. */
  readonly notes: readonly string[];
}

/** What is asked of a file. */
export interface LayerWanted {
  /** Of the images: [height, width, channels]. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** Which array, where several would do. */
  readonly tensor?: string;
  /** Which way round, where both would do. */
  readonly orientation?: Orientation;
}

/** The ways in which an array is a layer of n inputs: all but one of its axes are the inputs. */
const ways = ({ shape }: Tensor, n: number): Orientation[] =>
  ORIENTATIONS.filter((way) =>
    shape.length >= 2 && countOf(way === "hidden-in" ? shape.slice(1) : shape.slice(0, -1)) === n
  );

function list(tensors: readonly Tensor[]): string {
  const names = tensors.slice(0, 8).map(({ name, shape }) =>
    `${shown(name)} ${shape.length > 0 ? shapeText(shape) : "(no matrix)"}`
  );
  const more = tensors.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** The array that is meant: the one asked for, the only one, or the only one that fits. */
function choose(path: string, tensors: readonly Tensor[], n: number, name?: string): Tensor {
  const fail = refusal(`Cannot use ${path}`);
  if (name !== undefined) {
    return tensors.find((tensor) => tensor.name === name) ??
      fail(`it has no tensor "${shown(name)}" but ${list(tensors)}`);
  }
  if (tensors.length === 1) return tensors[0];
  if (tensors.length === 0) fail("it holds no tensor");
  // Adam's moments, as this workspace saves them beside the weights, are no layers
  const names = new Set(tensors.map((tensor) => tensor.name));
  const isMoment = (tensor: Tensor) =>
    /\.[mv]$/.test(tensor.name) && names.has(tensor.name.slice(0, -2));
  const fitting = tensors.filter((tensor) => ways(tensor, n).length > 0 && !isMoment(tensor));
  if (fitting.length === 0) fail(`no tensor is [hidden, ${n}] among ${list(tensors)}`);
  if (fitting.length > 1) fail(`several tensors fit, choose by --tensor NAME: ${list(fitting)}`);
  return fitting[0];
}

/** Why an array is no layer of these images, and what to do. */
function misfit({ shape }: Tensor, n: number): string {
  const text = shapeText(shape);
  const [rows, columns] = shape;
  const expected = `it is ${text}, expected [hidden, ${n}]`;
  if (shape.length < 2) return expected + (rows % n === 0 ? `: save W.reshape(-1, ${n})` : "");
  const bias = (axis: string, first: string, last: string) =>
    `${text} is one ${axis} more than ${n} pixels, a bias: save ${first}, or ${last} if it comes first`;
  if (shape.length === 2 && columns === n + 1) return bias("column", "W[:, :-1]", "W[:, 1:]");
  if (shape.length === 2 && rows === n + 1) return bias("row", "W[:-1]", "W[1:]");
  if (shape.length === 4) {
    return `${text} are filters of a convolution, expected a dense layer [hidden, ${n}]: ` +
      "--layer conv5 or conv3 attacks random filters; of one's own save the matrix that they are on the whole image";
  }
  const others = DATASETS.filter((name) => {
    const size = countOf(shapeOf(name));
    return size !== n && countOf(shape.slice(1)) === size;
  });
  return expected + (others.length > 0 ? `; it fits --dataset ${others.join(" or ")}` : "");
}

/** Reads a first layer.
 * @throws {DataError} what cannot be read, no or several tensors that fit, both ways round fit, another size. */
export async function readLayerFile(
  path: string,
  { shape, tensor: name, orientation }: LayerWanted,
): Promise<LayerFile> {
  const n = countOf(shape);
  const { tensors, metadata } = await readWeightsFile(path);
  const tensor = choose(path, tensors, n, name);
  const fail = refusal(`Cannot use ${path}`);
  if (tensor.shape.length === 0) tensor.values(); // says why it cannot be read
  const text = shapeText(tensor.shape);
  const fitting = ways(tensor, n);
  if (fitting.length === 0) fail(misfit(tensor, n));
  if (orientation !== undefined && !fitting.includes(orientation)) {
    fail(`${text} is not ${orientation}, but ${fitting[0]}`);
  }
  if (orientation === undefined && fitting.length > 1) {
    fail(
      `${text} fits both ways: --orientation hidden-in (as PyTorch has it) or in-hidden (Keras)`,
    );
  }
  const way = orientation ?? fitting[0];
  const hidden = way === "hidden-in" ? tensor.shape[0] : tensor.shape.at(-1)!;
  if (hidden === 0) fail(`${text} holds no number`);
  if (hidden > MAX_HIDDEN) {
    fail(`${text} has ${hidden} units, at most ${MAX_HIDDEN}: save W[:${MAX_HIDDEN}]`);
  }

  const notes: string[] = [];
  const note = (what: string) => notes.push(`${path}: ${what}`);
  const called = tensors.length > 1 ? `${shown(tensor.name)} ` : "";
  let W1 = tensor.values();
  if (way === "in-hidden") {
    note(`${called}${text} is taken as [in, hidden] and transposed`);
    W1 = transpose(W1, n, hidden);
  } else if (called !== "" || tensor.shape.length > 2) {
    note(`${called}${text} is taken as [${hidden}, ${n}]`);
  }
  const inputs = way === "hidden-in" ? tensor.shape.slice(1) : tensor.shape.slice(0, -1);
  if (isChannelsFirst(inputs, shape)) {
    note("its inputs are channel by channel, reordered to pixel by pixel");
    const pixels = n / shape[2];
    const place = (j: number) => (j % pixels) * shape[2] + Math.floor(j / pixels);
    const given = W1.slice();
    given.forEach((w, k) => W1[k - k % n + place(k % n)] = w);
  }
  const pixelScale = pixelScaleOf(metadata);
  if (pixelScale !== undefined) {
    if (!(pixelScale > 0 && pixelScale < Infinity)) {
      fail(`its pixelScale is ${pixelScale}, expected a positive number`);
    }
    note(`its pixelScale, ${pixelScale}, is taken into W1`);
    W1 = W1.map((w) => w * pixelScale);
    if (!W1.every(Number.isFinite)) fail(`its pixelScale, ${pixelScale}, takes W1 out of float64`);
  }
  return { W1, n, notes };
}

/** What this workspace's own models say of it, in their terms. */
function pixelScaleOf({ terms }: Readonly<Record<string, unknown>>): number | undefined {
  try {
    const { pixelScale } = JSON.parse(String(terms));
    return pixelScale === undefined ? undefined : Number(pixelScale);
  } catch {
    return undefined; // none, or somebody else's
  }
}

/** PyTorch's images: [channels, height, width], where ours are [height, width, channels]. */
const isChannelsFirst = (
  inputs: readonly number[],
  [height, width, channels]: LayerWanted["shape"],
): boolean => channels > 1 && shapeText(inputs) === shapeText([channels, height, width]);
