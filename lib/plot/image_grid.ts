/** A grid of small images: one row a method, one column an image, a label at the left of each row, a
 * caption under each image. Images are PNG data URIs with whole-number zoom, which look the same in
 * every front end and headless; a heatmap each would be twenty times the JSON.
 * @module */
import {
  checkDistinct,
  checkFinite,
  type Figure,
  type FigureText,
  frame,
  note,
  pixelRatio,
  type PlotlyLayout,
} from "./figure.ts";
import { encodePng, enlarge, type Shape } from "./png.ts";
import { colour, fontSize, widest } from "./theme.ts";

/** One method. */
export interface ImageRow {
  label: string;
  /** Pixels in 0..255, each of length height·width·channels; null where a method gave no image. */
  images: readonly (ArrayLike<number> | null)[];
  /** One under each image, such as "MSE 0.141"; a newline breaks the line. */
  captions?: readonly string[];
}

/** What `imageGrid` draws. */
export interface ImageGridOptions extends FigureText {
  /** Channels: 1 = grey, 3 = RGB. */
  shape: Shape;
  rows: readonly ImageRow[];
  /** Labels above the columns. */
  columns?: readonly string[];
}

// CSS pixels. The widest output that a JupyterLab window of 1400 px does not cut off.
const maxWidth = 950, maxCell = 120, gap = 6, captionLine = 17, captionSize = 12, right = 16;

function checkGrid({ name, shape, rows, columns }: ImageGridOptions): void {
  const here = `Cannot make figure ${name}:`;
  if (shape[2] !== 1 && shape[2] !== 3) {
    throw new TypeError(`${here} ${shape[2]} channels, expected 1 or 3`);
  }
  if (rows.length === 0 || rows[0].images.length === 0) throw new TypeError(`${here} no images`);
  checkDistinct(name, "row", rows.map((row) => row.label));
  const count = rows[0].images.length, pixels = shape[0] * shape[1] * shape[2];
  if (columns !== undefined && columns.length !== count) {
    throw new TypeError(`${here} ${columns.length} column labels for ${count} columns`);
  }
  for (const { label, images, captions } of rows) {
    for (const [what, list] of [["images", images], ["captions", captions]] as const) {
      if (list !== undefined && list.length !== count) {
        throw new TypeError(
          `${here} row "${label}" has ${list.length} ${what}, expected ${count}`,
        );
      }
    }
    images.forEach((image, i) => {
      if (image === null) return;
      const own = `${here} image ${i} of row "${label}" has`;
      if (image.length !== pixels) {
        throw new TypeError(`${own} ${image.length} pixels, expected ${pixels}`);
      }
      checkFinite(name, `row "${label}" image ${i}`, image);
      // A solver may overshoot its bounds by rounding; more than half a grey level is a mistake.
      const outside = Array.from(image).find((v) => v < -0.5 || v > 255.5);
      if (outside !== undefined) {
        throw new RangeError(`${own} pixel ${outside}, expected 0..255`);
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

/** Where things stand, in CSS pixels from the top left corner of the plot area, at the largest zoom that
 * keeps the figure within the width of a notebook's output. */
function geometryOf({ shape, rows, columns = [] }: ImageGridOptions) {
  const [imageHeight, imageWidth] = shape;
  const count = rows[0].images.length;
  const captions = rows.flatMap((row) => row.captions ?? []);
  const captionWidth = widest([...captions, ...columns], captionSize) + 6;
  const left = Math.ceil(widest(rows.map((row) => row.label), fontSize.text)) + 26;
  const cellAt = (zoom: number) => zoom * imageWidth / pixelRatio;
  const pitchAt = (zoom: number) => Math.ceil(Math.max(cellAt(zoom), captionWidth)) + gap;
  const fits = (zoom: number) =>
    pitchAt(zoom) === pitchAt(1) || left + count * pitchAt(zoom) + right <= maxWidth;
  let zoom = pixelRatio; // PNG pixels per image pixel, a whole number
  while (cellAt(zoom + 1) <= maxCell && fits(zoom + 1)) zoom++;

  const cellHeight = zoom * imageHeight / pixelRatio;
  const pitchX = pitchAt(zoom);
  const tops: number[] = []; // of the rows
  let plotHeight = 0;
  for (const row of rows) {
    tops.push(plotHeight);
    const lines = Math.max(0, ...(row.captions ?? []).map((text) => text.split("\n").length));
    plotHeight += Math.ceil(cellHeight) + lines * captionLine + gap + 2;
  }
  const plotWidth = count * pitchX;
  return { left, zoom, cellWidth: cellAt(zoom), cellHeight, pitchX, tops, plotWidth, plotHeight };
}

/** Draws images in rows and columns with square, unblurred pixels and no axes.
 * @throws {TypeError} lengths that differ or duplicate rows. {RangeError} a pixel outside 0..255. */
export function imageGrid(options: ImageGridOptions): Figure {
  checkGrid(options);
  const { shape, rows, columns = [] } = options;
  const geometry = geometryOf(options);
  const { zoom, cellWidth, cellHeight, pitchX, tops, plotWidth, plotHeight } = geometry;
  const x = (pixels: number) => pixels / plotWidth; // paper coordinates
  const y = (pixels: number) => 1 - pixels / plotHeight;
  const images: PlotlyLayout[] = [], shapes: PlotlyLayout[] = [];
  const paper = { xref: "paper", yref: "paper" };
  const text = (words: string, place: PlotlyLayout) =>
    note(words, { ...paper, xanchor: "center", yanchor: "middle", ...place });
  const caption = { size: captionSize, color: colour.muted };

  const annotations = columns.map((label, j) => {
    const font = { size: fontSize.small };
    return text(label, { x: x((j + 0.5) * pitchX), y: 1, yanchor: "bottom", yshift: 3, font });
  });
  rows.forEach((row, i) => {
    const top = tops[i], middle = y(top + cellHeight / 2), below = y(top + cellHeight);
    const beside = { x: 0, xanchor: "right", xshift: -10, align: "right" };
    annotations.push(text(row.label, { ...beside, y: middle }));
    row.images.forEach((image, j) => {
      const left = j * pitchX + Math.floor((pitchX - cellWidth) / 2);
      const centre = x(left + cellWidth / 2);
      if (image === null) {
        const corners = { x0: x(left), x1: x(left + cellWidth), y0: below, y1: y(top) };
        const look = { fillcolor: colour.blank, line: { width: 0 } };
        shapes.push({ ...paper, ...corners, type: "rect", ...look });
        annotations.push(text("none", { x: centre, y: middle, font: caption }));
      } else {
        const size = { sizex: cellWidth / plotWidth, sizey: cellHeight / plotHeight };
        const source = dataUri(image, shape, zoom);
        const place = { x: x(left), y: y(top), ...size, sizing: "stretch", layer: "above" };
        images.push({ ...paper, source, ...place });
      }
      const words = row.captions?.[j] ?? "";
      if (words === "") return;
      const place = { x: centre, y: below, yanchor: "top", yshift: -1 };
      annotations.push(text(words, { ...place, font: caption }));
    });
  });
  const hidden = { visible: false, range: [0, 1], fixedrange: true };
  return frame(options, {
    ...{ plotWidth, plotHeight },
    margin: { l: geometry.left, r: right, t: columns.length > 0 ? 24 : 0, b: 12 },
    // plotly draws no subplot without a trace; this one holds no point.
    data: [{ type: "scatter", x: [], y: [], showlegend: false, hoverinfo: "skip" }],
    layout: { xaxis: hidden, yaxis: hidden, images, shapes, annotations },
  });
}
