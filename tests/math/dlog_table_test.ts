import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { buildTable, type DlogTable, loadTable, saveTable } from "lib/math/dlog_table.ts";
import { group } from "lib/math/group.ts";
import { GROUPS } from "./weierstrass.ts";

const states = await Promise.all(
  (["read", "write"] as const).map((name) => Deno.permissions.query({ name })),
);
const ignore = states.some(({ state }) => state !== "granted");

const G = group("ristretto255");
const ENTRIES = 2 ** 18;

/** A table of the right size with arbitrary content: the cache does not look inside. */
function fakeTable(): DlogTable {
  const data = Uint32Array.from(
    { length: 4 * ENTRIES },
    (_, i) => Math.imul(i, 2654435761),
  );
  return { entries: ENTRIES, data };
}

/** Runs with a directory of its own, catching what is warned. */
function inDirectory(run: (directory: string, warnings: string[]) => void): void {
  const directory = Deno.makeTempDirSync();
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (message: string) => void warnings.push(message);
  try {
    run(directory, warnings);
  } finally {
    console.warn = warn;
    Deno.removeSync(directory, { recursive: true });
  }
}

const only = (directory: string) => {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  assertEquals(names.length, 1, `${names}`);
  return `${directory}/${names[0]}`;
};

Deno.test({
  name: "loadTable() gives back what saveTable() kept, for that group and size only",
  ignore,
  fn: () =>
    inDirectory((directory, warnings) => {
      const nested = `${directory}/made/on/demand`;
      assertEquals(loadTable(G, ENTRIES, nested), null);
      saveTable(G, fakeTable(), nested);
      assertEquals(loadTable(G, ENTRIES, nested), fakeTable());
      assertEquals(loadTable(G, 2 * ENTRIES, nested), null);
      assertEquals(loadTable(GROUPS["p256"], ENTRIES, nested), null);
      assertEquals(warnings, []);
      only(nested); // no temporary file is left
    }),
});

Deno.test({
  name: "loadTable() refuses a damaged file, names it, and leaves it to be replaced",
  ignore,
  fn: () =>
    inDirectory((directory, warnings) => {
      saveTable(G, fakeTable(), directory);
      const path = only(directory);
      const good = Deno.readFileSync(path);
      const flip = (at: number) => {
        const bytes = good.slice();
        bytes[at] ^= 1;
        return bytes;
      };
      const damaged = [
        flip(0), // magic
        flip(8), // group
        flip(13), // entries
        flip(20), // checksum
        flip(60), // padding
        flip(64), // first slot
        flip(good.length - 1),
        good.subarray(0, good.length - 4),
        good.subarray(0, 10),
        new Uint8Array(0),
        new Uint8Array([...good.subarray(0, 64)]),
      ];
      for (const bytes of damaged) {
        Deno.writeFileSync(path, bytes);
        assertEquals(loadTable(G, ENTRIES, directory), null);
        assertStringIncludes(warnings.pop() ?? "", `Cannot load ${path}: truncated or corrupt`);
        assertEquals(warnings, []);
      }
      saveTable(G, fakeTable(), directory);
      assertEquals(loadTable(G, ENTRIES, directory), fakeTable());
    }),
});

Deno.test({
  name: "saveTable() that cannot write warns, and leaves nothing half written",
  ignore,
  fn: () =>
    inDirectory((directory, warnings) => {
      const path = `${directory}/dlog-${G.name}-${ENTRIES}.bin`;
      Deno.mkdirSync(`${path}/in the way`, { recursive: true });
      saveTable(G, fakeTable(), directory);
      assertStringIncludes(warnings.pop() ?? "", `Cannot keep ${path}`);
      assertEquals(only(directory), path);
      assertEquals(loadTable(G, ENTRIES, directory), null);
      assertStringIncludes(warnings.pop() ?? "", `Cannot load ${path}`);
    }),
});

Deno.test({
  name: "saveTable() does not keep small tables",
  ignore,
  fn: () =>
    inDirectory((directory) => {
      const build = buildTable(G, 16);
      let step = build.next();
      while (!step.done) step = build.next();
      saveTable(G, step.value, directory);
      assertEquals([...Deno.readDirSync(directory)], []);
    }),
});

Deno.test({
  name: "loadTable() and saveTable() do nothing without permission, and never ask",
  ignore: !states.every(({ state }) => state === "prompt"),
  fn: () => {
    saveTable(G, fakeTable(), "/nowhere");
    assert(loadTable(G, ENTRIES, "/nowhere") === null);
  },
});
