import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { codeCells, formatIpynb, type Ipynb, readIpynb } from "lib/tools/ipynb.ts";
import { readResults, writeTimes } from "lib/tools/results.ts";
import { checkWritable, reproduce } from "lib/tools/reproduce.ts";
import { describeFailure, runNotebook } from "lib/tools/run_notebook.ts";
import { notebookOf, permitted, withFolder, writeNotebook } from "./fixtures.ts";

/** A last cell that leaves what `finish()` leaves, without the figure's `without` file. */
const finish = (without = "") =>
  `await Deno.mkdir("../figures/a", { recursive: true });
for (const format of ["png", "svg", "json"]) {
  if (format !== "${without}") await Deno.writeTextFile(\`../figures/a/grid.\${format}\`, format);
}
const results = { profile: Deno.env.get("FE_PROFILE"), headline: { exact: 10 }, figures: ["grid"] };
await Deno.writeTextFile("../figures/a/results.json", JSON.stringify(results));`;

/** Runs `reproduce` on one notebook in a workspace of its own. */
async function reproduced(
  directory: string,
  notebook: Ipynb,
  signal?: AbortSignal,
): Promise<{ ok: boolean; after: Ipynb; unchanged: boolean; said: string }> {
  const notebooks = join(directory, "notebooks");
  await Deno.mkdir(notebooks, { recursive: true });
  const path = await writeNotebook(join(notebooks, "a.ipynb"), notebook);
  const said: string[] = [];
  const log = console.log;
  console.log = (text: string) => said.push(text);
  try {
    const figures = join(directory, "figures");
    const ok = await reproduce("a", { profile: "quick", notebooks, figures, signal });
    const after = await readIpynb(path);
    const unchanged = formatIpynb(after) === formatIpynb(notebook);
    return { ok, after, unchanged, said: said.join("\n") };
  } finally {
    console.log = log;
  }
}

function reproduceTest(name: string, body: (directory: string) => Promise<void>): void {
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(body) });
}

reproduceTest("reproduce() writes the outputs back and prints the headline", async (directory) => {
  const notebook = notebookOf(`console.log(Deno.env.get("FE_PROFILE"));`, finish());
  notebook.cells[0].metadata.execution = { "iopub.status.busy": "2026-01-01T00:00:00Z" };
  const { ok, after, said } = await reproduced(directory, notebook);
  assertEquals([ok, codeCells(after).map(({ cell }) => cell.execution_count)], [true, [1, 2]]);
  const text = { output_type: "stream" as const, name: "stdout" as const, text: "quick\n" };
  assertEquals([after.cells[0].outputs, after.cells[0].metadata], [[text], {}]);
  assertStringIncludes(said, "exact 10");
  if (Deno.build.os === "linux") {
    const file = join(directory, "figures", "a", "results.json");
    const { peakMB, headline } = JSON.parse(await Deno.readTextFile(file));
    assertEquals(headline, { exact: 10 });
    assert(Number.isInteger(peakMB) && peakMB > 20 && peakMB < 2048, `${peakMB} MB`);
    assertStringIncludes(said, ` s, peak ${peakMB} MB  exact 10`);
  }
  const again = await reproduced(directory, after);
  assertEquals([again.ok, again.unchanged], [true, true]);
});

reproduceTest("reproduce() leaves the notebook alone when a cell throws", async (directory) => {
  const notebook = notebookOf(
    `console.log("x");`,
    `const width = 3;\nthrow new Error("claim");`,
    finish(),
  );
  const { ok, unchanged, said } = await reproduced(directory, notebook);
  assertEquals([ok, unchanged], [false, true]);
  assertStringIncludes(said, "cell 2: Error: claim");
  assertStringIncludes(said, "1 | const width = 3;");
});

reproduceTest(
  "reproduce() fails without results, without a figure, with old ones",
  async (directory) => {
    const none = await reproduced(directory, notebookOf("console.log(1);"));
    assertStringIncludes(none.said, "figures/a/results.json is missing");
    const lacking = await reproduced(directory, notebookOf(finish("svg")));
    assertStringIncludes(lacking.said, "figures/a/grid.svg is missing");
    const stale = await reproduced(directory, notebookOf("console.log(1);"));
    assertStringIncludes(stale.said, "figures/a/results.json is stale");
    assertEquals([none.ok, lacking.ok, stale.ok], [false, false, false]);
    assertEquals([none.unchanged, lacking.unchanged, stale.unchanged], [true, true, true]);
  },
);

reproduceTest("reproduce() refuses an output that names an absolute path", async (directory) => {
  const { ok, said } = await reproduced(
    directory,
    notebookOf(`console.log("file:///x.ts");`, finish()),
  );
  assertEquals(ok, false);
  assertStringIncludes(said, "cell 1 shows an absolute path");
});

reproduceTest("reproduce() overwrites no edit made while it ran", async (directory) => {
  const edit = `const path = "../notebooks/a.ipynb";
await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("one", "two"));`;
  const { ok, after, said } = await reproduced(
    directory,
    notebookOf(`console.log("one");`, edit, finish()),
  );
  assertEquals([ok, after.cells[0].source], [false, `console.log("two");`]);
  assertStringIncludes(said, "a.ipynb was edited while it ran");
});

reproduceTest("reproduce() ends at once when interrupted", async (directory) => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 700);
  const notebook = notebookOf("await new Promise((done) => setTimeout(done, 60_000));");
  const { ok, unchanged, said } = await reproduced(directory, notebook, stop.signal);
  clearTimeout(timer);
  assertEquals([ok, unchanged], [false, true]);
  assertStringIncludes(said, "interrupted");
});

reproduceTest("runNotebook() stops at the cell that takes too long", async (directory) => {
  const notebook = notebookOf("const a = 1;", "while (true);", "console.log(a);");
  const { failure } = await runNotebook(notebook, { cwd: directory, timeoutMs: 3000 });
  assertEquals([failure?.number, failure?.run.status], [2, "timeout"]);
  assertStringIncludes(describeFailure(failure!), "not done after 3 s");
});

reproduceTest(
  "readResults() refuses malformed results and another profile's",
  async (directory) => {
    const path = join(directory, "results.json");
    const none = new Map<string, number>();
    await Deno.writeTextFile(path, `{"profile":"quick"`);
    assertStringIncludes((await readResults(directory, "quick", none)).problems[0], "malformed");
    await Deno.writeTextFile(path, `{"profile":"quick","headline":{},"figures":"grid"}`);
    assertStringIncludes((await readResults(directory, "quick", none)).problems[0], "malformed");
    await Deno.writeTextFile(path, `{"profile":"full","headline":{},"figures":[]}`);
    const { problems } = await readResults(directory, "quick", none);
    assertEquals(problems, ["results.json is of profile full, not quick"]);
    assertEquals(await writeTimes(join(directory, "nowhere")), none);
  },
);

reproduceTest("checkWritable() says at once which folder cannot be written", async (directory) => {
  await checkWritable([directory, join(directory, "new", "folder")]);
  assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["new"]);
  assertEquals([...Deno.readDirSync(join(directory, "new", "folder"))], []);
  await Deno.writeTextFile(join(directory, "file"), "");
  const faults = [join(directory, "file"), join(directory, "file", "in")];
  if (Deno.build.os === "linux") faults.push("/proc/self"); // read-only even to root
  for (const folder of faults) {
    await assertRejects(
      () => checkWritable([directory, folder]),
      Error,
      `Cannot reproduce: ${folder} cannot be written (`,
    );
  }
});
