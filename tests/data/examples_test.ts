import { assertEquals } from "@std/assert";
import { readLayerFile } from "lib/data/layer_file.ts";
import { permitted } from "../tools/fixtures.ts";

const at = (name: string) => new URL(`../../data/examples/${name}`, import.meta.url).pathname;

Deno.test({
  name: "readLayerFile() takes the two worked examples, one of PyTorch and one of Keras",
  ignore: !permitted,
  async fn() {
    const torch = await readLayerFile(at("mnist-mlp.safetensors"), { shape: [28, 28, 1] });
    assertEquals([torch.hidden, torch.n, torch.bias!.length, torch.convolution], [
      300,
      784,
      300,
      null,
    ]);
    const keras = await readLayerFile(at("cifar10-cnn"), { shape: [16, 16, 3] });
    assertEquals([keras.hidden, keras.n, keras.bias!.length], [16 * 64, 768, 16 * 64]);
    assertEquals(keras.convolution, {
      filters: 16,
      kernel: 4,
      stride: 2,
      padding: 1,
      outputs: [8, 8],
    });
    // both are trained: a fresh layer has a bias of zeros or none at all this large
    for (const { bias } of [torch, keras]) {
      assertEquals(bias!.some((b) => Math.abs(b) > 1e-3), true);
    }
  },
});
