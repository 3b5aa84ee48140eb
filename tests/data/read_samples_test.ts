import { assertEquals } from "@std/assert";
import { readSamples } from "lib/data/read_samples.ts";
import { png, ramp, refusal, test, write } from "./sample_files.ts";
import { npy, zip } from "./weight_files.ts";

type Options = Parameters<typeof readSamples>[1];

async function kind(folder: string, name: string, content: Uint8Array | string, options?: Options) {
  await write(folder, { [name]: content });
  const { kind, shape } = await readSamples([`${folder}/${name}`], options);
  return [kind, [...shape]];
}

test("readSamples() tells images from tables by their content", async (folder) => {
  const of = (name: string, content: Uint8Array | string) => kind(folder, name, content);
  assertEquals(await of("a", png(ramp(6), [2, 3, 1])), ["image", [2, 3, 1]]);
  assertEquals(await of("b", "a,b\n1,2\n3,4"), ["table", [1, 2, 1]]);
  assertEquals(await of("c", npy(ramp(12), [1, 2, 6])), ["image", [2, 6, 1]]);
  assertEquals(await of("d", npy(ramp(10), [2, 5])), ["table", [1, 5, 1]]);
  const [flat, wide] = [new Array(128).fill(1), new Array(128).fill(1).with(0, -1)];
  assertEquals(await of("e", npy(flat, [2, 64])), ["image", [8, 8, 1]]);
  assertEquals(await of("f", npy(wide, [2, 64])), ["table", [1, 64, 1]]); // no image has −1
  assertEquals(await of("g", npy(ramp(8), [2, 4])), ["table", [1, 4, 1]]); // nobody's image is 2 × 2
  const both = zip({ "x.npy": npy(flat, [2, 64]), "y.npy": npy([0, 1], [2]) });
  assertEquals(await of("h", both), ["image", [8, 8, 1]]);
  const table = zip({ "X.npy": npy(ramp(10), [2, 5]), "y.npy": npy([0, 1], [2]) });
  assertEquals(await of("i", table), ["table", [1, 5, 1]]);
});

test("readSamples() takes the array of a .npz that is named after a colon", async (folder) => {
  const [images, rows] = [npy(ramp(24), [2, 2, 6]), npy(ramp(10), [2, 5])];
  const arrays = { "x_train.npy": images, "x_test.npy": images, "t.npy": rows };
  await write(folder, { "x.npz": zip({ ...arrays, "y_test.npy": npy([3, 1], [2]) }) });
  const of = (path: string) => readSamples([`${folder}/${path}`]);
  const named = await of("x.npz:x_test");
  assertEquals([named.shape, [...named.y]], [[2, 6, 1], [3, 1]]);
  assertEquals((await of("x.npz:t")).kind, "table");
  assertEquals(
    await refusal(folder, () => of("x.npz")),
    "Cannot use x.npz: several arrays fit, name one, as in x.npz:x_train: x_train [2, 2, 6], x_test [2, 2, 6]",
  );
  const line = await refusal(folder, () => of("x.npz:none"));
  assertEquals(line.startsWith('Cannot use x.npz: it has no array "none" but x_train'), true, line);
  assertEquals(
    await refusal(folder, () => of("y.npz:x")),
    "Cannot read y.npz: no such file or folder",
  );
});

test("readSamples() passes on what is asked of tables and of images", async (folder) => {
  await write(folder, { "t.csv": "a,b,k\n1,2,x\n3,4,y\n", "i/a.png": png(ramp(6), [2, 3, 1]) });
  const table = await readSamples([`${folder}/t.csv`], { labels: "k", limit: 1 });
  assertEquals([table.classes, table.count, table.n], [["x"], 1, 2]);
  const images = await readSamples([`${folder}/i`], { resize: [1, 1], grey: true });
  assertEquals(images.shape, [1, 1, 1]);
});

test("readSamples() refuses an option that is for the other, and what is neither", async (folder) => {
  const of = (name: string, content: string | Uint8Array, options?: Options) =>
    refusal(folder, () => kind(folder, name, content, options));
  assertEquals(
    await of("t.csv", "1,2\n", { resize: [2, 2] }),
    "Cannot use t.csv: it is a table, --resize is for images",
  );
  assertEquals(
    await of("t.csv", "1,2\n", { grey: true }),
    "Cannot use t.csv: it is a table, --grey is for images",
  );
  assertEquals(await of("a.svg", "<svg/>"), "Cannot read a.svg: it is an SVG: draw it as PNG");
  assertEquals(await of("a.png", ""), "Cannot read a.png: it is empty");
  assertEquals(
    await of("a.xlsx", zip({ "xl/workbook.xml": ramp(4) })),
    "Cannot read a.xlsx: it is an Excel workbook: save the sheet as CSV",
  );
  assertEquals(
    await refusal(folder, () => readSamples([`${folder}/none`])),
    "Cannot read none: no such file or folder",
  );
});
