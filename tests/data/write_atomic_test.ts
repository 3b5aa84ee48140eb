import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { checkWritable, writeAtomic } from "lib/data/write_atomic.ts";

const granted = async (name: "read" | "write" | "run") =>
  (await Deno.permissions.query({ name })).state === "granted";
const ignore = !(await granted("read") && await granted("write"));

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name)).sort();
}

/** A directory with one file, "old". */
async function withFile(name: string, use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/${name}`, "old");
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "writeAtomic() makes the directory and writes text and bytes, old files replaced",
  ignore,
  fn: () =>
    withFile("a.txt", async (directory) => {
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      await writeAtomic(`${directory}/new`, { "b.bin": bytes });
      await writeAtomic(directory, { "a.txt": "new" });
      assertEquals(await Deno.readFile(`${directory}/new/b.bin`), bytes);
      assertEquals(await Deno.readTextFile(`${directory}/a.txt`), "new");
      assertEquals(await names(directory), ["a.txt", "new"]);
      assertEquals(await names(`${directory}/new`), ["b.bin"]);
    }),
});

Deno.test({
  name: "writeAtomic() leaves old files and no temporary ones when a later file cannot be written",
  ignore,
  fn: () =>
    withFile("a.json", async (directory) => {
      await assertRejects(
        () => writeAtomic(directory, { "a.json": "new", "missing/b.json": "new" }),
        Error,
        "Cannot write a.json, missing/b.json",
      );
      assertEquals(await names(directory), ["a.json"]);
      assertEquals(await Deno.readTextFile(`${directory}/a.json`), "old");
    }),
});

Deno.test({
  name: "writeAtomic() leaves the old file and no temporary one when the disk takes only a part",
  // A limit on the size of files stands for the full disk: a write stops half-way in the same place.
  ignore: ignore || Deno.build.os === "windows" || !await granted("run"),
  fn: () =>
    withFile("a.bin", async (directory) => {
      const module = new URL("../../lib/data/write_atomic.ts", import.meta.url).href;
      const script = `const { writeAtomic } = await import(${JSON.stringify(module)});
        const big = new Uint8Array(1 << 20);
        await writeAtomic(${JSON.stringify(directory)}, { "small.bin": "new", "a.bin": big });`;
      await Deno.writeTextFile(`${directory}/write.ts`, script);
      const { success, stderr } = await new Deno.Command("bash", {
        args: [
          "-c",
          `trap '' XFSZ; ulimit -f 64; exec "$0" run --no-config --no-lock -A "$1"`,
          Deno.execPath(),
          `${directory}/write.ts`,
        ],
        stdout: "null",
      }).output();
      assert(!success);
      assertStringIncludes(new TextDecoder().decode(stderr), "Cannot write small.bin, a.bin in");
      assertEquals(await names(directory), ["a.bin", "write.ts"]);
      assertEquals(await Deno.readTextFile(`${directory}/a.bin`), "old");
    }),
});

Deno.test({
  name: "checkWritable() refuses a file and a folder that takes none, and leaves nothing behind",
  ignore,
  fn: () =>
    withFile("a.txt", async (directory) => {
      await checkWritable(directory);
      await checkWritable(`${directory}/x/y`);
      assertEquals(await names(directory), ["a.txt"]);
      const file = `${directory}/a.txt`;
      const cases = [[file, "it is a file"], [`${file}/x/y`, `${file} is a file`]];
      if (Deno.build.os === "linux") cases.push(["/proc/x", "No such file or directory"]);
      for (const [path, why] of cases) {
        await assertRejects(() => checkWritable(path), Error, `Cannot write into ${path}: ${why}`);
      }
    }),
});
