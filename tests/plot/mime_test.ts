import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { imageGrid } from "lib/plot/image_grid.ts";
import { lineFigure } from "lib/plot/line.ts";
import { maxBundleBytes, mimeBundle, saveFigure } from "lib/plot/mime.ts";
import { canRender, canSave, gridOptions, lineOptions } from "./fixtures.ts";
import { pngSize } from "./png_size.ts";

const ignore = !canRender;

Deno.test({
  name: "mimeBundle() has the four forms, no SVG, and stays below 1 MB",
  ignore,
  fn: async () => {
    const figure = lineFigure(lineOptions());
    const bundle = await mimeBundle(figure);
    assertEquals(Object.keys(bundle).sort(), [
      "application/vnd.plotly.v1+json",
      "image/png",
      "text/html",
      "text/plain",
    ]);
    assert(JSON.stringify(bundle).length < maxBundleBytes);
    const png = Uint8Array.fromBase64(bundle["image/png"] as string);
    assertEquals(pngSize(png), [figure.width, figure.height]); // JupyterLab does not scale it
    assertEquals(bundle["text/plain"], "The error falls with the width.");
  },
});

Deno.test({
  name: "mimeBundle() escapes the alt text and lets no data end the script",
  ignore,
  fn: async () => {
    const alt = 'a "quoted" <b> & more';
    const figure = lineFigure(lineOptions({ alt }));
    figure.layout.meta = "</script><script>alert(1)</script>";
    const bundle = await mimeBundle(figure);
    const html = bundle["text/html"] as string;
    assertStringIncludes(html, 'alt="a &quot;quoted&quot; &lt;b&gt; &amp; more"');
    assertEquals(html.split("</script>").length, 2);
    assertStringIncludes(html, "sha384-");
    assertStringIncludes(html, "plotly-cartesian-4.1.1.min.js");
  },
});

Deno.test({
  name: "mimeBundle() leaves a grid of images as it is, its spec once",
  ignore,
  fn: async () => {
    const bundle = await mimeBundle(imageGrid(gridOptions()));
    const html = bundle["text/html"] as string;
    assert(!html.includes("<script") && html.endsWith(">"), html.slice(-100));
    assertStringIncludes(
      JSON.stringify(bundle["application/vnd.plotly.v1+json"]),
      "data:image/png",
    );
  },
});

Deno.test({
  name: "mimeBundle() refuses a figure over 1 MB",
  ignore,
  fn: async () => {
    const values = Float64Array.from({ length: 20_000 }, (_, i) => Math.sin(i) + 2);
    const x = Float64Array.from(values, (_, i) => i / 7);
    const figure = lineFigure(
      lineOptions({ series: [{ name: "a", x, y: values, markers: false }] }),
    );
    await assertRejects(() => mimeBundle(figure), RangeError, "at most 1000000");
  },
});

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name)).sort();
}

Deno.test({
  name: "saveFigure() writes the PNG, the SVG and the spec, and nothing else",
  ignore: !canSave,
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
  ignore: !canSave,
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
