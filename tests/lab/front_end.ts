/** The notebooks in JupyterLab, driven in Chromium as a person would. `deno task test:lab` runs this;
 * screenshots of what was asserted go to `screenshots/`.
 * @module */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM_ARGUMENTS, findChromium } from "../gates/chromium.ts";
import { type CodeCell, readIpynb } from "lib/tools/ipynb.ts";
import { notebookNames, NOTEBOOKS } from "lib/tools/workspace.ts";
import { notebookOf } from "../tools/fixtures.ts";
import { assertCell, assertStopped, countOf } from "./expected.ts";
import {
  hoverFigures,
  isAtRest,
  isError,
  openNotebookPage,
  pressStop,
  runAll,
  runCell,
  runFrom,
  screenshot,
  type SeenCell,
  seenCells,
  untilIdle,
  untilSeen,
} from "./lab_page.ts";
import { type LabServer, startLab } from "./lab_server.ts";

const SCREENSHOTS = join(import.meta.dirname!, "screenshots");
/** The longest that a notebook may run on: some of them take four minutes on two idle cores. */
const RUN_TIMEOUT_MS = 20 * 60_000;
/** The longest that the page may take for anything else, on a machine that has other work. */
const PAGE_TIMEOUT_MS = 120_000;

/** The long steps of the notebooks, by what their bars say; each is stopped once. A notebook that is not here
 * has no long step. */
const LONG_STEPS: Record<string, string[]> = {
  "01_leakage": [
    ...["attack at 300 units", "published LP with the neighbour rule", "width sweep"],
  ],
  "01b_training_on_ciphertexts": [
    "cost model",
    "train, authors' and modern setting",
  ],
  "01c_harder_data": [
    ...["HiGHS on one cell of it", "three datasets"],
    ...["attack behind one 3×3 filter per channel, RGB", "four solvers"],
  ],
  "02_mitig1": [
    ...["encrypted training", "fixed-point training, 784-300-10", "two runs it was not fitted on"],
  ],
  "03_mitig2": [
    ...["split training over TLS", "the same training four ways", "the authors' setting"],
    "attack on step 0",
  ],
  "04_sweeps": ["fresh points"], // its rows and its search are read from files in a second
  "05_training_leaks": [
    ...["rounded gradients", "batches larger than the layer", "visits of 40 images"],
  ],
  "06_mitigations_under_attack": [
    ...["drawing without W1 and without a known image", "two trainings over ciphertexts"],
  ],
  "06b_defences": ["MITIG2 and mitig3, the same seeds"],
  "07_other_encryptions": [
    ...["encrypted patients", "inner products", "training under CKKS", "codes under CKKS"],
    "digits in the dark",
  ],
  "08_audit_your_own": ["audit of MITIG2"],
};

/** A stop while imports run, and one of a step that does not listen, between a variable and its use. */
const stopNotebook = notebookOf(
  `import "lib/notebook/run.ts";
console.log("importing");
await new Promise((resolve) => Deno.addSignalListener("SIGINT", resolve));`,
  `import { markdown, openNotebook } from "lib/notebook/notebook.ts";
const nb = await openNotebook({ name: "stop", figures: [] });
const kept = 6 * 7;`,
  `const half = await nb.run("deaf", () => new Promise<number>((resolve) => setTimeout(resolve, 60_000, 1)));`,
  `await nb.show(markdown(\`kept \${kept}\`));`,
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
      page.setDefaultTimeout(PAGE_TIMEOUT_MS);
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

/** Stops the step that is next to run, and looks that its cell ends and nothing runs after it.
 * @returns the cell. */
async function stopStep(page: Page, step: string): Promise<number> {
  const isRunning = ({ prompt, outputs }: SeenCell) =>
    prompt === "[*]:" &&
    outputs.some(({ text }) => text.trim().startsWith(step) && !/ in [\d.]+ (s|min)/.test(text));
  const before = await untilSeen(
    page,
    `"${step}" running`,
    RUN_TIMEOUT_MS,
    (cells) => cells.some(isRunning) || cells.some(isFailed),
  );
  const at = before.findIndex(isRunning);
  assert(at >= 0, `a cell failed before "${step}": ${JSON.stringify(before.find(isFailed))}`);
  await pressStop(page);
  const start = performance.now();
  await untilSeen(
    page,
    `"${step}" stopped`,
    PAGE_TIMEOUT_MS,
    (cells) => cells[at].prompt !== "[*]:",
  );
  assertLess(performance.now() - start, 20_000, `"${step}" took too long to stop`);
  await untilSeen(page, "the rest to be dropped", PAGE_TIMEOUT_MS, isAtRest);
  await page.waitForTimeout(300); // what runs on against the stop would show itself
  assertStopped(await seenCells(page), at);
  return at;
}

const isFailed = ({ outputs }: SeenCell) => outputs.some(isError);

for (const name of notebookNames()) {
  pageTest(
    `${name}: each long step stops as a stop and runs again; every output stands under its cell, drawn`,
    name,
    async (page) => {
      const { cells } = await readIpynb(join(NOTEBOOKS, `${name}.ipynb`));
      await runAll(page);
      for (const step of LONG_STEPS[name] ?? []) await runFrom(page, await stopStep(page, step));
      await untilSeen(page, "the end", RUN_TIMEOUT_MS, isAtRest);
      await untilIdle(page);
      await hoverFigures(page);
      const seen = await seenCells(page);
      assertEquals(seen.length, cells.length);
      let count = 0;
      for (const [i, cell] of cells.entries()) {
        if (cell.cell_type !== "code") continue;
        assertCell(seen[i], cell as CodeCell, i + 1);
        assertLess(count, countOf(seen[i]), `cell ${i + 1} did not run after those above it`);
        count = countOf(seen[i]);
      }
    },
  );
}

pageTest("Run All on forty quick cells loses and misplaces no output", "burst", async (page) => {
  await runAll(page);
  const cells = await untilSeen(
    page,
    "the last output",
    PAGE_TIMEOUT_MS,
    (seen) => seen[40]?.outputs.length === 1,
  );
  const texts = cells.slice(1).map(({ outputs }) => outputs.map(({ text }) => text.trim()).join());
  assertEquals(texts, texts.map((_, i) => `output ${"x".repeat(i + 1)}`));
});

pageTest(
  "the stop button stops what follows an import and work that does not listen; kernel and variables live on",
  "stop",
  async (page) => {
    await runAll(page);
    await untilSeen(page, "the imports", PAGE_TIMEOUT_MS, ([first]) => first.outputs.length === 1);
    await pressStop(page);
    const cells = await untilSeen(page, "the stop", PAGE_TIMEOUT_MS, isAtRest);
    const texts = cells.map(({ outputs }) => outputs.map(({ text }) => text.trim()).join());
    assertStringIncludes(texts[1], "Interrupted by the stop button");
    assertEquals(texts.slice(2), ["", ""]);
    await runFrom(page, 1);
    assertEquals(await stopStep(page, "deaf"), 2);
    await runCell(page, 3);
    const after = await untilSeen(
      page,
      "the last cell done",
      PAGE_TIMEOUT_MS,
      (seen) => seen[3].outputs.some(({ text }) => text.trim() !== ""), // drawn, not only begun
    );
    assertEquals(after[3].outputs.map(({ text }) => text.trim()), ["kept 42"]);
  },
);
