import { assertEquals, assertRejects } from "@std/assert";
import { Checkpoints } from "lib/net/checkpoints.ts";

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

test("save() keeps the last three epochs, and drops later ones of an abandoned course", async (checkpoints) => {
  assertEquals(await checkpoints.epochs(), []);
  for (const epoch of [1, 2, 8, 9, 10]) await checkpoints.save(epoch, Uint8Array.of(epoch));
  assertEquals(await checkpoints.epochs(), [8, 9, 10]);
  await checkpoints.save(10, Uint8Array.of(11));
  assertEquals(await checkpoints.load(10), Uint8Array.of(11));
  await checkpoints.save(3, Uint8Array.of(3));
  assertEquals(await checkpoints.epochs(), [3]);
  assertEquals(await checkpoints.model(), null);
});

test("lock() lets one train, until it is disposed of, and removes what a killed process left", async (checkpoints) => {
  const lock = await checkpoints.lock();
  await Deno.writeFile(`${checkpoints.directory}/epoch-1.safetensors.x.tmp`, Uint8Array.of(1));
  await Deno.writeFile(`${checkpoints.directory}/session.x.tmp`, Uint8Array.of(1));
  await Deno.writeFile(`${checkpoints.directory}/mine.tmp`, Uint8Array.of(1));
  assertEquals(await checkpoints.lock(), null);
  assertEquals(await new Checkpoints(checkpoints.directory).lock(), null);
  assertEquals(await checkpoints.holder(), `process ${Deno.pid}`);
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

test(
  "lock() leaves no directory in which nothing was saved, and is had by one of many at a time",
  async (checkpoints, directory) => {
    if (Deno.build.os === "windows") return;
    let [holding, most, had] = [0, 0, 0];
    await Promise.all(Array.from({ length: 40 }, async (_, i) => {
      for (let tries = 0; tries < 5000; tries++) {
        await new Promise((resolve) => setTimeout(resolve, i % 3));
        using lock = await new Checkpoints(checkpoints.directory).lock();
        if (!lock) continue;
        had++;
        most = Math.max(most, ++holding);
        await new Promise((resolve) => setTimeout(resolve, i % 2));
        holding--;
        break; // each in its turn
      }
    }));
    assertEquals(most, 1);
    assertEquals(had, 40);
    assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  },
);

test("lock() gives up on a file that cannot be there", async (checkpoints) => {
  if (Deno.build.os === "windows") return;
  await Deno.mkdir(checkpoints.directory);
  await Deno.symlink("nowhere/at/all", `${checkpoints.directory}/lock`);
  const reason = "Cannot keep checkpoints: the file lock cannot be had";
  await assertRejects(() => checkpoints.lock(), Error, reason);
});

test("holder() names no process when the file does not say", async (checkpoints) => {
  const lock = await checkpoints.lock();
  for (const text of ["", "twelve", "-1", "12; rm"]) {
    await Deno.writeTextFile(`${checkpoints.directory}/lock`, text);
    assertEquals(await checkpoints.holder(), "another process");
  }
  lock![Symbol.dispose]();
});

test("Checkpoints are readable by their owner only, from the first byte on", async (checkpoints) => {
  if (Deno.build.os === "windows") return;
  const modes = async () => {
    const found: Record<string, number> = {};
    for await (const { name } of Deno.readDir(checkpoints.directory)) {
      found[name] = (await Deno.stat(`${checkpoints.directory}/${name}`)).mode! & 0o777;
    }
    return found;
  };
  using _lock = await checkpoints.lock();
  await checkpoints.nameSession("abc");
  await checkpoints.save(1, new Uint8Array(9));
  const temporary: number[] = [];
  const { open } = Deno;
  Deno.open = async (path, options) => {
    const file = await open(path, options);
    temporary.push((await file.stat()).mode! & 0o777);
    return file;
  };
  await checkpoints.saveModel(new Uint8Array(9)).finally(() => Deno.open = open);
  assertEquals(temporary, [0o600]);
  assertEquals(await modes(), {
    ...{ lock: 0o600, session: 0o600, "epoch-1.safetensors": 0o600, "model.safetensors": 0o600 },
  });
  assertEquals((await Deno.stat(checkpoints.directory)).mode! & 0o777, 0o700);
});

test("inspect() tells damage from a file that it may not read, and setAside() replaces nothing", async (checkpoints) => {
  for (const epoch of [1, 2, 3]) await checkpoints.save(epoch, Uint8Array.of(epoch));
  const { intact, damaged } = await checkpoints.inspect(([byte], epoch) => {
    if (epoch === 2) throw new RangeError("Cannot read it");
    return byte;
  });
  assertEquals([...intact], [[1, 1], [3, 3]]);
  assertEquals([...damaged], [[2, "Cannot read it"]]);
  const [line] = await checkpoints.setAside(damaged);
  assertEquals(
    line,
    "epoch-2.safetensors is set aside as epoch-2.safetensors.damaged: Cannot read it " +
      `(${checkpoints.directory})`,
  );
  await checkpoints.save(2, Uint8Array.of(7));
  await checkpoints.setAside(damaged);
  const aside = `${checkpoints.directory}/epoch-2.safetensors.damaged`;
  assertEquals([await Deno.readFile(aside), await Deno.readFile(`${aside}-2`)], [
    Uint8Array.of(2),
    Uint8Array.of(7),
  ]);
  const { load } = checkpoints;
  checkpoints.load = () => Promise.reject(new Deno.errors.PermissionDenied("denied"));
  await assertRejects(
    () => checkpoints.inspect(() => {}),
    Error,
    "Cannot read epoch-1.safetensors: denied",
  );
  checkpoints.load = load;
});

test("visits() reads what noteVisits() noted of that session, and nothing of another, and clear() forgets it", async (checkpoints) => {
  const [session, other] = ["ab".repeat(16), "cd".repeat(16)];
  assertEquals(await checkpoints.visits(session), null);
  await checkpoints.noteVisits(session, 1);
  await checkpoints.noteVisits(session, 12);
  assertEquals([await checkpoints.visits(session), await checkpoints.visits(other)], [12, null]);
  for (const bad of ["", `${session}`, `${session} `, `${session} 1e3`, `${session} -1`]) {
    await Deno.writeTextFile(`${checkpoints.directory}/visits`, bad);
    assertEquals(await checkpoints.visits(session), null, bad);
  }
  await checkpoints.clear();
  assertEquals(await checkpoints.visits(session), null);
});
