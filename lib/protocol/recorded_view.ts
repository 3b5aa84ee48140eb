/** What a server saw of a training, in a file: sealed safetensors, which other programs read too.
 *
 * Steps are joined: `z1` and `dz1` are `[visits, units]`, `labels` and `samples` `[visits]`, `W1` and `dW1`
 * `[steps·units, n]`; the metadata say how many visits each step has. What the server lacks is not there.
 * @module */
import type { Shape } from "../attack/priors.ts";
import {
  SCHEMES,
  type StepView,
  type TrainingView,
  trainingView,
} from "../attack/training/view.ts";
import { DataError } from "../data/dataset.ts";
import { readBytes } from "../data/read_bytes.ts";
import { checkSum, parseForeignSafetensors, seal, type TensorsOf } from "../data/safetensors.ts";
import { shown, type Tensor } from "../data/tensor.ts";

const KIND = "training view 1";

/** A view, and what its server was told beside it. */
export interface RecordedView extends TrainingView {
  /** Samples of an epoch: what `relink` takes. null in a file of an earlier version. */
  readonly count: number | null;
}

/** Beyond this a file does not fit one array: a million visits of 300 units in float32 are 2.4 GB. */
const MAX_BYTES = 2 ** 30;

type Numbers = Float32Array | Float64Array;

/** One after the other; null where a step has none. */
function joined(parts: readonly (Numbers | Uint8Array | Uint32Array | null)[]): Numbers | null {
  if (parts.includes(null)) return null;
  const length = parts.reduce((sum, part) => sum + part!.length, 0);
  const all = parts[0] instanceof Float64Array
    ? new Float64Array(length)
    : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part!, at);
    at += part!.length;
  }
  return all;
}

/** Encodes a view. @throws {RangeError} it takes more than 1 GiB: record fewer epochs or images. */
export function encodeView(
  view: TrainingView & Partial<RecordedView>,
): Uint8Array<ArrayBuffer> {
  const { scheme, units, classes, shape, inputScale, steps, count = null } = view;
  const n = shape[0] * shape[1] * shape[2];
  const widths = { z1: units, dz1: units, labels: 1, samples: 1, W1: n, dW1: n };
  const sizeBytes = steps.reduce(
    (sum, { z1, dz1, W1, dW1 }) =>
      [z1, dz1, W1, dW1].reduce((all, part) => all + (part?.byteLength ?? 0), sum),
    0,
  );
  if (sizeBytes > MAX_BYTES) {
    throw new RangeError(
      `Cannot record: ${(sizeBytes / 2 ** 20).toFixed(0)} MiB, at most ${MAX_BYTES / 2 ** 20}; ` +
        "train fewer epochs or images",
    );
  }
  const tensors: Record<string, { shape: number[]; data: Numbers }> = {};
  for (const [name, width] of Object.entries(widths)) {
    const data = joined(steps.map((step) => step[name as keyof typeof widths]));
    if (data !== null) tensors[name] = { shape: [data.length / width, width], data };
  }
  return seal(tensors as TensorsOf<Numbers>, {
    ...{ kind: KIND, scheme, units: String(units), classes: String(classes) },
    ...{ shape: JSON.stringify(shape), inputScale: String(inputScale) },
    sizes: JSON.stringify(steps.map(({ z1 }) => z1.length / units)),
    rates: JSON.stringify(steps.map(({ rate }) => rate)),
    ...count === null ? {} : { count: String(count) },
  });
}

/** Reads what a server recorded. @throws {DataError} no such file; else as {@linkcode decodeView}. */
export async function readView(path: string): Promise<RecordedView> {
  return decodeView(path, await readBytes(path, 2 * MAX_BYTES));
}

/** The tensors and metadata of a sealed file.
 * @throws {DataError} damaged, no such file, or not sealed. */
export function unsealed(
  file: string,
  bytes: Uint8Array,
): ReturnType<typeof parseForeignSafetensors> {
  try {
    checkSum(bytes);
  } catch (cause) {
    const why = (cause as Error).message.replace("Cannot read safetensors: ", "");
    throw new DataError(`Cannot read ${file}: ${why}`, { cause });
  }
  return parseForeignSafetensors(file, bytes);
}

/** Decodes a view.
 * @param file its name, for messages.
 * @throws {DataError} damaged, or not such a file: parts that do not fit together, numbers that are not finite. */
export function decodeView(file: string, bytes: Uint8Array): RecordedView {
  const { tensors, metadata } = unsealed(file, bytes);
  const refuse = (why: string) => new DataError(`Cannot read ${file}: ${why}`);
  const scheme = SCHEMES.find((one) => one === metadata.scheme);
  if (metadata.kind !== KIND || scheme === undefined) {
    const what = shown(String(metadata.kind ?? "no record"));
    throw refuse(`it is ${what}, expected what --record of a server task wrote`);
  }
  const all = new Map(tensors.map((tensor: Tensor) => [tensor.name, tensor.values()]));
  const list = (name: string): unknown[] => {
    try {
      return Array.from(JSON.parse(String(metadata[name])));
    } catch {
      throw refuse(`its ${name} are no list`);
    }
  };
  const [sizes, rates, shape] = [list("sizes"), list("rates"), list("shape")].map((values) =>
    values as number[]
  );
  const units = Number(metadata.units);
  const n = shape.reduce((product, side) => product * side, 1);
  let visit = 0;
  const steps = sizes.map((m, step): StepView => {
    const from = visit;
    visit += m;
    const rows = (name: string, width: number) =>
      all.get(name)?.subarray(from * width, visit * width) ?? null;
    const matrix = (name: string) =>
      all.get(name)?.subarray(step * units * n, (step + 1) * units * n) ?? null;
    const [samples, labels] = [rows("samples", 1), rows("labels", 1)];
    return {
      samples: samples && Uint32Array.from(samples),
      z1: rows("z1", units) ?? new Float64Array(),
      labels: labels && Uint8Array.from(labels),
      dz1: rows("dz1", units) ?? new Float64Array(),
      ...{ rate: rates[step], W1: matrix("W1"), dW1: matrix("dW1") },
    };
  });
  const [classes, inputScale] = [Number(metadata.classes), Number(metadata.inputScale)];
  const view = { scheme, units, classes, inputScale, steps };
  try {
    trainingView({ ...view, shape: shape as unknown as Shape });
  } catch (cause) {
    throw refuse((cause as Error).message);
  }
  return {
    ...view,
    shape: shape as unknown as Shape,
    count: metadata.count === undefined ? null : Number(metadata.count),
  };
}
