/** Points over two numeric axes, for trade-offs such as accuracy against seconds: one symbol and colour
 * a series, optional labels and error bars, a line through a given Pareto front, and stars for values
 * that a paper reports and that were not measured here.
 * @module */
import { type Axis, axisRange, raised, rangedAxis, type ValueAxis } from "./axis.ts";
import {
  baseLayout,
  checkText,
  type Figure,
  type FigureText,
  legendBeside,
  legendWidth,
  type PlotlyTrace,
} from "./figure.ts";
import { boxAround, boxesAlong, type PlacedLabel, placeLabels, type Rect } from "./labels.ts";
import { checkColumns, checkNames, checkPair } from "./series.ts";
import { colour, fontSize, markers, palette, plain } from "./theme.ts";

export interface ScatterSeries {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Texts beside the points, "" for none. */
  labels?: readonly string[];
  /** Horizontal error bars, both or neither; xLo ≤ x ≤ xHi. */
  xLo?: ArrayLike<number>;
  xHi?: ArrayLike<number>;
  /** Vertical error bars, both or neither; lo ≤ y ≤ hi. */
  lo?: ArrayLike<number>;
  hi?: ArrayLike<number>;
  /** Values from a paper, drawn as black stars. */
  published?: boolean;
}

/** Points of the front in any order; the line goes through them from left to right. */
export interface Front {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
}

export interface ScatterOptions extends FigureText {
  xAxis: Axis;
  yAxis: ValueAxis;
  series: readonly ScatterSeries[];
  front?: Front;
}

// CSS pixels.
const width = 900, plotHeight = 400, top = 56, left = 92, bottom = 64;

function checkScatter(options: ScatterOptions): void {
  const { name, series, front } = options;
  checkNames(name, "series", [...series, ...(front ? [front] : [])].map((s) => s.name));
  for (const s of series) {
    checkPair(name, s.name, "a horizontal error bar", [s.xLo, s.xHi]);
    checkPair(name, s.name, "a vertical error bar", [s.lo, s.hi]);
    const { x, y, xLo, xHi, lo, hi } = s;
    checkColumns(name, s.name, { x, y, xLo, xHi, lo, hi }, options);
    for (const [key, values, from, to] of [["x", x, xLo, xHi], ["y", y, lo, hi]] as const) {
      const at = Array.from(values).findIndex((v, i) => from && to && (from[i] > v || v > to[i]));
      if (at >= 0) {
        throw new RangeError(
          `Cannot make figure ${name}: series "${s.name}" has ${key}[${at}] = ${values[at]} ` +
            `outside its error bar [${from![at]}, ${to![at]}]`,
        );
      }
    }
    if (s.labels !== undefined && s.labels.length !== x.length) {
      throw new TypeError(
        `Cannot make figure ${name}: series "${s.name}" has ${s.labels.length} labels for ` +
          `${x.length} points`,
      );
    }
  }
  if (front !== undefined) checkColumns(name, front.name, { x: front.x, y: front.y }, options);
}

/** The front as pairs from left to right. */
function sortedFront({ x, y }: Front): [number, number][] {
  return Array.from(x, (value, i): [number, number] => [value, y[i]]).sort((a, b) => a[0] - b[0]);
}

/** From data to pixels of the plot area. */
interface Scale {
  x(value: number): number;
  y(value: number): number;
  plotWidth: number;
}

function scaleOf(
  { xAxis, yAxis }: ScatterOptions,
  xRange: number[],
  yRange: number[],
  right: number,
): Scale {
  const plotWidth = width - left - right;
  const share = (value: number, log: boolean | undefined, [from, to]: number[]) =>
    ((log === true ? Math.log10(value) : value) - from) / (to - from);
  return {
    plotWidth,
    x: (value) => share(value, xAxis.log, xRange) * plotWidth,
    y: (value) =>
      (1 - share(Math.max(value, yAxis.floor ?? -Infinity), yAxis.log, yRange)) * plotHeight,
  };
}

/** Boxes around all besides points that a label should not cover: error bars and the front. */
function obstaclesOf({ series, front }: ScatterOptions, at: Scale): Rect[] {
  const boxes = series.flatMap((s) =>
    Array.from(s.x).flatMap((value, i) => {
      const x = at.x(value), y = at.y(s.y[i]);
      return [
        ...(s.xLo && s.xHi ? [boxAround(at.x(s.xLo[i]), at.x(s.xHi[i]), y, y, 2)] : []),
        ...(s.lo && s.hi ? [boxAround(x, x, at.y(s.lo[i]), at.y(s.hi[i]), 2)] : []),
      ];
    })
  );
  const corners = front === undefined ? [] : sortedFront(front);
  corners.slice(1).forEach(([x, y], i) => {
    boxes.push(...boxesAlong(at.x(corners[i][0]), at.x(x), at.y(corners[i][1]), at.y(y)));
  });
  return boxes;
}

/** Places of all labels: one list a series, undefined where a point has none. */
function labelPlaces(options: ScatterOptions, at: Scale): (PlacedLabel | undefined)[][] {
  const { series } = options;
  const points = series.flatMap((s) =>
    Array.from(s.x, (x, i) => ({ x: at.x(x), y: at.y(s.y[i]), label: s.labels?.[i] ?? "" }))
  );
  // Above the plot there is room for one line.
  const frame = { left: 0, top: -20, right: at.plotWidth, bottom: plotHeight };
  const placed = placeLabels(points, obstaclesOf(options, at), frame);
  let next = 0;
  return series.map((s) => placed.slice(next, next += s.x.length));
}

/** A label with a space towards its point. */
function spaced(label: string, position: string): string {
  if (position.endsWith("right")) return `\u00a0${label}`;
  return position.endsWith("left") ? `${label}\u00a0` : label;
}

/** Plotly's error bars: distances from the value to both ends. */
function errorBars(values: readonly number[], lo?: readonly number[], hi?: readonly number[]) {
  if (lo === undefined || hi === undefined) return undefined;
  return {
    type: "data",
    symmetric: false,
    array: hi.map((end, i) => end - values[i]),
    arrayminus: values.map((value, i) => value - lo[i]),
    thickness: 1.5,
    width: 4,
  };
}

function traces(options: ScatterOptions, at: Scale): PlotlyTrace[] {
  const { xAxis, yAxis, series, front } = options;
  const places = labelPlaces(options, at);
  const drawn = (values?: ArrayLike<number>) => values && raised(values, yAxis);
  const measured = series.filter((s) => s.published !== true);
  const points = series.map((s, i): PlotlyTrace => {
    const x = Array.from(s.x), y = raised(s.y, yAxis);
    const own = measured.indexOf(s); // −1 where published
    const color = own < 0 ? colour.text : palette[own];
    const labels = Array.from(s.x, (_, j) => s.labels?.[j] ?? "");
    const xBar = errorBars(x, s.xLo && Array.from(s.xLo), s.xHi && Array.from(s.xHi));
    const yBar = errorBars(y, drawn(s.lo), drawn(s.hi));
    return {
      type: "scatter",
      mode: s.labels === undefined ? "markers" : "markers+text",
      name: plain(s.name),
      x,
      y,
      customdata: Array.from(s.y),
      text: labels.map((label, j) => spaced(plain(label), places[i][j]?.position ?? "")),
      textposition: labels.map((_, j) => places[i][j]?.position ?? "middle right"),
      textfont: { size: fontSize.small, color },
      marker: { color, size: own < 0 ? 13 : 10, symbol: own < 0 ? "star" : markers[own] },
      ...(xBar && { error_x: xBar }),
      ...(yBar && { error_y: yBar }),
      cliponaxis: false,
      hovertemplate: `${plain(s.name)}${s.labels ? " %{text}" : ""}<br>${plain(xAxis.title)} ` +
        `%{x:.4~g} ${plain(xAxis.unit)}<br>${plain(yAxis.title)} %{customdata:.4~g} ` +
        `${plain(yAxis.unit)}<extra></extra>`,
    };
  });
  if (front === undefined) return points;
  const corners = sortedFront(front);
  return [{
    type: "scatter",
    mode: "lines",
    name: plain(front.name),
    x: corners.map(([x]) => x),
    y: raised(corners.map(([, y]) => y), yAxis),
    line: { color: colour.axis, width: 2, dash: "dash" },
    hoverinfo: "skip",
  }, ...points];
}

/** Draws series as points. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, duplicate or missing names, half an error bar, an axis
 * without unit. {RangeError} a value that is not finite, outside its error bar, or not positive on a
 * log axis without `floor`. */
export function scatterFigure(options: ScatterOptions): Figure {
  const { name, title, alt, xAxis, yAxis, series, front } = options;
  checkText(options);
  checkScatter(options);
  const all = (keys: readonly ("x" | "xLo" | "xHi" | "y" | "lo" | "hi")[]) =>
    series.flatMap((s) => keys.flatMap((key) => Array.from(s[key] ?? [])));
  const xRange = axisRange([...all(["x", "xLo", "xHi"]), ...Array.from(front?.x ?? [])], xAxis);
  const yRange = axisRange([...all(["y", "lo", "hi"]), ...Array.from(front?.y ?? [])], yAxis);
  const names = [...series, ...(front ? [front] : [])].map((s) => s.name);
  const right = names.length === 1 ? 32 : legendWidth(names);
  const height = top + plotHeight + bottom;
  return {
    name,
    title,
    alt,
    width,
    height,
    data: traces(options, scaleOf(options, xRange, yRange, right)),
    layout: {
      ...baseLayout(title, { width, height, margin: { l: left, r: right, t: top, b: bottom } }),
      xaxis: rangedAxis(name, xAxis, xRange),
      yaxis: rangedAxis(name, yAxis, yRange),
      hovermode: "closest",
      showlegend: names.length > 1,
      legend: legendBeside,
    },
  };
}
