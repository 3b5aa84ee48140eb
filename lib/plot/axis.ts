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

/** An axis of measured values. On a log axis, `floor` is where smaller values, zero included, are
 * drawn: the exact recovery with MSE 0 stays in the picture, and the tick there reads "≤ floor". */
export interface ValueAxis extends Axis {
  floor?: number;
}

/** The axis title with its unit, where it has one.
 * @throws {TypeError} a title or a unit that is empty. */
export function axisTitle(figure: string, axis: { title: string; unit?: string }): string {
  if (axis.title.trim() === "" || axis.unit?.trim() === "") {
    throw new TypeError(
      `Cannot make figure ${figure}: axis "${axis.title}" (${axis.unit}) needs a title and a unit`,
    );
  }
  return plain(axis.unit === undefined ? axis.title : `${axis.title} (${axis.unit})`);
}

/** Checks that `floor` stands on a log axis. @throws {RangeError} it does not, or is not positive. */
export function checkFloor(
  figure: string,
  { log, floor }: { log?: boolean; floor?: number },
): void {
  if (floor !== undefined && !(log === true && floor > 0)) {
    throw new RangeError(
      `Cannot make figure ${figure}: floor needs a log axis and a positive value`,
    );
  }
}

/** The values as drawn: those below the floor stand on it. */
export function raised(
  values: ArrayLike<number>,
  { floor = -Infinity }: { floor?: number },
): number[] {
  return Array.from(values, (value) => Math.max(value, floor));
}

/** Common look of an axis. */
function baseAxis(figure: string, axis: Axis): PlotlyLayout {
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

/** Range of an axis that shows all values, and its floor where it has one. */
export function axisRange(values: readonly number[], axis: ValueAxis): [number, number] {
  const shown = axis.floor === undefined ? values : [axis.floor, ...raised(values, axis)];
  return paddedRange(shown, axis.log === true);
}

/** Ticks of a log axis from its range: decades, or 1-2-5 steps when it spans fewer than two, and then plain
 * numbers between 1 and 10 000. */
export function logTicks([from, to]: [number, number], floor?: number): PlotlyLayout {
  const values: number[] = [];
  const text: string[] = [];
  const stride = Math.ceil((to - from) / 9);
  const short = to - from < 2;
  const steps = short ? [1, 2, 5] : [1];
  const written = (step: number, e: number) =>
    short && from >= 0 && to <= 4
      ? String(step * 10 ** e)
      : `${step === 1 ? "" : `${step}·`}10<sup>${e}</sup>`.replace("-", "−");
  for (let e = Math.floor(from); e <= to; e++) {
    for (const step of steps) {
      const at = e + Math.log10(step);
      if (at < from || at > to || e % stride !== 0) continue;
      if (floor !== undefined && at < Math.log10(floor) + 0.3) continue;
      values.push(step * 10 ** e);
      text.push(written(step, e));
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

/** An axis that shows a range, with the ticks of a log axis where it is one. */
export function rangedAxis(
  figure: string,
  axis: ValueAxis,
  range: [number, number],
): PlotlyLayout {
  const ticks = axis.log === true ? logTicks(range, axis.floor) : {};
  return { ...baseAxis(figure, axis), range, ...ticks };
}
