/** Axes and the numbers that stand over them: the unit in every title, ranges with room at both ends,
 * powers of ten on log axes, and seconds in the unit in which they read best.
 * @module */
import { checkDistinct, checkFinite, type PlotlyLayout } from "./figure.ts";
import {
  colour,
  durationText,
  fontSize,
  numberText,
  palette,
  plain,
  powerText,
  timeUnits,
} from "./theme.ts";

/** An axis: its unit stands in the title, "MSE (pixels in [0, 1])", unless it is "count". Seconds, "s",
 * are written as ms, min, h or days where that reads better. */
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

/** The axes of a plot of y over x. */
export interface Axes {
  xAxis: Axis;
  yAxis: ValueAxis;
}

/** Points over two axes, with their intervals. */
export interface Points {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Ends of the intervals of y, both or neither; lo ≤ y ≤ hi. */
  lo?: ArrayLike<number>;
  hi?: ArrayLike<number>;
  /** Name of the series whose colour it takes, such as the measurement that a model fits. */
  like?: string;
}

/** The axis title with its unit, where it has one.
 * @throws {TypeError} a title or a unit that is empty. */
export function axisTitle(figure: string, axis: { title: string; unit?: string }): string {
  if (axis.title.trim() === "" || axis.unit?.trim() === "") {
    throw new TypeError(
      `Cannot make figure ${figure}: axis "${axis.title}" (${axis.unit}) needs a title and a unit`,
    );
  }
  const { title, unit = "count" } = axis;
  return plain(unit === "count" ? title : `${title} (${unit})`);
}

/** A value with its unit, as the pointer shows it. */
export function valueText(value: number, { unit }: { unit?: string }): string {
  if (unit === "s") return durationText(value, 3);
  return numberText(value, 4) + (unit === undefined || unit === "count" ? "" : ` ${unit}`);
}

/** Checks that `floor` stands on a log axis. @throws {RangeError} it does not, or is not positive. */
export function checkFloor(figure: string, { log, floor }: Partial<ValueAxis>): void {
  if (floor !== undefined && !(log === true && floor > 0)) {
    throw new RangeError(
      `Cannot make figure ${figure}: floor needs a log axis and a positive value`,
    );
  }
}

/** Checks the names of series: some, distinct, and no more than there are colours.
 * @throws {TypeError} none, or one twice. {RangeError} too many. */
export function checkNames(figure: string, what: string, names: readonly string[]): void {
  if (names.length === 0) throw new TypeError(`Cannot make figure ${figure}: no ${what}`);
  if (names.length > palette.length) {
    throw new RangeError(
      `Cannot make figure ${figure}: ${names.length} series, at most ${palette.length} tell apart`,
    );
  }
  checkDistinct(figure, "series", names);
}

/** Checks the numbers of one series against its axes.
 * @throws {TypeError} empty, lengths that differ, half an interval. {RangeError} a value that is not
 * finite, outside its interval, or not positive on a log axis without `floor`. */
export function checkPoints(figure: string, series: Points, { xAxis, yAxis }: Axes): void {
  const { name, x, y, lo, hi } = series;
  const here = `Cannot make figure ${figure}: series "${name}"`;
  checkFloor(figure, yAxis);
  if (x.length === 0) throw new TypeError(`${here} is empty`);
  for (const [key, values] of Object.entries({ x, y, lo, hi })) {
    if (values === undefined) continue;
    if (values.length !== x.length) {
      throw new TypeError(`${here} has ${x.length} x and ${values.length} ${key}`);
    }
    checkFinite(figure, `series "${name}" ${key}`, values);
    const axis: ValueAxis = key === "x" ? xAxis : yAxis;
    const least = Array.from(values).reduce((a, b) => Math.min(a, b));
    if (axis.log === true && least <= 0 && (axis === xAxis || yAxis.floor === undefined)) {
      throw new RangeError(`${here} has ${key} = ${least} on a log axis`);
    }
  }
  if ((lo === undefined) !== (hi === undefined)) {
    throw new TypeError(`${here} has half an interval`);
  }
  for (let i = 0; lo && hi && i < y.length; i++) {
    const slack = 1e-9 * Math.abs(y[i]); // both come from one computation, rounded
    if (lo[i] > y[i] + slack || y[i] > hi[i] + slack) {
      throw new RangeError(
        `${here} has y[${i}] = ${y[i]} outside its interval [${lo[i]}, ${hi[i]}]`,
      );
    }
  }
}

/** The values as drawn: those below the floor stand on it. */
export function raised(
  values: ArrayLike<number>,
  { floor = -Infinity }: { floor?: number },
): number[] {
  return Array.from(values, (value) => Math.max(value, floor));
}

/** Range of an axis that shows all values, and its floor where it has one, with room at both ends, in
 * plotly's units: exponents of ten on a log axis. */
export function axisRange(values: readonly number[], axis: ValueAxis): [number, number] {
  const shown = axis.floor === undefined ? values : [axis.floor, ...raised(values, axis)];
  const at = axis.log === true ? shown.map(Math.log10) : shown;
  const least = at.reduce((a, b) => Math.min(a, b)), most = at.reduce((a, b) => Math.max(a, b));
  const room = (most - least || Math.abs(most) || 1) * 0.05;
  return [least - room, most + room];
}

/** A place on an axis and what is written there. */
type Tick = [value: number, text: string];

/** Decades, or 1-2-5 steps of a range under two of them, and then plain numbers between 1 and 10 000. */
function decades([from, to]: [number, number]): Tick[] {
  const short = to - from < 2, stride = Math.ceil((to - from) / 9);
  const ticks: Tick[] = [];
  for (let e = Math.floor(from); e <= to; e++) {
    if (e % stride !== 0) continue;
    for (const step of short ? [1, 2, 5] : [1]) {
      const value = step * 10 ** e;
      ticks.push([value, short && from >= 0 && to <= 4 ? numberText(value) : powerText(e, step)]);
    }
  }
  return ticks;
}

/** Whole units of time: "1 s", "10 s", "1 min", "10 min", "1 h", "1 day". */
function timeSteps([from, to]: [number, number]): Tick[] {
  const steps = to - from < 2 ? [1, 2, 5, 10, 20, 50, 100, 200, 500] : [1, 10, 100, 1000];
  return timeUnits.flatMap(({ unit, seconds, next }) =>
    steps.filter((step) => 3 * step < next).map((step): Tick => [
      step * seconds,
      `${numberText(step)} ${step === 1 && unit === "days" ? "day" : unit}`,
    ])
  );
}

/** Ticks of a log axis from its range in exponents; "≤" stands before the one at the floor. */
export function logTicks(
  range: [number, number],
  { floor, unit }: { floor?: number; unit?: string },
): PlotlyLayout {
  const least = Math.max(range[0], floor === undefined ? -Infinity : Math.log10(floor) + 0.3);
  const ticks = (unit === "s" ? timeSteps : decades)(range).filter(([value]) => {
    const at = Math.log10(value);
    return least <= at && at <= range[1];
  });
  if (floor !== undefined) {
    const e = Math.log10(floor), power = unit !== "s" && Number.isInteger(e);
    const text = power ? powerText(e) : unit === "s" ? durationText(floor) : numberText(floor);
    ticks.unshift([floor, `≤ ${text}`]);
  }
  return {
    tickmode: "array",
    tickvals: ticks.map(([value]) => value),
    ticktext: ticks.map(([, text]) => text),
  };
}

/** An axis in another unit of time: its ticks stand at round numbers of that unit. */
function timeTicks([from, to]: [number, number]): { unit: string; ticks: PlotlyLayout } {
  const { unit, seconds } = timeUnits.findLast((at) => to >= 2 * at.seconds) ?? timeUnits[0];
  const rough = (to - from) / seconds / 8, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  const first = Math.ceil(from / seconds / step);
  const count = Math.floor(to / seconds / step) - first + 1;
  const values = Array.from({ length: count }, (_, i) => (first + i) * step);
  const tickvals = values.map((value) => value * seconds);
  return {
    unit,
    ticks: { tickmode: "array", tickvals, ticktext: values.map((v) => numberText(v)) },
  };
}

/** An axis that shows a range, with its title and ticks. */
export function rangedAxis(
  figure: string,
  axis: ValueAxis,
  range: [number, number],
): PlotlyLayout {
  const log = axis.log === true, time = axis.unit === "s";
  const { unit, ticks } = !log && time ? timeTicks(range) : { unit: axis.unit, ticks: {} };
  // Ticks of a log axis of times carry their units.
  const text = axisTitle(figure, { title: axis.title, unit: log && time ? "count" : unit });
  return {
    title: { text, standoff: 12, font: { size: fontSize.text } },
    tickfont: { size: fontSize.small },
    ...{ type: log ? "log" : "linear", range, zeroline: false, gridcolor: colour.grid },
    ...{ showline: true, linecolor: colour.axis },
    ...{ ticks: "outside", tickcolor: colour.axis, ticklen: 5 },
    ...{ exponentformat: "none", separatethousands: true },
    ...(log ? logTicks(range, axis) : ticks),
  };
}
