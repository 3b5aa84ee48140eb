import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { attack } from "lib/attack/attack.ts";
import { score } from "lib/attack/metrics.ts";
import { readLayer } from "lib/tools/read_layer.ts";
import { DataError, image } from "lib/data/dataset.ts";
import { loadDataset, shapeOf } from "lib/data/load.ts";
import { clearViews, type FirstLayer, firstLayer } from "lib/protocol/cryptonn/first_layer.ts";
import { CASES, W, type Worth } from "../data/weight_files.ts";
import { permitted, withFolder } from "./fixtures.ts";

const shape = shapeOf("mnist");

/** Which of the test images from 3 on the attack gets back exactly, and what each recovery is worth. */
async function recovered(layer: FirstLayer, images: number): Promise<[boolean, Worth][]> {
  const { test } = await loadDataset("mnist");
  const indices = [3, 4].slice(0, images);
  const found: [boolean, Worth][] = [];
  const views = clearViews(layer, test, indices);
  const recoveries = await attack(views, { objective: "tv-sum", workers: 0 });
  for (const [k, recovery] of recoveries.entries()) {
    const { exact, consistent, certified } = score(recovery, image(test, indices[k]), test.shape);
    found.push([exact, certified ? "certified" : consistent ? "consistent" : "neither"]);
  }
  return found;
}

Deno.test({
  name: "readLayer() takes each file that users have as the layer it is, or says why not",
  ignore: !permitted,
  fn: (t) =>
    withFolder(async (folder) => {
      const plain = firstLayer(W, 784);
      for (const [name, file, right] of CASES) {
        await t.step(name, async () => {
          const path = `${folder}/${name}`;
          await Deno.writeFile(path, file());
          if ("refused" in right) {
            const { message } = await assertRejects(() => readLayer(path, { shape }), DataError);
            return assertEquals(message, right.refused.replace("FILE", path));
          }
          const { layer, notes } = await readLayer(path, { shape });
          if (right.notes) {
            assertEquals(notes, right.notes.map((note) => note.replace("FILE", path)));
          } else assertEquals(notes.length, 1, notes.join("\n"));
          if ("same" in right) return assertEquals(layer, plain);
          assertEquals([layer.hidden, layer.n, layer.scaleBits], [300, 784, right.scaleBits]);
          const expected = right.exact.map((exact) => [exact, right.worth]);
          assertEquals(await recovered(layer, expected.length), expected);
        });
      }
      const certain = [true, "certified"]; // and of all that are the same
      assertEquals(await recovered(plain, 2), [certain, certain]);
    }),
});

Deno.test({
  name: "readLayer() takes the small files that NumPy wrote, of either order, type and Python",
  ignore: !permitted,
  async fn() {
    const at = (name: string) =>
      new URL(`../vectors/weights/${name}.npy`, import.meta.url).pathname;
    const rows: [string, hidden: number, scaleBits: number, finer: number, note: string][] = [
      ["be_2x784", 2, 9, 0, "2^-9"],
      ["f2_2x784", 2, 9, 0, "2^-9"],
      ["fortran_2x784_f4", 2, 9, 0, "2^-9"],
      ["int16_2x784", 2, -4, 0, "2^4"],
      ["keras_784x2_f4", 2, 9, 0, "taken as [in, hidden] and transposed"],
      ["py2win_2Lx784L", 2, 9, 0, "2^-9"],
      ["cert_dead_inputs_40x784_i1", 40, 4, 0, "2^-4"],
      ["cert_tiny_8x784_f4", 8, 48, 0, "2^-48"],
      ["cert_outlier_8x784_f4", 8, 0, 7, "7 rows of 8 would round"],
    ];
    for (const [name, hidden, scaleBits, finer, note] of rows) {
      const { layer, notes } = await readLayer(at(name), { shape });
      const taken = [layer.hidden, layer.n, layer.scaleBits, layer.finer.size];
      assertEquals(taken, [hidden, 784, scaleBits, finer], name);
      assertStringIncludes(notes.join("\n"), note);
      for (let i = 0; i < hidden; i++) {
        const row = layer.W1.subarray(i * 784, (i + 1) * 784);
        assertEquals(row.some((w) => w !== 0), true, `${name}, row ${i}`);
      }
    }
  },
});

Deno.test({
  name: "readLayer() says how many columns the rounding empties",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const { npy } = await import("../data/weight_files.ts");
      const values = Float32Array.from({ length: 2 * 784 }, (_, k) => k % 784 < 3 ? 1e-6 : 1);
      await Deno.writeFile(`${folder}/w.npy`, npy(values, [2, 784]));
      const { notes } = await readLayer(`${folder}/w.npy`, { shape });
      assertEquals(
        notes.at(-1),
        "3 columns of 784 rounded to zero: the server sees nothing of those pixels",
      );
    }),
});
