import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as Kind,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation as Location,
  TensorProto_DataType as Type,
  type TensorProtoSchema,
} from "onnx-buf";
import { DataError } from "lib/data/dataset.ts";
import { type LayerWanted, readLayerFile } from "lib/data/layer_file.ts";
import { readOnnx } from "lib/data/onnx_file.ts";
import { seededRng } from "lib/math/rng.ts";
import fc from "fast-check";
import { concat } from "./weight_files.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import json from "../vectors/onnx.json" with { type: "json" };
import { assertSameLayer, layerOf, type Vectors } from "./model_cases.ts";

const vectors = json as unknown as Vectors;

const test = (name: string, body: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(body) });

const shape = [2, 2, 1] as const;
const ramp = (count: number) => Float64Array.from({ length: count }, (_, k) => k + 1);

type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
type GraphInit = MessageInitShape<typeof GraphProtoSchema>;

const tensor = (name: string, dims: number[], more: TensorInit = {}): TensorInit => ({
  ...{ name, dims: dims.map(BigInt), dataType: Type.FLOAT },
  floatData: [...ramp(dims.reduce((a, b) => a * b, 1))],
  ...more,
});

const int = (name: string, i: number): MessageInitShape<typeof AttributeProtoSchema> => ({
  ...{ name, i: BigInt(i), type: Kind.INT },
});
const ints = (name: string, list: number[]): MessageInitShape<typeof AttributeProtoSchema> => ({
  ...{ name, ints: list.map(BigInt), type: Kind.INTS },
});

const node = (
  opType: string,
  input: string[],
  output: string,
  attribute: MessageInitShape<typeof AttributeProtoSchema>[] = [],
) => ({ opType, input, output: [output], attribute, name: output.toUpperCase() });

/** Sizes of an input; text where any will do. */
const input = (name: string, dims: (number | string)[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType: Type.FLOAT,
        shape: {
          dim: dims.map((size) => ({
            value: typeof size === "number"
              ? { case: "dimValue" as const, value: BigInt(size) }
              : { case: "dimParam" as const, value: size },
          })),
        },
      },
    },
  },
});

/** Flatten and Gemm, [3, 4], unless something else is said. */
const model = (graph: GraphInit = {}) =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 9n,
      graph: {
        input: [input("x", ["batch", 1, 2, 2])],
        node: [
          node("Flatten", ["x"], "f"),
          node("Gemm", ["f", "w", "b"], "y", [int("transB", 1)]),
        ],
        initializer: [tensor("w", [3, 4]), tensor("b", [3])],
        ...graph,
      },
    }),
  );

async function read(folder: string, bytes: Uint8Array, wanted: Partial<LayerWanted> = {}) {
  await Deno.writeFile(`${folder}/m.onnx`, bytes as Uint8Array<ArrayBuffer>);
  return await readLayerFile(`${folder}/m.onnx`, { shape, ...wanted });
}

async function refused(
  folder: string,
  bytes: Uint8Array,
  why: string,
  wanted: Partial<LayerWanted> = {},
) {
  const { message } = await assertRejects(() => read(folder, bytes, wanted), DataError);
  assertEquals(message.includes("\n"), false, message);
  assertStringIncludes(message.replaceAll(`${folder}/`, ""), why);
}

Deno.test({
  name:
    "readLayerFile() takes the first layer of ONNX models as PyTorch and ONNX' reference compute it",
  ignore: !permitted,
  async fn(t) {
    for (const { name } of vectors.cases) {
      await t.step(name, () =>
        withFolder(async (folder) => {
          assertSameLayer(await layerOf(folder, vectors, name), vectors, name);
        }));
    }
  },
});

test("readLayerFile() takes constants of ONNX in any field, type and place", async (folder) => {
  const values = ramp(12);
  const halves = Uint16Array.from(values, (v) => {
    const view = new DataView(new ArrayBuffer(2));
    view.setFloat16(0, v);
    return view.getUint16(0);
  });
  const brains = Uint16Array.from(Float32Array.from(values), (v) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, v);
    return view.getUint16(0);
  });
  const bytes = (array: ArrayBufferView<ArrayBuffer>) => new Uint8Array(array.buffer);
  const none: number[] = [];
  const forms: TensorInit[] = [
    { floatData: [...values] },
    { floatData: none, rawData: bytes(Float32Array.from(values)) },
    { floatData: none, doubleData: [...values], dataType: Type.DOUBLE },
    { floatData: none, int32Data: [...halves], dataType: Type.FLOAT16 },
    { floatData: none, rawData: bytes(halves), dataType: Type.FLOAT16 },
    { floatData: none, int32Data: [...brains], dataType: Type.BFLOAT16 },
    { floatData: none, int32Data: [...values], dataType: Type.INT8 },
    { floatData: none, int32Data: [...values], dataType: Type.UINT8 },
    { floatData: none, int32Data: [...values], dataType: Type.INT16 },
    { floatData: none, int32Data: [...values], dataType: Type.INT32 },
    { floatData: none, int64Data: [...values].map(BigInt), dataType: Type.INT64 },
    { floatData: none, uint64Data: [...values].map(BigInt), dataType: Type.UINT32 },
    { floatData: none, uint64Data: [...values].map(BigInt), dataType: Type.UINT64 },
  ];
  for (const form of forms) {
    const { W1, bias } = await read(folder, model({ initializer: [tensor("w", [3, 4], form)] }));
    assertEquals([W1, bias], [values, null], Type[form.dataType ?? Type.FLOAT]);
  }
});

const elsewhere = (entries: Record<string, string>): TensorInit => ({
  floatData: [],
  dataLocation: Location.EXTERNAL,
  externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
});

test("readLayerFile() reads ONNX weights beside the model, and none outside its folder", async (folder) => {
  await Deno.mkdir(`${folder}/inner`);
  const weights = new Uint8Array(Float32Array.from([0, ...ramp(12), 0]).buffer);
  await Deno.writeFile(`${folder}/w.data`, weights);
  const at = (entries: Record<string, string>) =>
    model({ initializer: [tensor("w", [3, 4], elsewhere(entries)), tensor("b", [3])] });
  const beside = await read(folder, at({ location: "w.data", offset: "4", length: "48" }));
  assertEquals(beside.W1, ramp(12));
  const no = (entries: Record<string, string>, why: string, at_ = folder) =>
    refused(at_, at(entries), why);
  await no(
    { location: "../w.data" },
    'its weights "../w.data" lie outside its folder',
    `${folder}/inner`,
  );
  await no({ location: "/etc/passwd" }, 'its weights "/etc/passwd" lie outside its folder');
  await no({ location: "a/..\\..\\w" }, "lie outside its folder");
  await no(
    { location: "https://example.org/w" },
    "its weights are at an address (https://example.org/w)",
  );
  await no({}, "it names a file of weights without a name");
  await no({ location: "none.data" }, "its weights' file none.data is missing, put it beside it");
  await no({ location: "inner" }, "its weights' file inner is no regular file");
  await no({ location: "w.data", offset: "20" }, "takes 48 bytes, got 36");
  await no(
    { location: "w.data", offset: "52", length: "48" },
    "truncated, bytes 52 to 100 of w.data",
  );
  await no({ location: "w.data", offset: "-4" }, "truncated, bytes -4 to");
});

test("readLayerFile() refuses ONNX files that are damaged", async (folder) => {
  await refused(
    folder,
    Uint8Array.from([8, 9, 0xff, 0xff, 0xff]),
    "no ONNX model, truncated or damaged",
  );
  await refused(folder, seededRng(1).bytes(500), "no ONNX model");
  for (const end of [10, 60, 100]) await refused(folder, model().slice(0, end), "no ONNX model");
  await refused(folder, model({ node: [] }), "no ONNX model: it has no graph");
  await refused(
    folder,
    model({ initializer: [tensor("w", [3, 4]), tensor("w", [3, 4])] }),
    "two tensors are called w",
  );
  const w = (more: TensorInit) => model({ initializer: [tensor("w", [3, 4], more)] });
  await refused(folder, w({ floatData: [1, 2] }), "truncated, shape [3, 4] takes 48 bytes, got 8");
  await refused(folder, w({ floatData: [NaN, ...ramp(11)] }), "m.onnx, w: value [0, 0] is NaN");
  await refused(folder, w({ dataType: Type.STRING }), "it is of type STRING, save it as float32");
  await refused(folder, w({ dims: [3n, -4n] }), "it has no shape");
  await refused(folder, w({ dims: [2n ** 40n, 2n ** 40n] }), "truncated, shape");
  // graphs in nodes in graphs, as only an attack has them: GraphProto.node.attribute.g
  const wrap = (field: number, bytes: Uint8Array) =>
    Uint8Array.from([field * 8 + 2, ...lengthOf(bytes), ...bytes]);
  let deep = Uint8Array.of(0x0a, 0);
  for (let depth = 0; depth < 60; depth++) deep = wrap(1, wrap(5, wrap(6, deep)));
  await refused(folder, concat([Uint8Array.of(8, 9), wrap(7, deep)]), "no ONNX model, truncated");
  let shallow = Uint8Array.of(0x0a, 0);
  for (let depth = 0; depth < 20; depth++) shallow = wrap(1, wrap(5, wrap(6, shallow)));
  await refused(folder, concat([Uint8Array.of(8, 9), wrap(7, shallow)]), "it has 0 inputs");
});

test("readLayerFile() refuses an ONNX file over a gigabyte before it reads any", async (folder) => {
  const file = await Deno.open(`${folder}/m.onnx`, { create: true, write: true });
  await file.truncate(2 ** 30 + 1); // holes take no space
  file.close();
  const { message } = await assertRejects(
    () => readLayerFile(`${folder}/m.onnx`, { shape }),
    DataError,
  );
  assertStringIncludes(message, "1.1 GB is too much");
});

Deno.test("readOnnx() answers any damage with a DataError", async () => {
  const good = model();
  const place = fc.nat({ max: good.length - 1 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(place, fc.nat({ max: 255 })), { maxLength: 4 }),
      fc.option(place, { nil: good.length }),
      async (changes, end) => {
        const file = good.slice();
        for (const [at, byte] of changes) file[at] = byte;
        try {
          const { structure } = await readOnnx("m.onnx", file.subarray(0, end));
          structure!.first([1, 2, 2]).weights.values();
        } catch (error) {
          assertEquals((error as Error).name, "DataError", String(error));
        }
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});

const lengthOf = ({ length }: Uint8Array): number[] =>
  length > 127
    ? [length % 128 + 128, ...lengthOf(new Uint8Array(Math.floor(length / 128)))]
    : [length];

test("readLayerFile() names the ONNX node that it cannot take into the first layer", async (folder) => {
  const before = (nodes: GraphInit["node"], more: GraphInit = {}) =>
    model({
      node: [
        ...nodes!,
        node("Flatten", ["v"], "f"),
        node("Gemm", ["f", "w"], "y", [int("transB", 1)]),
      ],
      ...more,
    });
  const way = "name the array by --tensor to take it by itself";
  await refused(
    folder,
    before([node("BatchNormalization", ["x", "s", "b", "m", "v"], "v")]),
    `node V (BatchNormalization) stands before its first weights, and in training depends on the whole batch: ${way}`,
  );
  await refused(
    folder,
    before([node("Relu", ["x"], "v")]),
    `node V (Relu) stands before its first weights and is not read: ${way}`,
  );
  await refused(
    folder,
    before([node("Mul", ["x", "x"], "v")]),
    "node V (Mul) is not linear by a constant",
  );
  await refused(
    folder,
    before([node("Div", ["b", "x"], "v")]),
    "node V (Div) is not linear by a constant",
  );
  await refused(
    folder,
    before([node("Add", ["x", "w"], "v")]),
    "node V (Add) takes [3, 4] beside [1, 1, 2, 2]",
  );
  await refused(
    folder,
    before([node("Transpose", ["x"], "v", [ints("perm", [0, 1])])]),
    "node V (Transpose) does not fit its input",
  );
  await refused(
    folder,
    before([node("Mul", ["x", "half"], "h"), node("Cast", ["h"], "v", [int("to", Type.INT8)])], {
      initializer: [tensor("w", [3, 4]), tensor("half", [], { floatData: [0.5] })],
    }),
    "node V (Cast) rounds its input",
  );
  await refused(
    folder,
    model({ node: [node("Identity", ["x"], "a"), node("Relu", ["x"], "c")] }),
    "its input goes to node A (Identity) and node C (Relu), which of them is not clear",
  );
  await refused(
    folder,
    model({ node: [node("Identity", ["x"], "a"), node("Identity", ["a"], "x")] }),
    "its graph goes round in a circle at node A (Identity)",
  );
  await refused(
    folder,
    model({ node: [node("Identity", ["x"], "a")] }),
    "its input reaches no Gemm, MatMul or Conv",
  );
  await refused(
    folder,
    model({ input: [input("x", [1, 1, 2, 2]), input("z", [1])] }),
    "it has 2 inputs (x, z), expected one",
  );
  await refused(
    folder,
    model({
      node: [
        node("Flatten", ["x"], "f"),
        node("MatMul", ["f", "q"], "y"),
        node("Dequantize", ["w"], "q"),
      ],
    }),
    "the weights of node Y (MatMul) are computed, not stored",
  );
  await refused(
    folder,
    model({ node: [node("MatMul", ["x", "w"], "y")] }),
    "node Y (MatMul) has weights [3, 4] and is given [1, 1, 2, 2]",
  );
  const conv = (attributes: MessageInitShape<typeof AttributeProtoSchema>[], dims = [2, 1, 2, 2]) =>
    model({ node: [node("Conv", ["x", "w"], "y", attributes)], initializer: [tensor("w", dims)] });
  await refused(folder, conv([int("group", 2)]), "node Y (Conv) has groups, which are not read");
  await refused(folder, conv([ints("dilations", [2, 2])]), "node Y (Conv) is dilated");
  await refused(
    folder,
    conv([ints("strides", [1, 2])]),
    "node Y (Conv) has strides 1 × 2, only equal ones are read",
  );
  await refused(folder, conv([ints("pads", [-1, 0, 0, 0])]), "node Y (Conv) has pads -1, 0, 0, 0");
  await refused(
    folder,
    conv([], [2, 3, 2, 2]),
    "node Y (Conv) has filters over 3 channels and is given 1",
  );
  await refused(
    folder,
    conv([], [2, 1, 2, 1]),
    "the kernel of node Y (Conv) [2, 1, 2, 1] is 2 × 1, only square ones are read",
  );
  await refused(
    folder,
    conv([], [2, 1, 3, 3]),
    "[2, 1, 3, 3] is 3 × 3, larger than images of 2 × 2",
  );
  await refused(
    folder,
    conv([], [2, 1, 2]),
    "node Y (Conv) has weights [2, 1, 2], expected square filters",
  );
  // each is a way out: the array by its name
  const named = await read(folder, before([node("Relu", ["x"], "v")]), { tensor: "w" });
  assertEquals(named.W1, ramp(12));
});

test("readLayerFile() says which images an ONNX model takes, and how it was told", async (folder) => {
  const to = (dims: (number | string)[]) => model({ input: [input("x", dims)] });
  await refused(
    folder,
    to(["batch", 1, 28, 28]),
    "the model takes [1, 28, 28], 784 inputs, the images are 2 × 2 × 1: give --resize 28x28; it fits --dataset mnist",
  );
  await refused(
    folder,
    to([1, 784]),
    "the model takes [784], the images are 2 × 2 × 3: give --resize 28x28 --grey",
    { shape: [2, 2, 3] },
  );
  await refused(folder, to([1, 3, 2, 2]), "the images are 2 × 2 × 1: give colour images");
  await refused(
    folder,
    to([1, 7]),
    "the model takes [7], the images are 2 × 2 × 1: give samples of the size that it takes",
  );
  await refused(
    folder,
    to([1, 784]),
    "the model takes [784], the samples are rows of 30 numbers: give samples of the size that it takes",
    { shape: [1, 30, 1] },
  );
  await refused(folder, model(), "its own structure tells, leave out --stride", { stride: 2 });
  await refused(folder, model(), "its own structure tells, leave out --orientation", {
    orientation: "in-hidden",
  });
  const colour = { shape: [1, 2, 2] as const };
  const first = { ...colour, inputOrder: "channels-first" } as const;
  await refused(
    folder,
    to([1, 1, 2, 2]),
    "its inputs are [1, 2, 2], channels-last: leave out --input-order",
    first,
  );
  assertEquals((await read(folder, to([1, 1, 2, 2]), colour)).W1, ramp(12));
  const flat = await read(
    folder,
    model({
      input: [input("x", ["batch", 4])],
      node: [node("Gemm", ["x", "w", "b"], "y", [int("transB", 1)])],
    }),
    colour,
  );
  assertEquals([...flat.W1.slice(0, 4)], [1, 3, 2, 4]);
  assertStringIncludes(
    flat.notes.join(),
    "as PyTorch flattens images: --input-order channels-last",
  );
});

test("readLayerFile() takes an ONNX model of a fixed batch as it is for one image", async (folder) => {
  const fixed = model({
    input: [input("x", [64, 1, 2, 2])],
    node: [
      node("Reshape", ["x", "to"], "f"),
      node("Gemm", ["f", "w", "b"], "y", [int("transB", 1)]),
    ],
    initializer: [
      tensor("w", [3, 4]),
      tensor("to", [2], { floatData: [], int64Data: [64n, 4n], dataType: Type.INT64 }),
    ],
  });
  assertEquals((await read(folder, fixed)).W1, ramp(12));
});
