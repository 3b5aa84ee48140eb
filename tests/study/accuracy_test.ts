import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { AccuracyByWidth, lossText, SCALES } from "lib/study/accuracy.ts";

const run = (run: number, scheme: string, accuracy: number, held = {}) => ({
  ...{ dataset: "mnist", epochs: 10, share: 1, hidden: 300, batch: 50, learningRate: 1 },
  ...{ scaleBits: 0, scheme, run, accuracy, ...held },
});
/** Two seeds, of which the second is a point better in every training; fixed point costs 12 / bits points. */
const rows = [1, 0].flatMap((k) => [
  run(k, "float", 0.9 + k / 100),
  run(k, "float", 0.1, { epochs: 12 }),
  run(k, "mitig2", 0.95 + k / 100 + k / 1000, { learningRate: 0.03 }),
  ...SCALES.map((scaleBits) => run(k, "mitig1", 0.9 + k / 100 - 0.12 / scaleBits, { scaleBits })),
]);
const accuracy = new AccuracyByWidth(rows);

Deno.test("losses are differences seed by seed, so what seeds share does not widen them", () => {
  assertEquals(lossText(accuracy.ofFixedPoint(300, 4)), "3.0 (3.0 to 3.0)");
  const setting = accuracy.ofSetting(300);
  assertEquals([setting.points.toFixed(2), setting.n], ["5.05", 2]);
  assertThrows(() => accuracy.ofSetting(100), RangeError, "at 100 units: two seeds are needed");
  assertEquals(lossText({ points: -0.01, low: -0.24, high: 0.2, n: 5 }), "0.0 (-0.2 to 0.2)");
});

Deno.test("figure() and table() have a line and a column for each precision, and two for float32", () => {
  const { data } = accuracy.figure("accuracy");
  assertEquals(data.length, SCALES.length + 2);
  assertStringIncludes(String(data[0].name), "2⁻⁴");
  assertEquals((data[4].y as number[])[0].toFixed(6), "90.500000");
  const [row] = accuracy.table().rows;
  assertEquals(row.slice(0, 3), [300, "3.0 (3.0 to 3.0)", "2.0 (2.0 to 2.0)"]);
});

Deno.test("authorsTable() sets batches against learning rates", () => {
  const plain = [[50, 0.02], [50, 0.001], [250, 0.001]].map(([batch, learningRate], k) =>
    run(0, "plain", 0.9 - k / 10, { batch, learningRate })
  );
  const { columns, rows } = new AccuracyByWidth(plain).authorsTable(300);
  assertEquals(columns, ["images a batch", "rate 0.001", "rate 0.02"]);
  assertEquals(rows, [[50, "80.0 %", "90.0 %"], [250, "70.0 %", "not run"]]);
});
