import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
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
      "a PyTorch file; --weights takes .npy, .npz, .safetensors, .onnx and tfjs' model.json: numpy.save(",
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
