/** Memory over the epochs of one long training. */
import { assertEquals, assertLess } from "@std/assert";
import { ended, permitted } from "../../tools/fixtures.ts";

/** Both parties have all that they keep, and the collector has found its pace. */
const SETTLED = 20;

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
      const rss: number[] = JSON.parse(stdout);
      // z1 of an epoch is 1.6 MB: kept, it would be 65 MB at the end.
      const growth = Math.max(...rss.slice(SETTLED)) - rss[SETTLED];
      assertLess(growth, 50, `${rss.map(Math.round)}`);
    },
  });
}
