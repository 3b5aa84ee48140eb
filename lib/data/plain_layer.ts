/** The first layer in a file of named arrays: the one that fits the images, its bias by name.
 * @module */
import { refusal } from "./dataset.ts";
import { inputElements, scalar, scaled } from "./elements.ts";
import { type FoundLayer, type Orientation, ORIENTATIONS, type Padding } from "./found_layer.ts";
import {
  type ImageShape,
  type InputOrder,
  type InputSizes,
  ordersOf,
  samplesText,
  wayOut,
} from "./input_order.ts";
import type { LayerWanted } from "./layer_file.ts";
import { countOf, shapeText, shown, type Tensor } from "./tensor.ts";
import type { ModelFile } from "./weights_file.ts";

/** A way in which an array is a layer of these images. */
interface Way {
  readonly orientation: Orientation;
  readonly convolution: boolean;
}

/** The ways in which an array is a dense layer: all but one of its axes are the inputs. Of four axes three are an
 * image: filters deep inside a model may hold as many numbers by chance. */
const denseWays = ({ shape }: Tensor, images: ImageShape): Way[] =>
  ORIENTATIONS.filter((way) => {
    const inputs = inputsOf(shape, way);
    if (shape.length > 3) return ordersOf(inputs, images).stated;
    return shape.length >= 2 && countOf(inputs) === countOf(images);
  }).map((orientation) => ({ orientation, convolution: false }));

const inputsOf = (shape: readonly number[], way: Orientation) =>
  way === "hidden-in" ? shape.slice(1) : shape.slice(0, -1);

/** The ways in which it is the square filters of a convolution. */
function filterWays(
  { shape }: Tensor,
  { shape: [height, width, channels], padding = 0 }: LayerWanted,
): Way[] {
  if (shape.length !== 4) return [];
  return ORIENTATIONS.filter((way) => {
    const [down, across, depth] = way === "hidden-in"
      ? [shape[2], shape[3], shape[1]]
      : [shape[0], shape[1], shape[2]];
    return down === across && depth === channels && down <= Math.min(height, width) + 2 * padding;
  }).map((orientation) => ({ orientation, convolution: true }));
}

/** A kernel as large as the image is the same dense layer, and one way of saying it is enough. */
function ways(tensor: Tensor, wanted: LayerWanted): Way[] {
  const dense = denseWays(tensor, wanted.shape);
  return dense.length > 0 ? dense : filterWays(tensor, wanted);
}

function list(tensors: readonly Tensor[]): string {
  const names = tensors.slice(0, 8).map(({ name, shape }) =>
    `${shown(name)} ${shape.length > 0 ? shapeText(shape) : "(no matrix)"}`
  );
  const more = tensors.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** The array that is meant: the one asked for, the only one, or the only one that fits. */
function choose(path: string, tensors: readonly Tensor[], wanted: LayerWanted): Tensor {
  const { shape, tensor: name } = wanted;
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
  const fitting = tensors.filter((tensor) => ways(tensor, wanted).length > 0 && !isMoment(tensor));
  if (fitting.length === 0) {
    const likely = tensors.find((tensor) => tensor.shape.length >= 2);
    const way = likely === undefined ? null : otherImages(likely, shape);
    const expected = `no tensor is [hidden, ${
      countOf(shape)
    }] or filters over the images' channels`;
    fail(`${expected} among ${list(tensors)}${way === null ? "" : `; ${way}`}`);
  }
  if (fitting.length > 1) fail(`several tensors fit, choose by --tensor NAME: ${list(fitting)}`);
  return fitting[0];
}

/** Images that an array would be a layer of, as a way out. Of a matrix either axis may be the inputs: its name tells
 * whose habit it follows, else the larger one is. */
function otherImages({ name, shape: sizes }: Tensor, shape: ImageShape): string | null {
  const inputs = ORIENTATIONS.map((way) => countOf(inputsOf(sizes, way)));
  if (/kernel/.test(name) || !/weight/.test(name) && inputs[1] > inputs[0]) inputs.reverse();
  for (const count of inputs) {
    const way = wayOut([count], shape);
    if (way !== null) return `it takes ${count} inputs, ${samplesText(shape)}: ${way}`;
  }
  return null;
}

/** Why an array is no layer of these images, and what to do. */
function misfit(tensor: Tensor, shape: ImageShape): string {
  const sizes = tensor.shape;
  const [text, n] = [shapeText(sizes), countOf(shape)];
  const [rows, columns] = sizes;
  const expected = `it is ${text}, expected [hidden, ${n}]`;
  if (sizes.length < 2) return expected + (rows % n === 0 ? `: save W.reshape(-1, ${n})` : "");
  const bias = (axis: string, first: string, last: string) =>
    `${text} is one ${axis} more than ${n} pixels, a bias: save ${first}, or ${last} if it comes first`;
  if (sizes.length === 2 && columns === n + 1) return bias("column", "W[:, :-1]", "W[:, 1:]");
  if (sizes.length === 2 && rows === n + 1) return bias("row", "W[:-1]", "W[1:]");
  if (sizes.length === 4) return `${text} are filters, ${filtersMisfit(sizes, shape)}`;
  const way = otherImages(tensor, shape);
  return expected + (way === null ? "" : `; ${way}`);
}

/** Why filters do not go over these images. */
function filtersMisfit(sizes: readonly number[], shape: ImageShape): string {
  const [height, width, channels] = shape;
  const torch = [sizes[2], sizes[3], sizes[1]], keras = [sizes[0], sizes[1], sizes[2]];
  const over = [torch, keras].filter(([, , depth]) => depth === channels);
  const oblong = over.find(([down, across]) => down !== across);
  if (oblong) return `their kernel is ${oblong[0]} × ${oblong[1]}, only square ones are read`;
  if (over.length > 0) {
    return `larger than images of ${height} × ${width}: give larger ones by --resize`;
  }
  const depth = sizes[2] === sizes[3] ? sizes[1] : sizes[2];
  const way = depth === 1 ? ": give --grey" : depth === 3 ? ": give colour images" : "";
  return `they take ${depth} channels, the images have ${channels}${way}`;
}

const BIAS_NAMES: readonly [RegExp, string][] = [
  [/(weight|kernel|filters)(:\d+)?$/, "bias$2"],
  [/\bW(\d*)$/, "b$1"],
  [/\bw(\d*)$/, "b$1"],
];

/** The bias beside an array, by its name; null where there is none of its size. */
function biasBeside(tensor: Tensor, tensors: readonly Tensor[], hidden: number) {
  const names = BIAS_NAMES.filter(([from]) => from.test(tensor.name))
    .map(([from, to]) => tensor.name.replace(from, to));
  const fits = ({ name, shape }: Tensor) => names.includes(name) && countOf(shape) === hidden;
  return tensors.find((other) => other !== tensor && other.shape.length > 0 && fits(other)) ?? null;
}

/** The layer, the sizes of its input, and how images are flattened where those do not tell.
 * @throws {DataError} no or several arrays that fit, both ways round fit, a size that is none of these images'. */
export function plainLayer(
  path: string,
  { tensors, metadata }: ModelFile,
  wanted: LayerWanted,
  note: (what: string) => void,
): { layer: FoundLayer; input: InputSizes; usual: InputOrder } {
  const fail = refusal(`Cannot use ${path}`);
  const { shape, orientation, stride = 1, padding = 0 } = wanted;
  const tensor = choose(path, tensors, wanted);
  if (tensor.shape.length === 0) tensor.values(); // says why it cannot be read
  const text = shapeText(tensor.shape);
  const fitting = ways(tensor, wanted);
  if (fitting.length === 0) fail(misfit(tensor, shape));
  const way = fitting.find((way) => way.orientation === orientation) ?? fitting[0];
  if (orientation !== undefined && way.orientation !== orientation) {
    fail(`${text} is not ${orientation}, but ${way.orientation}`);
  }
  if (orientation === undefined && fitting.length > 1) {
    fail(
      `${text} fits both ways: --orientation hidden-in (as PyTorch has it) or in-hidden (Keras)`,
    );
  }
  if (!way.convolution && (wanted.stride ?? wanted.padding) !== undefined) {
    fail(`${text} is a dense layer, leave out --stride and --padding`);
  }
  const ours = pixelScaleOf(metadata);
  const first = way.orientation === "hidden-in";
  const hidden = first ? tensor.shape[0] : tensor.shape.at(-1)!;
  const called = tensors.length > 1 ? shown(tensor.name) : "";
  const as = `${called} ${text} is taken as`.trim();
  if (way.convolution) {
    const order = first ? "filters, channels, kernel, kernel" : "kernel, kernel, channels, filters";
    note(`${as} [${order}]`);
  } else if (!first) note(`${as} [in, hidden] and transposed`);
  else if (called !== "" || tensor.shape.length > 2) {
    note(`${as} [${hidden}, ${countOf(shape)}]`);
  }
  let input = inputElements(way.convolution ? shape : inputsOf(tensor.shape, way.orientation));
  if (ours !== undefined) {
    if (!(ours > 0 && ours < Infinity)) {
      fail(`its pixelScale is ${ours}, expected a positive number`);
    }
    note(`its pixelScale, ${ours}, is taken into W1`);
    input = scaled(input, scalar(ours), scalar(0))!;
  }
  const bias = biasBeside(tensor, tensors, hidden);
  if (bias !== null) note(`${shown(bias.name)} is its bias, known to the server`);
  const sides: Padding = [padding, padding, padding, padding];
  return {
    layer: {
      ...{ called, weights: tensor, orientation: way.orientation, factor: 1 },
      ...{ bias: bias === null ? null : bias.values(), input },
      convolution: way.convolution ? { stride, padding: sides } : null,
    },
    input: input.shape,
    // this workspace's own models take pixel by pixel
    usual: first && !way.convolution && ours === undefined ? "channels-first" : "channels-last",
  };
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
