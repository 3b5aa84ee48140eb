import { assertEquals } from "@std/assert";
import { placeMarks } from "lib/plot/marks.ts";

const place = (...xs: number[]) =>
  placeMarks(xs.map((x) => ({ x, label: "twelve chars" })), {
    range: [0, 1000],
    log: false,
    plotWidth: 1000,
  }).map(({ x, line }) => [x, line]);

Deno.test("placeMarks() leaves labels that do not meet on one line", () => {
  assertEquals(place(100, 400, 700), [[700, 0], [400, 0], [100, 0]]);
});

Deno.test("placeMarks() lifts a label over every pole that it would cross", () => {
  assertEquals(place(300, 310, 320), [[320, 0], [310, 1], [300, 2]]);
  assertEquals(place(100, 300, 310), [[310, 0], [300, 1], [100, 0]]);
});

Deno.test("placeMarks() reads positions as exponents on a log axis", () => {
  const [mark] = placeMarks([{ x: 100, label: "a" }], { range: [1, 3], log: true, plotWidth: 10 });
  assertEquals([mark.at, mark.line], [2, 0]);
});
