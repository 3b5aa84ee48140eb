import {
  assert,
  assertEquals,
  assertGreater,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { lineFigure } from "lib/plot/line.ts";
import { palette } from "lib/plot/theme.ts";
import { lineOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("lineFigure() draws one trace a series and one a band, in the palette's order", () => {
  const { data } = lineFigure(lineOptions()) as Loose;
  assertEquals(data.map((t: Loose) => t.name), ["published LP", undefined, "TV + Σx"]);
  assertEquals(data[0].line.color, palette[0]);
  assertEquals(data[2].line.color, palette[1]);
  assertEquals(data[1].y, [0.2, 0.02, 1e-7, 1e-7, 1e-7, 0.05]);
  assert(data[0].marker.symbol !== data[2].marker.symbol, "shapes tell series apart too");
});

Deno.test("lineFigure() draws a series in the colour of the one it is like", () => {
  const [first, banded] = lineOptions().series;
  const model = { ...banded, name: "model", like: first.name };
  const { data } = lineFigure(lineOptions({ series: [first, model], marks: [] })) as Loose;
  assertEquals([data[0].line.color, data[2].line.color], [palette[0], palette[0]]);
  assertEquals(data[1].fillcolor, `${palette[0]}26`);
  assertEquals(data[2].marker.symbol, "square", "its own shape");
  const lost = { ...model, like: "nobody" };
  assertThrows(
    () => lineFigure(lineOptions({ series: [first, lost], marks: [] })),
    TypeError,
    'series "model" is like unknown series "nobody"',
  );
});

Deno.test("lineFigure() draws an exact zero at the floor, keeps its value and labels the tick", () => {
  const { data, layout } = lineFigure(lineOptions()) as Loose;
  assertEquals(data[2].y.at(-1), 1e-7);
  assertEquals(data[2].customdata.at(-1), 0);
  assertEquals(layout.yaxis.tickvals[0], 1e-7);
  assertEquals(layout.yaxis.ticktext[0], "≤ 10<sup>−7</sup>");
  assert(!layout.yaxis.tickvals.slice(1).includes(1e-7));
});

Deno.test("lineFigure() puts the unit in both axis titles", () => {
  const { layout } = lineFigure(lineOptions()) as Loose;
  assertEquals(layout.xaxis.title.text, "Hidden width (units)");
  assertEquals(layout.yaxis.title.text, "MSE (pixels scaled to [0, 1])");
});

Deno.test("lineFigure() stacks the labels of near marks and keeps them inside the figure", () => {
  const { layout, width } = lineFigure(lineOptions()) as Loose;
  const [right, left] = layout.annotations;
  assertEquals([right.yshift, left.yshift], [0, 20]);
  assertGreater(left.font.color.length, 0);
  assertEquals(left.font.color, palette[1]);
  assertEquals(layout.xaxis.showgrid, false);
  assert(layout.shapes[1].y1 > layout.shapes[0].y1, "the pole reaches its label");
  assertGreater(layout.margin.r, 150); // the mark stands at the right end of the plot
  assertEquals(width, 900);
});

Deno.test("lineFigure() draws levels across the plot, in range, with their labels beside it", () => {
  const levels = [{ y: 0.9, label: "no recovery" }, { y: 0.01, label: "good", series: "TV + Σx" }];
  const { layout } = lineFigure(lineOptions({ levels, marks: [] })) as Loose;
  assertEquals(layout.shapes.map((s: Loose) => [s.x0, s.x1, s.y0, s.y1]), [
    [0, 1, 0.9, 0.9],
    [0, 1, 0.01, 0.01],
  ]);
  const [upper, lower] = layout.annotations;
  assertEquals([upper.text, upper.x, upper.xanchor], ["no recovery", 1, "left"]);
  assertEquals([lower.y, lower.font.color], [-2, palette[1]]);
  assertGreater(layout.yaxis.range[1], Math.log10(0.9));
  assertGreater(layout.margin.r, 90);
  assert(layout.legend.y < 1, "the legend makes room for the upper label");
});

Deno.test("lineFigure() has no legend for one series and room for it beside several", () => {
  const { series } = lineOptions();
  const single = lineFigure(lineOptions({ series: [series[0]], marks: [] })) as Loose;
  const double = lineFigure(lineOptions({ marks: [] })) as Loose;
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
    marks: [],
  })) as Loose;
  assertEquals(figure.layout.title.text, "a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;");
  assertEquals(figure.data[0].name, "&lt;i&gt;x&lt;/i&gt;");
});

Deno.test("lineFigure() gives whole ticks to a short whole-numbered axis", () => {
  const series = [{ name: "a", x: [1, 2, 5], y: [80, 90, 95] }];
  const yAxis = { title: "Accuracy", unit: "%" };
  const { layout } = lineFigure(lineOptions({ series, yAxis, marks: [] })) as Loose;
  assertEquals(layout.xaxis.dtick, 1);
});

Deno.test("lineFigure() labels a log axis of less than two decades in 1-2-5 steps", () => {
  const series = [{ name: "a", x: [1, 2], y: [0.02, 0.3] }];
  const yAxis = { title: "Time", unit: "s", log: true };
  const { layout } = lineFigure(lineOptions({ series, yAxis, marks: [] })) as Loose;
  assertEquals(layout.yaxis.ticktext.map((t: string) => t.replace(/<.?sup>/g, "")), [
    "2·10−2",
    "5·10−2",
    "10−1",
    "2·10−1",
  ]);
  const xAxis = { title: "Width", unit: "units", log: true };
  const widths = { name: "a", x: [10, 300], y: [1, 2] };
  const wide = lineFigure(lineOptions({ series: [widths], xAxis, marks: [] })) as Loose;
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
      "half an error band",
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
      "a mark at zero on a log axis",
      {
        xAxis: { title: "Width", unit: "units", log: true },
        marks: [{ x: 0, label: "zero" }],
      },
      RangeError,
      "mark at x = 0",
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
    [
      "a mark of an unknown series",
      {
        marks: [{ x: 1, label: "m", series: "nobody" }],
      },
      TypeError,
      "unknown series",
    ],
    [
      "a level of an unknown series",
      { levels: [{ y: 1, label: "l", series: "nobody" }] },
      TypeError,
      "level at y of unknown series",
    ],
    ["a level at NaN", { levels: [{ y: NaN, label: "l" }] }, RangeError, "level at y = NaN"],
    ["a level at zero on a log axis", { levels: [{ y: 0, label: "l" }] }, RangeError, "y = 0 on a"],
    ["a level below the floor", { levels: [{ y: 1e-9, label: "l" }] }, RangeError, "the floor"],
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
      () => lineFigure(lineOptions({ marks: [], ...change } as Loose)),
      errorClass,
      message,
    );
    assertStringIncludes(error.message, "Cannot make figure");
  });
}
