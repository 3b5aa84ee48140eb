import { assertEquals } from "@std/assert";
import { permitted, withFolder } from "../tools/fixtures.ts";
import vectors from "../vectors/tfjs.json" with { type: "json" };
import { assertSameLayer, layerOf } from "./model_cases.ts";

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
