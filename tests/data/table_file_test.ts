import {
  assertAlmostEquals,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { readTable, scaledLayer } from "lib/data/table_file.ts";
import { refusal, test, write } from "./sample_files.ts";
import { npy, zip } from "./weight_files.ts";

type Options = Parameters<typeof readTable>[1];

async function read(
  folder: string,
  content: string | Uint8Array,
  options: Options = {},
  name = "t.csv",
) {
  await write(folder, { [name]: content });
  return await readTable(`${folder}/${name}`, options);
}

test("readTable() takes each column from its smallest value to its largest", async (folder) => {
  const table = await read(folder, "age,pay,flat\n20,-1,7\n71,0,7\n45.5,1,7\n");
  assertEquals([...table.x], [0, 0, 0, 255, 128, 0, 128, 255, 0]);
  assertEquals([table.shape, table.count, table.kind], [[1, 3, 1], 3, "table"]);
  assertEquals([table.names, table.labelled], [["row 0", "row 1", "row 2"], false]);
  assertEquals([...table.scaling!.offset], [20, -1, 7]);
  [0.2, 2 / 255, 0].forEach((step, j) => assertAlmostEquals(table.scaling!.step[j], step, 1e-15));
  assertEquals(table.notes.map((note) => note.replace(`${folder}/`, "")), [
    "t.csv: 3 rows of 3 columns",
    "t.csv: columns are taken to 0..255 between smallest and largest, known to the attacker: " +
    "age 20 + 0.2·byte, pay -1 + 0.007843·byte, flat 7 + 0·byte",
    "t.csv: constant, and therefore 0: flat",
  ]);
});

test("readTable() bytes give the values back to half a step", async (folder) => {
  const values = Array.from({ length: 60 }, (_, k) => Math.exp(k % 7) * (k % 3 - 1) + k / 1e3);
  const rows = Array.from({ length: 20 }, (_, k) => values.slice(3 * k, 3 * k + 3).join(","));
  const { x, scaling } = await read(folder, rows.join("\n"));
  values.forEach((value, at) => {
    const [offset, step] = [scaling!.offset[at % 3], scaling!.step[at % 3]];
    assertLessOrEqual(Math.abs(offset + step * x[at] - value), step / 2 + 1e-9);
  });
});

test("readTable() takes labels by the column's name or number", async (folder) => {
  const text = "kind,a,b\ndog,1,2\ncat,3,4\n";
  const named = await read(folder, text, { label: "kind" });
  assertEquals([[...named.y], named.classes, named.n], [[1, 0], ["cat", "dog"], 2]);
  assertEquals((await read(folder, text, { label: "1" })).classes, ["cat", "dog"]);
  const numbers = await read(folder, "1,2,5\n3,4,0\n", { label: "3" });
  assertEquals([[...numbers.y], numbers.n, numbers.labelled], [[5, 0], 2, true]);
  const whole = await read(folder, "1,2\n3,4\n", {});
  assertEquals([whole.n, whole.labelled], [2, false]);
});

test("readTable() leaves out the index that pandas writes", async (folder) => {
  const { n, notes } = await read(folder, ",a,b\n0,5,6\n1,7,8\n");
  assertEquals(n, 2);
  assertEquals(notes[1].endsWith("left out the first column, which numbers the rows"), true);
  assertEquals((await read(folder, "id,a\n0,5\n1,7\n")).n, 2);
});

test("readTable() reads arrays, and their labels", async (folder) => {
  const matrix = npy([0, 10, 5, 20, 10, 30], [3, 2], "<f8");
  const table = await read(folder, matrix, {}, "t.npy");
  assertEquals([[...table.x], table.shape], [[0, 0, 128, 128, 255, 255], [1, 2, 1]]);
  const both = zip({ "X.npy": matrix, "y.npy": npy([1, 0, 1], [3], "<i8") });
  assertEquals([...(await read(folder, both, {}, "t.npz")).y], [1, 0, 1]);
  assertEquals([...(await read(folder, both, { limit: 2 }, "t.npz")).y], [1, 0]);
  assertEquals(
    await refusal(folder, () => read(folder, npy([1, 2, 3], [3]), {}, "t.npy")),
    "Cannot use t.npy as a table: it is [3], expected a table [count, columns]",
  );
  assertEquals(
    await refusal(folder, () => read(folder, npy([1, NaN], [1, 2]), {}, "t.npy")),
    "Cannot read t.npy: value [0, 1] is NaN",
  );
});

test("readTable() takes another table's scaling, and says what lies outside", async (folder) => {
  const mine = await read(folder, "a,b\n0,1\n255,1\n");
  const { x, scaling, notes } = await read(folder, "a,b\n-1,1\n300,1\n51,2\n", {
    scaling: mine.scaling,
  });
  assertEquals([...x], [0, 0, 255, 0, 51, 0]);
  assertEquals(scaling, mine.scaling);
  assertEquals(notes.at(-1)!.endsWith("3 values outside the ranges became 0 or 255"), true);
  assertEquals(
    await refusal(folder, () => read(folder, "a\n1\n", { scaling: mine.scaling })),
    "Cannot use t.csv: 1 columns, expected 2 as in the table beside",
  );
});

test("readTable() says how to have rows that look like images as images", async (folder) => {
  const says = async (values: number[]) => {
    const { notes } = await read(folder, values.join(","));
    return notes.at(-1)!.endsWith("if its rows are images, save X.reshape(-1, 8, 8) as .npy");
  };
  const row = Array.from({ length: 64 }, (_, j) => j);
  assertEquals(await says(row), true);
  assertEquals(await says(row.with(3, 0.5)), false);
  assertEquals(await says(row.with(3, 256)), false);
  assertEquals(await says(row.slice(0, 49)), false);
});

test("readTable() names the line and column of what is no number", async (folder) => {
  const of = (text: string, options: Options = {}) =>
    refusal(folder, () => read(folder, text, options));
  const at = (where: string) => `Cannot use t.csv: ${where}`;
  const out = (name: string) => `leave the column out, or --labels "${name}" if it is the label`;
  assertEquals(
    await of("a,b\n1,2\n3,x\n"),
    at(`line 3, column "b" is "x", expected a number: ${out("b")}`),
  );
  assertEquals(
    await of("1,dog\n2,cat\n"),
    at(`line 1, column "column 2" is "dog", expected a number: ${out("column 2")}`),
  );
  for (const cell of ["0x10", "Infinity", "1e999", "true", "1 2"]) {
    assertEquals(
      await of(`a,b\n1,2\n${cell},3\n`),
      at(`line 3, column "a" is "${cell}", expected a number: ${out("a")}`),
    );
  }
  assertEquals(
    await of("a;b\n1;2,5\n3;4\n", {}),
    at('line 2, column "b" is "2,5", expected a number: write a decimal point'),
  );
  assertEquals(
    await of("1 2\n3 4\n"),
    at(
      'line 1, column "column 1" is "1 2", expected a number: separate cells by commas, semicolons or tabs',
    ),
  );
  for (const cell of ["", "NaN", "?", "N/A"]) {
    assertEquals(
      await of(`a,b\n1,2\n${cell},4\n`),
      at('line 3, column "a" has no value: fill it in, or leave the row out'),
    );
  }
  assertEquals(
    await of("a,k\n1,x\n2,\n", { label: "k" }),
    at("line 3 has no label: leave the row out"),
  );
  assertEquals(
    await of("a,b\n1,2\n", { label: "kind" }),
    at('it has no column "kind" for labels but a, b'),
  );
  assertEquals(await of("a\n1\n", { label: "a" }), at("it has no column beside the labels"));
  const wide = Array.from({ length: 4097 }, (_, k) => k).join(",");
  assertEquals(await of(wide), at("4097 columns, at most 4096: save the first, X[:, :4096]"));
  await assertRejects(
    () => readTable("t.csv", { limit: 0 }),
    RangeError,
    "0 is no positive integer",
  );
});

Deno.test("scaledLayer() gives z1 of the values from their bytes and a constant", () => {
  const scaling = { offset: Float64Array.of(20, -1, 7), step: Float64Array.of(0.25, 0.5, 0) };
  const W1 = [1, 2, 3, -1, 0, 0.5], x = Uint8Array.of(8, 3, 0);
  const { W1: scaled, constant } = scaledLayer(W1, 2, scaling);
  assertEquals([...scaled], [0.25, 1, 0, -0.25, 0, 0]);
  const values = [20 + 8 * 0.25, -1 + 3 * 0.5, 7];
  for (const row of [0, 1]) {
    const times = (w: ArrayLike<number>, v: ArrayLike<number>) =>
      [0, 1, 2].reduce((sum, j) => sum + w[3 * row + j] * v[j], 0);
    assertAlmostEquals(times(scaled, x) + constant[row], times(W1, values), 1e-12);
  }
  assertThrows(() => scaledLayer(W1, 3, scaling), TypeError, "6 weights, expected 3 × 3");
});
