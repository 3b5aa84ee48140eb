/** Models that frameworks wrote, with what their first layer makes of an image. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type LayerFile, type LayerWanted, readLayerFile } from "lib/data/layer_file.ts";
import { apply } from "lib/math/dense.ts";

/** What an oracle wrote. */
export interface Vectors {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly images: Readonly<Record<string, readonly number[]>>;
  readonly cases: readonly {
    readonly name: string;
    readonly images: string;
    readonly files: Readonly<Record<string, string>>;
    readonly z1: readonly number[];
  }[];
}

/** Writes the files of a case and reads its first layer. */
export async function layerOf(
  folder: string,
  vectors: Vectors,
  name: string,
  wanted: Partial<LayerWanted> = {},
): Promise<LayerFile> {
  const { files, images } = vectors.cases.find((one) => one.name === name)!;
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeFile(`${folder}/${file}`, Uint8Array.fromBase64(text));
  }
  const model = Object.keys(files).find((file) => file === "model.json" || file.endsWith(".onnx"))!;
  const shape = vectors.shapes[images] as unknown as LayerWanted["shape"];
  return await readLayerFile(`${folder}/${model}`, { shape, ...wanted });
}

/** Holds W1·x + bias to what the framework computed. */
export function assertSameLayer(layer: LayerFile, vectors: Vectors, name: string): void {
  const { z1, images } = vectors.cases.find((one) => one.name === name)!;
  assertEquals([layer.hidden, layer.W1.length], [z1.length, z1.length * layer.n]);
  const products = apply(layer.W1, Float64Array.from(vectors.images[images]));
  const size = Math.max(...z1.map(Math.abs));
  for (const [row, expected] of z1.entries()) {
    assertAlmostEquals(
      products[row] + (layer.bias?.[row] ?? 0),
      expected,
      1e-5 * size,
      `row ${row}`,
    );
  }
}
