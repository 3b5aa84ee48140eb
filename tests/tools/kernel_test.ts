import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { Kernel } from "lib/tools/kernel.ts";
import { KernelError } from "lib/tools/kernel_process.ts";
import { permitted, withFolder } from "./fixtures.ts";

const timeoutMs = 60_000;

/** A test that has a kernel, and sees that nothing of it is left. */
function kernelTest(name: string, body: (kernel: Kernel) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !permitted,
    fn: () =>
      withFolder(async (directory) => {
        let connection: string | undefined;
        {
          await using kernel = await Kernel.start(directory);
          connection = await connectionFile(kernel);
          if (connection !== undefined) assertEquals(existsSync(connection), true);
          await body(kernel);
        }
        if (connection !== undefined) assertEquals(existsSync(dirname(connection)), false);
      }),
  });
}

/** Where the kernel's connection file is, as its own command line says; undefined where no system tells. */
async function connectionFile(kernel: Kernel): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const code = `console.log(Deno.readTextFileSync("/proc/self/cmdline").split("\\0").join("\\n"))`;
  const { outputs } = await kernel.execute(code, { timeoutMs });
  const [words] = outputs.map((output) => "text" in output ? output.text.trim().split("\n") : []);
  return words.at(words.indexOf("--conn") + 1);
}

kernelTest(
  "Kernel.execute() loses no output of 60 fast cells and misplaces none",
  async (kernel) => {
    for (let i = 0; i < 60; i++) {
      const code = `console.log("text ${i}");
      Deno.jupyter.display({ "text/plain": "unawaited ${i}" }, { raw: true });
      "value ${i}"`;
      const { status, outputs, executionCount } = await kernel.execute(code, { timeoutMs });
      assertEquals([status, executionCount], ["ok", i + 2]); // the first told its connection file
      assertEquals(outputs, [
        { output_type: "stream", name: "stdout", text: `text ${i}\n` },
        { output_type: "display_data", data: { "text/plain": `unawaited ${i}` }, metadata: {} },
        {
          output_type: "execute_result",
          data: { "text/plain": `"value ${i}"` },
          metadata: {},
          execution_count: i + 2,
        },
      ]);
    }
  },
);

kernelTest("Kernel.execute() brings a large output whole", async (kernel) => {
  const code = `await Deno.jupyter.display({ "text/plain": "z".repeat(5e6) }, { raw: true });
    console.log("after");`;
  const { outputs } = await kernel.execute(code, { timeoutMs });
  const [big, after] = outputs;
  assertEquals(big.output_type === "display_data" && big.data["text/plain"], "z".repeat(5e6));
  assertEquals(after, { output_type: "stream", name: "stdout", text: "after\n" });
});

kernelTest("Kernel.execute() reports a throw with its name, text and place", async (kernel) => {
  const code = `console.log("before");\nthrow new RangeError("no such width");`;
  const { status, outputs, error } = await kernel.execute(code, { timeoutMs });
  assertEquals([status, error?.name, error?.message], ["error", "RangeError", "no such width"]);
  assertEquals(outputs.map(({ output_type }) => output_type), ["stream", "error"]);
  assertEquals((await kernel.execute("1;", { timeoutMs })).status, "ok");
});

kernelTest(
  "Kernel.execute() makes an error output for a cell that does not compile",
  async (kernel) => {
    const { status, outputs, error } = await kernel.execute("const a = = 1;", { timeoutMs });
    assertEquals([status, outputs.length, outputs[0].output_type], ["error", 1, "error"]);
    assertStringIncludes(error!.message, "could not compile");
  },
);

kernelTest("Kernel.execute() gives up on an endless cell after its timeout", async (kernel) => {
  const run = await kernel.execute("while (true);", { timeoutMs: 300 });
  assertEquals([run.status, run.executionCount], ["timeout", null]);
  assertLess(run.elapsedMs, 20_000);
});

kernelTest("Kernel.execute() reports a kernel that ends, with its last words", async (kernel) => {
  const code =
    `console.log("here"); await new Promise((done) => setTimeout(done, 500)); Deno.exit(3);`;
  const { status, outputs, error } = await kernel.execute(code, { timeoutMs });
  assertEquals([status, outputs.length, outputs[0].output_type], ["died", 2, "stream"]);
  assertStringIncludes(error!.message, "status 3");
  assertEquals((await kernel.execute("1;", { timeoutMs })).status, "died");
});

kernelTest("Kernel.interrupt() reaches a handler, and variables live on", async (kernel) => {
  await kernel.execute(
    `let stop = () => {};
    Deno.addSignalListener("SIGINT", () => stop());
    const kept = 42;`,
    { timeoutMs },
  );
  const long = kernel.execute(
    `console.log("waiting");
    await new Promise((_, reject) => { stop = () => reject(new Error("stopped")); });`,
    { timeoutMs, onOutput: () => kernel.interrupt() },
  );
  assertEquals((await long).error?.message, "stopped");
  const after = await kernel.execute("console.log(kept);", { timeoutMs });
  assertEquals(after.outputs, [{ output_type: "stream", name: "stdout", text: "42\n" }]);
});

Deno.test({
  name: "Kernel.start() refuses a folder that is not there",
  ignore: !permitted,
  fn: async () => {
    await assertRejects(() => Kernel.start("/no/such/folder"), KernelError, "/no/such/folder");
  },
});
