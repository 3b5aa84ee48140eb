/** Axes: the unit in every title, ranges with room at both ends, and powers of ten on log axes.
 * @module */
import type { PlotlyLayout } from "./figure.ts";
import { colour, fontSize, plain } from "./theme.ts";

/** An axis: its unit always stands in the title, "MSE (pixels in [0, 1])". */
export interface Axis {
  title: string;
  unit: string;
  log?: boolean;
}

/** The axis title with its unit. @throws {TypeError} no title or no unit. */
function axisTitle(figure: string, axis: Axis): string {
  if (axis.title.trim() === "" || axis.unit.trim() === "") {
    throw new TypeError(
      `Cannot make figure ${figure}: axis "${axis.title}" (${axis.unit}) needs a title and a unit`,
    );
  }
  return plain(`${axis.title} (${axis.unit})`);
}

/** Common look of an axis; a builder adds range and ticks. */
export function baseAxis(figure: string, axis: Axis): PlotlyLayout {
  return {
    title: { text: axisTitle(figure, axis), standoff: 12, font: { size: fontSize.text } },
    tickfont: { size: fontSize.small },
    type: axis.log === true ? "log" : "linear",
    showline: true,
    linecolor: colour.axis,
    ticks: "outside",
    tickcolor: colour.axis,
    ticklen: 5,
    gridcolor: colour.grid,
    zeroline: false,
  };
}

/** Axis range with room at both ends, in plotly's units (exponents of ten on a log axis). */
export function paddedRange(values: readonly number[], log: boolean): [number, number] {
  const at = log ? values.map(Math.log10) : values;
  const least = Math.min(...at), most = Math.max(...at);
  const room = (most - least || Math.abs(most) || 1) * 0.05;
  return [least - room, most + room];
}

/** Ticks of a log axis from its range: decades, or 1-2-5 steps when it spans fewer than two. */
export function logTicks([from, to]: [number, number], floor?: number): PlotlyLayout {
  const values: number[] = [];
  const text: string[] = [];
  const stride = Math.ceil((to - from) / 9);
  const steps = to - from < 2 ? [1, 2, 5] : [1];
  for (let e = Math.floor(from); e <= to; e++) {
    for (const step of steps) {
      const at = e + Math.log10(step);
      if (at < from || at > to || e % stride !== 0) continue;
      if (floor !== undefined && at < Math.log10(floor) + 0.3) continue;
      values.push(step * 10 ** e);
      text.push(`${step === 1 ? "" : `${step}·`}10<sup>${e}</sup>`.replace("-", "−"));
    }
  }
  if (floor !== undefined) {
    values.unshift(floor);
    const exponent = Math.log10(floor);
    text.unshift(
      Number.isInteger(exponent) ? `≤ 10<sup>${exponent}</sup>`.replace("-", "−") : `≤ ${floor}`,
    );
  }
  return { tickmode: "array", tickvals: values, ticktext: text };
}
