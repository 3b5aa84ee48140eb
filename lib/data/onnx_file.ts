/** ONNX: a protobuf message with a graph of operations and its constants ("initialisers"). Nothing is executed.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * @module */
import { fromBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation as Location,
} from "onnx-buf";
import { extname } from "node:path";
import { refusal } from "./dataset.ts";
import { onnxStructure } from "./onnx_graph.ts";
import { elsewhere, onnxTensor } from "./onnx_tensor.ts";
import { shown } from "./tensor.ts";
import { neighbourPath } from "./tfjs_weights.ts";
import type { ModelFile } from "./weights_file.ts";

/** Of the files beside it together. */
const MAX_BYTES = 2 ** 30;
/** Far above any network: a graph of a large language model has some ten thousand. */
const MAX_NODES = 1_000_000;

/** Field 1, `ir_version`, and one of the fields that come next: a model has no magic number. */
const BEGINS = /^08[0-9a-f]{2}(12|1a|22|28|32|3a|42)/;

/** Whether a file is meant as ONNX: by its name, or by its first bytes. */
export const isOnnx = (path: string, bytes: Uint8Array): boolean =>
  extname(path).toLowerCase() === ".onnx" || BEGINS.test(bytes.subarray(0, 3).toHex());

/** Reads a model.
 * @throws {DataError} no protobuf of a model, no graph, two constants of one name, weights in a file that is missing or
 * outside the folder, over a gigabyte. */
export async function readOnnx(path: string, bytes: Uint8Array): Promise<ModelFile> {
  const fail = refusal(`Cannot read ${path}`);
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch { // the library's own words name its functions
    return fail("no ONNX model, truncated or damaged");
  }
  const { graph } = model;
  if (graph === undefined || graph.node.length === 0) return fail("no ONNX model: it has no graph");
  if (graph.node.length > MAX_NODES) {
    fail(`its graph has ${graph.node.length} nodes, at most ${MAX_NODES}`);
  }
  const names = new Set<string>();
  for (const { name } of graph.initializer) {
    if (names.has(name)) fail(`two tensors are called ${shown(name)}`);
    names.add(name);
  }
  const others = await otherFiles(path, graph.initializer);
  const tensors = graph.initializer.map((proto) => onnxTensor(path, proto, others));
  return { tensors, metadata: {}, structure: onnxStructure(path, graph, tensors) };
}

/** The files beside a model that hold weights of it, each read once. */
async function otherFiles(path: string, protos: readonly TensorProto[]) {
  const fail = refusal(`Cannot read ${path}`);
  const files = new Map<string, Uint8Array>();
  let total = 0;
  for (const proto of protos.filter(({ dataLocation }) => dataLocation === Location.EXTERNAL)) {
    const { location } = elsewhere(proto);
    if (location !== undefined && files.has(location)) continue;
    const file = neighbourPath(path, location);
    const reason = (error: Error): never =>
      fail(
        error instanceof Deno.errors.NotFound
          ? `its weights' file ${file} is missing, put it beside it`
          : `its weights' file ${file}: ${error.message}`,
      );
    const { isFile, size } = await Deno.stat(file).catch(reason);
    if (!isFile) fail(`its weights' file ${file} is no regular file`);
    total += size;
    if (total > MAX_BYTES) {
      fail(`its weights take ${(total / 1e9).toFixed(1)} GB, save the first layer alone`);
    }
    files.set(location!, await Deno.readFile(file).catch(reason));
  }
  return files;
}
