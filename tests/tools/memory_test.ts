import { assert, assertEquals } from "@std/assert";
import { highestMemoryMB, MemoryWatch } from "lib/tools/memory.ts";
import { permitted } from "./fixtures.ts";

const HELD_MB = 200;
/** A process that holds memory for a moment, lets it go, says so, and stays until its input ends. */
const holder = `let held = new Uint8Array(${HELD_MB} * 2 ** 20).fill(1);
await new Promise((done) => setTimeout(done, 50));
held = null;
console.log("held");
for await (const _ of Deno.stdin.readable);`;
/** Another that only starts it; the input that it gives ends with it. */
const parent = `new Deno.Command(Deno.execPath(), {
  args: ["eval", ${JSON.stringify(holder)}],
  stdin: "piped",
}).spawn();
await new Promise((done) => setTimeout(done, 60_000));`;

/** Calls `body` when the code has said that the memory was held. */
async function whenHeld(code: string, body: (pid: number) => void): Promise<void> {
  const args = ["eval", code];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" })
    .spawn();
  const reader = child.stdout.getReader();
  try {
    await reader.read();
    body(child.pid);
  } finally {
    child.kill("SIGKILL");
    await Promise.all([child.status, child.stdin.close().catch(() => {}), reader.cancel()]);
  }
}

Deno.test({
  name: "highestMemoryMB() has what a process held once, and what its children did",
  ignore: !permitted || Deno.build.os !== "linux",
  async fn() {
    let alone = 0;
    await whenHeld(holder, (pid) => {
      alone = highestMemoryMB(pid)!;
      assert(alone > HELD_MB && alone < HELD_MB + 300, `${alone} MB`);
    });
    await whenHeld(parent, (pid) => {
      const both = highestMemoryMB(pid)!;
      assert(both > alone + 10 && both < alone + 300, `${both} MB, alone ${alone} MB`);
      using watch = new MemoryWatch(pid);
      assert(watch.peakMB! >= both);
    });
    assertEquals(highestMemoryMB(2 ** 22 + 1), undefined); // no process has such a number
  },
});
