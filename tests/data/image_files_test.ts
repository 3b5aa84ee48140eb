import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { readImages } from "lib/data/image_files.ts";
import { permitted } from "../tools/fixtures.ts";
import { png, ramp, refusal, test, write } from "./sample_files.ts";
import { npy, zip } from "./weight_files.ts";

const grey = (from: number) => png(ramp(6, from), [2, 3, 1]);

test("readImages() reads a folder by name, and says what it left out", async (folder) => {
  await write(folder, {
    ...{ "b.png": grey(2), "a.PNG": grey(1), "c.jpeg": grey(3), ".hidden.png": "x" },
    ...{ "notes.txt": "x", "old.gif": "GIF8", "cat/d.png": grey(4) },
  });
  const { x, y, shape, count, names, labelled, classes, kind, notes } = await readImages([folder]);
  assertEquals([...x], [...ramp(6, 1), ...ramp(6, 2), ...ramp(6, 3)]);
  assertEquals([shape, count, names], [[2, 3, 1], 3, ["a.PNG", "b.png", "c.jpeg"]]);
  assertEquals([[...y], labelled, classes, kind], [[0, 0, 0], false, ["?"], "image"]);
  assertEquals(notes.map((note) => note.replace(folder, "F")), [
    "F: 3 images of 2×3 in grey (1 channel)",
    "F: left out 2 files of other kinds (.gif, .txt), 1 hidden file, 1 folder",
  ]);
});

test("readImages() takes folders as classes, dealt in turn", async (folder) => {
  await write(folder, {
    ...{ "dog/1.png": grey(1), "cat/2.png": grey(2), "cat/3.png": grey(3), "empty/x.txt": "x" },
    ...{ "readme.md": "x", "cat/deeper/4.png": grey(4) },
  });
  const { names, y, classes, labelled, notes } = await readImages([folder]);
  assertEquals([names, [...y]], [["cat/2.png", "dog/1.png", "cat/3.png"], [0, 1, 0]]);
  assertEquals([classes, labelled], [["cat", "dog"], true]);
  assertEquals(notes.slice(1).map((note) => note.replace(folder, "F")), [
    "F: its 2 folders are the classes",
    "F: left out 2 files of other kinds (.md, .txt), 1 folder without images",
  ]);
  const first = await readImages([folder], { limit: 2 });
  assertEquals([first.names, first.count], [["cat/2.png", "dog/1.png"], 2]);
});

test("readImages() takes files in the order given, and several folders without classes", async (folder) => {
  await write(folder, { "a/1.png": grey(1), "b/2.png": grey(2), "3": grey(3) });
  const paths = ["3", "b", "a"].map((name) => `${folder}/${name}`);
  const { names, labelled, name } = await readImages(paths);
  assertEquals([names, labelled], [["3", "2.png", "1.png"], false]);
  assertEquals(name, `${folder}/3 and 2 more`);
});

test("readImages() keeps colour where an image has some, and greys it when asked", async (folder) => {
  await write(folder, { "a.png": grey(1), "b.png": png(ramp(18), [2, 3, 3]) });
  const colour = await readImages([folder]);
  assertEquals([colour.shape, colour.n], [[2, 3, 3], 18]);
  assertEquals([...colour.x], [...[...ramp(6, 1)].flatMap((v) => [v, v, v]), ...ramp(18)]);
  const flat = await readImages([folder], { grey: true });
  const luma = [0, 1, 2, 3, 4, 5].map((p) =>
    Math.round(0.299 * 21 * p + 0.587 * (21 * p + 7) + 0.114 * (21 * p + 14))
  );
  assertEquals([flat.shape, [...flat.x]], [[2, 3, 1], [...ramp(6, 1), ...luma]]);
});

test("readImages() counts what was done to the images in its notes", async (folder) => {
  const clear = png([...ramp(6)].flatMap((v) => [v, 255]), [2, 3, 2]);
  await write(folder, { "a.png": clear, "b.png": clear, "c.png": grey(1) });
  const { notes } = await readImages([folder], { resize: [4, 6] });
  assertEquals(notes.map((note) => note.replace(folder, "F")), [
    "F: 3 images of 4×6 in grey (1 channel)",
    "F: 2 images with an alpha channel laid on white",
    "F: 3 images resized to 4×6",
  ]);
});

test("readImages() refuses two sizes, and makes them one when asked", async (folder) => {
  await write(folder, { "a.png": grey(1), "b.png": png(ramp(9), [3, 3, 1]) });
  assertEquals(
    await refusal(folder, () => readImages([folder])),
    "Cannot read FOLDER: two sizes, a.png has 2×3 and b.png 3×3: --resize HxW makes them one",
  );
  assertEquals((await readImages([folder], { resize: [3, 3] })).shape, [3, 3, 1]);
  await write(folder, { "b.png": png(ramp(8), [2, 4, 1]) });
  const line = await refusal(folder, () => readImages([folder]));
  assertEquals(line.includes("a.png has 2×3 and b.png 2×4"), true, line);
});

test("readImages() bounds the values an image", async (folder) => {
  const [side, flat] = [80, new Uint8Array(6400)];
  await write(folder, { "a.png": png(flat, [side, side, 1]) });
  assertEquals((await readImages([folder])).n, 6400);
  await write(folder, { "b.png": png(new Uint8Array(3 * 6400).fill(9, 0, 1), [side, side, 3]) });
  assertEquals(
    await refusal(folder, () => readImages([folder])),
    "Cannot use FOLDER: 80×80 in colour are 19200 values an image, at most 12288: --resize HxW, such as 32x32",
  );
});

test("readImages() names what is not there, empty, or no image", async (folder) => {
  const of = (...names: string[]) =>
    refusal(folder, () => readImages(names.map((name) => `${folder}/${name}`)));
  await write(folder, { "a.png": grey(1), "zero.png": "", "text.png": "hello" });
  await Deno.mkdir(`${folder}/empty`);
  await write(folder, { "other/a.gif": "GIF89a", "other/b.gif": "GIF89a", "other/.c": "x" });
  assertEquals(await of("a.png", "b.png"), "Cannot read b.png: no such file or folder");
  assertEquals(await of("a.png", "zero.png"), "Cannot read zero.png: it is empty");
  assertEquals(
    await of("a.png", "text.png"),
    "Cannot read text.png: it is no image: PNG, JPEG and WebP are",
  );
  const none = "no PNG, JPEG or WebP in it or in its folders";
  assertEquals(await of("empty"), `Cannot read empty: ${none}`);
  assertEquals(
    await of("other"),
    `Cannot read other: ${none}, but 2 files of other kinds (.gif), 1 hidden file`,
  );
  const nothing = await assertRejects(() => readImages([]), DataError);
  assertEquals(nothing.message, "Cannot read images: no file and no folder given");
});

test("readImages() follows links, and refuses those in a circle", async (folder) => {
  await write(folder, { "real/a.png": grey(1), "real/b.png": grey(2) });
  await Deno.mkdir(`${folder}/links`);
  await Deno.symlink("../real/a.png", `${folder}/links/l.png`);
  await Deno.symlink("..", `${folder}/links/up`);
  assertEquals((await readImages([`${folder}/links`])).names, ["l.png"]);
  await Deno.mkdir(`${folder}/self`);
  await Deno.symlink(".", `${folder}/self/again`);
  const none = "no PNG, JPEG or WebP in it or in its folders";
  assertEquals(
    await refusal(folder, () => readImages([`${folder}/self`])),
    `Cannot read self: ${none}`,
  );
  await Deno.symlink("round.png", `${folder}/links/round.png`);
  assertEquals(
    await refusal(folder, () => readImages([`${folder}/links`])),
    "Cannot read links/round.png: its symbolic links lead in a circle",
  );
}, Deno.build.os === "windows");

test("readImages() refuses a file that its owner keeps to himself", async (folder) => {
  await write(folder, { "a.png": grey(1) });
  await Deno.chmod(`${folder}/a.png`, 0);
  assertEquals(
    await refusal(folder, () => readImages([folder])),
    "Cannot read a.png: its owner does not let you read it",
  );
}, Deno.build.os === "windows" || permitted && Deno.uid() === 0);

test("readImages() refuses what is no file, or gives no bytes", async (folder) => {
  for (const [path, why] of [["/dev/zero", "it is no regular file"], ["/proc/self/mem", ""]]) {
    const line = await refusal(folder, () => readImages([path]));
    assertEquals(line.startsWith(`Cannot read ${path}: ${why}`), true, line);
  }
}, Deno.build.os !== "linux");

test("readImages() refuses a limit and a size that are none", async (folder) => {
  await write(folder, { "a.png": grey(1) });
  for (const options of [{ limit: 0 }, { limit: 1.5 }, { resize: [0, 3] as const }]) {
    await assertRejects(() => readImages([folder], options), RangeError, "no positive integer");
  }
  assertEquals(
    await refusal(folder, () => readImages([folder], { tensor: "x" })),
    "Cannot read FOLDER: only one .npz alone has arrays to name",
  );
  assertEquals(
    await refusal(folder, () => readImages([folder], { labels: "y" })),
    "Cannot read FOLDER: --labels is for arrays; of files, folders are the classes",
  );
});

/** Reads an array file of these bytes. */
async function array(
  folder: string,
  bytes: Uint8Array,
  options: Parameters<typeof readImages>[1] = {},
  name = "x.npy",
) {
  await write(folder, { [name]: bytes });
  return await readImages([`${folder}/${name}`], options);
}

test("readImages() reads arrays of every layout", async (folder) => {
  const bytes = ramp(36);
  const read = async (shape: number[]) => {
    const { x, shape: own, names } = await array(folder, npy(bytes, shape, "|u1"));
    return { x: [...x], shape: own, names };
  };
  const names = ["image 0", "image 1"];
  assertEquals(await read([2, 2, 9]), { x: [...bytes], shape: [2, 9, 1], names });
  assertEquals(await read([2, 2, 9, 1]), { x: [...bytes], shape: [2, 9, 1], names });
  assertEquals(await read([2, 2, 3, 3]), { x: [...bytes], shape: [2, 3, 3], names });
  assertEquals(await read([2, 1, 2, 9]), { x: [...bytes], shape: [2, 9, 1], names });
  const first = await read([2, 3, 3, 2]);
  assertEquals([first.shape, first.x.slice(0, 6)], [[3, 2, 3], [0, 42, 84, 7, 49, 91]]);
  assertEquals(first.x.slice(18, 21), [...bytes.subarray(18, 19), bytes[24], bytes[30]]);
  assertEquals((await read([4, 9])).shape, [3, 3, 1]);
  assertEquals((await read([3, 12])).shape, [2, 2, 3]);
  const limited = await array(folder, npy(bytes, [4, 9], "|u1"), { limit: 3 });
  assertEquals([limited.count, [...limited.x]], [3, [...bytes.subarray(0, 27)]]);
});

test("readImages() takes 0 to 1 and 0 to 255 as bytes, and refuses other ranges", async (folder) => {
  const of = async (values: number[], descr = "<f4") => {
    const { x, notes } = await array(folder, npy(values, [1, 2, 6], descr));
    return [[...x], notes.slice(2).map((note) => note.replace(`${folder}/`, ""))];
  };
  const pad = (...values: number[]) => [...values, ...new Array(12 - values.length).fill(0)];
  assertEquals(await of(pad(0.25, 1, 0.5)), [
    ...[pad(64, 255, 128), ["x.npy: values of 0 to 1 are taken times 255, rounded"]],
  ]);
  assertEquals(await of(pad(1, 0, 1), "|b1"), [
    ...[pad(255, 0, 255), ["x.npy: values of 0 to 1 are taken times 255, rounded"]],
  ]);
  assertEquals(await of(pad(0.25, 200.5)), [
    ...[pad(0, 201), ["x.npy: values are rounded to whole ones"]],
  ]);
  assertEquals(await of(pad(7, 255)), [pad(7, 255), []]);
  assertEquals(await of(pad(16), "|u1"), [
    ...[pad(16), ["x.npy: values reach 16 only, and are taken as shades of 255"]],
  ]);
  for (const values of [pad(-0.5, 1), pad(256)]) {
    const line = await refusal(folder, () => of(values));
    const range = values[0] < 0 ? "-0.5 to 1" : "0 to 256";
    assertEquals(
      line,
      `Cannot use x.npy as images: its values are ${range}, expected 0 to 1 or 0 to 255: undo the ` +
        "normalisation, X * std + mean",
    );
  }
  assertEquals(
    await refusal(folder, () => of(pad(1, NaN))),
    "Cannot read x.npy: value [0, 0, 1] is NaN",
  );
});

test("readImages() chooses the array of a .npz, and finds its labels", async (folder) => {
  const [x, y] = [npy(ramp(24), [2, 2, 6], "|u1"), npy([1, 0], [2], "<i8")];
  const of = (files: Record<string, Uint8Array>, options = {}) =>
    array(folder, zip(files), options, "x.npz");
  const found = await of({ "x_train.npy": x, "y_train.npy": y, "y.npy": npy([0, 0], [2]) });
  assertEquals([[...found.y], found.classes, found.labelled], [[1, 0], ["0", "1"], true]);
  const images = await of({ "train_images.npy": x, "train_labels.npy": npy([3, 2], [2, 1]) });
  assertEquals([...images.y], [3, 2]);
  const named = await of({ "a.npy": x, "kind.npy": y }, { labels: "kind" });
  assertEquals([...named.y], [1, 0]);
  assertEquals((await of({ "a.npy": x, "kind.npy": y })).labelled, false);
  await write(folder, { "l.npy": y });
  assertEquals([...(await of({ "a.npy": x }, { labels: `${folder}/l.npy` })).y], [1, 0]);
  const two = { "x_train.npy": x, "x_test.npy": npy(ramp(12), [1, 2, 6]) };
  assertEquals(
    await refusal(folder, () => of(two)),
    "Cannot use x.npz: several arrays fit, name one, as in x.npz:x_train: x_train [2, 2, 6], x_test [1, 2, 6]",
  );
  assertEquals((await of(two, { tensor: "x_test" })).count, 1);
  assertEquals(
    await refusal(folder, () => of(two, { tensor: "x" })),
    'Cannot use x.npz: it has no array "x" but x_train [2, 2, 6], x_test [1, 2, 6]',
  );
  assertEquals(
    await refusal(folder, () => of({ "y.npy": y, "z.npy": y })),
    "Cannot use x.npz: no array is images [count, height, width] among y [2], z [2]",
  );
});

test("readImages() refuses labels that do not fit", async (folder) => {
  const x = npy(ramp(24), [2, 2, 6], "|u1");
  const of = (labels: Uint8Array) =>
    refusal(
      folder,
      () => array(folder, zip({ "x.npy": x, "t.npy": labels }), { labels: "t" }, "x.npz"),
    );
  const here = "Cannot use t of x.npz as labels:";
  assertEquals(await of(npy([1, 2, 3], [3])), `${here} 3 labels for 2 samples`);
  assertEquals(await of(npy([1, 0.5], [2])), `${here} label 1 is 0.5, expected whole numbers`);
  assertEquals(
    await of(npy([1, 0, 0, 1], [2, 2])),
    `${here} it is [2, 2], expected [2]: y.argmax(1)?`,
  );
  assertEquals(
    await refusal(folder, () => array(folder, x, { labels: "kind" })),
    'Cannot use x.npy: it has no array "kind" for labels but x.npy [2, 2, 6]',
  );
});

test("readImages() refuses arrays that are no images, with the way out", async (folder) => {
  const of = (bytes: Uint8Array, options = {}) =>
    refusal(folder, () => array(folder, bytes, options));
  const shapes =
    "[count, height, width], [count, height, width, 1 or 3] or [count, 1 or 3, height, width]";
  const here = "Cannot use x.npy as images: it is";
  assertEquals(await of(npy(ramp(7), [7])), `${here} [7], expected ${shapes}`);
  assertEquals(await of(npy(ramp(14), [2, 7])), `${here} [2, 7], expected ${shapes}`);
  assertEquals(await of(npy(ramp(16), [1, 2, 2, 4])), `${here} [1, 2, 2, 4], expected ${shapes}`);
  assertEquals(
    await of(npy(ramp(12), [2, 2, 3])),
    `${here} [2, 2, 3], expected ${shapes}; one image alone is X[None]`,
  );
  const large = npy(new Uint8Array(14_400), [1, 120, 120], "|u1");
  assertEquals(
    await of(large),
    "Cannot use x.npy as images: 120×120 is too large to attack: --resize HxW, such as 64x64",
  );
  assertEquals((await array(folder, large, { resize: [8, 8] })).shape, [8, 8, 1]);
  assertEquals(
    await of(npy(ramp(12), [1, 2, 6]).slice(0, -1)),
    "Cannot read x.npy: truncated, shape [1, 2, 6] takes 48 bytes, got 47",
  );
  assertEquals(
    await of(zip({ "a.png": grey(1) })),
    'Cannot read x.npy: it is an archive without .npy files: of images unpack it, of arrays numpy.savez("x.npz", x=X, y=y)',
  );
});
