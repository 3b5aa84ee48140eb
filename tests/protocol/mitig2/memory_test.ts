/** Memory over the epochs of one long training. */
import { assertEquals, assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { ended, permitted } from "../../tools/fixtures.ts";
import { type Memory, overPort } from "./memory_run.ts";

/** Both parties have all that they keep, and the collector has found its pace. */
const SETTLED = 20;

function assertSteady({ tensors }: Memory): void {
  assertEquals([...new Set(tensors.slice(SETTLED))].length, 1, `${tensors}`);
}

Deno.test("train() and serve() keep no more tensors from epoch to epoch, and none in the end", async () => {
  assertSteady(await overPort());
  assertEquals(tf.memory().numTensors, 0);
});

for (const transport of ["port", "tls"]) {
  Deno.test({
    name: `train() and serve() take no more memory from epoch to epoch, over ${transport}`,
    ignore: !permitted,
    async fn() {
      const script = new URL("./memory_run.ts", import.meta.url).href;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", script, transport],
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const { code, stdout, stderr } = await ended(child);
      assertEquals(code, 0, stderr);
      const memory: Memory = JSON.parse(stdout);
      assertSteady(memory);
      // z1 of an epoch is 1.6 MB: kept, it would be 65 MB at the end.
      const growth = Math.max(...memory.rss.slice(SETTLED)) - memory.rss[SETTLED];
      assertLess(growth, 50, `${memory.rss.map(Math.round)}`);
    },
  });
}
