/** Points that each have a name beside them, where there are more than a legend's colours tell apart. Names are put
 * where they meet no other name and no mark: the nearest free place, with a thin line back to the mark where that is
 * not beside it.
 * @module */
import { type Axes, axisRange, checkPoints, rangedAxis, valueText } from "./axis.ts";
import {
  checkDistinct,
  type Figure,
  type FigureText,
  figureWidth,
  frame,
  note,
  type PlotlyLayout,
  type Rect,
} from "./figure.ts";
import { colour, fontSize, palette, plain, textWidth } from "./theme.ts";

/** A named point. */
export interface LabelledPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Drawn in the second colour, such as the proposal among what it is compared with. */
  readonly marked?: boolean;
}

/** What `labelledFigure` draws. */
export interface LabelledOptions extends FigureText, Axes {
  readonly points: readonly LabelledPoint[];
  /** A dashed upright line with its name at the top, such as a floor. */
  readonly upright?: { readonly label: string; readonly x: number };
}

const [PLOT_HEIGHT, LEFT, RIGHT, RADIUS] = [420, 92, 40, 6];
const LINE = fontSize.small * 1.3;

const meets = (a: Rect, b: Rect) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Where a name may stand about a mark, nearest first: its centre, relative to the mark. */
function places(width: number): [number, number][] {
  const out: [number, number][] = [];
  for (const away of [0, 14, 28, 44, 62, 84, 110, 140, 175]) {
    const [across, up] = [width / 2 + RADIUS + 5 + away, LINE / 2 + RADIUS + 1 + away];
    out.push([across, 0], [-across, 0], [0, -up], [0, up]);
    for (const [sx, sy] of [[1, -1], [1, 1], [-1, -1], [-1, 1]]) {
      out.push([sx * across, sy * up], [sx * across / 2, sy * up]);
    }
  }
  return out;
}

/** Pixels of the plot area. */
interface Mark {
  readonly x: number;
  readonly y: number;
}

/** The first place of each name that lies in the plot and meets nothing; the first one where there is none. */
function placed(marks: readonly Mark[], labels: readonly string[], room: Rect, taken: Rect[]) {
  const grown = ({ x, y }: Mark): Rect => ({
    ...{ left: x - RADIUS - 2, right: x + RADIUS + 2, top: y - RADIUS - 1, bottom: y + RADIUS + 1 },
  });
  const blocked = [...taken, ...marks.map(grown)];
  return labels.map((label, i) => {
    const width = 1.08 * textWidth(label, fontSize.small);
    const box = ([dx, dy]: [number, number]): Rect => {
      const [x, y] = [marks[i].x + dx, marks[i].y + dy];
      const [left, right] = [x - width / 2, x + width / 2];
      return { left, right, top: y - LINE / 2, bottom: y + LINE / 2 };
    };
    const options = places(width);
    const free = options.find((place) => {
      const own = box(place);
      const inside = own.left >= room.left && own.right <= room.right && own.top >= room.top &&
        own.bottom <= room.bottom;
      return inside && !blocked.some((other) => meets(own, other));
    }) ?? options[0];
    blocked.push(box(free));
    return { dx: free[0], dy: free[1], width, far: options.indexOf(free) >= 4 };
  });
}

/** Draws points with their names. Pure: the same options give the same figure.
 * @throws {TypeError} no points, a name twice, an axis without unit. {RangeError} a value that is not finite, or not
 * positive on a log axis. */
export function labelledFigure(options: LabelledOptions): Figure {
  const { name, xAxis, yAxis, points, upright } = options;
  checkDistinct(name, "point", points.map(({ label }) => label));
  const all = { name: "points", x: points.map(({ x }) => x), y: points.map(({ y }) => y) };
  checkPoints(name, all, options);
  const xRange = axisRange([...all.x, ...upright ? [upright.x] : []], xAxis);
  const yRange = axisRange(all.y, yAxis);
  const plotWidth = figureWidth - LEFT - RIGHT;
  const at = (value: number, axis: { log?: boolean }, [from, to]: [number, number]) =>
    ((axis.log ? Math.log10(value) : value) - from) / (to - from);
  const marks = points.map(({ x, y }) => ({
    x: at(x, xAxis, xRange) * plotWidth,
    y: (1 - at(y, yAxis, yRange)) * PLOT_HEIGHT,
  }));
  const room = { left: 4, right: plotWidth - 4, top: 2, bottom: PLOT_HEIGHT - 2 };
  const lineAt = upright && at(upright.x, xAxis, xRange) * plotWidth;
  const wall = lineAt === undefined
    ? []
    : [{ left: lineAt - 3, right: lineAt + 3, top: 0, bottom: PLOT_HEIGHT }];
  const spots = placed(marks, points.map(({ label }) => label), room, wall);
  const scale = (value: number, axis: { log?: boolean }) => axis.log ? Math.log10(value) : value;
  const annotations = points.map(({ label, x, y }, i): PlotlyLayout =>
    note(label, {
      ...{ font: { size: fontSize.small }, xanchor: "center", yanchor: "middle" },
      ...{ x: scale(x, xAxis), y: scale(y, yAxis), xshift: spots[i].dx, yshift: -spots[i].dy },
    })
  );
  const value = (share: number, axis: { log?: boolean }, [from, to]: [number, number]) => {
    const place = from + share * (to - from);
    return axis.log ? 10 ** place : place;
  };
  const shapes = points.flatMap(({ x, y }, i): PlotlyLayout[] => {
    if (!spots[i].far) return [];
    const [dx, dy] = [spots[i].dx, spots[i].dy];
    const outside = (half: number, way: number) => way === 0 ? 0 : 1 - half / Math.abs(way);
    const short = Math.max(0, outside(spots[i].width / 2, dx), outside(LINE / 2, dy)); // it ends at the name
    const end = { x: marks[i].x + short * dx, y: marks[i].y + short * dy };
    const x1 = value(end.x / plotWidth, xAxis, xRange);
    const y1 = value(1 - end.y / PLOT_HEIGHT, yAxis, yRange);
    const line = { color: colour.axis, width: 0.8 };
    return [{ type: "line", x0: x, y0: y, x1, y1, line, layer: "below" }];
  });
  if (upright !== undefined) {
    const line = { color: colour.muted, width: 1.5, dash: "dash" };
    const ends = { x0: upright.x, x1: upright.x, y0: 0, y1: 1 };
    shapes.push({ type: "line", xref: "x", yref: "paper", ...ends, line });
    const place = { x: scale(upright.x, xAxis), y: 1, xref: "x", yref: "paper", yanchor: "bottom" };
    const font = { size: fontSize.small, color: colour.muted };
    annotations.push(note(upright.label, { ...place, xanchor: "right", xshift: 12, font }));
  }
  return frame(options, {
    ...{ plotWidth, plotHeight: PLOT_HEIGHT },
    margin: { l: LEFT, r: RIGHT, t: upright === undefined ? 4 : 22, b: 64 },
    data: [{
      ...{ type: "scatter", mode: "markers", cliponaxis: false, x: all.x, y: all.y },
      marker: {
        color: points.map(({ marked }) => palette[marked ? 1 : 0]),
        symbol: points.map(({ marked }) => marked ? "diamond" : "circle"),
        size: 2 * RADIUS,
      },
      customdata: points.map((p) => [plain(p.label), valueText(p.x, xAxis), valueText(p.y, yAxis)]),
      hovertemplate: "%{customdata[0]}<br>%{customdata[1]}, %{customdata[2]}<extra></extra>",
      showlegend: false,
    }],
    layout: {
      xaxis: rangedAxis(name, xAxis, xRange),
      yaxis: rangedAxis(name, yAxis, yRange),
      ...{ hovermode: "closest", annotations, shapes },
    },
  });
}
