import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { lineFigure } from "lib/plot/line.ts";
import { colour, palette } from "lib/plot/theme.ts";
import { lineOptions, seedOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("lineFigure() draws one trace a series and one a band, in the palette's order", () => {
  const { data } = lineFigure(lineOptions()) as Loose;
  assertEquals(data.slice(0, 3).map((t: Loose) => t.name), ["published LP", undefined, "TV + Σx"]);
  assertEquals(data[0].line.color, palette[0]);
  assertEquals(data[2].line.color, palette[1]);
  assertEquals(data[1].y, [0.2, 0.02, 1e-7, 1e-7, 1e-7, 0.05]);
  assert(data[0].marker.symbol !== data[2].marker.symbol, "shapes tell series apart too");
});

Deno.test("lineFigure() draws a series in the colour of the one it is like", () => {
  const [first, banded] = lineOptions().series;
  const model = { ...banded, name: "model", like: first.name };
  const { data } = lineFigure(lineOptions({ series: [first, model] })) as Loose;
  assertEquals([data[0].line.color, data[2].line.color], [palette[0], palette[0]]);
  assertEquals(data[1].fillcolor, `${palette[0]}26`);
  assertEquals(data[2].marker.symbol, "square", "its own shape");
  const lost = { ...model, like: "nobody" };
  assertThrows(
    () => lineFigure(lineOptions({ series: [first, lost] })),
    TypeError,
    'series "model" is like unknown series "nobody"',
  );
});

Deno.test("lineFigure() draws an exact zero at the floor, keeps its value and labels the tick", () => {
  const { data, layout } = lineFigure(lineOptions()) as Loose;
  assertEquals(data[2].y.at(-1), 1e-7);
  assertEquals(data[2].customdata.at(-1)[1], "0 pixels scaled to [0, 1]");
  assertEquals(layout.yaxis.tickvals[0], 1e-7);
  assertEquals(layout.yaxis.ticktext[0], "≤ 10⁻⁷");
  assert(!layout.yaxis.tickvals.slice(1).includes(1e-7));
});

Deno.test("lineFigure() puts the unit in both axis titles", () => {
  const { layout } = lineFigure(lineOptions()) as Loose;
  assertEquals(layout.xaxis.title.text, "Hidden width (units)");
  assertEquals(layout.yaxis.title.text, "MSE (pixels scaled to [0, 1])");
});

Deno.test("lineFigure() draws what a paper reports in grey and black, and takes no colour for it", () => {
  const { data, layout } = lineFigure(seedOptions()) as Loose;
  const [level, star] = data.slice(-2);
  assertEquals([level.line.color, star.marker.color], [colour.axis, colour.text]);
  assertEquals([level.mode, star.marker.symbol], ["lines", "star"]);
  assertGreater(layout.xaxis.range[1], 420);
  assertEquals(layout.annotations, undefined, "names stand in the legend alone");
});

Deno.test("lineFigure() sets series side by side, inside the axis, and the pointer tells the true x", () => {
  for (const log of [false, true]) {
    const xAxis = { title: "Hidden width", unit: "units", log };
    const { data, layout, width } = lineFigure(lineOptions({ xAxis, apart: 6 })) as Loose;
    const { l, r } = layout.margin;
    const pixel = (layout.xaxis.range[1] - layout.xaxis.range[0]) / (width - l - r);
    const at = (x: number) => log ? Math.log10(x) : x;
    assertAlmostEquals((at(data[2].x[0]) - at(data[0].x[0])) / pixel, 6, 1e-6);
    assertGreater(at(data[0].x[0]), layout.xaxis.range[0]);
    assertEquals(data[0].customdata[0][0], "100 units");
  }
});

Deno.test("lineFigure() gives the lines of a group one colour and one legend entry", () => {
  const { data } = lineFigure(seedOptions()) as Loose;
  const seeds = data.slice(0, 5);
  assertEquals(new Set(seeds.map((t: Loose) => t.line.color)).size, 1);
  assertEquals(seeds.map((t: Loose) => t.showlegend), [true, false, false, false, false]);
  assertEquals(data[0].name, "split over TLS");
  assertStringIncludes(data[3].hovertemplate, "seed 4");
  assertEquals([data[5].name, data[5].line.color], ["one process", palette[1]]);
});

Deno.test("lineFigure() draws faint points alone where asked", () => {
  const series = [{ name: "runs", x: [1, 1, 2], y: [3, 4, 5], dash: "none" as const, faint: true }];
  const yAxis = { title: "MSE", unit: "1" };
  const { data } = lineFigure(lineOptions({ series, yAxis })) as Loose;
  assertEquals(data[0].mode, "markers");
  assertLess(data[0].opacity, 0.6);
});

Deno.test("lineFigure() draws more than two intervals as bars, since bands would hide each other", () => {
  const [, banded] = lineOptions().series;
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...banded, name: `s${i}` }));
  const draw = (change: object) => (lineFigure(lineOptions(change)) as Loose).data;
  assertEquals(draw({ series: many(2) }).length, 4);
  const three = draw({ series: many(3) });
  assertEquals(three.length, 3);
  assertAlmostEquals(three[0].error_y.array[0], 0.1);
  assertEquals(three[0].error_y.arrayminus[2], 0);
  assertEquals(draw({ series: many(3), intervals: "band" }).length, 6);
});

Deno.test("lineFigure() writes seconds in the unit that reads best, on the axis and under the pointer", () => {
  const { data, layout } = lineFigure(seedOptions()) as Loose;
  assertEquals(layout.xaxis.title.text, "Wall time (min)");
  assertEquals(layout.xaxis.ticktext.slice(0, 3), ["0", "1", "2"]);
  assertEquals(layout.xaxis.tickvals.slice(0, 3), [0, 60, 120]);
  assertEquals(data[0].customdata[2], ["5 min", "97.92 %"]);
});

Deno.test("lineFigure() writes no unit where the axis counts", () => {
  const xAxis = { title: "epoch", unit: "count" };
  const { data, layout } = lineFigure(lineOptions({ xAxis })) as Loose;
  assertEquals(layout.xaxis.title.text, "epoch");
  assertEquals(data[0].customdata[0][0], "100");
});

Deno.test("lineFigure() has no legend for one series and room for it beside several", () => {
  const { series } = lineOptions();
  const single = lineFigure(lineOptions({ series: [series[0]] })) as Loose;
  const double = lineFigure(lineOptions()) as Loose;
  assertEquals(single.layout.showlegend, false);
  assertEquals(double.layout.showlegend, true);
  assert(double.layout.legend.x > 1, "beside the plot, never over the data");
  assertGreater(double.layout.margin.r, single.layout.margin.r + 80);
});

Deno.test("lineFigure() shows markup in names as text", () => {
  const { series } = lineOptions();
  const figure = lineFigure(lineOptions({
    title: "a < b & <b>c</b>",
    series: [{ ...series[0], name: "<i>x</i>" }],
  })) as Loose;
  assertEquals(figure.layout.title.text, "a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;");
  assertEquals(figure.data[0].name, "&lt;i&gt;x&lt;/i&gt;");
});

Deno.test("lineFigure() gives whole ticks to a short whole-numbered axis", () => {
  const series = [{ name: "a", x: [1, 2, 5], y: [80, 90, 95] }];
  const yAxis = { title: "Accuracy", unit: "%" };
  const { layout } = lineFigure(lineOptions({ series, yAxis })) as Loose;
  assertEquals(layout.xaxis.dtick, 1);
});

Deno.test("lineFigure() labels a log axis of less than two decades in 1-2-5 steps", () => {
  const series = [{ name: "a", x: [1, 2], y: [0.02, 0.3] }];
  const yAxis = { title: "MSE", unit: "1", log: true };
  const { layout } = lineFigure(lineOptions({ series, yAxis })) as Loose;
  assertEquals(layout.yaxis.ticktext, ["2·10⁻²", "5·10⁻²", "10⁻¹", "2·10⁻¹"]);
  const xAxis = { title: "Width", unit: "units", log: true };
  const widths = { name: "a", x: [10, 300], y: [1, 2] };
  const wide = lineFigure(lineOptions({ series: [widths], xAxis })) as Loose;
  assertEquals(wide.layout.xaxis.ticktext, ["10", "20", "50", "100", "200"]);
});

Deno.test("lineFigure() is plain data: it survives JSON unchanged", () => {
  const figure = lineFigure(lineOptions());
  assertEquals(JSON.parse(JSON.stringify(figure)), figure);
});

const good = lineOptions().series[0];
for (
  const [fault, change, errorClass, message] of [
    ["no series", { series: [] }, TypeError, "no series"],
    ["an empty series", { series: [{ name: "a", x: [], y: [] }] }, TypeError, "is empty"],
    ["two series of one name", { series: [good, good] }, TypeError, "appears twice"],
    ["y shorter than x", { series: [{ ...good, y: [1] }] }, TypeError, "3 x and 1 y"],
    [
      "half a band",
      { series: [{ ...good, lo: [0.1, 0.1, 0.1] }] },
      TypeError,
      "half an interval",
    ],
    [
      "a value outside its interval",
      { series: [{ ...good, lo: [0.1, 0.2, 0.01], hi: [0.3, 0.3, 0.3] }] },
      RangeError,
      "y[1] = 0.1 outside its interval [0.2, 0.3]",
    ],
    ["NaN", { series: [{ ...good, y: [1, NaN, 1] }] }, RangeError, "y[1] is NaN"],
    ["infinity", { series: [{ ...good, x: [1, 2, Infinity] }] }, RangeError, "x[2] is Infinity"],
    [
      "zero on a log axis",
      {
        yAxis: { title: "MSE", unit: "1", log: true },
        series: [{ ...good, y: [1, 0, 1] }],
      },
      RangeError,
      "y = 0 on a log axis",
    ],
    [
      "a floor on a linear axis",
      {
        yAxis: { title: "MSE", unit: "1", floor: 1e-6 },
      },
      RangeError,
      "floor needs a log axis",
    ],
    ["an axis without a unit", { xAxis: { title: "Width", unit: "" } }, TypeError, "unit"],
    ["a name with a slash", { name: "a/b" }, TypeError, "not kebab-case"],
    ["no alt", { alt: " " }, TypeError, "alt is empty"],
    [
      "more series than colours",
      {
        series: Array.from({ length: 8 }, (_, i) => ({ ...good, name: `s${i}` })),
      },
      RangeError,
      "8 series, at most 7",
    ],
  ] as const
) {
  Deno.test(`lineFigure() refuses ${fault}`, () => {
    const error = assertThrows(
      () => lineFigure(lineOptions(change as Loose)),
      errorClass,
      message,
    );
    assertStringIncludes(error.message, "Cannot make figure");
  });
}
