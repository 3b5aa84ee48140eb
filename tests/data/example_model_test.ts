import { assertEquals, assertStringIncludes } from "@std/assert";
import { exampleModel } from "lib/data/example_model.ts";
import { readLayerFile } from "lib/data/layer_file.ts";
import { permitted } from "../tools/fixtures.ts";

Deno.test({
  name: "exampleModel() brings a face detector whose first layer is read as face-api uses it",
  ignore: !permitted,
  async fn() {
    const path = await exampleModel();
    const { hidden, n, bias, convolution, notes } = await readLayerFile(path, {
      shape: [24, 24, 3],
    });
    assertEquals(convolution, { filters: 16, kernel: 3, stride: 1, padding: 0, outputs: [22, 22] });
    assertEquals([hidden, n, bias!.length], [16 * 22 * 22, 24 * 24 * 3, hidden]);
    // the first byte of the shard, as the manifest says to read it
    assertStringIncludes(
      notes[0],
      "conv0/filters [3, 3, 3, 16] is taken as [kernel, kernel, channels, filters]",
    );
  },
});
