/** The notebooks in JupyterLab, driven in Chromium as a person would. `deno task test:lab` runs this;
 * screenshots of what was asserted go to `screenshots/`.
 * @module */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM_ARGUMENTS, findChromium } from "lib/cli/chromium.ts";
import { type CodeCell, readIpynb } from "lib/cli/ipynb.ts";
import { notebookNames, NOTEBOOKS } from "lib/cli/workspace.ts";
import { notebookOf } from "../cli/fixtures.ts";
import { assertCell } from "./expected.ts";
import {
  hoverFigures,
  openNotebookPage,
  pressStop,
  runAll,
  runCell,
  screenshot,
  seenCells,
  untilIdle,
  untilSeen,
} from "./lab_page.ts";
import { type LabServer, startLab } from "./lab_server.ts";

const SCREENSHOTS = join(import.meta.dirname!, "screenshots");
const RUN_TIMEOUT_MS = 12 * 60_000;

/** A long cell as notebooks have them, between a variable and its use. */
const stopNotebook = notebookOf(
  `import { openNotebook } from "lib/notebook/notebook.ts";
const nb = await openNotebook({ name: "stop", figures: [] });
const kept = 6 * 7;`,
  `console.log("looping");
const { signal } = nb;
while (true) {
  signal.throwIfAborted();
  await new Promise((resolve) => setTimeout(resolve, 20));
}`,
  `console.log(\`kept \${kept}\`);`,
);

/** Cells that end as soon as they have shown something: the kernel's race at its worst. */
const burstNotebook = notebookOf(
  `import { markdown, openNotebook } from "lib/notebook/notebook.ts";
const nb = await openNotebook({ name: "burst", figures: [] });`,
  ...Array.from(
    { length: 40 },
    (_, i) => `await nb.show(markdown("output ${"x".repeat(i + 1)}"));`,
  ),
);

let lab: LabServer | undefined;
let browser: Browser | undefined;

Deno.test.beforeAll(async () => {
  await Deno.remove(SCREENSHOTS, { recursive: true }).catch(() => {});
  await Deno.mkdir(SCREENSHOTS);
  lab = await startLab({ stop: stopNotebook, burst: burstNotebook });
  browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_ARGUMENTS],
  });
});

Deno.test.afterAll(async () => {
  await browser?.close();
  await lab?.[Symbol.asyncDispose]();
});

/** A test with a notebook's page; the last thing that stood on it is kept as a picture. */
function pageTest(name: string, notebook: string, body: (page: Page) => Promise<void>): void {
  Deno.test({
    name,
    // The browser and its connections live on between the tests.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const page = await browser!.newPage({ viewport: { width: 1400, height: 1000 } });
      page.setDefaultTimeout(60_000);
      try {
        await openNotebookPage(page, lab!.notebookUrl(notebook));
        await body(page);
      } finally {
        await screenshot(page, join(SCREENSHOTS, `${notebook}.png`));
        await page.close();
      }
    },
  });
}

for (const name of notebookNames()) {
  pageTest(
    `${name}: Run All puts every output under its own cell and draws it`,
    name,
    async (page) => {
      const { cells } = await readIpynb(join(NOTEBOOKS, `${name}.ipynb`));
      const total = cells.filter(({ cell_type }) => cell_type === "code").length;
      await runAll(page);
      const last = `[${total}]:`;
      await untilSeen(
        page,
        `prompt ${last}`,
        RUN_TIMEOUT_MS,
        (seen) => seen.some(({ prompt }) => prompt === last),
      );
      await untilIdle(page);
      await hoverFigures(page);
      const seen = await seenCells(page);
      assertEquals(seen.length, cells.length);
      let count = 0;
      for (const [i, cell] of cells.entries()) {
        if (cell.cell_type === "code") assertCell(seen[i], cell as CodeCell, i + 1, ++count);
      }
    },
  );
}

pageTest("Run All on forty quick cells loses and misplaces no output", "burst", async (page) => {
  await runAll(page);
  const cells = await untilSeen(
    page,
    "the last output",
    60_000,
    (seen) => seen[40]?.outputs.length === 1,
  );
  const texts = cells.slice(1).map(({ outputs }) => outputs.map(({ text }) => text.trim()).join());
  assertEquals(texts, texts.map((_, i) => `output ${"x".repeat(i + 1)}`));
});

pageTest(
  "the stop button stops a long cell; kernel and variables live on",
  "stop",
  async (page) => {
    await runCell(page, 0);
    await untilSeen(page, "the first cell done", 60_000, ([first]) => first.prompt === "[1]:");
    await runCell(page, 1);
    await untilSeen(page, "the loop", 30_000, ([, loop]) => loop.outputs.length === 1);
    assertEquals((await seenCells(page))[1].prompt, "[*]:");
    await pressStop(page);
    const [, stopped] = await untilSeen(
      page,
      "the stop",
      30_000,
      ([, loop]) => loop.prompt === "[2]:",
    );
    assertStringIncludes(stopped.outputs.at(-1)!.text, "Interrupted by the stop button");
    await runCell(page, 2);
    const [, , after] = await untilSeen(
      page,
      "the third cell done",
      30_000,
      ([, , third]) => third.outputs.length === 1,
    );
    assertEquals(after.outputs[0].text.trim(), "kept 42");
    assert(await page.getByText("Deno | Idle").isVisible(), "the kernel is not idle");
  },
);
