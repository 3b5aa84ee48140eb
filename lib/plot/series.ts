/** What line and scatter plots ask of their series: names that tell apart, arrays of one length, and
 * values that their axes can show.
 * @module */
import { type Axis, checkFloor, type ValueAxis } from "./axis.ts";
import { checkDistinct, checkFinite } from "./figure.ts";
import { palette } from "./theme.ts";

/** The axes of a plot of y over x. */
export interface Axes {
  xAxis: Axis;
  yAxis: ValueAxis;
}

/** Numbers of a series by name ("x", "y", "lo" …); names that begin with x belong to the x axis. */
export type Columns = Readonly<Record<string, ArrayLike<number> | undefined>>;

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
 * @throws {TypeError} empty, or lengths that differ. {RangeError} a value that is not finite, or not
 * positive on a log axis without `floor`. */
export function checkColumns(
  figure: string,
  series: string,
  columns: Columns,
  { xAxis, yAxis }: Axes,
): void {
  checkFloor(figure, yAxis);
  const length = columns.x!.length;
  if (length === 0) {
    throw new TypeError(`Cannot make figure ${figure}: series "${series}" is empty`);
  }
  for (const [key, values] of Object.entries(columns)) {
    if (values === undefined) continue;
    if (values.length !== length) {
      throw new TypeError(
        `Cannot make figure ${figure}: series "${series}" has ${length} x and ${values.length} ${key}`,
      );
    }
    checkFinite(figure, `series "${series}" ${key}`, values);
    const axis: ValueAxis = key.startsWith("x") ? xAxis : yAxis;
    const least = Math.min(...Array.from(values));
    if (axis.log === true && least <= 0 && (axis === xAxis || yAxis.floor === undefined)) {
      throw new RangeError(
        `Cannot make figure ${figure}: series "${series}" has ${key} = ${least} on a log axis`,
      );
    }
  }
}

/** Checks that an interval has both its ends or none. @throws {TypeError} it has one. */
export function checkPair(
  figure: string,
  series: string,
  what: string,
  ends: readonly [unknown, unknown],
): void {
  if ((ends[0] === undefined) !== (ends[1] === undefined)) {
    throw new TypeError(`Cannot make figure ${figure}: series "${series}" has half ${what}`);
  }
}
