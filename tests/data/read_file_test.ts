import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { readFile } from "lib/data/read_file.ts";

const ignore = (await Promise.all(
  (["read", "write"] as const).map((name) => Deno.permissions.query({ name })),
)).some(({ state }) => state !== "granted");

Deno.test({
  name: "readFile() reads a file whole, or says of which one why not",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/f`;
      await Deno.writeFile(path, Uint8Array.of(1, 2, 3));
      assertEquals([...await readFile(path, 3)], [1, 2, 3]);
      const cases: [string, string][] = [
        [path, `Cannot read ${path}: it has 3 bytes, at most 2`],
        [folder, `Cannot read ${folder}: it is a folder`],
        [`${folder}/g`, `Cannot read ${folder}/g: no such file`],
        [`${path}/g`, `Cannot read ${path}/g: `],
      ];
      for (const [file, message] of cases) {
        await assertRejects(() => readFile(file, 2), DataError, message);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
