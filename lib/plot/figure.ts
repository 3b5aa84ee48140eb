/** A figure is data: plotly traces and a layout, a size, a file name and a description in words.
 * Builders (`lineFigure`, `heatMap` …) make one from plain arrays, `render.ts` draws it, `mime.ts`
 * shows it, `save.ts` files it. Nothing here needs a permission or a DOM.
 * @module */
import { colour, fontFamily, fontSize, plain, widest } from "./theme.ts";

export type PlotlyTrace = Record<string, unknown>;
export type PlotlyLayout = Record<string, unknown>;

/** PNG pixels per CSS pixel in files. */
export const pixelRatio = 2;

/** A finished figure. Treat it as frozen: renderings are remembered by object. */
export interface Figure {
  /** File name without suffix, kebab-case. */
  name: string;
  title: string;
  data: PlotlyTrace[];
  layout: PlotlyLayout;
  /** CSS pixels; the PNG has twice as many. */
  width: number;
  height: number;
  /** What the figure shows, in plain words: the text/plain and the `alt` of the image. */
  alt: string;
}

/** What every builder asks for. */
export interface FigureText {
  name: string;
  title: string;
  alt: string;
}

/** Room around the plot area, CSS pixels. */
export interface Margin {
  l: number;
  r: number;
  t: number;
  b: number;
}

/** Checks name, title and alt. @throws {TypeError} a missing text or a name that is not kebab-case. */
export function checkText({ name, title, alt }: FigureText): void {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
    throw new TypeError(`Cannot make figure: name "${name}" is not kebab-case`);
  }
  if (title.trim() === "") throw new TypeError(`Cannot make figure ${name}: title is empty`);
  if (alt.trim() === "") throw new TypeError(`Cannot make figure ${name}: alt is empty`);
}

/** Checks that every value is finite. @throws {RangeError} naming the first one that is not. */
export function checkFinite(figure: string, what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new RangeError(`Cannot make figure ${figure}: ${what}[${i}] is ${values[i]}`);
    }
  }
}

/** Checks that no two labels are the same. @throws {TypeError} naming the one that is. */
export function checkDistinct(figure: string, what: string, labels: readonly string[]): void {
  labels.forEach((label, i) => {
    if (labels.indexOf(label) !== i) {
      throw new TypeError(`Cannot make figure ${figure}: ${what} "${label}" appears twice`);
    }
  });
}

/** A legend right of the plot, over no data. */
export const legendBeside: PlotlyLayout = { x: 1.02, xanchor: "left", y: 1, yanchor: "top" };

/** Pixels right of the plot that `legendBeside` needs for these names. */
export function legendWidth(names: readonly string[]): number {
  return Math.ceil(widest(names, fontSize.text)) + 72;
}

/** Common layout: fixed size, so that a figure looks the same in every front end and on paper. */
export function baseLayout(
  title: string,
  { width, height, margin }: { width: number; height: number; margin: Margin },
): PlotlyLayout {
  return {
    width,
    height,
    autosize: false,
    margin: { ...margin, pad: 0 },
    paper_bgcolor: colour.ground,
    plot_bgcolor: colour.ground,
    font: { family: fontFamily, size: fontSize.text, color: colour.text },
    title: {
      text: plain(title),
      font: { size: fontSize.title, weight: 600 },
      x: 0,
      xref: "container",
      xanchor: "left",
      y: 1,
      yref: "container",
      yanchor: "top",
      pad: { l: 16, t: 16 },
    },
    hoverlabel: { font: { family: fontFamily, size: fontSize.small } },
  };
}
