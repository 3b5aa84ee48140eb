/** A matrix as coloured cells with their numbers: confusion matrices, errors over two parameters.
 * Missing cells are grey and hatched and say why; a cell that stands for few of many is pale. Cells are
 * drawn as bars one unit wide and high: they stay vectors, they can be hatched, and plotly's heatmap would
 * need a canvas, which jsdom has not.
 * @module */
import { axisTitle, checkFloor, logTicks, raised, type ValueAxis, valueText } from "./axis.ts";
import {
  checkDistinct,
  checkFinite,
  type Figure,
  type FigureText,
  figureWidth,
  frame,
  type Margin,
  type PlotlyLayout,
  type PlotlyTrace,
} from "./figure.ts";
import {
  colour,
  fontSize,
  mixed,
  numberText,
  plain,
  scaleColour,
  sequentialScale,
  textColour,
  thousands,
  widest,
} from "./theme.ts";

/** An axis of cells. */
export interface CellAxis {
  title: string;
  /** Left out where the ticks count or name things. */
  unit?: string;
  /** One a column from left to right, or one a row from top to bottom. */
  ticks: readonly (string | number)[];
}

/** What colour means; on a log scale, values below the floor, zero included, take its colour. */
export interface ColorAxis extends ValueAxis {
  /** Values at both ends of the scale, for figures to be compared; default: the least and the most. */
  range?: readonly [least: number, most: number];
}

/** What `heatMap` draws. */
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
  /** Of how much a cell's value speaks, 0 to 1, such as the share of images that a mean is over: the
   * smaller, the paler. */
  shares?: readonly (readonly number[])[];
}

/** A cell at row i and column j. */
interface Cell {
  i: number;
  j: number;
  value: number | null;
  text: string;
}

// CSS pixels.
const barRoom = 116, minCell = 40, maxCell = 108, lineHeight = 17;

function checkHeatMap({ name, x, y, z, color, missing, labels, shares }: HeatMapOptions): void {
  const here = `Cannot make figure ${name}:`;
  checkFloor(name, color);
  for (const [key, { ticks }] of [["x", x], ["y", y]] as const) {
    if (ticks.length === 0) throw new TypeError(`${here} no ${key} ticks`);
    checkDistinct(name, `${key} tick`, ticks.map(String));
  }
  for (const [what, matrix] of Object.entries({ z, labels, shares })) {
    if (matrix === undefined) continue;
    const wrong = matrix.find((row) => row.length !== x.ticks.length);
    if (matrix.length !== y.ticks.length || wrong !== undefined) {
      throw new TypeError(
        `${here} ${what} has ${matrix.length} rows of ` +
          `${(wrong ?? matrix[0])?.length ?? 0}, expected ${y.ticks.length} of ${x.ticks.length}`,
      );
    }
  }
  z.forEach((row, i) => checkFinite(name, `z[${i}]`, row.map((value) => value ?? 0)));
  const odd = shares?.flat().find((share) => !(share >= 0 && share <= 1));
  if (odd !== undefined) throw new RangeError(`${here} share ${odd}, expected 0 to 1`);
  const present = z.flat().filter((value) => value !== null);
  if (present.length < z.flat().length && missing === undefined) {
    throw new TypeError(`${here} z has a missing cell, but no word for it`);
  }
  if (present.length === 0) throw new TypeError(`${here} every cell is missing`);
  const least = Math.min(...present, ...(color.range ?? []));
  if (color.log === true && color.floor === undefined && least <= 0) {
    throw new RangeError(`${here} z has ${least} on a log scale`);
  }
}

const tickText = (tick: string | number) => typeof tick === "number" ? thousands(tick) : tick;

/** Sizes of the cells and the room around them. */
function geometryOf({ name, x, y, color }: HeatMapOptions, cells: readonly Cell[]): {
  cellWidth: number;
  cellHeight: number;
  margin: Margin;
} {
  const xTicks = x.ticks.map(tickText), yTicks = y.ticks.map(tickText);
  const left = Math.ceil(widest(yTicks, fontSize.small)) + 62;
  const room = (figureWidth - left - barRoom) / xTicks.length;
  const texts = cells.map((cell) => cell.text);
  const need = Math.ceil(widest([...texts, ...xTicks], fontSize.small)) + 10;
  if (need > room) {
    throw new RangeError(
      `Cannot make figure ${name}: a cell needs ${need} pixels for its text and has ` +
        `${Math.floor(room)}; shorten it`,
    );
  }
  const lines = Math.max(...texts.map((text) => text.split("\n").length), 1);
  const least = Math.max(minCell, lines * lineHeight + 10);
  const alike = JSON.stringify(xTicks) === JSON.stringify(yTicks);
  const cellWidth = Math.floor(Math.min(room, Math.max(need, alike ? least : maxCell)));
  // The titles at the sides are as long as the cells are high, or shorter.
  const titleHeight = widest([axisTitle(name, y), axisTitle(name, color)], fontSize.text) + 8;
  return {
    cellWidth,
    cellHeight: alike ? cellWidth : Math.max(least, Math.ceil(titleHeight / yTicks.length)),
    margin: { l: left, r: barRoom, t: 4, b: 64 },
  };
}

/** A trace without a point that carries the bar which explains the colours; `range` in exponents on a log
 * scale. */
function colourBar(figure: string, axis: ColorAxis, [cmin, cmax]: [number, number]): PlotlyTrace {
  const ticks = axis.log === true ? logTicks([cmin, cmax], axis) : {};
  const { tickvals, ticktext } = ticks as { tickvals?: number[]; ticktext?: string[] };
  const after = "\u2002"; // room before the title
  const colorscale = sequentialScale.map((c, i) => [i / (sequentialScale.length - 1), c]);
  return {
    ...{ type: "scatter", mode: "markers", x: [null], y: [null] },
    ...{ showlegend: false, hoverinfo: "skip" },
    marker: {
      ...{ color: [cmin], cmin, cmax, colorscale, showscale: true },
      colorbar: {
        title: { text: axisTitle(figure, axis), side: "right", font: { size: fontSize.text } },
        tickfont: { size: fontSize.small },
        ...{ thickness: 16, len: 1, ypad: 0, xpad: 16, outlinewidth: 0 },
        ticksuffix: after,
        ...(tickvals && { ...ticks, tickvals: tickvals.map(Math.log10) }),
        ...(ticktext && { ticktext: ticktext.map((text) => text + after) }),
      },
    },
  };
}

function traces(options: HeatMapOptions, cells: readonly Cell[]): PlotlyTrace[] {
  const { name, x, y, color, labels, shares: parts } = options;
  const at = (value: number) => color.log ? Math.log10(raised([value], color)[0]) : value;
  const present = cells.filter((cell) => cell.value !== null);
  const levels = present.map((cell) => at(cell.value!));
  const ends = color.range?.map(at) ?? [...levels, at(color.floor ?? present[0].value!)];
  const least = Math.min(...ends), most = Math.max(...ends) > least ? Math.max(...ends) : least + 1;
  const fills = present.map(({ i, j }, k) => {
    const share = Math.min(Math.max((levels[k] - least) / (most - least), 0), 1);
    return mixed(colour.ground, scaleColour(share), 0.2 + 0.8 * (parts?.[i][j] ?? 1));
  });
  const hover = ({ i, j, value, text }: Cell) => {
    const shown = value === null ? text : valueText(value, color);
    const own = value === null || labels === undefined ? [] : [text];
    const lines = ([[x, j], [y, i]] as const).map(([axis, index]) =>
      `${axis.title} ${axis.ticks[index]}${axis.unit === undefined ? "" : ` ${axis.unit}`}`
    );
    return plain([...lines, `${color.title}: ${shown}`, ...own].join("\n"));
  };
  const line = { color: colour.ground, width: 1 };
  const trace = (list: readonly Cell[], fonts: string | string[], marker: object): PlotlyTrace => ({
    ...{ type: "bar", width: 1, hoverinfo: "text", showlegend: false, textposition: "inside" },
    ...{ insidetextanchor: "middle", textangle: 0, constraintext: "none" },
    x: list.map((cell) => cell.j),
    y: list.map(() => 1),
    base: list.map((cell) => cell.i - 0.5),
    hovertext: list.map(hover),
    text: list.map((cell) => plain(cell.text)),
    textfont: { size: fontSize.small, color: fonts },
    marker: { line, ...marker },
  });
  const hatching = { shape: "/", fgopacity: 0.35, size: 10, solidity: 0.1 };
  const pattern = { ...hatching, fgcolor: colour.axis, bgcolor: colour.blank };
  const gone = cells.filter((cell) => cell.value === null);
  return [
    trace(present, fills.map(textColour), { color: fills }),
    colourBar(name, color, [least, most]),
    ...(gone.length === 0 ? [] : [trace(gone, colour.text, { color: colour.blank, pattern })]),
  ];
}

/** Draws a matrix as a heat map, first row at the top; cells are square where both axes have the same
 * ticks. @throws {TypeError} shapes that differ, duplicate ticks, a missing cell without a word for it.
 * {RangeError} a value that is not finite, not positive on a log scale without `floor`, a share outside
 * 0 to 1, or a text that does not fit into its cell. */
export function heatMap(options: HeatMapOptions): Figure {
  const { name, x, y, z, missing = "", labels } = options;
  checkHeatMap(options);
  const cells = z.flatMap((row, i) =>
    row.map((value, j): Cell => {
      const text = labels?.[i][j] ?? (value === null ? missing : numberText(value, 2));
      return { i, j, value, text };
    })
  );
  const { cellWidth, cellHeight, margin } = geometryOf(options, cells);
  const axis = (cellAxis: CellAxis): PlotlyLayout => ({
    title: { text: axisTitle(name, cellAxis), standoff: 12, font: { size: fontSize.text } },
    ...{ tickfont: { size: fontSize.small }, tickmode: "array", tickangle: 0 },
    tickvals: cellAxis.ticks.map((_, i) => i),
    ticktext: cellAxis.ticks.map((tick) => plain(tickText(tick))),
    // Invisible ticks keep the labels off the cells.
    ...{ ticks: "outside", ticklen: 3, tickcolor: colour.ground, showgrid: false, zeroline: false },
  });
  return frame(options, {
    ...{ plotWidth: cellWidth * x.ticks.length, plotHeight: cellHeight * y.ticks.length, margin },
    data: traces(options, cells),
    layout: {
      xaxis: { ...axis(x), range: [-0.5, x.ticks.length - 0.5] },
      yaxis: { ...axis(y), range: [y.ticks.length - 0.5, -0.5] },
      ...{ barmode: "overlay", bargap: 0 },
    },
  });
}
