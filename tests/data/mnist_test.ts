import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, image } from "lib/data/dataset.ts";
import { digitBytes, loadMnist, loadMnistFull } from "lib/data/mnist.ts";

Deno.test("loadMnist() splits 10 000 digits into 9 000 and 1 000, test dealt 0 to 9", async () => {
  const { train, test } = await loadMnist();
  assertEquals([train.count, test.count, test.n], [9000, 1000, 784]);
  assertEquals(test.y.slice(0, 12), Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]));
  assertEquals(Math.max(...image(test, 3)), 255);
  const seen = new Set<string>();
  for (let i = 0; i < train.count; i++) seen.add(image(train, i).toHex());
  for (let i = 0; i < test.count; i++) assert(!seen.has(image(test, i).toHex()), `image ${i}`);
});

Deno.test("digitBytes() restores bytes from three decimals and refuses what is no image", () => {
  const bytes = Uint8Array.from({ length: 784 }, (_, i) => i % 256);
  assertEquals(digitBytes("d", Array.from(bytes, (b) => Number((b / 255).toFixed(3)))), bytes);
  assertThrows(() => digitBytes("d", [0, 1]), DataError, "2 values are not whole images");
  for (const bad of [1.1, -0.1, NaN]) {
    assertThrows(() => digitBytes("d", Array(784).fill(bad)), DataError, `pixel ${bad}`);
  }
});

const permitted = (await Promise.all(
  (["read", "write", "run"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

Deno.test({
  name: "loadMnistFull() says which permission is missing",
  ignore: permitted,
  fn: () => assertRejects(loadMnistFull, DataError, "needs the permission").then(() => {}),
});

Deno.test({
  name: "loadMnistFull() holds the small MNIST in its training images",
  ignore: !permitted,
  async fn() {
    const full = await loadMnistFull().catch((error) => {
      if (!/Cannot fetch/.test(error.message)) throw error;
      console.warn(`not checked, offline: ${error.message}`);
    });
    if (!full) return;
    const small = await loadMnist();
    assertEquals([full.train.count, full.test.count], [60000, 10000]);
    const digits = new Set<string>();
    for (let i = 0; i < 10000; i++) digits.add(image(full.train, i).toHex());
    for (let i = 0; i < small.test.count; i++) assert(digits.has(image(small.test, i).toHex()));
  },
});
