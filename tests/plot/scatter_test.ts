import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { scatterFigure } from "lib/plot/line.ts";
import { colour, palette } from "lib/plot/theme.ts";
import { scatterOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("scatterFigure() draws the front from left to right below one trace a series", () => {
  const { data, layout } = scatterFigure(scatterOptions()) as Loose;
  assertEquals(data.map((t: Loose) => t.name), [
    "Pareto front",
    "MITIG1",
    "MITIG2",
    "MITIG1, predicted",
    "paper",
  ]);
  assertEquals([data[0].x, data[0].y], [[12, 66], [93.3, 98]]);
  assertEquals(data[0].mode, "lines");
  assertEquals([layout.xaxis.type, layout.yaxis.type], ["log", "linear"]);
  assertEquals(layout.xaxis.title.text, "Training time");
  assert(layout.legend.x > 1, "beside the plot, never over the data");
});

Deno.test("scatterFigure() draws published values as black stars that take no colour", () => {
  const { series } = scatterOptions();
  const { data } = scatterFigure(
    scatterOptions({ series: series.filter((s) => !s.hollow).toReversed(), front: undefined }),
  ) as Loose;
  assertEquals([data[0].marker.symbol, data[0].marker.color], ["star", colour.text]);
  assertEquals(data[1].marker.color, palette[0]);
  assert(data[1].marker.symbol !== data[2].marker.symbol, "shapes tell series apart too");
});

Deno.test("scatterFigure() turns intervals into distances from the value", () => {
  const { data } = scatterFigure(scatterOptions()) as Loose;
  assertAlmostEquals(data[1].error_y.array[0], 0.5);
  assertAlmostEquals(data[1].error_y.arrayminus[1], 0.2);
  assertEquals(data[2].error_y, undefined);
});

Deno.test("scatterFigure() draws what is predicted hollow, in the colour of what was measured", () => {
  const { data } = scatterFigure(scatterOptions()) as Loose;
  const [, measured, , predicted] = data;
  assertEquals([measured.marker.symbol, predicted.marker.symbol], ["circle", "circle-open"]);
  assertEquals(predicted.marker.color, measured.marker.color);
  assertEquals(predicted.customdata[1][0], "23.1 days");
});

Deno.test("scatterFigure() draws zero at the floor of a log axis and keeps its value", () => {
  const yAxis = { title: "MSE", unit: "1", log: true, floor: 1e-6 };
  const series = [{ name: "a", x: [1, 2], y: [0.1, 0], lo: [0.05, 0], hi: [0.2, 0] }];
  const { data, layout } = scatterFigure(
    scatterOptions({ yAxis, series, front: undefined }),
  ) as Loose;
  assertEquals([data[0].y, data[0].customdata[1][1]], [[0.1, 1e-6], "0 1"]);
  assertEquals([data[0].error_y.array[1], data[0].error_y.arrayminus[1]], [0, 0]);
  assertEquals(layout.yaxis.ticktext[0], "≤ 10⁻⁶");
  assertEquals(layout.showlegend, false);
});

Deno.test("scatterFigure() shows markup in names as text", () => {
  const series = [{ name: "<i>a</i>", x: [1], y: [1] }];
  const { data } = scatterFigure(scatterOptions({ series, front: undefined })) as Loose;
  assertEquals(data[0].name, "&lt;i&gt;a&lt;/i&gt;");
});

Deno.test("scatterFigure() is plain data: it survives JSON unchanged", () => {
  const figure = scatterFigure(scatterOptions());
  assertEquals(JSON.parse(JSON.stringify(figure)), figure);
});

const good = { name: "a", x: [1, 2], y: [3, 4] };
for (
  const [fault, change, errorClass, message] of [
    ["no series", { series: [], front: undefined }, TypeError, "no series"],
    ["an empty series", { series: [{ name: "a", x: [], y: [] }] }, TypeError, "is empty"],
    ["two series of one name", { series: [good, good] }, TypeError, "appears twice"],
    ["y shorter than x", { series: [{ ...good, y: [1] }] }, TypeError, "2 x and 1 y"],
    ["NaN", { series: [{ ...good, y: [1, NaN] }] }, RangeError, "y[1] is NaN"],
    ["zero on a log axis", { series: [{ ...good, x: [0, 1] }] }, RangeError, "x = 0 on a log axis"],
    ["half an error bar", { series: [{ ...good, lo: [1, 1] }] }, TypeError, "half an interval"],
    ["an unknown likeness", { series: [{ ...good, like: "b" }] }, TypeError, 'unknown series "b"'],
    [
      "a value outside its bar",
      { series: [{ ...good, lo: [2, 5], hi: [4, 6] }] },
      RangeError,
      "y[1] = 4 outside its interval [5, 6]",
    ],
    [
      "a front of two lengths",
      { front: { name: "front", x: [1, 2], y: [1] } },
      TypeError,
      '"front" has 2 x and 1 y',
    ],
    ["an axis without a unit", { yAxis: { title: "Accuracy", unit: "" } }, TypeError, "unit"],
  ] as const
) {
  Deno.test(`scatterFigure() refuses ${fault}`, () => {
    assertThrows(() => scatterFigure(scatterOptions(change as Loose)), errorClass, message);
  });
}
