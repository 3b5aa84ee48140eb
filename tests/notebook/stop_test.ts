import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { type CellRun, Kernel } from "lib/tools/kernel.ts";
import { NOTEBOOKS } from "lib/tools/workspace.ts";
import { permitted } from "../tools/fixtures.ts";

const timeoutMs = 60_000;
const OPEN = `import { openNotebook } from "lib/notebook/notebook.ts";
const nb = await openNotebook({ name: "stop", figures: [] });`;

function kernelTest(name: string, body: (kernel: Kernel) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !permitted,
    async fn() {
      await using kernel = await Kernel.start(NOTEBOOKS);
      await kernel.execute(`import "lib/notebook/run.ts";`, { timeoutMs });
      await body(kernel);
    },
  });
}

/** Runs a cell and presses stop when it has shown something. */
async function stopped(kernel: Kernel, code: string): Promise<CellRun> {
  let pressed = false;
  const onOutput = () => {
    if (!pressed) kernel.interrupt();
    pressed = true;
  };
  const run = await kernel.execute(code, { timeoutMs, onOutput });
  assert(pressed, "the cell ended before it was stopped");
  return run;
}

const isStop = ({ status, error }: CellRun) =>
  status === "error" && error!.message.includes("Interrupted by the stop button");

/** What its last display shows, as text. */
const shown = ({ outputs }: CellRun) =>
  outputs.flatMap((o) => o.output_type === "display_data" ? [String(o.data["text/plain"])] : [])
    .at(-1);

kernelTest(
  "a stop while imports run is an error of the cell that opens the notebook, once",
  async (kernel) => {
    const imports = `console.log("importing");
      await new Promise((done) => Deno.addSignalListener("SIGINT", done));`;
    const run = await stopped(kernel, imports);
    assertEquals(run.status, "ok"); // nothing stops an import
    assert(isStop(await kernel.execute(OPEN, { timeoutMs })));
    assertEquals((await kernel.execute(OPEN, { timeoutMs })).status, "ok");
  },
);

kernelTest(
  "a stop ends a solve, a training and a sweep as an error, and each cell runs again",
  async (kernel) => {
    const cells = [
      `import { attack } from "lib/attack/attack.ts";
    import { clearViews, firstLayer } from "lib/protocol/cryptonn/first_layer.ts";
    import { loadMnist } from "lib/data/mnist.ts";
    import { initialMlp } from "lib/nn/mlp.ts";
    import { seededRng } from "lib/math/rng.ts";
    const { train, test } = await loadMnist();
    const net = initialMlp({ n: 784, hidden: 60, classes: 10 }, "authors", seededRng(1));
    const views = clearViews(firstLayer(net.W1, 784), test, [0, 1, 2, 3, 4, 5]);`,
      `const solved = await nb.run("solve", (on) => attack(views, { objective: "sum", ...on }));`,
      `import { trainMlp } from "lib/nn/train.ts";
    const trained = await nb.run("train", ({ signal, onProgress }) =>
      trainMlp(net, train, { epochs: 2, signal, onEpoch: (epoch) => onProgress(epoch, 2) }));`,
      `import { runSweep } from "lib/sweep/runner.ts";
    import { SweepStore } from "lib/sweep/store.ts";
    import { pointsOf } from "lib/sweep/grid.ts";
    import { sweep } from "lib/sweep/cost.ts";
    const store = new SweepStore(":memory:");
    const points = pointsOf(sweep, { n: [49], hidden: [10] });
    await nb.run("sweep", (on) => runSweep(sweep, points, { store, ...on }));`,
    ];
    assertEquals((await kernel.execute(OPEN, { timeoutMs })).status, "ok");
    const [start, ...long] = cells;
    assertEquals((await kernel.execute(start, { timeoutMs })).status, "ok");
    for (const cell of long) {
      const run = await stopped(kernel, cell);
      assert(isStop(run), `${cell}: ${run.status} ${run.error?.message}`);
      assertStringIncludes(shown(run)!, "stopped");
      const again = await kernel.execute(cell, { timeoutMs });
      assertEquals([again.status, again.error], ["ok", undefined]);
      assertStringIncludes(shown(again)!, " in ");
    }
  },
);

kernelTest("a stop ends a cell whose work does not listen within seconds", async (kernel) => {
  await kernel.execute(OPEN, { timeoutMs });
  const deaf = `await nb.run("deaf", () => new Promise((done) => setTimeout(done, 50_000)));`;
  const run = await stopped(kernel, deaf);
  assert(isStop(run));
  assertLess(run.elapsedMs, 20_000); // of which the work has two to end by itself
  assertEquals(shown(run), "deaf stopped");
});

kernelTest("a stop that comes while a result is shown is an error too", async (kernel) => {
  await kernel.execute(OPEN, { timeoutMs });
  await kernel.execute(`import { markdown } from "lib/notebook/notebook.ts";`, { timeoutMs });
  const run = await stopped(
    kernel,
    `for (let i = 0; i < 200; i++) await nb.show(markdown("text"));\nconsole.log("later");`,
  );
  assert(isStop(run));
  assert(!run.outputs.some(({ output_type }) => output_type === "stream"));
});
