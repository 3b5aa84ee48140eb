import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, type Dataset, image } from "lib/data/dataset.ts";
import { clothesBytes, loadFashionMnist } from "lib/data/fashion_mnist.ts";

const row = (value: unknown) => Array.from({ length: 784 }, (_, p) => p === 500 ? value : p % 256);
const file = (data: unknown) => new TextEncoder().encode(JSON.stringify({ data }));

Deno.test("clothesBytes() reads the images and drops an empty row", () => {
  const bytes = clothesBytes("c", file([row(7), [], row(255)]), 2);
  assertEquals(bytes, Uint8Array.from([...row(7), ...row(255)] as number[]));
});

Deno.test("clothesBytes() refuses, one fault at a time, what is no such file", () => {
  const refused = (bytes: Uint8Array, why: string) =>
    assertThrows(() => clothesBytes("0.json", bytes, 2), DataError, `Cannot read 0.json: ${why}`);
  const good = file([row(7), row(8)]);
  refused(good.slice(0, -5), "truncated, or not JSON");
  refused(new TextEncoder().encode("{}"), "it has no list of images");
  refused(new TextEncoder().encode("null"), "truncated, or not JSON");
  refused(file([row(7)]), "expected 2 images, got 1");
  refused(file([row(7), row(8).slice(1)]), "image 1 has not 784 pixels");
  refused(file([row(7), null]), "image 1 has not 784 pixels");
  for (const bad of [256, -1, 0.5, "7", null]) {
    refused(file([row(7), row(bad)]), `pixel 500 of image 1 is ${bad}, not a byte`);
  }
});

const permitted = (await Promise.all(
  (["read", "write", "run"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

Deno.test({
  name: "loadFashionMnist() says which permission is missing",
  ignore: permitted,
  fn: () => assertRejects(loadFashionMnist, DataError, "needs the permission").then(() => {}),
});

const distinct = (data: Dataset) =>
  new Set(Array.from({ length: data.count }, (_, i) => image(data, i).toHex()));

Deno.test({
  name: "loadFashionMnist() splits as the first release does, no image on both sides",
  ignore: !permitted,
  async fn() {
    const data = await loadFashionMnist().catch((error) => {
      if (!/Cannot fetch/.test(error.message)) throw error;
      console.warn(`not checked, offline: ${error.message}`);
    });
    if (!data) return;
    const { train, test } = data;
    assertEquals([train.count, test.count, test.n], [59990, 10000, 784]);
    assertEquals(test.y.slice(0, 11), Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]));
    const [inTrain, inTest] = [distinct(train), distinct(test)];
    assertEquals([inTrain.size, inTest.size], [59990 - 43, 10000 - 1]); // as reported, issue 44
    for (const pixels of inTest) assert(!inTrain.has(pixels));
  },
});
