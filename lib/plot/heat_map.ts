/** A matrix as coloured cells with their numbers: confusion matrices, errors over two parameters.
 * Missing cells are grey and hatched and say why. Cells are drawn as bars one unit wide and high: they
 * stay vectors, they can be hatched, and plotly's heatmap would need a canvas, which jsdom has not.
 * @module */
import { axisTitle, checkFloor, raised } from "./axis.ts";
import { type ColorAxis, colourBar, textColour } from "./colour_bar.ts";
import {
  baseLayout,
  checkDistinct,
  checkFinite,
  checkText,
  type Figure,
  type FigureText,
  type Margin,
  type PlotlyLayout,
  type PlotlyTrace,
} from "./figure.ts";
import { colour, fontSize, plain, scaleColour, widest } from "./theme.ts";

/** An axis of cells. */
export interface CellAxis {
  title: string;
  /** Left out where the ticks count or name things. */
  unit?: string;
  /** One a column from left to right, or one a row from top to bottom. */
  ticks: readonly (string | number)[];
}

export interface HeatMapOptions extends FigureText {
  x: CellAxis;
  y: CellAxis;
  /** [y.ticks.length, x.ticks.length]; null = missing. */
  z: readonly (readonly (number | null)[])[];
  color: ColorAxis;
  /** What stands in missing cells, such as "infeasible". */
  missing?: string;
  /** Texts in the cells in place of the numbers, missing cells included; a newline breaks the line. */
  labels?: readonly (readonly string[])[];
  /** Write texts into the cells; default true. */
  annotate?: boolean;
}

/** A cell at row i and column j. */
interface Cell {
  i: number;
  j: number;
  value: number | null;
  text: string;
}

// CSS pixels.
const maxWidth = 900, barRoom = 116, minCell = 40, maxCell = 108, lineHeight = 17, bottom = 64;

function checkHeatMap({ name, x, y, z, color, missing, labels }: HeatMapOptions): void {
  checkFloor(name, color);
  for (const [key, { ticks }] of [["x", x], ["y", y]] as const) {
    if (ticks.length === 0) throw new TypeError(`Cannot make figure ${name}: no ${key} ticks`);
    checkDistinct(name, `${key} tick`, ticks.map(String));
  }
  for (const [what, matrix] of [["z", z], ["labels", labels]] as const) {
    if (matrix === undefined) continue;
    const wrong = matrix.find((row) => row.length !== x.ticks.length);
    if (matrix.length !== y.ticks.length || wrong !== undefined) {
      throw new TypeError(
        `Cannot make figure ${name}: ${what} has ${matrix.length} rows of ` +
          `${(wrong ?? matrix[0])?.length ?? 0}, expected ${y.ticks.length} of ${x.ticks.length}`,
      );
    }
  }
  z.forEach((row, i) => checkFinite(name, `z[${i}]`, row.map((value) => value ?? 0)));
  const values = z.flat();
  if (values.includes(null) && missing === undefined) {
    throw new TypeError(`Cannot make figure ${name}: z has a missing cell, but no word for it`);
  }
  const present = values.filter((value) => value !== null);
  if (present.length === 0) {
    throw new TypeError(`Cannot make figure ${name}: every cell is missing`);
  }
  const least = Math.min(...present);
  if (color.log === true && color.floor === undefined && least <= 0) {
    throw new RangeError(`Cannot make figure ${name}: z has ${least} on a log scale`);
  }
}

function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return value.toLocaleString("en-US");
  const small = Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6;
  return (small ? value.toExponential(0) : String(+value.toPrecision(2))).replaceAll("-", "−");
}

/** Sizes of the cells and the room around them. */
function geometryOf(
  { name, title, x, y, color, annotate }: HeatMapOptions,
  cells: readonly Cell[],
): {
  cellWidth: number;
  cellHeight: number;
  margin: Margin;
} {
  const xTicks = x.ticks.map(String), yTicks = y.ticks.map(String);
  const left = Math.ceil(widest(yTicks, fontSize.small)) + 62;
  const room = (maxWidth - left - barRoom) / xTicks.length;
  const texts = annotate === false ? [] : cells.map((cell) => cell.text);
  const need = Math.ceil(widest([...texts, ...xTicks], fontSize.small)) + 10;
  if (need > room) {
    throw new RangeError(
      `Cannot make figure ${name}: a cell needs ${need} pixels for its text and has ` +
        `${Math.floor(room)}; shorten it or pass annotate: false`,
    );
  }
  const lines = Math.max(...texts.map((text) => text.split("\n").length), 1);
  const least = Math.max(minCell, lines * lineHeight + 10);
  const alike = JSON.stringify(xTicks) === JSON.stringify(yTicks);
  const cellWidth = Math.floor(Math.min(room, Math.max(need, alike ? least : maxCell)));
  // The titles at the sides are as long as the cells are high, or shorter.
  const titleHeight = widest([axisTitle(name, y), axisTitle(name, color)], fontSize.text) + 8;
  const titleRoom = Math.ceil(widest([title], fontSize.title)) + 40 - left -
    cellWidth * xTicks.length;
  return {
    cellWidth,
    cellHeight: alike ? cellWidth : Math.max(least, Math.ceil(titleHeight / yTicks.length)),
    margin: { l: left, r: Math.max(barRoom, titleRoom), t: 56, b: bottom },
  };
}

function cellTrace(cells: readonly Cell[], hover: (cell: Cell) => string): PlotlyTrace {
  return {
    type: "bar",
    x: cells.map((cell) => cell.j),
    y: cells.map(() => 1),
    base: cells.map((cell) => cell.i - 0.5),
    width: 1,
    hovertext: cells.map(hover),
    hoverinfo: "text",
    textposition: "inside",
    insidetextanchor: "middle",
    textangle: 0,
    constraintext: "none",
    showlegend: false,
  };
}

function traces(options: HeatMapOptions, cells: readonly Cell[]): PlotlyTrace[] {
  const { name, x, y, color, labels, annotate } = options;
  const present = cells.filter((cell) => cell.value !== null);
  const values = present.map((cell) => cell.value!);
  const log = color.log === true;
  const at = (value: number) => log ? Math.log10(raised([value], color)[0]) : value;
  const levels = values.map(at);
  const least = Math.min(...levels, ...(color.floor === undefined ? [] : [at(color.floor)]));
  const most = Math.max(...levels) > least ? Math.max(...levels) : least + 1;
  const hover = ({ i, j, value, text }: Cell) => {
    const shown = value === null ? text : `${+value.toPrecision(4)} ${color.unit}`;
    const own = value === null || labels === undefined ? [] : [text];
    const place = [[x, j], [y, i]] as const;
    const lines = place.map(([axis, index]) =>
      `${axis.title} ${axis.ticks[index]}${axis.unit === undefined ? "" : ` ${axis.unit}`}`
    );
    return plain([...lines, `${color.title}: ${shown}`, ...own].join("\n"));
  };
  const texts = (list: readonly Cell[]) =>
    annotate === false ? {} : { text: list.map((cell) => plain(cell.text)) };
  const shares = levels.map((level) => (level - least) / (most - least));
  const gap = { color: colour.ground, width: 1 };
  const drawn: PlotlyTrace[] = [{
    ...cellTrace(present, hover),
    ...texts(present),
    textfont: { size: fontSize.small, color: shares.map(textColour) },
    marker: { color: shares.map(scaleColour), line: gap },
  }, colourBar(name, color, [least, most])];
  const gone = cells.filter((cell) => cell.value === null);
  return gone.length === 0 ? drawn : [...drawn, {
    ...cellTrace(gone, hover),
    ...texts(gone),
    textfont: { size: fontSize.small, color: colour.text },
    marker: {
      color: colour.blank,
      line: gap,
      pattern: {
        shape: "/",
        fgcolor: colour.axis,
        fgopacity: 0.4,
        bgcolor: colour.blank,
        size: 8,
        solidity: 0.15,
      },
    },
  }];
}

/** Draws a matrix as a heat map, first row at the top; cells are square where both axes have the same
 * ticks. @throws {TypeError} shapes that differ, duplicate ticks, a missing cell without a word for it.
 * {RangeError} a value that is not finite, not positive on a log scale without `floor`, or a text that
 * does not fit into its cell. */
export function heatMap(options: HeatMapOptions): Figure {
  const { name, title, alt, x, y, z, missing = "", labels } = options;
  checkText(options);
  checkHeatMap(options);
  const cells = z.flatMap((row, i) =>
    row.map((value, j): Cell => {
      const text = labels?.[i][j] ?? (value === null ? missing : numberText(value));
      return { i, j, value, text };
    })
  );
  const { cellWidth, cellHeight, margin } = geometryOf(options, cells);
  const width = margin.l + cellWidth * x.ticks.length + margin.r;
  const height = margin.t + cellHeight * y.ticks.length + margin.b;
  const axis = (cellAxis: CellAxis): PlotlyLayout => ({
    title: { text: axisTitle(name, cellAxis), standoff: 12, font: { size: fontSize.text } },
    tickfont: { size: fontSize.small },
    tickmode: "array",
    tickvals: cellAxis.ticks.map((_, i) => i),
    ticktext: cellAxis.ticks.map((tick) => plain(String(tick))),
    tickangle: 0,
    ticks: "outside", // invisible, they keep the labels off the cells
    ticklen: 3,
    tickcolor: colour.ground,
    range: [-0.5, cellAxis.ticks.length - 0.5],
    showgrid: false,
    zeroline: false,
  });
  return {
    name,
    title,
    alt,
    width,
    height,
    data: traces(options, cells),
    layout: {
      ...baseLayout(title, { width, height, margin }),
      xaxis: axis(x),
      yaxis: { ...axis(y), range: [y.ticks.length - 0.5, -0.5] },
      barmode: "overlay",
      bargap: 0,
    },
  };
}
