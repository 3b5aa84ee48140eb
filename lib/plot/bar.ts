/** Horizontal bars: one category a line, so that long step names stay readable, one colour a series,
 * the value written at the end of each bar. For bytes or times per protocol step.
 * @module */
import { type Axis, rangedAxis } from "./axis.ts";
import {
  baseLayout,
  checkDistinct,
  checkFinite,
  checkText,
  type Figure,
  type FigureText,
  legendBeside,
  legendWidth,
} from "./figure.ts";
import { checkNames } from "./series.ts";
import { colour, fontSize, palette, plain, widest } from "./theme.ts";

export interface BarSeries {
  name: string;
  /** One a category, not negative. */
  values: ArrayLike<number>;
  /** Texts at the bars' ends, such as "1.2 MB"; default: the value itself. */
  labels?: readonly string[];
}

export interface BarOptions extends FigureText {
  axis: Axis;
  /** Names of the lines, from top to bottom. */
  categories: readonly string[];
  series: readonly BarSeries[];
}

function checkBars({ name, axis, categories, series }: BarOptions): void {
  if (categories.length === 0) throw new TypeError(`Cannot make figure ${name}: no bars`);
  checkDistinct(name, "category", categories);
  checkNames(name, "bars", series.map((s) => s.name));
  for (const s of series) {
    for (const [what, list] of [["values", s.values], ["labels", s.labels]] as const) {
      if (list !== undefined && list.length !== categories.length) {
        throw new TypeError(
          `Cannot make figure ${name}: series "${s.name}" has ${list.length} ${what} for ` +
            `${categories.length} categories`,
        );
      }
    }
    checkFinite(name, `series "${s.name}" values`, s.values);
    const least = Math.min(...Array.from(s.values));
    if (least < 0 || (axis.log === true && least === 0)) {
      throw new RangeError(
        `Cannot make figure ${name}: series "${s.name}" has value ${least}` +
          (axis.log === true ? " on a log axis" : ", expected at least 0"),
      );
    }
  }
}

function valueLabel(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : String(+value.toPrecision(3));
}

/** Draws bars per category, grouped by series where there are several.
 * @throws {TypeError} lengths that differ, duplicate names, an axis without unit.
 * {RangeError} a value that is negative, not finite, or 0 on a log axis. */
export function barFigure(options: BarOptions): Figure {
  const { name, title, alt, axis, categories, series } = options;
  checkText(options);
  checkBars(options);
  const labels = series.map((s) => s.labels ?? Array.from(s.values, valueLabel));
  const all = series.flatMap((s) => Array.from(s.values));
  const width = 900;
  const single = series.length === 1;
  const left = Math.ceil(widest(categories, fontSize.text)) + 36;
  const right = single ? 32 : legendWidth(series.map((s) => s.name));
  const top = 56, bottom = 64;
  const height = top + bottom + categories.length * (series.length * 22 + 18);

  // The longest bar leaves room for the longest label.
  const share = 1 - (widest(labels.flat(), fontSize.small) + 12) / (width - left - right);
  const most = Math.max(...all) || 1;
  const from = axis.log === true ? Math.floor(Math.log10(Math.min(...all)) - 0.15) : 0;
  const to = axis.log === true ? from + (Math.log10(most) - from) / share : most / share;
  return {
    name,
    title,
    alt,
    width,
    height,
    data: series.map((s, i) => ({
      type: "bar",
      orientation: "h",
      name: plain(s.name),
      x: Array.from(s.values),
      y: categories.map(plain),
      text: labels[i].map(plain),
      textposition: "outside",
      textfont: { size: fontSize.small },
      cliponaxis: false,
      marker: { color: palette[i] },
      hovertemplate: `%{y}<br>${plain(s.name)}: %{text}<extra></extra>`,
    })),
    layout: {
      ...baseLayout(title, {
        width,
        height,
        margin: { l: left, r: right, t: top, b: bottom },
      }),
      barmode: "group",
      bargap: 0.3,
      xaxis: rangedAxis(name, axis, [from, to]),
      // Invisible ticks keep the labels off the bars.
      yaxis: {
        autorange: "reversed",
        type: "category",
        ticks: "outside",
        ticklen: 8,
        tickcolor: colour.ground,
      },
      showlegend: !single,
      legend: legendBeside,
    },
  };
}
