import { assertEquals, assertThrows } from "@std/assert";
import { codesTable, privateTrainings } from "lib/study/privacy.ts";

const row = {
  ...{ dataset: "mnist-full", sigma: 0.7, noise: 0.7, clip: 1, batch: 1200, epochs: 20 },
  ...{ learningRate: 4, images: 60_000 },
};
const records = [
  { ...row, reader: "model", run: 0, accuracy: 0.94, epsilon: 7.9, seconds: 60 },
  { ...row, reader: "model", run: 1, accuracy: 0.95, epsilon: 7.9, seconds: 61 },
  { ...row, reader: "model", run: 2, accuracy: 0.96, epsilon: 7.9, seconds: 62 },
  { ...row, reader: "model", noise: 0, run: 0, accuracy: 0.97, epsilon: null, seconds: 60 },
  { ...row, reader: "server", run: 0, accuracy: 0.8, epsilon: 9, seconds: 60 },
  { ...row, reader: "model", run: 0, images: 600, accuracy: 0.99, epsilon: 1, seconds: 1 },
];

Deno.test("privateTrainings() joins the seeds of a setting and finds the best within ε", () => {
  const trainings = privateTrainings(records);
  assertEquals(trainings.rows.map(({ accuracies }) => accuracies.length), [3, 1, 1]);
  assertEquals(trainings.best("model", 8).accuracy, 0.95);
  assertEquals(trainings.best("model", Infinity).accuracy, 0.97);
  assertThrows(() => trainings.best("server", 8), RangeError, "no server with ε at most 8");
  assertEquals(trainings.table("t").rows.map(([, epsilon]) => epsilon), ["7.90", "∞", "9.00"]);
});

Deno.test("codesTable() holds bits and ε", () => {
  const { rows, columns } = codesTable({ sigmas: [0.7], visits: [1, 5] });
  assertEquals(columns.slice(2), ["ε of 1 visit, δ 1e-5", "ε of 5 visits, δ 1e-5"]);
  assertEquals(rows[0].slice(0, 2), ["0.7", "1.34"]);
  assertEquals(Math.round(Number(rows[0][3])), 47);
});
