import { assertEquals, assertRejects } from "@std/assert";
import { loadCifar10, loadCifar10Gray } from "lib/data/cifar10.ts";
import { DataError, type Dataset, image } from "lib/data/dataset.ts";

const permitted = (await Promise.all(
  (["read", "write", "run"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

Deno.test({
  name: "loadCifar10() says which permission is missing",
  ignore: permitted,
  fn: () => assertRejects(loadCifar10, DataError, "needs the permission").then(() => {}),
});

const perClass = (data: Dataset) => {
  const counts = Array(10).fill(0);
  for (const label of data.y) counts[label]++;
  return counts;
};

Deno.test({
  name: "loadCifar10() holds the official images in order, loadCifar10Gray() their truncated grey",
  ignore: !permitted,
  async fn() {
    const rgb = await loadCifar10().catch((error) => {
      if (!/Cannot fetch/.test(error.message)) throw error;
      console.warn(`not checked, offline: ${error.message}`);
    });
    if (!rgb) return;
    const { train, test } = rgb;
    assertEquals([train.count, test.count, test.n], [50000, 10000, 3072]);
    assertEquals([perClass(train), perClass(test)], [Array(10).fill(5000), Array(10).fill(1000)]);
    assertEquals(train.y.slice(0, 5), Uint8Array.from([6, 9, 9, 4, 1])); // frog, truck, truck, …
    assertEquals(test.y.slice(0, 5), Uint8Array.from([3, 8, 8, 0, 6]));
    // As Pillow reads them.
    assertEquals(image(train, 0).slice(0, 6), Uint8Array.from([59, 62, 63, 43, 46, 45]));
    assertEquals(image(test, 0).slice(0, 6), Uint8Array.from([158, 112, 49, 159, 111, 47]));
    // The published mean of the training images, 0.4914, 0.4822, 0.4465.
    const sums = [0, 0, 0];
    for (let p = 0; p < train.x.length; p++) sums[p % 3] += train.x[p];
    const means = sums.map((sum) => (sum / 255 / 50000 / 1024).toFixed(4));
    assertEquals(means, ["0.4914", "0.4822", "0.4465"]);

    const grey = await loadCifar10Gray();
    assertEquals([grey.test.shape, grey.train.y, grey.test.y], [[32, 32, 1], train.y, test.y]);
    const [colours, greys] = [image(test, 7), image(grey.test, 7)];
    for (let p = 0; p < 1024; p++) {
      const [r, g, b] = colours.subarray(3 * p, 3 * p + 3);
      assertEquals(greys[p], Math.trunc(0.299 * r + 0.587 * g + 0.114 * b));
    }
  },
});
