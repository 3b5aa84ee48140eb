/** What the parties of MITIG2 keep on disk, as safetensors: a checkpoint and a finished model are alike.
 *
 * The server's file has `b1`, `W2`, `b2`; the client's has `W1`, for pixels times `pixelScale`; an optimizer with a memory adds
 * `<name>.m` and `<name>.v`. What is not a number of the network stands in the metadata as text: `party`, `file` (the name it
 * was saved under), `session`, `terms`. With the SHA-256 over all of it (data/safetensors.ts) that tells a file that is damaged, an
 * older one under a newer name, and one of another training.
 * @module */
import { checkpointName, type Checkpoints } from "../../net/checkpoints.ts";
import type { FirstLayerState } from "../../nn/first_layer.ts";
import type { OptimizerState } from "../../nn/optimizer.ts";
import { type Metadata, seal, type Tensors, unseal } from "../../data/safetensors.ts";
import type { UpperState } from "../../nn/upper_layers.ts";
import { sessionOf, type Terms } from "./terms.ts";

type Shape = readonly number[];
type Party = "client" | "server";

const VERSION = "2";

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

/** The tensors and metadata of a party's file.
 * @param expected metadata that must be as given; what differs is named.
 * @throws {RangeError} damaged, of another version, party or training. {TypeError} another dtype than F32. */
function readFile(bytes: Uint8Array, party: Party, expected: Metadata) {
  const { tensors, metadata } = unseal(bytes);
  const wanted: Metadata = { party: `mitig2 ${party}`, version: VERSION, ...expected };
  const wrong = Object.keys(wanted).find((key) => metadata[key] !== wanted[key]);
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot read model: its ${wrong} is ${metadata[wrong] ?? "missing"}, expected ${
        wanted[wrong]
      }`,
    );
  }
  const steps = Number(metadata.steps);
  if (!Number.isSafeInteger(steps) || steps < 0) {
    throw new RangeError(`Cannot read model: steps = ${metadata.steps} is not a natural number`);
  }
  return { tensors, metadata, steps };
}

/** The terms that a file is for, as text. @param data names the images; the server does not know them. */
export function termsText(
  { hidden, classes, count, labels, setting }: Terms,
  data?: string,
): string {
  return JSON.stringify({ data, hidden, classes, count, labels, ...setting });
}

/** What the server's file must say. @param file its name. */
export const upperMetadata = (terms: Terms, file: string): Metadata => ({
  ...{ file, session: sessionOf(terms.sessionKey).toHex(), terms: termsText(terms) },
});

/** The server's file. @param metadata `upperMetadata`. */
export function encodeUpper(
  { weights, optimizers }: UpperState,
  metadata: Metadata,
): Uint8Array<ArrayBuffer> {
  const [hidden, classes] = [weights.b1.length, weights.b2.length];
  return seal({
    ...withMoments("b1", [hidden], weights.b1, optimizers.b1),
    ...withMoments("W2", [classes, hidden], weights.W2, optimizers.W2),
    ...withMoments("b2", [classes], weights.b2, optimizers.b2),
  }, { ...metadata, party: "mitig2 server", version: VERSION, steps: String(optimizers.b1.steps) });
}

/** Reads the server's file. @param expected see `upperMetadata`.
 * @throws {RangeError} damaged, not a file of that kind, or another than expected. {TypeError} not float32. */
export function decodeUpper(bytes: Uint8Array, expected: Metadata = {}): UpperState {
  const { tensors, steps } = readFile(bytes, "server", expected);
  const W2 = readMoments(tensors, "W2", [null, null], steps);
  const [classes, hidden] = W2.shape;
  const b1 = readMoments(tensors, "b1", [hidden], steps);
  const b2 = readMoments(tensors, "b2", [classes], steps);
  return {
    weights: { b1: b1.data, W2: W2.data, b2: b2.data },
    optimizers: { b1: b1.state, W2: W2.state, b2: b2.state },
  };
}

/** What a client keeps beside W1, to resume or to use the model. */
export interface ClientNotes {
  /** The file's name. */
  readonly file: string;
  readonly sessionKey: Uint8Array;
  /** Orders the images of every epoch. */
  readonly orderKey: Uint8Array;
  /** See `termsText`. */
  readonly terms: string;
  /** Where W1 was drawn from. */
  readonly source: string;
}

/** The client's file. */
export function encodeFirst(
  { W1, steps, moments }: FirstLayerState,
  n: number,
  { sessionKey, orderKey, ...text }: ClientNotes,
): Uint8Array<ArrayBuffer> {
  return seal(withMoments("W1", [W1.length / n, n], W1, { steps, moments }), {
    ...{ ...text, party: "mitig2 client", version: VERSION, steps: String(steps) },
    ...{ session: sessionOf(sessionKey).toHex() },
    ...{ sessionKey: sessionKey.toHex(), orderKey: orderKey.toHex() },
  });
}

/** Reads the client's file. @param file the name that it must have been saved under.
 * @throws {RangeError} damaged, not a file of that kind, or of another name. {TypeError} not float32. */
export function decodeFirst(
  bytes: Uint8Array,
  file: string,
): FirstLayerState & ClientNotes & { hidden: number; n: number; pixelScale: number } {
  const { tensors, metadata, steps } = readFile(bytes, "client", { file });
  const refuse = (name: string) =>
    new RangeError(`Cannot read model: its ${name} is ${metadata[name] ?? "missing"}`);
  const key = (name: string) => {
    const hex = metadata[name] ?? "";
    if (!/^([0-9a-f]{2})+$/.test(hex)) throw refuse(name);
    return Uint8Array.fromHex(hex);
  };
  const { terms, source = "unknown" } = metadata;
  const { data: W1, shape, state } = readMoments(tensors, "W1", [null, null], steps);
  return {
    ...{ ...state, W1, hidden: shape[0], n: shape[1], pixelScale: pixelScaleOf(terms) },
    ...{ file, terms, source, sessionKey: key("sessionKey"), orderKey: key("orderKey") },
  };
}

/** What W1 expects pixels to be multiplied by. @throws {RangeError} the terms do not say. */
function pixelScaleOf(terms: string | undefined): number {
  let pixelScale: unknown;
  try {
    ({ pixelScale } = JSON.parse(terms!));
  } catch {
    // Not JSON, or null.
  }
  if (typeof pixelScale !== "number" || !(pixelScale > 0)) {
    throw new RangeError(`Cannot read model: its terms have no pixelScale, ${terms}`);
  }
  return pixelScale;
}

/** The training that a directory keeps. */
export interface Kept {
  readonly sessionKey: Uint8Array;
  /** Those that can be gone on from, ascending. */
  readonly epochs: number[];
  /** Why the others cannot be, by epoch. */
  readonly others: ReadonlyMap<number, string>;
}

/** Finds a client's unfinished training in a directory, and changes nothing there.
 * @param terms what it must be for.   @returns null where there is none.
 * @throws {RangeError} it is for other terms, or nothing of it is intact. */
export async function findKept(checkpoints: Checkpoints, terms: string): Promise<Kept | null> {
  const { intact, damaged } = await checkpoints.inspect((bytes, epoch) => {
    const { sessionKey, terms } = decodeFirst(bytes, checkpointName(epoch));
    return { sessionKey, terms, session: sessionOf(sessionKey).toHex() };
  });
  const { directory } = checkpoints;
  if (intact.size === 0) {
    if (damaged.size === 0) return null;
    const [epoch, reason] = [...damaged].at(-1)!;
    throw new RangeError(`Cannot resume from ${checkpointName(epoch)}: ${reason} (${directory})`);
  }
  const fitting = [...intact.values()].filter((file) => file.terms === terms);
  if (fitting.length === 0) {
    const { terms } = [...intact.values()].at(-1)!;
    throw new RangeError(`Cannot resume from ${directory}: it holds another training, ${terms}`);
  }
  const noted = await checkpoints.session();
  const { session, sessionKey } = fitting.find(({ session }) => session === noted) ??
    fitting.at(-1)!;
  const isOurs = (file: typeof fitting[number]) => file.session === session && file.terms === terms;
  const others = new Map(damaged);
  for (const [epoch, file] of intact) {
    if (!isOurs(file)) others.set(epoch, `it is of another training, session ${file.session}`);
  }
  return { sessionKey, epochs: [...intact.keys()].filter((epoch) => !others.has(epoch)), others };
}
