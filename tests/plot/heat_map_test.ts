import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { heatMap } from "lib/plot/heat_map.ts";
import { scaleColour, sequentialScale } from "lib/plot/theme.ts";
import { heatOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const darkest = sequentialScale.at(-1);
const digits = Array.from({ length: 10 }, (_, i) => i);
const confusion = digits.map((i) => digits.map((j) => i === j ? 900 + i : (i * j) % 7));
const confusionOptions = heatOptions({
  x: { title: "Predicted digit", ticks: digits },
  y: { title: "True digit", ticks: digits },
  z: confusion,
  color: { title: "Count", unit: "images", log: true, floor: 1 },
  shares: undefined,
});

/** Relative luminance by the definition of WCAG 2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

Deno.test("heatMap() puts the first row at the top and one cell at each place", () => {
  const { data, layout } = heatMap(heatOptions()) as Loose;
  assertEquals(data[0].x, [0, 1, 0, 1, 1]);
  assertEquals(data[0].base, [-0.5, -0.5, 0.5, 0.5, 1.5]);
  assertEquals(layout.yaxis.range, [2.5, -0.5]);
  assertEquals(layout.yaxis.ticktext, ["1", "4", "16"]);
  assertEquals(layout.xaxis.title.text, "Hidden width (units)");
});

Deno.test("heatMap() hatches missing cells and says why, in the cell and under the pointer", () => {
  const missing = (heatMap(heatOptions()) as Loose).data.at(-1);
  assertEquals([missing.x, missing.base, missing.text], [[0], [1.5], ["infeasible"]]);
  assertEquals(missing.marker.pattern.shape, "/");
  assertEquals(missing.hovertext, [
    "Hidden width 256 units<br>Period 16 pixels<br>MSE: infeasible",
  ]);
  const labels = [["0.1", "0"], ["0.2", "10⁻⁴"], ["3 of 3\ninfeasible", "0.01"]];
  const own = (heatMap(heatOptions({ labels })) as Loose).data.at(-1);
  assertEquals(own.text, ["3 of 3<br>infeasible"]);
  assertEquals(own.hovertext[0].split("<br>").slice(2), ["MSE: 3 of 3", "infeasible"]);
});

Deno.test("heatMap() gives values below the floor its colour and keeps their number", () => {
  const { data } = heatMap(heatOptions()) as Loose;
  assertEquals(data[0].marker.color[1], sequentialScale[0]);
  assertEquals(
    (heatMap(heatOptions({ shares: undefined })) as Loose).data[0].marker.color[2],
    darkest,
  );
  assertEquals(data[0].text[1], "0");
  assertEquals(data[1].marker.colorbar.ticktext[0].trim(), "≤ 10⁻⁸");
  assertEquals(data[1].marker.colorbar.tickvals[0], -8);
  assertEquals(data[1].marker.colorbar.title.text, "MSE (pixels in [0, 1])");
});

Deno.test("heatMap() makes cells square where both axes are alike, and as wide as their text", () => {
  const { width, height, layout, data } = heatMap(confusionOptions) as Loose;
  const { l, r, t, b } = layout.margin;
  assertEquals(width - l - r, height - t - b);
  assertEquals(layout.xaxis.title.text, "Predicted digit");
  assertEquals(data[0].x.length, 100);
  assertLess(width, 901);
  assertEquals(data[0].text[99], "909");
});

Deno.test("heatMap() writes numbers that contrast with their cell by 4 : 1 at least", () => {
  const { data } = heatMap(heatOptions({
    x: { title: "Share", ticks: digits },
    y: { title: "Row", ticks: digits },
    z: digits.map((i) => digits.map((j) => i * 10 + j)),
    color: { title: "Value", unit: "1" },
    shares: undefined,
  })) as Loose;
  data[0].marker.color.forEach((fill: string, i: number) =>
    assertGreater(contrast(fill, data[0].textfont.color[i]), 3.9, `cell ${i} on ${fill}`)
  );
});

Deno.test("scaleColour() falls in lightness by equal steps", () => {
  const lightness = Array.from(
    { length: 33 },
    (_, i) => 116 * Math.cbrt(luminance(scaleColour(i / 32))) - 16,
  );
  const steps = lightness.slice(1).map((value, i) => lightness[i] - value);
  const mean = steps.reduce((sum, step) => sum + step) / steps.length;
  for (const step of steps) assert(Math.abs(step - mean) < 0.25 * mean, `${step} of ${mean}`);
});

Deno.test("heatMap() refuses a text that is too wide for its cell", () => {
  const ticks = Array.from({ length: 18 }, (_, i) => i);
  const wide = {
    x: { title: "Width", ticks },
    y: { title: "Period", ticks: [1] },
    z: [ticks.map((tick) => tick * 1234.5)],
    color: { title: "Time", unit: "ms" },
    labels: [ticks.map((tick) => `${tick * 1234.5} ms`)],
    shares: undefined,
  };
  assertThrows(() => heatMap(heatOptions(wide)), RangeError, "pixels for its text");
});

Deno.test("heatMap() draws a cell paler, the smaller the share that it stands for", () => {
  const fills = (share: number) =>
    (heatMap(heatOptions({ shares: [[1, 1], [share, 1], [0, 1]] })) as Loose).data[0].marker.color;
  const steps = [1, 0.5, 0.1].map((share) => luminance(fills(share)[2]));
  assert(steps[0] < steps[1] && steps[1] < steps[2], steps.join());
  assertEquals(fills(0.1)[0], fills(1)[0], "the others stay");
  assertLess(luminance(fills(0)[2]), 0.95, "and none is as white as the ground");
});

Deno.test("heatMap() takes a scale that several figures share", () => {
  const color = { title: "MSE", unit: "1", range: [0, 1] as const };
  const { data } = heatMap(heatOptions({ color, shares: undefined })) as Loose;
  const { cmin, cmax } = data[1].marker;
  assertEquals([cmin, cmax], [0, 1]);
  assertEquals(data[0].marker.color[2], scaleColour(0.2));
});

Deno.test("heatMap() is plain data: it survives JSON unchanged", () => {
  const figure = heatMap(heatOptions());
  assertEquals(JSON.parse(JSON.stringify(figure)), figure);
});

for (
  const [fault, change, errorClass, message] of [
    ["shares of another shape", { shares: [[1]] }, TypeError, "shares has 1 rows of 1"],
    [
      "a share over 1",
      { shares: [[1, 1], [1, 2], [1, 1]] },
      RangeError,
      "share 2, expected 0 to 1",
    ],
    ["no columns", { x: { title: "a", ticks: [] } }, TypeError, "no x ticks"],
    ["two ticks alike", { x: { title: "a", ticks: [1, "1"] } }, TypeError, "appears twice"],
    ["too few rows", { z: [[1, 2]] }, TypeError, "1 rows of 2, expected 3 of 2"],
    ["a short row", { z: [[1, 2], [3], [4, 5]] }, TypeError, "3 rows of 1, expected 3 of 2"],
    ["labels of another shape", { labels: [["a"]] }, TypeError, "labels has 1 rows of 1"],
    ["NaN", { z: [[1, 2], [3, NaN], [4, 5]] }, RangeError, "z[1][1] is NaN"],
    ["a missing cell without a word", { missing: undefined }, TypeError, "no word for it"],
    ["nothing but missing cells", { z: Array(3).fill([null, null]) }, TypeError, "every cell"],
    [
      "zero on a log scale",
      { color: { title: "MSE", unit: "1", log: true } },
      RangeError,
      "z has 0 on a log scale",
    ],
    [
      "a floor on a linear scale",
      { color: { title: "MSE", unit: "1", floor: 1 } },
      RangeError,
      "floor needs a log axis",
    ],
    ["a colour without a unit", { color: { title: "MSE", unit: "" } }, TypeError, "unit"],
  ] as const
) {
  Deno.test(`heatMap() refuses ${fault}`, () => {
    assertThrows(() => heatMap(heatOptions(change as Loose)), errorClass, message);
  });
}
