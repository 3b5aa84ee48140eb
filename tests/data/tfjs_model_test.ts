import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { DataError } from "lib/data/dataset.ts";
import { type LayerWanted, readLayerFile } from "lib/data/layer_file.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import json from "../vectors/tfjs.json" with { type: "json" };
import { assertSameLayer, layerOf, type Vectors } from "./model_cases.ts";
import { payload } from "./weight_files.ts";

const vectors = json as unknown as Vectors;

const test = (name: string, body: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(body) });

const shape = [2, 2, 1] as const;
const ramp = (count: number) => Float64Array.from({ length: count }, (_, k) => k + 1);

type Json = Record<string, unknown>;

const layer = (class_name: string, config: Json = {}, ...from: string[]) => {
  const name = String(config.name ?? class_name.toLowerCase());
  const nodes = from.length > 0 ? [from.map((source) => [source, 0, 0, {}])] : [];
  return { class_name, name, config: { name, ...config }, inbound_nodes: nodes };
};
const INPUT = layer("InputLayer", { batch_input_shape: [null, 2, 2, 1], name: "in" });
const DENSE = layer("Dense", { units: 3 });
const kernel = { name: "dense/kernel", shape: [4, 3], dtype: "float32" };
const bias = { name: "dense/bias", shape: [3], dtype: "float32" };

const sequential = (...layers: Json[]) => ({
  class_name: "Sequential",
  config: { name: "s", layers },
});
const functional = (layers: Json[], more: Json = { input_layers: [["in", 0, 0]] }) => ({
  class_name: "Functional",
  config: { name: "f", layers, ...more },
});

/** A model of one dense layer, unless something else is said. */
const modelOf = (
  {
    model = sequential(INPUT, layer("Flatten"), DENSE),
    weights = [kernel, bias],
    paths = ["w.bin"],
    ...more
  }: {
    model?: Json;
    weights?: Json[];
    paths?: unknown[];
  } & Json = {},
) => ({
  format: "layers-model",
  modelTopology: { keras_version: "2.15.0", model_config: model },
  weightsManifest: [{ paths, weights }],
  ...more,
});

/** Writes a model and as many ramping numbers as its weights hold. */
async function write(folder: string, model: Json | Json[], numbers = 15, name = "model.json") {
  await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(model));
  await Deno.writeFile(`${folder}/w.bin`, payload(ramp(numbers), "<f4") as Uint8Array<ArrayBuffer>);
  return `${folder}/${name}`;
}

async function refused(
  folder: string,
  model: Json | Json[],
  why: string,
  { numbers = 15, ...wanted }: Partial<LayerWanted> & { numbers?: number } = {},
) {
  const path = await write(folder, model, numbers);
  const { message } = await assertRejects(
    () => readLayerFile(path, { shape, ...wanted }),
    DataError,
  );
  assertEquals(message.includes("\n"), false, message);
  assertStringIncludes(message.replaceAll(`${folder}/`, ""), why);
}

Deno.test({
  name: "readLayerFile() takes the first layer of tfjs models as Keras computes it",
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

test("readLayerFile() takes a model that tfjs itself saves, by its folder or its file", async (folder) => {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [4, 4, 3], filters: 2, kernelSize: 3, padding: "same" }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2 }),
    ],
  });
  await model.save(tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    const weightsManifest = [{ paths: ["w.bin"], weights: weightSpecs }];
    await Deno.writeTextFile(
      `${folder}/model.json`,
      JSON.stringify({ modelTopology, weightsManifest }),
    );
    await Deno.writeFile(`${folder}/w.bin`, new Uint8Array(weightData as ArrayBuffer));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
  }));
  const given = Float64Array.from({ length: 48 }, (_, k) => (k * 37) % 256);
  const expected = tf.tidy(() => {
    const out = model.layers[0].apply(tf.tensor4d([...given], [1, 4, 4, 3])) as tf.Tensor;
    return out.transpose([0, 3, 1, 2]).dataSync(); // by filter, row, column
  });
  model.dispose();
  for (const path of [folder, `${folder}/model.json`]) {
    const { W1, hidden, convolution } = await readLayerFile(path, { shape: [4, 4, 3] });
    assertEquals(convolution, { filters: 2, kernel: 3, stride: 1, padding: 1, outputs: [4, 4] });
    for (let row = 0; row < hidden; row++) {
      const product = given.reduce((sum, x, p) => sum + x * W1[row * 48 + p], 0);
      assertEquals(Math.abs(product - expected[row]) < 1e-3, true, `row ${row}`);
    }
  }
});

test("readLayerFile() walks what tfjs models are made of", async (folder) => {
  const right = Float64Array.from({ length: 12 }, (_, k) => 1 + (k % 4) * 3 + Math.floor(k / 4));
  const history = { class_name: "__keras_tensor__", config: { keras_history: ["in", 0, 0] } };
  const models: Record<string, Json> = {
    "Sequential": sequential(INPUT, layer("Flatten"), DENSE),
    "Sequential of an early tfjs": {
      class_name: "Sequential",
      config: [layer("Flatten", { batch_input_shape: [null, 2, 2] }), DENSE],
    },
    "no input shape": sequential(DENSE),
    "Functional": functional([DENSE_ON("flat"), layer("Flatten", { name: "flat" }, "in"), INPUT]),
    "Functional of Keras 3": functional([
      INPUT,
      { ...layer("Flatten", { name: "flat" }), inbound_nodes: [{ args: [history], kwargs: {} }] },
      DENSE_ON("flat"),
    ], { input_layers: ["in", 0, 0] }),
    "a model in a model": sequential(INPUT, {
      class_name: "Functional",
      config: functional([INPUT, layer("Flatten", {}, "in")]).config,
      name: "inner",
    }, DENSE),
    "a fork behind": functional([
      INPUT,
      layer("Flatten", { name: "flat" }, "in"),
      DENSE_ON("flat"),
      layer("ReLU", {}, "dense"),
      layer("Softmax", {}, "dense"),
    ]),
  };
  for (const [name, model] of Object.entries(models)) {
    const { W1, bias, notes } = await readLayerFile(await write(folder, modelOf({ model })), {
      shape,
    });
    assertEquals([W1, bias], [right, Float64Array.of(13, 14, 15)], name);
    assertStringIncludes(notes[0], "layer dense (Dense) is its first layer with weights, [4, 3]");
  }
  const plain = await readLayerFile(await write(folder, modelOf().weightsManifest), { shape });
  assertEquals(plain.W1, right); // a bare manifest
  assertEquals(plain.bias, Float64Array.of(13, 14, 15));
  const graph = modelOf({ modelTopology: { node: [], versions: {} } });
  assertEquals((await readLayerFile(await write(folder, graph), { shape })).W1, right); // a graph model
});

function DENSE_ON(from: string) {
  return layer("Dense", { units: 3 }, from);
}

test("readLayerFile() names the tfjs layer that it cannot take into the first one", async (folder) => {
  const before = (...layers: Json[]) =>
    modelOf({ model: sequential(INPUT, ...layers, layer("Flatten"), DENSE) });
  const way = "name the array by --tensor to take it by itself";
  await refused(
    folder,
    before(layer("BatchNormalization")),
    `layer batchnormalization (BatchNormalization) stands before its first weights, and in training depends on the whole batch: ${way}`,
  );
  await refused(
    folder,
    before(layer("LSTM")),
    `layer lstm (LSTM) stands before its first weights and is not read: ${way}`,
  );
  await refused(
    folder,
    before(layer("Activation", { activation: "tanh" })),
    "layer activation (Activation) (tanh) before its first weights is not linear",
  );
  await refused(
    folder,
    before(layer("Rescaling", { scale: 1, offset: -1 }), layer("ReLU")),
    "layer relu (ReLU) (relu) before",
  );
  await refused(
    folder,
    before(layer("Reshape", { target_shape: [3] })),
    "layer reshape (Reshape) does not fit its input [2, 2, 1]",
  );
  await refused(
    folder,
    modelOf({ model: sequential(INPUT, DENSE) }),
    "layer dense (Dense) is given [2, 2, 1], expected a Flatten before it",
  );
  await refused(
    folder,
    modelOf({ model: sequential(INPUT, layer("Flatten")) }),
    "it has no Dense or Conv2D layer",
  );
  await refused(
    folder,
    modelOf({ model: sequential(INPUT, layer("Flatten"), layer("Dense", { name: "other" })) }),
    "layer other (Dense) has no array other/kernel among its weights",
  );
  await refused(
    folder,
    modelOf({ weights: [{ ...kernel, shape: [3, 4] }, bias] }),
    "the bias of layer dense (Dense) is [3], expected [4]",
  );
  await refused(
    folder,
    modelOf({ weights: [{ ...kernel, shape: [5, 3] }, bias] }),
    "layer dense (Dense) has a kernel [5, 3] and is given [4]",
    { numbers: 18 },
  );
  await refused(
    folder,
    modelOf({
      model: functional([
        INPUT,
        layer("Flatten", { name: "flat" }, "in"),
        layer("Dense", { name: "a" }, "flat"),
        layer("Dense", { name: "b" }, "flat"),
      ]),
    }),
    "a fork to layer a (Dense) and layer b (Dense) stands before its first weights",
  );
  await refused(
    folder,
    modelOf({
      model: functional([INPUT, layer("InputLayer", { name: "in2" }), DENSE_ON("in")], {}),
    }),
    "it has 2 inputs (in, in2), expected one",
  );
  await refused(
    folder,
    modelOf({ model: functional([INPUT, { ...layer("Dropout", { name: "a" }, "in", "a") }]) }),
    "a fork to layer a (Dropout) stands",
  );
  const round = functional([
    layer("Dropout", { name: "in" }, "a"),
    layer("Dropout", { name: "a" }, "in"),
  ]);
  await refused(
    folder,
    modelOf({ model: round }),
    "its layers go round in a circle at layer in (Dropout)",
  );
  await refused(
    folder,
    modelOf({ model: { class_name: "Sequential", config: {} } }),
    "it has no list of layers",
  );
  await refused(
    folder,
    modelOf({ model: { class_name: "Subclassed", config: {} } }),
    "it is a Subclassed model, expected Sequential or Functional",
  );
  let nested: Json = DENSE;
  for (let depth = 0; depth < 20; depth++) nested = { ...sequential(nested), name: `m${depth}` };
  await refused(folder, modelOf({ model: nested }), "models inside models, deeper than 16");
  const conv = (config: Json) =>
    modelOf({
      model: sequential(INPUT, layer("Conv2D", { name: "c", padding: "valid", ...config })),
      weights: [{ name: "c/kernel", shape: [2, 2, 1, 3], dtype: "float32" }],
    });
  const twelve = { numbers: 12 };
  await refused(folder, conv({ groups: 3 }), "layer c (Conv2D) has groups", twelve);
  await refused(folder, conv({ dilation_rate: [2, 2] }), "layer c (Conv2D) is dilated", twelve);
  await refused(
    folder,
    conv({ strides: [1, 2] }),
    "layer c (Conv2D) has strides 1 × 2, only equal ones are read",
    twelve,
  );
  await refused(
    folder,
    conv({ padding: "causal" }),
    "layer c (Conv2D) has padding causal, expected same or valid",
    twelve,
  );
  await refused(
    folder,
    modelOf({ model: sequential(layer("Flatten", { batch_input_shape: [null, 28, 28] }), DENSE) }),
    "the model takes [28, 28], 784 inputs, the images are 2 × 2 × 3: give --resize 28x28 --grey; it fits --dataset mnist",
    { shape: [2, 2, 3] },
  );
  await refused(folder, modelOf(), "its own structure tells, leave out --padding", { padding: 1 });
});

test("readLayerFile() refuses shards that are missing, of another size, or not the model's own", async (folder) => {
  const at = (...paths: unknown[]) => modelOf({ paths });
  await Deno.mkdir(`${folder}/sub`);
  await refused(
    folder,
    at("../w.bin"),
    'its weights "../w.bin" lie outside its folder: put them beside it',
  );
  await refused(folder, at("sub/../../w.bin"), "lie outside its folder");
  await refused(folder, at("..\\w.bin"), "lie outside its folder");
  await refused(folder, at(`${folder}/w.bin`), "lie outside its folder");
  await refused(folder, at("C:\\w.bin"), "lie outside its folder");
  await refused(
    folder,
    at("https://example.org/w.bin"),
    "its weights are at an address (https://example.org/w.bin): download them",
  );
  await refused(folder, at("file:///etc/passwd"), "its weights are at an address");
  await refused(folder, at("//example.org/w.bin"), "its weights are at an address");
  await refused(folder, at(7), "it names a file of weights without a name");
  await refused(folder, at("w2.bin"), "its shard w2.bin is missing, put it beside it");
  await refused(folder, at("sub"), "its shard sub is no regular file");
  await refused(
    folder,
    at("w.bin"),
    "its shard w.bin has 56 bytes, truncated: the manifest's weights take 60",
    { numbers: 14 },
  );
  await refused(folder, at("w.bin"), "its shard w.bin has 64 bytes, too long", { numbers: 16 });
  await refused(folder, at("w.bin", "w.bin"), "its shards w.bin … have 120 bytes, too long");
  await refused(
    folder,
    modelOf({ weights: [kernel, { ...bias, name: "dense/kernel" }] }),
    "two tensors are called dense/kernel",
  );
  await refused(
    folder,
    modelOf({ weights: [{ ...kernel, dtype: "string" }, bias] }),
    "dense/kernel is of type string, expected float32,",
  );
  await refused(
    folder,
    modelOf({ weights: [{ ...kernel, shape: [4, -3] }, bias] }),
    "dense/kernel in its manifest has no shape",
  );
  await refused(
    folder,
    modelOf({ weights: [{ shape: [1] }] }),
    "a weight in its manifest has no name",
  );
  await refused(
    folder,
    modelOf({ weights: [{ ...kernel, shape: [2 ** 16, 2 ** 16] }] }),
    "its weights take 17.2 GB",
  );
  await refused(
    folder,
    modelOf({ weights: [{ ...kernel, quantization: { dtype: "uint8" } }] }),
    "dense/kernel is quantised without scale and min",
  );
  const path = await write(folder, modelOf());
  await Deno.writeFile(
    `${folder}/w.bin`,
    payload([NaN, ...ramp(14)], "<f4") as Uint8Array<ArrayBuffer>,
  );
  const nan = await assertRejects(() => readLayerFile(path, { shape }), DataError);
  assertStringIncludes(nan.message, "model.json, dense/kernel: value [0, 0] is NaN");
  const whole = await Deno.readTextFile(path);
  for (
    const [text, why] of [
      [whole.slice(0, -9), "begins as JSON and is none, truncated or damaged"],
      ['{"a": 1}', "it is JSON"],
    ]
  ) {
    await Deno.writeTextFile(path, text);
    const { message } = await assertRejects(() => readLayerFile(path, { shape }), DataError);
    assertStringIncludes(message, why);
  }
  await Deno.writeTextFile(path, "[".repeat(1_000_000));
  await assertRejects(() => readLayerFile(path, { shape }), DataError, "truncated or damaged");
});
