import { assert, assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { barFigure, dotFigure } from "lib/plot/bar.ts";
import { barOptions, dotOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("barFigure() writes each value at its bar, in the caller's words where given", () => {
  const { data } = barFigure(barOptions()) as Loose;
  assertEquals(data[0].text, ["25\u202f112", "25\u202f144", "9\u202f600"]);
  assertEquals(data[1].text, ["26 kB", "26 kB", "9.6 kB"]);
});

Deno.test("barFigure() leaves room for the label of the longest bar", () => {
  const axis = { title: "Time", unit: "ms" };
  const series = [{ name: "time", values: [1, 1893.4, 12.345] }];
  const linear = barFigure(barOptions({ axis, series })) as Loose;
  assertGreater(linear.layout.xaxis.range[1], 1893.4 * 1.03);
  assertEquals(linear.data[0].text, ["1", "1\u202f893", "12.3"]);
  assertEquals(linear.layout.showlegend, false);
});

Deno.test("barFigure() lists categories from top to bottom and the unit on the axis", () => {
  const { layout, data } = barFigure(barOptions()) as Loose;
  assertEquals(layout.yaxis.autorange, "reversed");
  assertEquals(data[0].y, ["public key", "ciphertext", "keys"]);
  assertEquals(layout.xaxis.title.text, "Message size (bytes)");
});

Deno.test("dotFigure() stands on a log axis of time whose ticks carry their units", () => {
  const { data, layout } = dotFigure(dotOptions()) as Loose;
  assertEquals(data[0].text, ["\u00a04 ms", "\u00a090 min", "\u00a034.7 days"]);
  assertEquals(layout.xaxis.title.text, "Time");
  assertEquals(layout.xaxis.ticktext.slice(3, 7), ["10 s", "1 min", "10 min", "1 h"]);
  assertGreater(layout.xaxis.range[1], Math.log10(3e6) + 0.5, "room for the label");
  assertEquals(data.map((t: Loose) => t.marker.symbol), ["circle", "square-open"]);
});

Deno.test("dotFigure() puts the series of a category below each other, in the row of its name", () => {
  const { data, layout } = dotFigure(dotOptions()) as Loose;
  assertEquals(layout.yaxis.tickvals, [0, 1, 2]);
  assertEquals(layout.yaxis.ticktext, ["set up", "encrypt samples", "pairings"]);
  data[0].y.forEach((at: number, row: number) => assertAlmostEquals(at + data[1].y[row], 2 * row));
  assert(data[0].y[1] < data[1].y[1] && data[1].y[0] < data[0].y[1]);
});

Deno.test("barFigure() refuses a log axis and names the figure for it", () => {
  const axis = { title: "Message size", unit: "bytes", log: true };
  assertThrows(() => barFigure(barOptions({ axis })), TypeError, "use dotFigure()");
});

Deno.test("dotFigure() refuses zero on a log axis, and all that barFigure() refuses", () => {
  const [first] = dotOptions().series;
  const zero = dotOptions({ series: [{ ...first, values: [0, 1, 2] }] });
  assertThrows(() => dotFigure(zero), RangeError, "value 0 on a log axis");
  assertThrows(() => dotFigure(dotOptions({ categories: [] })), TypeError, "no bars");
});

const [good] = barOptions().series;
for (
  const [fault, change, errorClass, message] of [
    ["no categories", { categories: [] }, TypeError, "no bars"],
    ["no series", { series: [] }, TypeError, "no bars"],
    ["two categories of one name", { categories: ["a", "a", "b"] }, TypeError, "appears twice"],
    ["two series of one name", { series: [good, good] }, TypeError, "appears twice"],
    ["too few values", { series: [{ name: "a", values: [1] }] }, TypeError, "1 values for 3"],
    ["too few labels", { series: [{ ...good, labels: ["a"] }] }, TypeError, "1 labels for 3"],
    ["NaN", { series: [{ name: "a", values: [1, 2, NaN] }] }, RangeError, "values[2] is NaN"],
    [
      "a negative value",
      {
        axis: { title: "Time", unit: "ms" },
        series: [{ name: "a", values: [1, 2, -3] }],
      },
      RangeError,
      "value -3, expected at least 0",
    ],
    ["an axis without a unit", { axis: { title: "Time", unit: " " } }, TypeError, "unit"],
  ] as const
) {
  Deno.test(`barFigure() refuses ${fault}`, () => {
    assertThrows(() => barFigure(barOptions(change as Loose)), errorClass, message);
  });
}
