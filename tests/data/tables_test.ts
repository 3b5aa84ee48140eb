import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError, verifyChecksum } from "lib/data/dataset.ts";
import { loadIris, loadPatients, parseTable, rowsOf } from "lib/data/tables.ts";

const count = (y: Uint8Array, label: number) => y.filter((value) => value === label).length;

Deno.test("loadPatients() has 455 and 114 rows of 30 features, 212 malignant and 357 benign", async () => {
  const { train, test } = await loadPatients();
  assertEquals([train.count, test.count, train.n, test.x.length], [455, 114, 30, 114 * 30]);
  assertEquals(train.classes, ["malignant", "benign"]);
  assertEquals(count(train.y, 0) + count(test.y, 0), 212);
  assertEquals(count(train.y, 1) + count(test.y, 1), 357);
  assertEquals([...train.x.subarray(0, 3)], [17.99, 10.38, 122.8]); // row 0 of the file
  assertEquals([...test.x.subarray(-30, -27)], [7.76, 24.54, 47.92]); // row 568
  assertEquals([train.features[3], train.features[20]], ["area (mean)", "radius (worst)"]);
});

Deno.test("loadIris() has 40 and 10 flowers of each species, in turn", async () => {
  const { train, test } = await loadIris();
  for (const label of [0, 1, 2]) {
    assertEquals([count(train.y, label), count(test.y, label)], [40, 10]);
  }
  assertEquals([...train.y.subarray(0, 6)], [0, 1, 2, 0, 1, 2]);
  assertEquals([...train.x.subarray(0, 4)], [5.1, 3.5, 1.4, 0.2]);
  assertEquals([...test.x.subarray(-4)], [5.9, 3, 5.1, 1.8]); // the last of the file
});

Deno.test("parseTable() reads rows and refuses what is no such table, one fault at a time", () => {
  const features = ["a", "b"];
  const read = parseTable("t", "2,2,no,yes\n1,-2.5,0\n3e2,4,1\n", features);
  assertEquals([[...read.x], [...read.y], read.classes], [[1, -2.5, 300, 4], [0, 1], [
    "no",
    "yes",
  ]]);
  const refuses = (text: string, message: string) =>
    assertThrows(() => parseTable("t", text, features), DataError, `Cannot read t: ${message}`);
  refuses("2,3,no,yes\n", "expected 2 features, its first line says 3");
  refuses("2,2,no,yes\n1,2,0\n", "expected 2 rows, got 1");
  refuses("1,2,no,yes\n1,0\n", "row 0 has 2 fields, expected 3");
  refuses("1,2,no,yes\n1,x,0\n", '"x" in row 0 is not a finite number');
  refuses("1,2,no,yes\n1,,0\n", '"" in row 0 is not a finite number');
  refuses("1,2,no,yes\n1,2,2\n", "class 2 of row 0 is none of the 2 named");
});

Deno.test("rowsOf() copies rows and refuses one that is not there; an altered file is refused", async () => {
  const read = parseTable("t", "2,1,no,yes\n1,0\n3,1\n", ["a"]);
  const last = rowsOf(read, [1]);
  assertEquals([[...last.x], [...last.y], last.count], [[3], [1], 1]);
  assertThrows(() => rowsOf(read, [2]), RangeError, "Cannot take row 2 of t: it has 2");
  const bytes = new TextEncoder().encode("150,4");
  await assertRejects(() => verifyChecksum("iris", bytes, "00"), DataError, "corrupt or another");
});
