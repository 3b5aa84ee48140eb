import { assertEquals, assertRejects } from "@std/assert";
import { lineFigure } from "lib/plot/line.ts";
import { saveFigure } from "lib/plot/save.ts";
import { canSave, lineOptions } from "./fixtures.ts";
import { pngSize } from "./png_size.ts";

const ignore = !canSave;

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name)).sort();
}

Deno.test({
  name: "saveFigure() writes the PNG, the SVG and the spec, and nothing else",
  ignore,
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      const figure = lineFigure(lineOptions());
      await saveFigure(`${directory}/01_demo`, figure);
      assertEquals(await names(`${directory}/01_demo`), [
        "mse-by-width.json",
        "mse-by-width.png",
        "mse-by-width.svg",
      ]);
      const spec = JSON.parse(await Deno.readTextFile(`${directory}/01_demo/mse-by-width.json`));
      assertEquals(spec, { data: figure.data, layout: figure.layout });
      const png = await Deno.readFile(`${directory}/01_demo/mse-by-width.png`);
      assertEquals(pngSize(png), [figure.width * 2, figure.height * 2]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "saveFigure() says which directory cannot be written",
  ignore,
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${directory}/file`, "not a directory");
      await assertRejects(
        () => saveFigure(`${directory}/file`, lineFigure(lineOptions())),
        Error,
        `Cannot write mse-by-width.png, mse-by-width.svg, mse-by-width.json in ${directory}/file`,
      );
      assertEquals(await names(directory), ["file"]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
