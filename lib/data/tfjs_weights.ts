/** Weights of tfjs: a manifest, JSON, that names arrays and the files ("shards") whose bytes, one after another, are
 * theirs:
 *
 *     [{ "paths": ["group1-shard1of1.bin"], "weights": [{ "name", "shape", "dtype", "quantization"? }, …] }, …]
 *
 * Quantised arrays are integers q with value = q · scale + min, or float16.
 * @see tfjs-core, `io/types.ts` (WeightsManifestConfig) and `io/io_utils.ts` (decodeWeights).
 * @module */
import { dirname, join } from "node:path";
import { refusal } from "./dataset.ts";
import { countOf, shown, type Tensor, tensorOf } from "./tensor.ts";

/** Of all shards together. */
const MAX_BYTES = 2 ** 30;

/** Number formats by tfjs' names. */
const FORMATS: Readonly<Record<string, string>> = {
  ...{ float32: "f4", float16: "f2", int32: "i4", bool: "b1", uint8: "u1", uint16: "u2" },
};

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value is a list of groups of weights. */
export const isManifest = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) && value.length > 0 &&
  value.every((group) =>
    isMap(group) && Array.isArray(group.weights) && Array.isArray(group.paths)
  );

/** A path in a model file to another file, which must lie in the model's own folder or below.
 * @throws {DataError} an address, an absolute path, or one that leaves the folder. */
export function neighbourPath(file: string, path: unknown): string {
  const fail = refusal(`Cannot read ${file}`);
  if (typeof path !== "string" || path === "") {
    return fail("it names a file of weights without a name");
  }
  const name = shown(path);
  if (/^[a-z][a-z0-9+.-]+:/i.test(path) || path.startsWith("//")) {
    fail(`its weights are at an address (${name}): download them beside it and name them there`);
  }
  if (/^[/\\]|^[a-z]:|\0/i.test(path) || path.split(/[/\\]/).includes("..")) {
    fail(`its weights "${name}" lie outside its folder: put them beside it and name them there`);
  }
  return join(dirname(file), path);
}

/** An array as a manifest describes it. */
interface Described {
  readonly name: string;
  readonly shape: readonly number[];
  /** Of the bytes. */
  readonly format: string;
  /** q · scale + min. */
  readonly quantized: { readonly scale: number; readonly min: number } | null;
  readonly sizeBytes: number;
}

function describe(entry: unknown, fail: (why: string) => never): Described {
  const { name, shape, dtype, quantization } = isMap(entry) ? entry : {};
  if (typeof name !== "string") return fail("a weight in its manifest has no name");
  const sizes = shape as number[];
  if (!Array.isArray(shape) || !sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    fail(`${shown(name)} in its manifest has no shape`);
  }
  const q = isMap(quantization) ? quantization : null;
  const stored = String(q === null ? dtype : q.dtype);
  if (!Object.hasOwn(FORMATS, stored)) {
    fail(`${shown(name)} is of type ${shown(stored)}, expected ${Object.keys(FORMATS).join(", ")}`);
  }
  const whole = stored === "uint8" || stored === "uint16";
  const [scale, min] = [Number(q?.scale), Number(q?.min)];
  if (q !== null && whole && !(Number.isFinite(scale) && Number.isFinite(min))) {
    fail(`${shown(name)} is quantised without scale and min`);
  }
  const format = FORMATS[stored];
  const sizeBytes = countOf(sizes) * Number(format.slice(-1));
  return {
    name,
    shape: sizes,
    format,
    quantized: q !== null && whole ? { scale, min } : null,
    sizeBytes,
  };
}

/** The shards of a group, one after another. */
async function shards(file: string, paths: readonly unknown[], sizeBytes: number) {
  const fail = refusal(`Cannot read ${file}`);
  const files = paths.map((path) => neighbourPath(file, path));
  const sizes = await Promise.all(files.map(async (path) => {
    const { isFile, size } = await Deno.stat(path).catch((error: Error) =>
      fail(
        error instanceof Deno.errors.NotFound
          ? `its shard ${path} is missing, put it beside it`
          : `its shard ${path}: ${error.message}`,
      )
    );
    return isFile ? size : fail(`its shard ${path} is no regular file`);
  }));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== sizeBytes) {
    const names = files.length === 1
      ? `its shard ${files[0]} has`
      : `its shards ${files[0]} … have`;
    const state = total < sizeBytes ? "truncated" : "too long";
    fail(`${names} ${total} bytes, ${state}: the manifest's weights take ${sizeBytes}`);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const [k, path] of files.entries()) {
    const shard = await Deno.readFile(path);
    if (shard.length !== sizes[k]) fail(`its shard ${path} changed while it was read`);
    bytes.set(shard, at);
    at += shard.length;
  }
  return bytes;
}

/** The arrays of a manifest; the shards are read here, once.
 * @param file the manifest's, beside which the shards lie.
 * @throws {DataError} a shard that is missing, of another size or outside the folder; a name that comes twice; a type
 * that is no real number; over a gigabyte. */
export async function readManifest(
  file: string,
  manifest: readonly Record<string, unknown>[],
): Promise<Tensor[]> {
  const fail = refusal(`Cannot read ${file}`);
  const groups = manifest.map(({ paths, weights }) => ({
    paths: paths as unknown[],
    weights: (weights as unknown[]).map((entry) => describe(entry, fail)),
  }));
  const all = groups.flatMap(({ weights }) => weights);
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) fail(`two tensors are called ${shown(name)}`);
    names.add(name);
  }
  const total = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > MAX_BYTES) {
    fail(`its weights take ${(total / 1e9).toFixed(1)} GB, save the first layer alone`);
  }
  const tensors: Tensor[] = [];
  for (const { paths, weights } of groups) {
    const bytes = await shards(file, paths, weights.reduce((sum, w) => sum + w.sizeBytes, 0));
    let at = 0;
    for (const weight of weights) {
      tensors.push(decode(file, weight, bytes.subarray(at, at += weight.sizeBytes)));
    }
  }
  return tensors;
}

function decode(
  file: string,
  { name, shape, format, quantized }: Described,
  bytes: Uint8Array,
): Tensor {
  const tensor = tensorOf({ file: `${file}, ${shown(name)}`, name, shape, bytes, format });
  if (quantized === null) return tensor;
  const { scale, min } = quantized;
  return { ...tensor, values: () => tensor.values().map((q) => q * scale + min) };
}
