/** Lines over a numeric axis: one line a series, optional error bands, log axes, and labelled vertical
 * and horizontal lines for the values that matter ("smallest exact width 275", "paper: 96.8 %").
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
import { drawLevels, gapBeside, type Level, placeLevels } from "./levels.ts";
import { drawMarks, lineHeight, type Mark, placeMarks } from "./marks.ts";
import { checkColumns, checkNames, checkPair } from "./series.ts";
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
  /** Name of the series whose colour it takes, such as the measurement that a model fits. */
  like?: string;
}

export interface LineOptions extends FigureText {
  xAxis: Axis;
  yAxis: ValueAxis;
  series: readonly Series[];
  /** Vertical lines. */
  marks?: readonly Mark[];
  /** Horizontal lines. */
  levels?: readonly Level[];
}

function checkLines(options: LineOptions): void {
  const { name, series, xAxis, yAxis, marks = [], levels = [] } = options;
  checkNames(name, "series", series.map((s) => s.name));
  for (const s of series) {
    checkPair(name, s.name, "an error band", [s.lo, s.hi]);
    checkColumns(name, s.name, { x: s.x, y: s.y, lo: s.lo, hi: s.hi }, options);
    if (s.like !== undefined && !series.some(({ name }) => name === s.like)) {
      throw new TypeError(
        `Cannot make figure ${name}: series "${s.name}" is like unknown series "${s.like}"`,
      );
    }
  }
  const references = [
    ...marks.map((mark) => ["mark at x", mark.x, xAxis, mark.series] as const),
    ...levels.map((level) => ["level at y", level.y, yAxis, level.series] as const),
  ];
  for (const [what, value, axis, owner] of references) {
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot make figure ${name}: ${what} = ${value}`);
    }
    if (axis.log === true && value <= 0) {
      throw new RangeError(`Cannot make figure ${name}: ${what} = ${value} on a log axis`);
    }
    if (axis === yAxis && yAxis.floor !== undefined && value < yAxis.floor) {
      throw new RangeError(`Cannot make figure ${name}: ${what} = ${value} is below the floor`);
    }
    if (owner !== undefined && !series.some((s) => s.name === owner)) {
      throw new TypeError(`Cannot make figure ${name}: ${what} of unknown series "${owner}"`);
    }
  }
}

/** The place in the palette of each series. */
function tones(series: readonly Series[]): number[] {
  const names = series.map(({ name }) => name);
  return series.map(({ name, like = name }) => names.indexOf(like));
}

function traces(options: LineOptions): PlotlyTrace[] {
  const { xAxis, yAxis, series } = options;
  const tone = tones(series);
  return series.flatMap((s, i) => {
    const x = Array.from(s.x);
    const line: PlotlyTrace = {
      type: "scatter",
      mode: s.markers === false ? "lines" : "lines+markers",
      name: plain(s.name),
      legendgroup: String(i),
      x,
      y: raised(s.y, yAxis),
      customdata: Array.from(s.y),
      line: { color: palette[tone[i]], width: 2.25, dash: s.dash ?? "solid" },
      marker: { color: palette[tone[i]], size: 8, symbol: markers[i] },
      cliponaxis: false,
      hovertemplate: `${plain(s.name)}<br>${plain(xAxis.title)} %{x}<br>` +
        `${plain(yAxis.title)} %{customdata:.4~g}<extra></extra>`,
    };
    if (s.lo === undefined || s.hi === undefined) return [line];
    const band: PlotlyTrace = {
      type: "scatter",
      mode: "lines",
      x: [...x, ...x.toReversed()],
      y: [...raised(s.hi, yAxis), ...raised(s.lo, yAxis).reverse()],
      fill: "toself",
      fillcolor: `${palette[tone[i]]}26`, // 15 % opaque
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
  const { name, title, alt, xAxis, yAxis, series, marks = [], levels = [] } = options;
  checkText(options);
  checkLines(options);
  const logX = xAxis.log === true, logY = yAxis.log === true;
  const xs = [...series.flatMap((s) => Array.from(s.x)), ...marks.map((mark) => mark.x)];
  const ys = series.flatMap((s) => [s.y, s.lo ?? [], s.hi ?? []].flatMap((v) => Array.from(v)));
  const xRange = axisRange(xs, xAxis);
  const yRange = axisRange([...ys, ...levels.map((level) => level.y)], yAxis);

  const width = 900, plotHeight = 360, left = 92;
  const single = series.length === 1;
  let right = single ? 32 : legendWidth(series.map((s) => s.name));
  right = Math.max(right, Math.ceil(widest(levels.map((l) => l.label), fontSize.small)) + 24);
  const plotWidth = width - left - right;
  const placed = placeMarks(marks, { range: xRange, log: logX, plotWidth });
  right = Math.max(right, Math.ceil(Math.max(0, ...placed.map((m) => m.end)) - plotWidth) + 16);
  const top = 56 + Math.max(0, ...placed.map(({ line }) => line + 1)) * lineHeight;
  const lines = placeLevels(levels, { range: yRange, log: logY, plotHeight });
  const legendHeight = single ? 0 : series.length * 23 + 8;
  const legendTop = gapBeside(lines, legendHeight);
  const bottom = Math.max(64, Math.ceil(legendTop + legendHeight - plotHeight) + 16);
  const height = top + plotHeight + bottom;
  const tone = tones(series);
  const colours = new Map<string, string>(series.map((s, i) => [s.name, palette[tone[i]]]));
  const poles = drawMarks(placed, { plotHeight, colours });
  const horizontals = drawLevels(lines, colours);
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
        ...rangedAxis(name, xAxis, xRange),
        showgrid: marks.length === 0, // plotly would draw the grid over the poles
        ...(!logX && fewSteps ? { dtick: 1 } : {}),
      },
      yaxis: rangedAxis(name, yAxis, yRange),
      showlegend: !single,
      legend: { ...legendBeside, y: 1 - legendTop / plotHeight, tracegroupgap: 4 },
      shapes: [...poles.shapes, ...horizontals.shapes],
      annotations: [...poles.annotations, ...horizontals.annotations],
    },
  };
}
