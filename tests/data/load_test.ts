import { assertEquals } from "@std/assert";
import { DATASETS, loadDataset } from "lib/data/load.ts";
import { loadMnist } from "lib/data/mnist.ts";

Deno.test("loadDataset() loads by name, the installed one without a permission", async () => {
  assertEquals(DATASETS, ["mnist", "mnist-full", "fashion-mnist", "cifar10-gray", "cifar10"]);
  assertEquals((await loadDataset("mnist")).test, (await loadMnist()).test);
});
