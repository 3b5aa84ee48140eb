/** What the parties of a split training keep on disk, as safetensors: a checkpoint and a finished model are alike.
 *
 * An optimizer with a memory adds `<name>.m` and `<name>.v` to each array of weights. What is not a number of the network
 * stands in the metadata as text: `party`, `file` (the name it was saved under), `session`, `terms`. With the SHA-256 over all
 * of it (data/safetensors.ts) that tells a file that is damaged, an older one under a newer name, and one of another training.
 * @module */
import { checkpointName, type Checkpoints } from "../../net/checkpoints.ts";
import type { OptimizerState } from "../../nn/optimizer.ts";
import { type Metadata, seal, type Tensors, unseal } from "../../data/safetensors.ts";
import { sessionOf } from "./terms.ts";

type Shape = readonly number[];
/** Whose file it is: "mitig2 client". */
export type Party = `mitig${2 | 3} ${"client" | "server"}`;

const VERSION = "2";

const MOMENTS = ["m", "v"] as const;

/** One array of weights with its optimizer's moments, under its name. */
export function withMoments(
  name: string,
  shape: Shape,
  data: Float32Array,
  { moments }: Pick<OptimizerState, "moments">,
): Tensors {
  const entries = moments.map((moment, k) => [`${name}.${MOMENTS[k]}`, { shape, data: moment }]);
  return { [name]: { shape, data }, ...Object.fromEntries(entries) };
}

/** An array of weights as it was saved. */
export interface Saved {
  readonly data: Float32Array;
  readonly shape: Shape;
  readonly state: OptimizerState;
}

/** The way back. @throws {RangeError} a tensor that is missing or of another shape. */
export function readMoments(
  { tensors, steps }: Pick<WeightsFile, "tensors" | "steps">,
  name: string,
  shape: readonly (number | null)[],
): Saved {
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

/** A party's file, read. */
export interface WeightsFile {
  readonly tensors: Tensors;
  readonly metadata: Metadata;
  /** Steps that the optimizers have taken. */
  readonly steps: number;
}

/** A party's file. */
export function sealWeights(
  party: Party,
  { tensors, metadata, steps }: WeightsFile,
): Uint8Array<ArrayBuffer> {
  return seal(tensors, { ...metadata, party, version: VERSION, steps: String(steps) });
}

/** The tensors and metadata of a party's file.
 * @param expected metadata that must be as given; what differs is named.
 * @throws {RangeError} damaged, of another version, party or training. {TypeError} another dtype than F32. */
export function unsealWeights(bytes: Uint8Array, party: Party, expected: Metadata): WeightsFile {
  const { tensors, metadata } = unseal(bytes);
  const wanted: Metadata = { party, version: VERSION, ...expected };
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

/** What a client's file says of its training, in public and in secret. */
export const keyMetadata = (sessionKey: Uint8Array): Metadata => (
  { session: sessionOf(sessionKey).toHex(), sessionKey: sessionKey.toHex() }
);

/** A key in a file's metadata. @throws {RangeError} it is missing, or not in hexadecimal. */
export function readKey(metadata: Metadata, name: string): Uint8Array {
  const hex = metadata[name] ?? "";
  if (!/^([0-9a-f]{2})+$/.test(hex)) {
    throw new RangeError(`Cannot read model: its ${name} is ${metadata[name] ?? "missing"}`);
  }
  return Uint8Array.fromHex(hex);
}

/** What the server's file must say: its name, the training, and the terms as text. */
export const serverMetadata = (file: string, sessionKey: Uint8Array, terms: string): Metadata => (
  { file, session: sessionOf(sessionKey).toHex(), terms }
);

/** A positive number of the terms in a client's file. @throws {RangeError} the terms do not say. */
export function termOf(terms: string | undefined, name: string): number {
  let value: unknown;
  try {
    value = JSON.parse(terms!)[name];
  } catch {
    // Not JSON, or null.
  }
  if (typeof value !== "number" || !(value > 0)) {
    throw new RangeError(`Cannot read model: its terms have no ${name}, ${terms}`);
  }
  return value;
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
 * @param terms what it must be for.   @param decode reads a client's file of that name.
 * @returns null where there is none.
 * @throws {RangeError} it is for other terms, or nothing of it is intact. */
export async function findKept(
  checkpoints: Checkpoints,
  terms: string,
  decode: (bytes: Uint8Array, file: string) => { sessionKey: Uint8Array; terms: string },
): Promise<Kept | null> {
  const { intact, damaged } = await checkpoints.inspect((bytes, epoch) => {
    const { sessionKey, terms } = decode(bytes, checkpointName(epoch));
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
