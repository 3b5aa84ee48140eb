import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { barFigure } from "lib/plot/bar.ts";
import { barOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("barFigure() writes each value at its bar, in the caller's words where given", () => {
  const { data } = barFigure(barOptions()) as Loose;
  assertEquals(data[0].text, ["25,112", "25,144", "9,600"]);
  assertEquals(data[1].text, ["26 kB", "26 kB", "9.6 kB"]);
});

Deno.test("barFigure() leaves room for the label of the longest bar", () => {
  const log = barFigure(barOptions()) as Loose;
  assertGreater(log.layout.xaxis.range[1], Math.log10(25930) + 0.02);
  const axis = { title: "Time", unit: "ms" };
  const series = [{ name: "time", values: [1, 1893.4, 12.345] }];
  const linear = barFigure(barOptions({ axis, series })) as Loose;
  assertGreater(linear.layout.xaxis.range[1], 1893.4 * 1.03);
  assertEquals(linear.data[0].text, ["1", "1,893", "12.3"]);
  assertEquals(linear.layout.showlegend, false);
});

Deno.test("barFigure() lists categories from top to bottom and the unit on the axis", () => {
  const { layout, data } = barFigure(barOptions()) as Loose;
  assertEquals(layout.yaxis.autorange, "reversed");
  assertEquals(data[0].y, ["public key", "ciphertext", "keys"]);
  assertEquals(layout.xaxis.title.text, "Message size (bytes)");
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
    [
      "zero on a log axis",
      {
        series: [{ name: "a", values: [1, 2, 0] }],
      },
      RangeError,
      "value 0 on a log axis",
    ],
    ["an axis without a unit", { axis: { title: "Time", unit: " " } }, TypeError, "unit"],
  ] as const
) {
  Deno.test(`barFigure() refuses ${fault}`, () => {
    assertThrows(() => barFigure(barOptions(change as Loose)), errorClass, message);
  });
}
