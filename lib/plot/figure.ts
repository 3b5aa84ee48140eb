/** A figure is data: plotly traces and a layout, a size, a file name and a description in words.
 * Builders (`lineFigure`, `heatMap` …) make one from plain arrays, `render.ts` draws it, `mime.ts`
 * shows and files it. Nothing here needs a permission or a DOM.
 * @module */
import { colour, fontFamily, fontSize, narrowSpace, plain, widest, wrapped } from "./theme.ts";

/** A trace in plotly's words. */
export type PlotlyTrace = Record<string, unknown>;
/** A layout, or a part of one, in plotly's words. */
export type PlotlyLayout = Record<string, unknown>;

/** PNG pixels per CSS pixel in files. */
export const pixelRatio = 2;

/** What every builder asks for. */
export interface FigureText {
  /** File name without suffix, kebab-case. */
  name: string;
  title: string;
  /** What the figure shows, in plain words: the text/plain and the `alt` of the image. */
  alt: string;
}

/** A finished figure. Treat it as frozen: renderings are remembered by object. */
export interface Figure extends FigureText {
  data: PlotlyTrace[];
  layout: PlotlyLayout;
  /** CSS pixels; the PNG has twice as many. */
  width: number;
  height: number;
}

/** Room around the plot area, CSS pixels; the title is on top of that. */
export interface Margin {
  l: number;
  r: number;
  t: number;
  b: number;
}

/** A rectangle in pixels, y downwards. */
export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
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
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) {
    throw new TypeError(`Cannot make figure ${figure}: ${what} "${twice}" appears twice`);
  }
}

/** Width of figures with axes, CSS pixels. */
export const figureWidth = 900;

/** A legend right of the plot, over no data, and the pixels that it needs there; none for one name. */
export function legendOf(names: readonly string[]): { room: number; layout: PlotlyLayout } {
  const single = names.length <= 1;
  const legend = { x: 1.02, xanchor: "left", y: 1, yanchor: "top", tracegroupgap: 4 };
  const room = single ? 32 : Math.ceil(widest(names, fontSize.text)) + 72;
  return { room, layout: { showlegend: !single, legend } };
}

/** A text as an annotation without arrow; `place` in plotly's words. */
export function note(text: string, place: PlotlyLayout): PlotlyLayout {
  return { text: plain(text), showarrow: false, borderpad: 0, ...place };
}

/** The common frame of all figures: a fixed size, so that a figure looks the same in every front end
 * and on paper, around a plot area of the size given, under a title that breaks where it is too long.
 * @throws {TypeError} a title or alt that is empty, a name that is not kebab-case. */
export function frame(
  { name, title, alt }: FigureText,
  { plotWidth, plotHeight, margin, data, layout }: {
    plotWidth: number;
    plotHeight: number;
    margin: Margin;
    data: PlotlyTrace[];
    layout: PlotlyLayout;
  },
): Figure {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
    throw new TypeError(`Cannot make figure: name "${name}" is not kebab-case`);
  }
  if (title.trim() === "") throw new TypeError(`Cannot make figure ${name}: title is empty`);
  if (alt.trim() === "") throw new TypeError(`Cannot make figure ${name}: alt is empty`);
  const lines = wrapped(title, fontSize.title, figureWidth - 40);
  const titleRoom = Math.ceil(widest(lines, fontSize.title)) + 40 - margin.l - plotWidth;
  const r = Math.max(margin.r, titleRoom);
  const t = margin.t + 52 + (lines.length - 1) * 22;
  const width = margin.l + plotWidth + r, height = t + plotHeight + margin.b;
  const place = { xref: "container", xanchor: "left", yref: "container", yanchor: "top" };
  return {
    ...{ name, title, alt, width, height, data },
    layout: {
      ...{ width, height, autosize: false, margin: { ...margin, r, t, pad: 0 } },
      ...{ paper_bgcolor: colour.ground, plot_bgcolor: colour.ground },
      font: { family: fontFamily, size: fontSize.text, color: colour.text },
      title: {
        text: plain(lines.join("\n")),
        font: { size: fontSize.title, weight: 600 },
        ...{ x: 0, y: 1, pad: { l: 16, t: 16 }, ...place },
      },
      hoverlabel: { font: { family: fontFamily, size: fontSize.small } },
      separators: `.${narrowSpace}`,
      ...layout,
    },
  };
}
