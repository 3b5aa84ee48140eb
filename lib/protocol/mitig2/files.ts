/** What the parties of MITIG2 keep on disk, as safetensors: a checkpoint and a finished model are alike.
 *
 * The server's file has `b1`, `W2`, `b2`; the client's has `W1`, for pixels times `pixelScale`; an optimizer with a memory adds
 * `<name>.m` and `<name>.v`. What is not a number of the network stands in the metadata as text.
 * @module */
import type { FirstLayerState } from "../../nn/first_layer.ts";
import type { OptimizerState } from "../../nn/optimizer.ts";
import { decodeSafetensors, encodeSafetensors, type Tensors } from "../../nn/safetensors.ts";
import type { UpperState } from "../../nn/upper_layers.ts";

type Shape = readonly number[];

const MOMENTS = ["m", "v"] as const;

/** One array of weights with its optimizer's moments, under its name. */
function withMoments(
  name: string,
  shape: Shape,
  data: Float32Array,
  { moments }: OptimizerState,
): Tensors {
  const entries = moments.map((moment, k) => [`${name}.${MOMENTS[k]}`, { shape, data: moment }]);
  return { [name]: { shape, data }, ...Object.fromEntries(entries) };
}

/** The way back. @throws {RangeError} a tensor that is missing or of another shape. */
function readMoments(
  tensors: Tensors,
  name: string,
  shape: readonly (number | null)[],
  steps: number,
): { data: Float32Array; shape: Shape; state: OptimizerState } {
  const get = (key: string) => {
    const tensor = tensors[key];
    const fits = tensor?.shape.length === shape.length &&
      shape.every((size, axis) => size === null || size === tensor.shape[axis]);
    if (!fits) {
      throw new RangeError(
        `Cannot read model: expected ${key} of shape [${
          shape.map((size) => size ?? "any")
        }], got ` +
          (tensor ? `[${tensor.shape}]` : "none"),
      );
    }
    return tensor;
  };
  const { data, shape: actual } = get(name);
  const keys = MOMENTS.map((moment) => `${name}.${moment}`).filter((key) => key in tensors);
  return { data, shape: actual, state: { steps, moments: keys.map((key) => get(key).data) } };
}

function readSteps(metadata: Readonly<Record<string, string>>): number {
  const steps = Number(metadata.steps);
  if (!Number.isSafeInteger(steps) || steps < 0) {
    throw new RangeError(`Cannot read model: steps = ${metadata.steps} is not a natural number`);
  }
  return steps;
}

/** The server's file. */
export function encodeUpper({ weights, optimizers }: UpperState): Uint8Array<ArrayBuffer> {
  const [hidden, classes] = [weights.b1.length, weights.b2.length];
  return encodeSafetensors({
    ...withMoments("b1", [hidden], weights.b1, optimizers.b1),
    ...withMoments("W2", [classes, hidden], weights.W2, optimizers.W2),
    ...withMoments("b2", [classes], weights.b2, optimizers.b2),
  }, { party: "mitig2 server", steps: String(optimizers.b1.steps) });
}

/** Reads the server's file.
 * @throws {RangeError} not a file of that kind, or for another network. */
export function decodeUpper(bytes: Uint8Array): UpperState {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const steps = readSteps(metadata);
  const W2 = readMoments(tensors, "W2", [null, null], steps);
  const [classes, hidden] = W2.shape;
  const b1 = readMoments(tensors, "b1", [hidden], steps);
  const b2 = readMoments(tensors, "b2", [classes], steps);
  return {
    weights: { b1: b1.data, W2: W2.data, b2: b2.data },
    optimizers: { b1: b1.state, W2: W2.state, b2: b2.state },
  };
}

/** The client's file. @param metadata what it needs beside, to resume or to use the model. */
export function encodeFirst(
  { W1, steps, moments }: FirstLayerState,
  n: number,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors(
    withMoments("W1", [W1.length / n, n], W1, { steps, moments }),
    { ...metadata, party: "mitig2 client", steps: String(steps) },
  );
}

/** Reads the client's file.
 * @throws {RangeError} not a file of that kind. */
export function decodeFirst(
  bytes: Uint8Array,
): FirstLayerState & { hidden: number; n: number; metadata: Readonly<Record<string, string>> } {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { data: W1, shape, state } = readMoments(tensors, "W1", [null, null], readSteps(metadata));
  return { ...state, W1, hidden: shape[0], n: shape[1], metadata };
}
