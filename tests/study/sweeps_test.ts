import { assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import {
  archiveRows,
  type Chosen,
  computeAgain,
  Recomputed,
  rowsOf,
  SweepRows,
} from "lib/study/sweeps.ts";
import { readArchive } from "lib/sweep/archive.ts";
import { sweep as cost } from "lib/sweep/cost.ts";
import { SweepStore } from "lib/sweep/store.ts";

const permitted = (await Promise.all(
  (["read", "write", "env", "sys", "ffi"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

const POINT: Chosen = ["cost", "scheme=ipfe,n=4,hidden=2"];

test("rowsOf() reads the kept rows and computes the points that they lack", async () => {
  const counts: [number, number][] = [];
  const onProgress = (done: number, total: number) => void counts.push([done, total]);
  const rows = await rowsOf({ profile: "quick", more: [POINT], onProgress });
  assertEquals(rows.known.attack, rows.stored.attack.length);
  assertEquals(rows.stored.cost.length, rows.known.cost + 1);
  const own = rows.of("cost").find(({ n }) => n === 4)!;
  assertEquals([own.scheme, own.hidden], ["ipfe", 2]);
  assertGreater(Number(own.bytes), 0);
  const [done, total] = counts.at(-1)!;
  assertEquals(done, total);
  const [attack, , , cost] = rows.table("t").rows;
  assertEquals(attack.slice(3), [0, 0]);
  assertEquals(cost.slice(3), [1, 0]);

  const again = await computeAgain([POINT], rows);
  assertEquals(again.differences, []);
  assertEquals(again.table().rows.map((row) => [row[0], row[1], row[3]]), [[
    ...["cost", "ipfe, 4, 2", "equal"],
  ]]);
  const off = rows.stored.cost.map((row) =>
    row.status === "done" && row.point.n === 4 ? { ...row, row: { ...row.row, bytes: 1 } } : row
  );
  const wrong = new Recomputed(
    new SweepRows({ ...rows.stored, cost: off }, rows.known),
    again.fresh,
  );
  assertEquals(wrong.differences.length, 1);
  assertStringIncludes(wrong.differences[0], "bytes is");
  assertEquals(wrong.table().rows[0][3], "differs");
});

test("rowsOf() stops at the signal, and refuses a point that no grid has", async () => {
  const signal = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => rowsOf({ profile: "quick", more: [POINT], signal }), Error, "stopped");
  const unknown: Chosen = ["attack", "dataset=cifar100"];
  await assertRejects(() => rowsOf({ profile: "quick", more: [unknown] }), RangeError, "cifar100");
});

test("archiveRows() writes a file a sweep", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/store.sqlite`;
    {
      using store = new SweepStore(path);
      const [row] = await readArchive(cost);
      store.add(cost, row.point, row);
    }
    await archiveRows(path, directory);
    assertEquals((await readArchive(cost, directory)).length, 1);
    const files = [...Deno.readDirSync(directory)].map(({ name }) => name);
    assertEquals(files.filter((name) => name.endsWith(".csv")).toSorted(), [
      ...["advise_cost.csv", "advise_leakage.csv", "attack.csv", "cost.csv", "rates.csv"],
      "training.csv",
    ]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
