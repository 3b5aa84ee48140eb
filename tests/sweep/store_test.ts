import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { flatRow, formatCsv, formatJson, parseCsv } from "lib/sweep/archive.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { defineSweep, type Point, pointKey, pointsOf, type Sweep } from "lib/sweep/grid.ts";
import { type Outcome, StoreError, SweepStore } from "lib/sweep/store.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import { sweep } from "./probe.ts";

const points = pointsOf(sweep);
const times = { attempts: 1, startedAt: "2026-01-02T03:04:05.678Z", pointMs: 1.5 };
const done = (value: number): Outcome => ({
  ...times,
  status: "done",
  row: { value, text: 'a "quoted", line\nand another', even: true, gap: null },
});
const failed: Outcome = { ...times, status: "failed", error: "Error: it throws", attempts: 3 };
const newer: Sweep = defineSweep({ ...sweep, version: 2 });

Deno.test("SweepStore keeps one row a point and version, the first", () => {
  using store = new SweepStore(":memory:");
  const [first, second, third] = points;
  assertEquals(store.add(sweep, first, done(1)), true);
  assertEquals(store.add(sweep, first, done(2)), false);
  assertEquals(store.add(sweep, first, failed), false);
  assertEquals(store.add(sweep, second, failed), true);
  assertEquals(store.add(newer, first, done(3)), true);
  const rows = store.rows(sweep, [third, second, first]);
  assertEquals(rows.map(({ point, status }) => [point, status]), [[second, "failed"], [
    first,
    "done",
  ]]);
  assertEquals(rows[1].status === "done" && rows[1].row.value, 1);
  assertEquals(store.rows(newer, points).length, 1);
  assertEquals(store.rows(sweep), store.rows(sweep, [first, second]), "all, sorted by point");
  assertEquals([...store.statuses(sweep).values()].sort(), ["done", "failed"]);
});

Deno.test("SweepStore.forgetFailed() removes the failed rows of the points and version only", () => {
  using store = new SweepStore(":memory:");
  const [first, second, third] = points;
  store.add(sweep, first, done(1));
  store.add(sweep, second, failed);
  store.add(sweep, third, failed);
  store.add(newer, second, failed);
  store.forgetFailed(sweep, [first, second]);
  assertEquals(store.rows(sweep, points).map(({ point }) => point), [first, third]);
  assertEquals(store.rows(newer, points).length, 1);
});

Deno.test("formatCsv() is read back by parseCsv() as the same rows, texts, gaps and failures", () => {
  using store = new SweepStore(":memory:");
  points.slice(0, 4).forEach((point, k) => store.add(sweep, point, k === 2 ? failed : done(k / 7)));
  const rows = store.rows(sweep, points);
  const csv = formatCsv(sweep, rows);
  assertEquals(csv.split("\n")[0].startsWith("version,index,busyMs,mode,seed,status,value"), true);
  assertEquals(parseCsv(sweep, csv), rows);
  assertEquals(parseCsv(sweep, csv.replaceAll("\n1,", "\r\n1,")), rows);
  assertEquals(JSON.parse(formatJson(sweep, rows)), rows.map((row) => flatRow(sweep, row)));
  assertEquals(parseCsv(sweep, formatCsv(sweep, [])), []);
});

Deno.test("parseCsv() refuses another header, version, point and a line cut off", () => {
  using store = new SweepStore(":memory:");
  store.add(sweep, points[0], { ...times, status: "failed", error: "plain" });
  const csv = formatCsv(sweep, store.rows(sweep, points));
  const faults: [string, string][] = [
    [csv.replace("gap", "gaps"), "its header is version,index"],
    ["", "its header is"],
    [csv.replace("\n1,", "\n2,"), "line 2 is cut off or of another version"],
    [csv.slice(0, -20), "line 2 is cut off"],
    [csv.replace("\n1,0,", "\n1,-4,"), "index = -4 is not an integer"],
  ];
  for (const [text, message] of faults) {
    assertThrows(() => parseCsv(sweep, text), Error, message);
  }
});

Deno.test({
  name: "SweepStore keeps its rows and its id on disk, and lets others read while one writes",
  ignore: !permitted,
  fn: () =>
    withFolder((folder) => {
      const path = `${folder}/new/store.sqlite`;
      using writer = new SweepStore(path);
      writer.add(sweep, points[0], done(1));
      using reader = new SweepStore(path, { readOnly: true });
      writer.add(sweep, points[1], done(2));
      assertEquals(reader.rows(sweep, points), writer.rows(sweep, points));
      assertEquals([reader.id, reader.rows(sweep, points).length], [writer.id, 2]);
      assertThrows(() => reader.add(sweep, points[2], done(3)), StoreError, "readonly");
      return Promise.resolve();
    }),
});

Deno.test({
  name: "SweepStore refuses a store that is locked, of another version, corrupt, or none",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/store.sqlite`;
      const refuses = (message: string, options = {}) =>
        assertThrows(() => new SweepStore(path, options), StoreError, message);
      refuses("unable to open", { readOnly: true });
      {
        using store = new SweepStore(path);
        refuses("locked by another process that writes");
        for (const point of points) store.add(sweep, point, done(1));
        using other = new DatabaseSync(path);
        other.exec("BEGIN IMMEDIATE");
        const start = performance.now();
        const fresh = { ...points[0], index: 999 };
        assertThrows(() => store.add(sweep, fresh, done(1)), StoreError, "locked by another");
        assertLess(performance.now() - start, 20_000); // it waits for two
        other.exec("ROLLBACK");
        assertEquals(store.add(sweep, fresh, done(1)), true);
      }
      const bytes = await Deno.readFile(path);
      {
        using database = new DatabaseSync(path);
        database.exec("PRAGMA user_version = 9");
      }
      refuses("written as store version 9, expected 1");
      await Deno.writeFile(path, bytes.slice(0, bytes.length / 2));
      refuses("corrupt");
      await Deno.writeFile(path, bytes.map((byte, at) => at > 8192 && at < 30_000 ? 7 : byte));
      refuses("corrupt");
      // Cell pointers of one page: nothing but a check of every page finds it.
      const page = bytes.length - 4096;
      await Deno.writeFile(
        path,
        bytes.map((byte, at) => at > page + 12 && at < page + 20 ? 7 : byte),
      );
      refuses("corrupt (");
      await Deno.writeTextFile(path, "This is a text, not a database. ".repeat(100));
      refuses("corrupt or no store (file is not a database)");
      await Deno.remove(path);
      await Deno.remove(`${path}.lock`);
      {
        using database = new DatabaseSync(path);
        database.exec("CREATE TABLE mine (a)");
      }
      refuses("it is no store of sweeps");
      // of a foreign file it leaves everything as it is, even where that has no table
      {
        using database = new DatabaseSync(path);
        database.exec("DROP TABLE mine; PRAGMA application_id = 7");
      }
      refuses("it is no store of sweeps");
      await Deno.writeTextFile(path, "a text");
      refuses("no store");
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["store.sqlite"]);
    }),
});

/** Changes a row behind the store's back. */
function damage(path: string, set: string, row: Point): void {
  using database = new DatabaseSync(path);
  database.exec(`UPDATE rows SET ${set} WHERE key = '${pointKey(sweep, row)}'`);
}

Deno.test({
  name: "SweepStore hands out no damaged row, and dropDamaged() has it computed again",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const path = `${folder}/store.sqlite`;
      const [first, second] = points;
      const faults: [set: string, what: string][] = [
        [`point = replace(point, '"index":0', '"index":7')`, "its key is not its point's"],
        ["point = replace(point, 'fine', 'f?ne')", 'mode = "f?ne" is not one of'],
        ["point = substr(point, 3)", "not JSON"],
        ["seed = seed + 1", "its seed is not its point's"],
        ["seed = 9007199254740993 * 2", "its seed is not its point's"], // no number can hold it
        ["key = 'a' || substr(key, 2) || 'a'", "its key is not its point's"],
        ["row = replace(row, 'value', 'valve')", "column value is missing or unknown"],
        ["attempts = 9223372036854775807", "its times are none"],
        ["startedAt = '20x6'", "its times are none"],
        ["pointMs = -1.5", "its times are none"],
      ];
      for (const [set, what] of faults) {
        using store = new SweepStore(path);
        store.add(sweep, first, done(1));
        store.add(sweep, second, done(2));
        damage(path, set, first);
        const error = assertThrows(() => store.rows(sweep), StoreError, what);
        assertStringIncludes(error.message, "deno task sweep probe --resume computes it again");
        const [line, ...others] = store.dropDamaged(sweep);
        assertStringIncludes(line, what);
        assertEquals(others, []);
        assertEquals(store.rows(sweep).map(({ point }) => point), [second]);
        assertEquals(store.dropDamaged(sweep), []);
        assertEquals(store.add(sweep, first, done(1)), true);
        assertEquals(store.rows(sweep, [first, second]).length, 2);
      }
      await Promise.resolve();
    }),
});

Deno.test({
  name: "SweepStore has after any flipped bit only rows whose point and seed are right",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const [path, flippedPath] = [`${folder}/store.sqlite`, `${folder}/flipped.sqlite`];
      const few = points.slice(0, 40);
      const seeds = new Map<string, number>();
      {
        using store = new SweepStore(path);
        few.forEach((point, k) => store.add(sweep, point, done(k)));
        for (const row of store.rows(sweep, few)) seeds.set(row.key, row.seed);
      }
      const bytes = await Deno.readFile(path);
      const rng = seededRng(3);
      const below = (bound: number) => Math.floor(uniform(rng) * bound);
      const outcomes = { refused: 0, dropped: 0, right: 0 };
      for (let trial = 0; trial < 200; trial++) {
        const flipped = bytes.slice();
        let at = 0;
        while (at < 4096 || bytes[at] === 0) at = below(bytes.length); // most of a page is empty
        flipped[at] ^= 1 << below(8);
        await Deno.writeFile(flippedPath, flipped);
        try {
          using store = new SweepStore(flippedPath);
          const dropped = store.dropDamaged(sweep).length;
          outcomes[dropped > 0 ? "dropped" : "right"]++;
          few.forEach((point, k) => store.add(sweep, point, done(k)));
          const rows = store.rows(sweep);
          for (const { key, point, seed } of rows) {
            assertEquals([pointKey(sweep, point), seed], [key, seeds.get(key)]);
          }
          assertEquals(store.rows(sweep, few).length, 40);
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          outcomes.refused++;
        }
      }
      assert(outcomes.dropped > 20 && outcomes.refused < 20, JSON.stringify(outcomes));
    }),
});
