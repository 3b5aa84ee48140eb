/** tfjs layers models: `model.json`, the layers of Keras as JSON beside a manifest of weights.
 *
 * Layers are walked from the input. Those that reorder or scale are taken into the first `Dense` or `Conv2D`; any other
 * before it is refused by name. Graph models and bare manifests have weights by name only.
 * @see tfjs-layers, `models.ts` (loadLayersModel), and Keras' `get_config`.
 * @module */
import { refusal } from "./dataset.ts";
import {
  type Constant,
  type Elements,
  inputElements,
  permuted,
  reshaped,
  scalar,
  scaled,
} from "./elements.ts";
import { type FoundLayer, type Padding, samePadding } from "./found_layer.ts";
import type { InputSizes } from "./input_order.ts";
import { countOf, shapeText, shown, type Tensor } from "./tensor.ts";
import { isManifest, readManifest } from "./tfjs_weights.ts";
import { type Layer, layersInOrder } from "./tfjs_walk.ts";
import type { ModelFile, Structure } from "./weights_file.ts";

type Fail = (why: string) => never;
type Json = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads a `model.json` and its shards, or a bare manifest and its shards; null where the JSON is neither.
 * @throws {DataError} as {@linkcode readManifest}; JSON that is damaged; no layers. */
export async function readTfjs(path: string, bytes: Uint8Array): Promise<ModelFile | null> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return refusal(`Cannot read ${path}`)("it begins as JSON and is none, truncated or damaged");
  }
  if (isManifest(json)) {
    return { tensors: await readManifest(path, json), metadata: {}, structure: null };
  }
  if (!isMap(json) || !isManifest(json.weightsManifest)) return null;
  const tensors = await readManifest(path, json.weightsManifest);
  const { modelTopology: topology } = json;
  const model = isMap(topology) && isMap(topology.model_config) ? topology.model_config : topology;
  const hasLayers = isMap(model) && "class_name" in model;
  return { tensors, metadata: {}, structure: hasLayers ? structureOf(path, model, tensors) : null };
}

/** Layers that leave numbers as they are when a model is used. */
const IDLE = new Set(
  ["InputLayer", "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout"],
);

function structureOf(path: string, model: Json, tensors: readonly Tensor[]): Structure {
  const fail = refusal(`Cannot use ${path}`);
  const layers = layersInOrder(model, fail);
  return {
    input: inputOf(layers),
    usual: null,
    first(sizes) {
      let given = inputElements(sizes);
      for (const layer of layers) {
        if (layer.kind === "Dense" || layer.kind === "Conv2D") {
          return found(layer, given, tensors, fail);
        }
        given = IDLE.has(layer.kind) ? given : step(layer, given, fail);
      }
      return fail("it has no Dense or Conv2D layer");
    },
  };
}

/** The input's sizes, from whichever layer says them first; any, where none does. */
function inputOf(layers: readonly Layer[]): InputSizes {
  for (const { config } of layers) {
    const shape = config.batch_input_shape ?? config.batch_shape;
    if (Array.isArray(shape) && shape.length > 1) {
      return shape.slice(1).map((size) => Number.isSafeInteger(size) && size > 0 ? size : null);
    }
  }
  return layers[0]?.kind === "Dense" ? [null] : [null, null, null];
}

const WAY_OUT = "name the array by --tensor to take it by itself";

/** What a layer without weights makes of its input. */
function step({ kind, called, config }: Layer, given: Elements, fail: Fail): Elements {
  const fits = (made: Elements | null) =>
    made ?? fail(`${called} does not fit its input ${shapeText(given.shape)}`);
  const sizes = (value: unknown): number[] => Array.isArray(value) ? value.map(Number) : [];
  switch (kind) {
    case "Flatten": {
      const first = config.data_format === "channels_first" && given.shape.length === 3;
      const moved = first ? permuted(given, [1, 2, 0])! : given; // Keras puts the channels last
      return fits(reshaped(moved, [-1]));
    }
    case "Reshape":
      return fits(reshaped(given, sizes(config.target_shape)));
    case "Permute":
      return fits(permuted(given, sizes(config.dims).map((axis) => axis - 1)));
    case "Rescaling":
      return fits(scaled(given, constant(config.scale, 1), constant(config.offset, 0)));
    case "Activation":
    case "ReLU": {
      const name = kind === "ReLU" ? "relu" : String(config.activation);
      const least = Math.min(...given.scale, ...given.offset); // pixels are not negative
      const plain = kind === "ReLU" && (config.max_value ?? config.threshold) ? false : true;
      if (name === "linear" || name === "relu" && plain && least >= 0) return given;
      return fail(`${called} (${shown(name)}) before its first weights is not linear: ${WAY_OUT}`);
    }
    case "BatchNormalization":
      return fail(
        `${called} stands before its first weights, and in training depends on the whole batch: ${WAY_OUT}`,
      );
    default:
      return fail(`${called} stands before its first weights and is not read: ${WAY_OUT}`);
  }
}

const constant = (value: unknown, otherwise: number): Constant =>
  Array.isArray(value)
    ? { shape: [value.length], values: value.map(Number) }
    : scalar(Number(value ?? otherwise));

/** A layer's array by what it is: "kernel", "bias". */
function weightOf({ name }: Layer, what: string, tensors: readonly Tensor[], fail: Fail) {
  const wanted = `${name}/${what}`;
  const plain = (tensor: Tensor) => tensor.name.replace(/:\d+$/, "");
  const exact = tensors.filter((tensor) => plain(tensor) === wanted);
  const found = exact.length > 0
    ? exact
    : tensors.filter((tensor) => plain(tensor).endsWith(`/${wanted}`));
  if (found.length > 1) fail(`it has several arrays ${shown(wanted)}: choose by --tensor NAME`);
  return found.length === 1 ? found[0] : null;
}

function found(
  layer: Layer,
  given: Elements,
  tensors: readonly Tensor[],
  fail: Fail,
): FoundLayer {
  const { called, config } = layer;
  const weights = weightOf(layer, "kernel", tensors, fail) ??
    fail(`${called} has no array ${shown(layer.name)}/kernel among its weights`);
  const bias = config.use_bias === false ? null : weightOf(layer, "bias", tensors, fail);
  const units = weights.shape.at(-1);
  if (bias !== null && countOf(bias.shape) !== units) {
    fail(`the bias of ${called} is ${shapeText(bias.shape)}, expected [${units}]`);
  }
  const dense = layer.kind === "Dense";
  const input = dense ? given : channelsLast(layer, given);
  const axes = dense ? 1 : 3;
  if (input.shape.length !== axes) {
    const way = dense ? "a Flatten before it" : "images [height, width, channels]";
    fail(`${called} is given ${shapeText(given.shape)}, expected ${way}`);
  }
  const depth = input.shape.at(-1);
  if (weights.shape.length !== axes + 1 || weights.shape.at(-2) !== depth) {
    fail(
      `${called} has a kernel ${shapeText(weights.shape)} and is given ${shapeText(given.shape)}`,
    );
  }
  return {
    ...{ called, weights, orientation: "in-hidden", factor: 1, input },
    bias: bias?.values() ?? null,
    convolution: dense ? null : geometry(layer, input, weights, fail),
  };
}

const channelsLast = ({ config }: Layer, given: Elements): Elements =>
  config.data_format === "channels_first" && given.shape.length === 3
    ? permuted(given, [1, 2, 0])!
    : given;

/** A size for both directions, as Keras has it: 2 or [2, 2]. */
function both(layer: Layer, what: string, otherwise: number, fail: Fail): number {
  const value = layer.config[what] ?? otherwise;
  const [down, across = down] = (Array.isArray(value) ? value : [value]).map(Number);
  if (!Number.isSafeInteger(down) || down < 1) {
    fail(`${layer.called} has ${what} ${shown(String(value))}`);
  }
  if (down !== across) {
    fail(`${layer.called} has ${what} ${down} × ${across}, only equal ones are read`);
  }
  return down;
}

function geometry(layer: Layer, { shape }: Elements, weights: Tensor, fail: Fail) {
  const { called, config } = layer;
  if (both(layer, "dilation_rate", 1, fail) !== 1) {
    fail(`${called} is dilated, which is not read: ${WAY_OUT}`);
  }
  if (Number(config.groups ?? 1) !== 1) fail(`${called} has groups, which are not read`);
  const stride = both(layer, "strides", 1, fail);
  if (config.padding !== "same" && config.padding !== "valid") {
    fail(`${called} has padding ${shown(String(config.padding))}, expected same or valid`);
  }
  const same = (axis: number) =>
    config.padding === "same" ? samePadding(shape[axis], weights.shape[axis], stride) : [0, 0];
  const [[top, bottom], [left, right]] = [same(0), same(1)];
  return { stride, padding: [top, left, bottom, right] satisfies Padding };
}
