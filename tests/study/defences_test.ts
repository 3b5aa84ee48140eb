import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DEFENCE_NAMES } from "lib/defences/defences.ts";
import {
  archiveDefences,
  decodeTraining,
  defenceRow,
  Defences,
  readDefences,
  recomputed,
  timeEpochs,
} from "lib/study/defences.ts";
import type { Row } from "lib/sweep/grid.ts";
import { sweep } from "lib/sweep/leakage.ts";
import { SweepStore } from "lib/sweep/store.ts";
import { permitted } from "../tools/fixtures.ts";
import { stripes } from "../defences/fixtures.ts";

const row = (accuracy: number, k10000: number) => ({
  ...{ accuracy, bytesPerVisit: 2400, secondsPerEpoch: 3, k100: 0.02, k1000: 0.01, k10000 },
  ...{ decoder: "ridge, all", floor: 0.05, part: 0.9, relinked: 1 },
});

Deno.test("defenceRow() is the mean of the trainings", () => {
  const mean = defenceRow("x", [row(0.9, 0.01), row(0.8, 0.03)]);
  assertAlmostEquals(mean.accuracy, 0.85, 1e-12);
  assertAlmostEquals(mean.k10000, 0.02, 1e-12);
  assertEquals([mean.runs, mean.accuracies], [2, [0.9, 0.8]]);
  assertThrows(() => defenceRow("x", []), RangeError, "no rows");
});

Deno.test("Defences shows its rows and others, and knows them by name", () => {
  const defences = new Defences([
    defenceRow("MITIG2, sigmoid", [row(0.97, 0.0015)]),
    defenceRow("dropout 0.5", [row(0.93, 0.03)]),
  ]).with({ ...row(0.972, 0.052), label: "mitig3" });
  assertEquals(defences.table("t").rows.map(([name]) => name), [
    ...["MITIG2, sigmoid", "dropout 0.5", "mitig3"],
  ]);
  assertEquals(defences.of("dropout").k10000, 0.03);
  assertThrows(() => defences.of("mixup"), RangeError);
  assertAlmostEquals(defences.floor, 0.05, 1e-12);
  const { data } = defences.figure("defences");
  assertEquals((data[0].marker as { symbol: string[] }).symbol, ["circle", "circle", "diamond"]);
});

Deno.test("timeEpochs() times every defence, and timed() puts its times in the table", async () => {
  const data = { train: stripes(30, 1), test: stripes(3, 2) };
  const times = await timeEpochs(data, { images: 30, passes: 1, hidden: 4 });
  assertEquals(times.size, DEFENCE_NAMES.length);
  assert([...times.values()].every((seconds) => seconds > 0 && seconds < 1e6));
  const defences = new Defences([defenceRow("mixup", [row(0.9, 0.01)])]).timed(
    new Map([["mixup", 7]]),
  );
  assertEquals(defences.table("t").rows[0][4], "7.0");
  assertEquals(defences.timed(new Map()).of("mixup").secondsPerEpoch, null);
});

Deno.test("decodeTraining() of MITIG2's real parties: nearer with more known images, below the label alone", async () => {
  const data = { train: stripes(140, 1), test: stripes(30, 2) };
  const found = await decodeTraining(data, {
    ...{ seed: 1, ks: [10, 100], epochs: 2, hidden: 20, victims: 40 },
  });
  assert(found.mse(100) < found.mse(10) && found.mse(100) < found.leakage.floor);
  assertThrows(() => found.mse(11), RangeError, "11 known images");
  assertEquals(found.table("t").rows.map(([k]) => k), [0, 10, 100]);
  assertEquals(found.figure("decoders").data.length, 2);
  const { layout } = found.grid("decoded", 3);
  assertEquals((layout.images as unknown[]).length, 4 * 3); // private, two decoders, label alone
});

Deno.test({
  name:
    "archiveDefences() adds rows and keeps those that are there; recomputed() tells a row that differs",
  ignore: !permitted,
  async fn() {
    const directory = await Deno.makeTempDir();
    const point = {
      ...{ defence: "noise-1", dataset: "mnist", hidden: 8, epochs: 1, images: 200, run: 0 },
    };
    const store = (name: string, result: Row, own: Record<string, string | number>) => {
      using made = new SweepStore(`${directory}/${name}`);
      const times = { attempts: 1, startedAt: new Date(0).toISOString(), pointMs: 1 };
      made.add(sweep, own, { status: "done", row: result, ...times });
      return `${directory}/${name}`;
    };
    const full = { ...point, dataset: "mnist-full", hidden: 300, epochs: 5, images: 60_000 };
    await archiveDefences([store("a", row(0.9, 0.01), full)], directory);
    await archiveDefences(
      [store("b", row(0.8, 0.03), { ...full, run: 1 }), store("c", row(0.1, 1), point)],
      directory,
    );
    const { rows } = await readDefences(directory);
    assertEquals(rows.map(({ label, runs }) => [label, runs]), [["clip 6, noise 1", 2]]);
    await Deno.remove(directory, { recursive: true });
    await assertRejects(() => recomputed("nothing=1"), TypeError, "no field");
  },
});
