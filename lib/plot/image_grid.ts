/** A grid of small images: one row a method, one column an image, a label at the left of each row, a
 * caption under each image. Images are PNG data URIs with whole-number zoom, which look the same in
 * every front end and headless; a heatmap each would be twenty times the JSON.
 * @module */
import {
  baseLayout,
  checkDistinct,
  checkFinite,
  checkText,
  type Figure,
  type FigureText,
  type Margin,
  pixelRatio,
  type PlotlyLayout,
} from "./figure.ts";
import { encodePng, enlarge, type Shape } from "./png.ts";
import { colour, fontSize, plain, widest } from "./theme.ts";

export interface ImageRow {
  label: string;
  /** Pixels in 0..255, each of length height·width·channels; null where a method gave no image. */
  images: readonly (ArrayLike<number> | null)[];
  /** One under each image, such as "MSE 0.141"; a newline breaks the line. */
  captions?: readonly string[];
}

export interface ImageGridOptions extends FigureText {
  /** Channels: 1 = grey, 3 = RGB. */
  shape: Shape;
  rows: readonly ImageRow[];
  /** Labels above the columns. */
  columns?: readonly string[];
}

// CSS pixels. The widest output that a JupyterLab window of 1400 px does not cut off.
const maxWidth = 950, maxCell = 120, gap = 6, captionLine = 17, captionSize = 12;

function checkGrid({ name, shape, rows, columns }: ImageGridOptions): void {
  if (shape[2] !== 1 && shape[2] !== 3) {
    throw new TypeError(`Cannot make figure ${name}: ${shape[2]} channels, expected 1 or 3`);
  }
  if (rows.length === 0 || rows[0].images.length === 0) {
    throw new TypeError(`Cannot make figure ${name}: no images`);
  }
  checkDistinct(name, "row", rows.map((row) => row.label));
  const count = rows[0].images.length;
  if (columns !== undefined && columns.length !== count) {
    throw new TypeError(
      `Cannot make figure ${name}: ${columns.length} column labels for ${count} columns`,
    );
  }
  const length = shape[0] * shape[1] * shape[2];
  for (const { label, images, captions } of rows) {
    for (const [what, list] of [["images", images], ["captions", captions]] as const) {
      if (list !== undefined && list.length !== count) {
        throw new TypeError(
          `Cannot make figure ${name}: row "${label}" has ${list.length} ${what}, expected ${count}`,
        );
      }
    }
    images.forEach((image, i) => {
      if (image === null) return;
      if (image.length !== length) {
        throw new TypeError(
          `Cannot make figure ${name}: image ${i} of row "${label}" has ${image.length} pixels, ` +
            `expected ${length}`,
        );
      }
      checkFinite(name, `row "${label}" image ${i}`, image);
      // A solver may overshoot its bounds by rounding; more than half a grey level is a mistake.
      const outside = Array.from(image).find((v) => v < -0.5 || v > 255.5);
      if (outside !== undefined) {
        throw new RangeError(
          `Cannot make figure ${name}: image ${i} of row "${label}" has pixel ${outside}, ` +
            `expected 0..255`,
        );
      }
    });
  }
}

function dataUri(image: ArrayLike<number>, shape: Shape, zoom: number): string {
  const bytes = new Uint8Array(Uint8ClampedArray.from(image)); // rounds and clips
  const [height, width, channels] = shape;
  const png = encodePng(enlarge(bytes, shape, zoom), [height * zoom, width * zoom, channels]);
  return `data:image/png;base64,${png.toBase64()}`;
}

/** Where things stand, in CSS pixels from the top left corner of the plot area. */
interface Geometry {
  /** PNG pixels for each image pixel: a whole number, at `pixelRatio` PNG pixels a CSS pixel. */
  zoom: number;
  cellWidth: number;
  cellHeight: number;
  pitchX: number;
  /** Top of each row. */
  tops: number[];
  plotWidth: number;
  plotHeight: number;
  margin: Margin;
}

/** The largest zoom that keeps the figure within the width of a notebook's output. */
function geometryOf({ title, shape, rows, columns = [] }: ImageGridOptions): Geometry {
  const [imageHeight, imageWidth] = shape;
  const count = rows[0].images.length;
  const captions = rows.flatMap((row) => row.captions ?? []);
  const captionWidth = widest([...captions, ...columns], captionSize) + 6;
  const left = Math.ceil(widest(rows.map((row) => row.label), fontSize.text)) + 26;
  const right = 16, bottom = 12;
  const cellAt = (zoom: number) => zoom * imageWidth / pixelRatio;
  const pitchAt = (zoom: number) => Math.ceil(Math.max(cellAt(zoom), captionWidth)) + gap;
  const fits = (zoom: number) =>
    pitchAt(zoom) === pitchAt(1) || left + count * pitchAt(zoom) + right <= maxWidth;
  let zoom = pixelRatio;
  while (cellAt(zoom + 1) <= maxCell && fits(zoom + 1)) zoom++;

  const cellHeight = zoom * imageHeight / pixelRatio;
  const pitchX = pitchAt(zoom), plotWidth = count * pitchX;
  const tops: number[] = [];
  let plotHeight = 0;
  for (const row of rows) {
    tops.push(plotHeight);
    const lines = Math.max(0, ...(row.captions ?? []).map((text) => text.split("\n").length));
    plotHeight += Math.ceil(cellHeight) + lines * captionLine + gap + 2;
  }
  const titleRoom = Math.ceil(widest([title], fontSize.title)) + 40 - left - plotWidth;
  return {
    zoom,
    cellWidth: cellAt(zoom),
    cellHeight,
    pitchX,
    tops,
    plotWidth,
    plotHeight,
    margin: { l: left, r: Math.max(right, titleRoom), t: columns.length > 0 ? 76 : 52, b: bottom },
  };
}

/** Draws images in rows and columns with square, unblurred pixels and no axes.
 * @throws {TypeError} lengths that differ or duplicate rows. {RangeError} a pixel outside 0..255. */
export function imageGrid(options: ImageGridOptions): Figure {
  const { name, title, alt, shape, rows, columns = [] } = options;
  checkText(options);
  checkGrid(options);
  const geometry = geometryOf(options);
  const { zoom, cellWidth, cellHeight, pitchX, tops, plotWidth, plotHeight, margin } = geometry;
  const x = (pixels: number) => pixels / plotWidth; // paper coordinates
  const y = (pixels: number) => 1 - pixels / plotHeight;
  const images: PlotlyLayout[] = [];
  const shapes: PlotlyLayout[] = [];
  const annotations: PlotlyLayout[] = [];
  const paper = { xref: "paper", yref: "paper" };
  const note = (text: string, place: PlotlyLayout) =>
    annotations.push({
      ...paper,
      text: plain(text),
      showarrow: false,
      xanchor: "center",
      borderpad: 0,
      ...place,
    });
  const caption = { size: captionSize, color: colour.muted };

  columns.forEach((label, j) => {
    const font = { size: fontSize.small };
    note(label, { x: x((j + 0.5) * pitchX), y: 1, yanchor: "bottom", yshift: 3, font });
  });
  rows.forEach((row, i) => {
    const top = tops[i], middle = y(top + cellHeight / 2);
    note(row.label, {
      x: 0,
      xanchor: "right",
      xshift: -10,
      align: "right",
      y: middle,
      yanchor: "middle",
    });
    row.images.forEach((image, j) => {
      const left = j * pitchX + Math.floor((pitchX - cellWidth) / 2);
      const centre = x(left + cellWidth / 2), below = y(top + cellHeight);
      if (image === null) {
        const corners = { x0: x(left), x1: x(left + cellWidth), y0: below, y1: y(top) };
        shapes.push({
          ...paper,
          ...corners,
          type: "rect",
          fillcolor: colour.blank,
          line: { width: 0 },
        });
        note("none", { x: centre, y: middle, yanchor: "middle", font: caption });
      } else {
        images.push({
          ...paper,
          source: dataUri(image, shape, zoom),
          x: x(left),
          y: y(top),
          sizex: cellWidth / plotWidth,
          sizey: cellHeight / plotHeight,
          sizing: "stretch",
          layer: "above",
        });
      }
      const text = row.captions?.[j] ?? "";
      if (text !== "") {
        note(text, { x: centre, y: below, yanchor: "top", yshift: -1, font: caption });
      }
    });
  });
  const width = margin.l + plotWidth + margin.r, height = margin.t + plotHeight + margin.b;
  const hidden = { visible: false, range: [0, 1], fixedrange: true };
  return {
    name,
    title,
    alt,
    width,
    height,
    // plotly draws no subplot without a trace; this one holds no point.
    data: [{ type: "scatter", x: [], y: [], showlegend: false, hoverinfo: "skip" }],
    layout: {
      ...baseLayout(title, { width, height, margin }),
      xaxis: hidden,
      yaxis: hidden,
      images,
      shapes,
      annotations,
    },
  };
}
