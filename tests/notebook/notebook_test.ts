import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { interrupts } from "lib/notebook/run.ts";
import {
  figuresDirectory,
  machine,
  markdown,
  type Notebook,
  openNotebook,
} from "lib/notebook/notebook.ts";
import { lineFigure } from "lib/plot/line.ts";
import { canSave, lineOptions } from "../plot/fixtures.ts";

const mayWrite = (await Deno.permissions.query({ name: "write" })).state === "granted";
const mayEnv = (await Deno.permissions.query({ name: "env" })).state === "granted";

async function inNotebook(
  figures: string[],
  use: (notebook: Notebook, results: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const notebook = await openNotebook({ name: "01_demo", figures, directory });
    await use(notebook, `${directory}/01_demo/results.json`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openNotebook() needs no permission", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: [] });
  assert(["quick", "full"].includes(notebook.profile));
});

Deno.test("openNotebook() refuses a name that would leave figures/", async () => {
  for (const name of ["../etc", "a/b", "", "A b"]) {
    await assertRejects(() => openNotebook({ name, figures: [] }), TypeError, "plain file name");
  }
});

Deno.test({
  name: "openNotebook() takes the profile from FE_PROFILE and refuses an unknown one",
  ignore: !mayEnv,
  fn: async () => {
    const before = Deno.env.get("FE_PROFILE");
    try {
      Deno.env.delete("FE_PROFILE");
      assertEquals((await openNotebook({ name: "a", figures: [] })).profile, "quick");
      Deno.env.set("FE_PROFILE", "full");
      assertEquals((await openNotebook({ name: "a", figures: [] })).profile, "full");
      Deno.env.set("FE_PROFILE", "fast");
      await assertRejects(
        () => openNotebook({ name: "a", figures: [] }),
        Error,
        'FE_PROFILE is "fast", expected "quick" or "full"',
      );
    } finally {
      if (before === undefined) Deno.env.delete("FE_PROFILE");
      else Deno.env.set("FE_PROFILE", before);
    }
  },
});

Deno.test("claim() refuses what another seed breaks, unless it is exact or a rate", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: [] });
  for (const word of ["every digit", "Never exact", "no images", "all ten digits", "10 of 10"]) {
    assertThrows(() => notebook.claim(word, true), TypeError, "needs { exact: true }");
    assertThrows(() => notebook.claim(word, true, { n: 500, low: 1, high: 1 }), TypeError);
    notebook.claim(word, true, { exact: true });
  }
  notebook.claim("9 of 10, everyone, nonetheless", true);
  notebook.claim("at least 90 % are exact", true, { n: 500, low: 0.94, high: 0.97 });
});

Deno.test("claim() throws where the statement does not hold", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: [] });
  notebook.claim("one is one", true);
  assertThrows(() => notebook.claim("one is two", false), Error, "Claim failed: one is two");
});

Deno.test("show() and run() throw when the stop button was pressed meanwhile", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: [] });
  const shown = notebook.show(markdown("text"));
  interrupts.trip();
  await assertRejects(() => shown, DOMException, "Interrupted by the stop button");
  const run = notebook.run("work", ({ signal }) => {
    interrupts.trip();
    assert(signal.aborted);
    return Promise.resolve("half a result");
  });
  await assertRejects(() => run, DOMException, "Interrupted by the stop button");
  assertEquals(await notebook.run("the same", () => Promise.resolve(7)), 7);
});

Deno.test("headline() refuses a number that is not finite", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: [] });
  assertThrows(() => notebook.headline("MSE", NaN), RangeError, '"MSE": NaN is not finite');
});

Deno.test("finish() refuses when a declared figure is missing, and names it", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: ["digits", "curve"] });
  await assertRejects(() => notebook.finish(), Error, "not shown: digits, curve");
});

Deno.test("finish() refuses when a claim failed, even one whose error was caught", async () => {
  const notebook = await openNotebook({ name: "01_demo", figures: [] });
  assertThrows(() => notebook.claim("one is two", false), Error);
  await assertRejects(() => notebook.finish(), Error, "claim failed: one is two");
});

Deno.test({
  name: "finish() files the run: profile, machine, headline, claims",
  ignore: !mayWrite,
  fn: () =>
    inNotebook([], async (notebook, path) => {
      notebook.headline("mean MSE", 0.141);
      notebook.headline("verdict", "noise");
      assertThrows(() => notebook.claim("exact", false), Error);
      notebook.claim("exact", true); // the cell ran again
      await notebook.finish();
      const { elapsedMs, ...results } = JSON.parse(await Deno.readTextFile(path));
      assert(Number.isInteger(elapsedMs) && elapsedMs >= 0);
      assertEquals(results, {
        notebook: "01_demo",
        profile: notebook.profile,
        deno: Deno.version.deno,
        machine: machine(),
        headline: { "mean MSE": 0.141, verdict: "noise" },
        claims: [{ statement: "exact", holds: true }],
        figures: [],
      });
    }),
});

Deno.test({
  name: "show() saves a figure beside the results, and finish() lists it",
  ignore: !canSave,
  fn: () =>
    inNotebook(["mse-by-width"], async (notebook, path) => {
      await notebook.show(lineFigure(lineOptions()));
      await notebook.finish();
      assertEquals(JSON.parse(await Deno.readTextFile(path)).figures, ["mse-by-width"]);
      const png = await Deno.stat(path.replace("results.json", "mse-by-width.png"));
      assert(png.size > 1000);
    }),
});

Deno.test("figuresDirectory() stands beside lib, whatever the working directory", () => {
  assert(figuresDirectory().endsWith("/lib/notebook/../../figures"));
});
