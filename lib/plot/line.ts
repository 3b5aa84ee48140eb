/** Lines over a numeric axis: one line a series, optional error bands, log axes, and labelled vertical
 * lines for the values that matter ("smallest exact width 275").
 * @module */
import { type Axis, baseAxis, logTicks, paddedRange } from "./axis.ts";
import {
  baseLayout,
  checkDistinct,
  checkFinite,
  checkText,
  type Figure,
  type FigureText,
  type PlotlyTrace,
} from "./figure.ts";
import { drawMarks, lineHeight, type Mark, placeMarks } from "./marks.ts";
import { fontSize, markers, palette, plain, widest } from "./theme.ts";

export interface Series {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Error band, both or neither; lo ≤ y ≤ hi. */
  lo?: ArrayLike<number>;
  hi?: ArrayLike<number>;
  dash?: "solid" | "dash" | "dot";
  /** Draw the points too; default true. */
  markers?: boolean;
}

/** A y axis. On a log axis, `floor` is where smaller values, zero included, are drawn: the exact
 * recovery with MSE 0 stays in the picture, and the tick there reads "≤ floor". */
export interface LineAxis extends Axis {
  floor?: number;
}

export interface LineOptions extends FigureText {
  xAxis: Axis;
  yAxis: LineAxis;
  series: readonly Series[];
  marks?: readonly Mark[];
}

function checkSeries(options: LineOptions): void {
  const { name, series, xAxis, yAxis, marks = [] } = options;
  if (series.length === 0) throw new TypeError(`Cannot make figure ${name}: no series`);
  if (series.length > palette.length) {
    throw new RangeError(
      `Cannot make figure ${name}: ${series.length} series, at most ${palette.length} tell apart`,
    );
  }
  checkDistinct(name, "series", series.map((s) => s.name));
  if (yAxis.floor !== undefined && !(yAxis.log === true && yAxis.floor > 0)) {
    throw new RangeError(`Cannot make figure ${name}: floor needs a log axis and a positive value`);
  }
  for (const s of series) {
    const length = s.x.length;
    if (length === 0) {
      throw new TypeError(`Cannot make figure ${name}: series "${s.name}" is empty`);
    }
    if ((s.lo === undefined) !== (s.hi === undefined)) {
      throw new TypeError(`Cannot make figure ${name}: series "${s.name}" has half an error band`);
    }
    for (const key of ["x", "y", "lo", "hi"] as const) {
      const values = s[key];
      if (values === undefined) continue;
      if (values.length !== length) {
        throw new TypeError(
          `Cannot make figure ${name}: series "${s.name}" has ${length} x and ${values.length} ${key}`,
        );
      }
      checkFinite(name, `series "${s.name}" ${key}`, values);
      const axis = key === "x" ? xAxis : yAxis;
      const least = Math.min(...Array.from(values));
      if (axis.log === true && least <= 0 && (key === "x" || yAxis.floor === undefined)) {
        throw new RangeError(
          `Cannot make figure ${name}: series "${s.name}" has ${key} = ${least} on a log axis`,
        );
      }
    }
  }
  checkFinite(name, "mark", marks.map((mark) => mark.x));
  for (const mark of marks) {
    if (xAxis.log === true && mark.x <= 0) {
      throw new RangeError(`Cannot make figure ${name}: mark at x = ${mark.x} on a log axis`);
    }
    if (mark.series !== undefined && !series.some((s) => s.name === mark.series)) {
      throw new TypeError(`Cannot make figure ${name}: mark of unknown series "${mark.series}"`);
    }
  }
}

function traces(options: LineOptions): PlotlyTrace[] {
  const { xAxis, yAxis, series } = options;
  const raised = (values: ArrayLike<number>) =>
    Array.from(values, (v) => Math.max(v, yAxis.floor ?? -Infinity));
  return series.flatMap((s, i) => {
    const x = Array.from(s.x);
    const line: PlotlyTrace = {
      type: "scatter",
      mode: s.markers === false ? "lines" : "lines+markers",
      name: plain(s.name),
      legendgroup: String(i),
      x,
      y: raised(s.y),
      customdata: Array.from(s.y),
      line: { color: palette[i], width: 2.25, dash: s.dash ?? "solid" },
      marker: { color: palette[i], size: 8, symbol: markers[i] },
      cliponaxis: false,
      hovertemplate: `${plain(s.name)}<br>${plain(xAxis.title)} %{x}<br>` +
        `${plain(yAxis.title)} %{customdata:.4~g}<extra></extra>`,
    };
    if (s.lo === undefined || s.hi === undefined) return [line];
    const band: PlotlyTrace = {
      type: "scatter",
      mode: "lines",
      x: [...x, ...x.toReversed()],
      y: [...raised(s.hi), ...raised(s.lo).reverse()],
      fill: "toself",
      fillcolor: `${palette[i]}26`, // 15 % opaque
      line: { width: 0 },
      legendgroup: String(i),
      showlegend: false,
      hoverinfo: "skip",
    };
    return [band, line];
  });
}

/** Draws series as lines. Pure: the same options give the same figure.
 * @throws {TypeError} lengths that differ, duplicate or missing names, an axis without unit.
 * {RangeError} a value that is not finite, or not positive on a log axis without `floor`. */
export function lineFigure(options: LineOptions): Figure {
  const { name, title, alt, xAxis, yAxis, series, marks = [] } = options;
  checkText(options);
  checkSeries(options);
  const logX = xAxis.log === true, logY = yAxis.log === true;
  const xs = [...series.flatMap((s) => Array.from(s.x)), ...marks.map((mark) => mark.x)];
  const ys = series.flatMap((s) => [s.y, s.lo ?? [], s.hi ?? []].flatMap((v) => Array.from(v)));
  const xRange = paddedRange(xs, logX);
  const yRange = yAxis.floor === undefined
    ? paddedRange(ys, logY)
    : paddedRange([yAxis.floor, ...ys.map((y) => Math.max(y, yAxis.floor!))], logY);

  const width = 900, plotHeight = 360, left = 92, bottom = 64;
  const single = series.length === 1;
  let right = single ? 32 : Math.ceil(widest(series.map((s) => s.name), fontSize.text)) + 72;
  const plotWidth = width - left - right;
  const placed = placeMarks(marks, { range: xRange, log: logX, plotWidth });
  right = Math.max(right, Math.ceil(Math.max(0, ...placed.map((m) => m.end)) - plotWidth) + 16);
  const top = 56 + Math.max(0, ...placed.map(({ line }) => line + 1)) * lineHeight;
  const height = top + plotHeight + bottom;
  const fewSteps = xs.every(Number.isInteger) && Math.max(...xs) - Math.min(...xs) <= 12;
  return {
    name,
    title,
    alt,
    width,
    height,
    data: traces(options),
    layout: {
      ...baseLayout(title, { width, height, margin: { l: left, r: right, t: top, b: bottom } }),
      xaxis: {
        ...baseAxis(name, xAxis),
        range: xRange,
        showgrid: marks.length === 0, // plotly would draw the grid over the poles
        ...(logX ? logTicks(xRange) : fewSteps ? { dtick: 1 } : {}),
      },
      yaxis: {
        ...baseAxis(name, yAxis),
        range: yRange,
        ...(logY ? logTicks(yRange, yAxis.floor) : {}),
      },
      showlegend: !single,
      legend: { x: 1.02, xanchor: "left", y: 1, yanchor: "top", tracegroupgap: 4 },
      ...drawMarks(placed, {
        plotHeight,
        colours: new Map(series.map((s, i) => [s.name, palette[i]])),
      }),
    },
  };
}
