import { assertEquals, assertRejects } from "@std/assert";
import { Checkpoints } from "lib/protocol/checkpoints.ts";

const granted = async (name: "read" | "write") =>
  (await Deno.permissions.query({ name })).state === "granted";
const ignore = !(await granted("read") && await granted("write"));

function test(name: string, run: (checkpoints: Checkpoints, directory: string) => Promise<void>) {
  Deno.test({
    name,
    ignore,
    async fn() {
      const directory = await Deno.makeTempDir();
      try {
        await run(new Checkpoints(`${directory}/session`), directory);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}

test("save() keeps the last two epochs, and drops later ones of an abandoned course", async (checkpoints) => {
  assertEquals(await checkpoints.epochs(), []);
  for (const epoch of [1, 2, 9, 10]) await checkpoints.save(epoch, Uint8Array.of(epoch));
  assertEquals(await checkpoints.epochs(), [9, 10]);
  await checkpoints.save(10, Uint8Array.of(11));
  assertEquals(await checkpoints.load(10), Uint8Array.of(11));
  await checkpoints.save(3, Uint8Array.of(3));
  assertEquals(await checkpoints.epochs(), [3]);
  assertEquals(await checkpoints.model(), null);
});

test("lock() lets one train, until it is disposed of, and removes what a killed process left", async (checkpoints) => {
  const lock = await checkpoints.lock();
  await Deno.writeFile(`${checkpoints.directory}/epoch-1.safetensors.x.tmp`, Uint8Array.of(1));
  await Deno.writeFile(`${checkpoints.directory}/mine.tmp`, Uint8Array.of(1));
  assertEquals(await checkpoints.lock(), null);
  assertEquals(await new Checkpoints(checkpoints.directory).lock(), null);
  lock![Symbol.dispose]();
  const again = await checkpoints.lock();
  const names = await Array.fromAsync(Deno.readDir(checkpoints.directory), ({ name }) => name);
  assertEquals(names.sort(), ["lock", "mine.tmp"]);
  again![Symbol.dispose]();
});

test(
  "save(), lock() and read() say what failed, and the directory last",
  async (checkpoints, directory) => {
    await Deno.writeTextFile(checkpoints.directory, "a file where the directory should be");
    const place = `(${checkpoints.directory})`;
    const save = () => checkpoints.save(2, Uint8Array.of(1));
    const { message } = await assertRejects(save, Error, "Cannot save epoch-2.safetensors: ");
    assertEquals([message.endsWith(place), message.includes("os error")], [true, true]);
    await assertRejects(() => checkpoints.lock(), Error, "Cannot keep checkpoints: ");
    const other = new Checkpoints(`${directory}/other`);
    await assertRejects(
      () => other.read(1, String),
      Error,
      "Cannot resume from epoch-1.safetensors: ",
    );
    await other.save(1, Uint8Array.of(7));
    const refuse = () => {
      throw new RangeError("Cannot read safetensors: truncated");
    };
    await assertRejects(
      () => other.read(1, refuse),
      Error,
      `Cannot resume from epoch-1.safetensors: Cannot read safetensors: truncated (${other.directory})`,
    );
    assertEquals(await other.read(1, (bytes) => bytes[0]), 7);
  },
);
