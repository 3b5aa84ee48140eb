import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { convMatrix, outputSide } from "lib/attack/conv.ts";
import { DataError } from "lib/data/dataset.ts";
import { type LayerWanted, readLayerFile } from "lib/data/layer_file.ts";
import { encodeFirst } from "lib/protocol/mitig2/files.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import { concat, npy, payload, safetensors, transposed, zip } from "./weight_files.ts";

const test = (name: string, body: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(body) });

const shape = [2, 2, 1] as const; // four pixels
const ramp = (count: number) => Float64Array.from({ length: count }, (_, k) => k + 1);
const text = (words: string) => new TextEncoder().encode(words) as Uint8Array<ArrayBuffer>;

/** Reads a file of these bytes. */
async function read(
  folder: string,
  bytes: Uint8Array,
  wanted: Partial<LayerWanted> = {},
  name = "w.npy",
) {
  const path = `${folder}/${name}`;
  await Deno.writeFile(path, bytes as Uint8Array<ArrayBuffer>);
  return await readLayerFile(path, { shape, ...wanted });
}

/** The one line that refuses it, without the folder. */
async function refusal(
  folder: string,
  bytes: Uint8Array,
  wanted: Partial<LayerWanted> = {},
  name = "w.npy",
) {
  const { message } = await assertRejects(() => read(folder, bytes, wanted, name), DataError);
  assertEquals(message.includes("\n"), false, message);
  return message.replace(`${folder}/`, "");
}

test("readLayerFile() takes safetensors of every type of real numbers", async (folder) => {
  const types = {
    ...{ F64: "<f8", F32: "<f4", F16: "<f2", I64: "<i8", I32: "<i4", I16: "<i2", I8: "<i1" },
    ...{ U64: "<u8", U32: "<u4", U16: "<u2", U8: "<u1" },
  };
  for (const [dtype, descr] of Object.entries(types)) {
    const content = payload(ramp(12), descr);
    const file = safetensors({ w: { dtype, shape: [3, 4], content } });
    assertEquals((await read(folder, file)).W1, ramp(12), dtype);
  }
  const halves = payload(ramp(12), "<f4").filter((_, k) => k % 4 >= 2); // 1 to 12 lose nothing
  const bfloat = safetensors({ w: { dtype: "BF16", shape: [3, 4], content: halves } });
  assertEquals((await read(folder, bfloat)).W1, ramp(12));
});

test("readLayerFile() takes this workspace's own model, its pixelScale into W1", async (folder) => {
  const W1 = Float32Array.from(ramp(12));
  const state = { W1, steps: 7, moments: [W1.map(() => 0), W1.map(() => 1)] };
  const [sessionKey, orderKey] = [new Uint8Array(16), new Uint8Array(16)];
  const ours = (pixelScale: number) => {
    const terms = JSON.stringify({ pixelScale });
    const notes = { file: "model.safetensors", sessionKey, orderKey, terms, source: "csprng" };
    return encodeFirst(state, 4, notes);
  };
  const file = ours(1 / 255);
  const layer = await read(folder, file, {}, "model.safetensors");
  assertEquals(layer.W1, ramp(12).map((w) => w / 255));
  assertEquals(layer.notes.map((note) => note.replace(`${folder}/`, "")), [
    "model.safetensors: W1 [3, 4] is taken as [3, 4]",
    `model.safetensors: its pixelScale, ${1 / 255}, is taken into W1`,
  ]);
  const odd = ours(-1);
  assertStringIncludes(
    await refusal(folder, odd),
    "its pixelScale is -1, expected a positive number",
  );
  assertStringIncludes(
    await refusal(folder, ours(1e308)),
    "the scale of its inputs takes W1 [3, 4] out of float64",
  );
});

test("readLayerFile() refuses a layer of no units", async (folder) => {
  const empty = safetensors({ w: { dtype: "F32", shape: [0, 4], content: new Uint8Array() } });
  assertEquals(await refusal(folder, empty), "Cannot use w.npy: [0, 4] holds no number");
});

test("readLayerFile() turns [in, hidden] and asks about a square matrix", async (folder) => {
  const keras = npy(transposed(ramp(12), 3, 4), [4, 3]);
  assertEquals((await read(folder, keras)).W1, ramp(12));
  const square = npy(ramp(16), [4, 4]);
  assertEquals(
    await refusal(folder, square),
    "Cannot use w.npy: [4, 4] fits both ways: --orientation hidden-in (as PyTorch has it) or in-hidden (Keras)",
  );
  assertEquals((await read(folder, square, { orientation: "hidden-in" })).W1, ramp(16));
  const turned = (await read(folder, square, { orientation: "in-hidden" })).W1;
  assertEquals(turned, transposed(ramp(16), 4, 4));
  assertStringIncludes(
    await refusal(folder, keras, { orientation: "hidden-in" }),
    "[4, 3] is not hidden-in, but in-hidden",
  );
});

test("readLayerFile() flattens images, PyTorch's channels-first ones into this workspace's order", async (folder) => {
  assertEquals((await read(folder, npy(ramp(12), [3, 2, 2]))).W1, ramp(12));
  assertEquals((await read(folder, npy(ramp(12), [3, 1, 2, 2]))).W1, ramp(12));
  assertEquals((await read(folder, npy(transposed(ramp(12), 3, 4), [2, 2, 3]))).W1, ramp(12));
  const colour = { shape: [1, 2, 3] } as const;
  const torch = await read(folder, npy(ramp(6), [1, 3, 1, 2]), colour); // r r g g b b
  assertEquals([...torch.W1], [1, 3, 5, 2, 4, 6]);
  assertStringIncludes(torch.notes.join(), "channel by channel, reordered to pixel by pixel");
  assertEquals((await read(folder, npy(ramp(6), [1, 1, 2, 3]), colour)).W1, ramp(6));
});

test("readLayerFile() chooses the only tensor that fits, else asks", async (folder) => {
  const [fc1, fc2, bias] = [npy(ramp(12), [3, 4]), npy(ramp(6), [2, 3]), npy(ramp(3), [3])];
  for (const deflated of [false, true]) {
    const model = zip({ "fc1.npy": fc1, "fc2.npy": fc2, "b.npy": bias }, deflated);
    const { W1, notes } = await read(folder, model, {}, "m.npz");
    assertEquals([W1, notes.length], [ramp(12), 1]);
  }
  const twice = zip({ "enc.npy": fc1, "dec.npy": npy(ramp(12), [4, 3]), "b.npy": bias });
  assertEquals(
    await refusal(folder, twice, {}, "m.npz"),
    "Cannot use m.npz: several tensors fit, choose by --tensor NAME: enc [3, 4], dec [4, 3]",
  );
  assertEquals((await read(folder, twice, { tensor: "enc" })).W1, ramp(12));
  assertStringIncludes(
    await refusal(folder, twice, { tensor: "fc9" }),
    'it has no tensor "fc9" but enc [3, 4], dec [4, 3], b [3]',
  );
  const none = zip({ "fc2.npy": fc2, "b.npy": bias });
  assertStringIncludes(
    await refusal(folder, none),
    "no tensor is [hidden, 4] or filters over the images' channels among fc2 [2, 3], b [3]",
  );
  const deep = zip({ "fc1.npy": fc1, "deep.npy": npy(ramp(12), [3, 2, 1, 2]) });
  assertEquals((await read(folder, deep)).W1, ramp(12)); // filters of 4 numbers each, by chance
  const torn = zip({ "fc1.npy": fc1, "config.npy": text("not an array") });
  assertEquals((await read(folder, torn)).W1, ramp(12));
});

test("readLayerFile() says what to do about a matrix of another size", async (folder) => {
  const shapes: [number[], string][] = [
    [[3, 5], "one column more than 4 pixels, a bias"],
    [[5, 3], "one row more than 4 pixels, a bias"],
    [[12], "it is [12], expected [hidden, 4]: save W.reshape(-1, 4)"],
    [[5], "it is [5], expected [hidden, 4]"],
    [[3, 7], "it is [3, 7], expected [hidden, 4]"],
    [[6, 1, 5, 5], "[6, 1, 5, 5] are filters, larger than images of 2 × 2"],
    [[6, 3, 2, 2], "[6, 3, 2, 2] are filters, they take 3 channels, the images have 1"],
    [[6, 1, 2, 1], "[6, 1, 2, 1] are filters, their kernel is 2 × 1, only square ones are read"],
    [
      [2, 1024],
      "expected [hidden, 4]; it takes 1024 inputs, the images are 2 × 2 × 1: give --resize 32x32; it fits --dataset cifar10-gray",
    ],
    [[10_001, 4], "10001 units, at most 10000: save W[:10000]"],
  ];
  for (const [sizes, why] of shapes) {
    const count = sizes.reduce((a, b) => a * b, 1);
    assertStringIncludes(await refusal(folder, npy(new Float32Array(count), sizes)), why);
  }
});

test("readLayerFile() names the format of what it cannot take, and how to export from it", async (folder) => {
  const torch = zip({ "model/data.pkl": text("x"), "model/data/0": text("y") });
  const keras = zip({ "config.json": text("{}"), "model.weights.h5": text("\x89HDF") });
  const binary = (...bytes: number[]) => Uint8Array.from([...bytes, ...new Uint8Array(60)]);
  const files: [string, Uint8Array, string][] = [
    [
      "m.pt",
      torch,
      "a PyTorch file; --weights takes .npy, .npz, .safetensors, .onnx and tfjs' model.json: safetensors.torch",
    ],
    ["old.pth", binary(0x80, 2, 0x8a), "a Python pickle (.pkl, old PyTorch)"],
    ["m.keras", keras, "a Keras file"],
    ["m.h5", binary(0x89, 0x48, 0x44, 0x46), "HDF5 (Keras .h5)"],
    [
      "w.csv",
      text("1.5,2.5\n3,4\n"),
      'and tfjs\' model.json: numpy.save("w.npy", numpy.loadtxt',
    ],
    ["w.json", text("[[1, 2], [3, 4]]"), "JSON"],
    ["w.npy.gz", binary(0x1f, 0x8b), "compressed"],
    ["w.mat", text("MATLAB 5.0 MAT-file"), "a MATLAB file"],
    [
      "lfs.npy",
      text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      "a pointer of Git LFS",
    ],
    ["page.npy", text("<!DOCTYPE html><title>404"), "a web page"],
    ["what.bin", binary(0xff, 0xfe), "of unknown format (.bin)"],
    ["empty.npz", zip({}), "an archive without .npy files"],
    ["empty.npy", new Uint8Array(0), "it is empty"],
  ];
  for (const [name, bytes, what] of files) {
    assertStringIncludes(await refusal(folder, bytes, {}, name), what);
  }
  const missing = await assertRejects(() => readLayerFile(`${folder}/none`, { shape }), DataError);
  assertStringIncludes(missing.message, "no such file");
  const at = await assertRejects(() => readLayerFile(folder, { shape }), DataError);
  assertStringIncludes(at.message, "it is a folder");
  if (Deno.build.os !== "windows") {
    const endless = await assertRejects(() => readLayerFile("/dev/zero", { shape }), DataError);
    assertStringIncludes(endless.message, "no regular file");
  }
});

test("readLayerFile() refuses archives and safetensors that are damaged or claim too much", async (folder) => {
  const matrix = npy(ramp(12), [3, 4]);
  const model = zip({ "w.npy": matrix });
  const flipped = model.slice();
  flipped[200] ^= 1;
  assertStringIncludes(await refusal(folder, flipped), "w.npy is damaged");
  const deflated = zip({ "w.npy": matrix }, true);
  deflated[60] ^= 0xff;
  assertStringIncludes(await refusal(folder, deflated), "w.npy is damaged");
  assertStringIncludes(await refusal(folder, model.slice(0, -30)), "truncated or damaged archive");
  const bomb = zip({ "w.npy": new Uint8Array(1 << 20) }, true);
  const claims = bomb.slice();
  const central = claims.length - 22 - 46 - "w.npy".length;
  new DataView(claims.buffer).setUint32(central + 24, 2 ** 31, true);
  assertStringIncludes(await refusal(folder, claims), "its arrays take 2.1 GB");
  new DataView(claims.buffer).setUint32(central + 24, 1000, true);
  assertStringIncludes(await refusal(folder, claims), "w.npy is damaged");

  const content = payload(ramp(12), "<f4");
  const safe = (shape: number[], dtype = "F32") =>
    safetensors({ "w\n": { dtype, shape, content } });
  assertStringIncludes(
    await refusal(folder, safe([3, 5])),
    "truncated, shape [3, 5] takes 60 bytes, got 48",
  );
  assertStringIncludes(await refusal(folder, safe([2 ** 40, 2 ** 40])), "truncated");
  assertStringIncludes(
    await refusal(folder, safe([3, 4], "F8_E4M3")),
    "w? is of type F8_E4M3, save it as float32",
  );
  assertStringIncludes(await refusal(folder, safe([3, 4]).slice(0, -4)), "w? is cut off");
  assertStringIncludes(await refusal(folder, safe([3, 4]).slice(0, 20)), "truncated, the header");
  assertStringIncludes(
    await refusal(folder, concat([safe([3, 4]).slice(0, 8), text("{]".padEnd(80))])),
    "not JSON",
  );
});

/** Filters [filters, channels, kernel, kernel], in Keras' order. */
const kerasFilters = (values: ArrayLike<number>, filters: number, channels: number, k: number) =>
  Float64Array.from({ length: values.length }, (_, at) => {
    const [f, depth] = [at % filters, Math.floor(at / filters) % channels];
    const tap = Math.floor(at / filters / channels); // a · k + b
    return values[(f * channels + depth) * k * k + tap];
  });

test("readLayerFile() takes filters of PyTorch and Keras as the matrix that they are", async (folder) => {
  const colour = { shape: [4, 5, 3] as const };
  const torch = npy(ramp(54), [2, 3, 3, 3]);
  const keras = npy(kerasFilters(ramp(54), 2, 3, 3), [3, 3, 3, 2]);
  for (const { stride, padding } of [{}, { stride: 2, padding: 1 }] as const) {
    const geometry = { filters: 2, kernel: 3, shape: colour.shape, stride, padding };
    const channelsLast = ramp(54).map((_, at) => { // convMatrix takes [filters, kernel, kernel, channels]
      const [f, tap, depth] = [Math.floor(at / 27), Math.floor(at % 27 / 3), at % 3];
      return f * 27 + depth * 9 + tap + 1;
    });
    const expected = convMatrix(geometry, channelsLast);
    for (const file of [torch, keras]) {
      const layer = await read(folder, file, { ...colour, stride, padding });
      assertEquals(layer.W1, expected);
      const outputs = [outputSide(4, geometry), outputSide(5, geometry)] as const;
      const taken = { filters: 2, kernel: 3, stride: stride ?? 1, padding: padding ?? 0, outputs };
      assertEquals([layer.convolution, layer.hidden, layer.bias], [
        taken,
        expected.length / 60,
        null,
      ]);
    }
  }
  const both = npy(ramp(81), [3, 3, 3, 3]);
  assertStringIncludes(
    await refusal(folder, both, colour),
    "[3, 3, 3, 3] fits both ways: --orientation",
  );
  const first = await read(folder, both, { ...colour, orientation: "hidden-in" });
  assertEquals([...first.W1.slice(0, 3)], [1, 10, 19]); // a pixel's three channels
  const last = await read(folder, both, { ...colour, orientation: "in-hidden" });
  assertEquals([...last.W1.slice(0, 3)], [1, 4, 7]);
  await assertRejects(() => read(folder, torch, { ...colour, stride: 0 }), RangeError, "stride 0");
  await assertRejects(
    () => read(folder, torch, { ...colour, padding: -1 }),
    RangeError,
    "padding -1",
  );
  const dense = npy(ramp(12), [3, 4]);
  assertStringIncludes(
    await refusal(folder, dense, { stride: 2 }),
    "[3, 4] is a dense layer, leave out --stride and --padding",
  );
});

test("readLayerFile() takes as many filters as decide an image, and says so", async (folder) => {
  const filters = npy(new Float32Array(16).fill(1), [16, 1, 1, 1]);
  const layer = await read(folder, filters, { shape: [32, 32, 1] });
  assertEquals([layer.hidden, layer.convolution!.filters], [9216, 9]);
  assertStringIncludes(
    layer.notes.at(-2)!,
    "only the first 9 filters are taken: 9216 rows, for 1024 pixels",
  );
  const colour = npy(new Float32Array(48).fill(1), [16, 3, 1, 1]);
  const fewer = await read(folder, colour, { shape: [32, 32, 3] });
  assertEquals([fewer.hidden, fewer.convolution!.filters], [5120, 5]); // 6144 rows of 3072 are over 2^24 numbers
  const wide = await read(folder, colour, { shape: [40, 40, 3] });
  assertEquals([wide.hidden, wide.n], [6400, 4800]); // but one and a half rows a pixel
  assertStringIncludes( // 9 of 16 filters would leave 9216 rows of 12,288 pixels: not what the server has
    await refusal(folder, npy(new Float32Array(48).fill(1), [16, 3, 1, 1]), { shape: [64, 64, 3] }),
    "its 16 filters give more rows than the 10000 that are taken, for 12288 pixels; resize",
  );
  assertStringIncludes(
    await refusal(folder, filters, { shape: [101, 100, 1] }),
    "one filter of [16, 1, 1, 1] has 10100 outputs, at most 10000: give smaller images by --resize",
  );
});

test("readLayerFile() flattens colour as PyTorch or Keras does, unless told", async (folder) => {
  const colour = { shape: [1, 2, 3] as const };
  const rows = (orientation: string, inputOrder?: "channels-first" | "channels-last") =>
    read(folder, npy(ramp(12), orientation === "torch" ? [2, 6] : [6, 2]), {
      ...colour,
      inputOrder,
    });
  const torch = await rows("torch"); // r r g g b b
  assertEquals([...torch.W1.slice(0, 6)], [1, 3, 5, 2, 4, 6]);
  assertStringIncludes(
    torch.notes[0],
    "taken channel by channel, as PyTorch flattens images: --input-order channels-last",
  );
  assertEquals((await rows("torch", "channels-last")).W1, ramp(12));
  const keras = await rows("keras");
  assertEquals([...keras.W1.slice(0, 6)], [1, 3, 5, 7, 9, 11]);
  assertStringIncludes(
    keras.notes.join(),
    "taken pixel by pixel, as Keras flattens images: --input-order channels-first",
  );
  assertEquals([...(await rows("keras", "channels-first")).W1.slice(0, 6)], [1, 5, 9, 3, 7, 11]);
  assertStringIncludes(
    await refusal(folder, npy(ramp(6), [1, 3, 1, 2]), { ...colour, inputOrder: "channels-last" }),
    "its inputs are [3, 1, 2], channels-first: leave out --input-order",
  );
});

test("readLayerFile() takes the bias beside a layer by its name", async (folder) => {
  const names: [string, string][] = [
    ["fc1.weight", "fc1.bias"],
    ["dense/kernel", "dense/bias"],
    ["dense/kernel:0", "dense/bias:0"],
    ["conv0/filters", "conv0/bias"],
    ["W1", "b1"],
    ["W", "b"],
    ["w", "b"],
  ];
  for (const [weight, bias] of names) {
    const files = {
      [`${weight}.npy`]: npy(ramp(12), [3, 4]),
      [`${bias}.npy`]: npy([7, 8, 9], [3]),
    };
    const { W1, bias: taken, notes } = await read(folder, zip(files));
    assertEquals([W1, taken], [ramp(12), Float64Array.of(7, 8, 9)], weight);
    assertStringIncludes(notes.join(), `${bias} is its bias, known to the server`);
  }
  const other = zip({ "fc1.weight.npy": npy(ramp(12), [3, 4]), "fc1.bias.npy": npy([7, 8], [2]) });
  assertEquals((await read(folder, other)).bias, null);
  const filters = zip({
    "c.weight.npy": npy(ramp(2), [2, 1, 1, 1]),
    "c.bias.npy": npy([7, 8], [2]),
  });
  assertEquals((await read(folder, filters)).bias, Float64Array.of(7, 7, 7, 7, 8, 8, 8, 8));
});

test("readLayerFile() says which images a file of names takes", async (folder) => {
  const colour = { shape: [32, 32, 3] as const };
  const model = zip({
    "fc1.weight.npy": npy(new Float32Array(1024 * 784), [1024, 784]),
    "fc2.weight.npy": npy(ramp(6), [2, 3]),
  });
  assertStringIncludes(
    await refusal(folder, model, colour),
    "; it takes 784 inputs, the images are 32 × 32 × 3: give --resize 28x28 --grey; it fits --dataset mnist",
  );
  assertStringIncludes(
    await refusal(folder, npy(new Float32Array(3072 * 7), [3072, 7])),
    "it takes 3072 inputs, the images are 2 × 2 × 1: give --resize 32x32 and give colour images",
  );
});

test("readLayerFile() refuses archives and safetensors with two arrays of one name, or names that lead out", async (folder) => {
  const matrix = npy(ramp(12), [3, 4]);
  const named = (name: string) => {
    const file = zip({ "w.npy": matrix, "v.npy": matrix });
    const text = new TextDecoder("latin1").decode(file).replaceAll("v.npy", name);
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  };
  assertStringIncludes(await refusal(folder, named("w.npy")), "two tensors are called w");
  for (const name of ["../w.npy", "/etc/w.npy", "C:\\w.npy", "a\\w.npy", "a/../../w.npy"]) {
    assertStringIncludes(
      await refusal(folder, zip({ [name]: matrix })),
      `its array ${name} points outside the archive: save it again by numpy.savez`,
    );
  }
  const content = payload(ramp(12), "<f4");
  const twice = safetensors({
    ww: { dtype: "F32", shape: [3, 4], content },
    wv: { dtype: "F32", shape: [3, 4], content },
  });
  const at = new TextDecoder("latin1").decode(twice).indexOf("wv");
  twice[at + 1] = "w".charCodeAt(0);
  assertStringIncludes(await refusal(folder, twice), "two tensors are called ww");
  // the same key by another spelling, and one that only looks like a key
  const spelt = (json: string) => {
    const header = text(json);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
    return concat([length, header, content]);
  };
  const entry = '{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]}';
  assertStringIncludes(
    await refusal(folder, spelt(`{"w":${entry},"\\u0077":${entry}}`)),
    "two tensors are called w",
  );
  const layer = await read(folder, spelt(`{"__metadata__":{"a":"\\"w\\":1,{"},"w":${entry}}`));
  assertEquals(layer.W1, ramp(12));
});
