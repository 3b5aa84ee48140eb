import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { sweep as predictions } from "lib/sweep/advise_cost.ts";
import { blas } from "lib/math/blas.ts";
import { archivedRecords, differences, readArchive, writeArchive } from "lib/sweep/archive.ts";
import { sweep as attack } from "lib/sweep/attack.ts";
import { sweep as cost } from "lib/sweep/cost.ts";
import { sweep as qfeCost } from "lib/sweep/qfe_cost.ts";
import { defineSweep, pointKey, pointsOf, type Row, seedOf } from "lib/sweep/grid.ts";
import type { Outcome, StoredRow } from "lib/sweep/store.ts";
import { sweep as rates } from "lib/sweep/rates.ts";
import { sweep as training } from "lib/sweep/training.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import { sweep as probe } from "./probe.ts";

const sweep = defineSweep({ ...probe, timings: ["value"] });
const points = pointsOf(sweep);
const times = { attempts: 1, startedAt: "2026-01-02T03:04:05.678Z", pointMs: 1.5 };
const fine = { value: 1, text: "a", even: true, gap: null };

function stored(index: number, part: Partial<Row> | { error: string } = {}): StoredRow {
  const point = points[index];
  const outcome: Outcome = "error" in part
    ? { ...times, status: "failed", error: String(part.error) }
    : { ...times, status: "done", row: { ...fine, ...part } as Row };
  return { key: pointKey(sweep, point), point, seed: seedOf(sweep, point), ...outcome };
}

Deno.test({
  name: "writeArchive() and readArchive() keep rows, each once, the failed ones too",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const rows = [stored(0), stored(1, { error: "Error: it throws" })];
      await writeArchive(sweep, [...rows, rows[0]], `${folder}/new`);
      assertEquals(await readArchive(sweep, `${folder}/new`), rows);
      await writeArchive(sweep, [rows[1]], `${folder}/new`);
      assertEquals(await readArchive(sweep, `${folder}/new`), [rows[1]]);
      await writeArchive(sweep, rows, `${folder}/new`);
      assertEquals(await archivedRecords(sweep, `${folder}/new`), [{ ...points[0], ...fine }]);
    }),
});

Deno.test({
  name: "readArchive() refuses an archive that is missing, cut off or of another version",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      await assertRejects(
        () => readArchive(sweep, folder),
        Error,
        "Cannot read the archive of sweep probe",
      );
      await writeArchive(sweep, [stored(0)], folder);
      const newer = { ...sweep, version: 2 };
      await assertRejects(() => readArchive(newer, folder), TypeError, "another version");
      const path = `${folder}/probe.csv`;
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).slice(0, -30));
      await assertRejects(() => readArchive(sweep, folder), TypeError, "cut off");
    }),
});

Deno.test("differences() names each column that differs, timings apart", () => {
  const archived = [stored(0), stored(1, { error: "Error: slow" }), stored(2, { gap: 0.5 })];
  assertEquals(differences(sweep, [stored(0, { value: 2 })], archived), []);
  assertEquals(differences(sweep, [stored(1, { error: "Error: again" })], archived), []);
  assertEquals(differences(sweep, [stored(2, { gap: 0.5 + 1e-8 })], archived), []);
  const at = (index: number) => JSON.stringify(points[index]);
  assertEquals(
    differences(sweep, [
      stored(0, { text: "b", even: false }),
      stored(1),
      stored(2, { gap: 0.50001 }),
      stored(3),
    ], archived),
    [
      `${at(0)}: text is b, archived a`,
      `${at(0)}: even is false, archived true`,
      `${at(1)}: done, not failed`,
      `${at(2)}: gap is 0.50001, archived 0.5`,
      `${at(3)}: not archived`,
    ],
  );
});

Deno.test("differences() grants a column the tolerance that its sweep names where a native BLAS multiplies", () => {
  const archived = [stored(2, { gap: 0.5 })];
  const rounded = { ...sweep, tolerances: { gap: 1e-3 } };
  const close = differences(rounded, [stored(2, { gap: 0.5004 })], archived);
  assertEquals(close.length, blas() === null ? 1 : 0);
  assertEquals(differences(rounded, [stored(2, { gap: 0.501 })], archived).length, 1);
});

Deno.test({
  name: "readArchive() finds a row for every point of the figures, of the code's own version",
  ignore: !permitted,
  async fn() {
    for (const own of [attack, rates, training, cost, qfeCost]) {
      const rows = await readArchive(own);
      assertEquals(rows.filter(({ status }) => status === "failed"), [], own.name);
      const keys = new Set(rows.map(({ key }) => key));
      assertEquals(pointsOf(own).filter((point) => !keys.has(pointKey(own, point))), [], own.name);
    }
    assertGreater((await readArchive(predictions)).length, 0);
  },
});
