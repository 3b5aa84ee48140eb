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
  type PlotlyLayout,
} from "./figure.ts";
import { encodePng } from "./png.ts";
import { colour, fontSize, plain, widest } from "./theme.ts";

export interface ImageRow {
  label: string;
  /** Pixels in 0..255, each of length height·width·channels; null where a method gave no image. */
  images: readonly (ArrayLike<number> | null)[];
  /** One under each image, such as "MSE 0.141"; a newline breaks the line. */
  captions?: readonly string[];
}

export interface ImageGridOptions extends FigureText {
  shape: readonly [height: number, width: number, channels: number];
  rows: readonly ImageRow[];
  /** Labels above the columns. */
  columns?: readonly string[];
}

const maxWidth = 1040, maxCell = 120, gap = 6, captionLine = 17, captionSize = 12;

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

function dataUri(
  image: ArrayLike<number>,
  shape: ImageGridOptions["shape"],
  zoom: number,
): string {
  const bytes = Uint8ClampedArray.from(image); // rounds and clips
  return `data:image/png;base64,${encodePng(new Uint8Array(bytes), shape, zoom).toBase64()}`;
}

/** Draws images in rows and columns with square, unblurred pixels and no axes.
 * @throws {TypeError} lengths that differ or duplicate rows. {RangeError} a pixel outside 0..255. */
export function imageGrid(options: ImageGridOptions): Figure {
  const { name, title, alt, shape, rows, columns = [] } = options;
  checkText(options);
  checkGrid(options);
  const [imageHeight, imageWidth] = shape;
  const count = rows[0].images.length;
  const captions = rows.flatMap((row) => row.captions ?? []);
  const captionWidth = widest([...captions, ...columns], captionSize) + 6;
  const left = Math.ceil(widest(rows.map((row) => row.label), fontSize.text)) + 32;
  const right = 16, bottom = 12;

  // The largest whole zoom that keeps the figure within the width of a notebook's output.
  const pitchAt = (zoom: number) => Math.ceil(Math.max(zoom * imageWidth, captionWidth)) + gap;
  const fits = (zoom: number) =>
    pitchAt(zoom) === pitchAt(1) || left + count * pitchAt(zoom) + right <= maxWidth;
  let zoom = 1;
  while ((zoom + 1) * imageWidth <= maxCell && fits(zoom + 1)) zoom++;
  const cellWidth = zoom * imageWidth, cellHeight = zoom * imageHeight;
  const pitchX = pitchAt(zoom);
  const lines = Math.max(0, ...captions.map((caption) => caption.split("\n").length));
  const pitchY = cellHeight + lines * captionLine + gap + 4;
  const top = 52 + (columns.length > 0 ? 24 : 0);
  // The plot area holds the images; a long title may widen the figure.
  const plotWidth = count * pitchX, plotHeight = rows.length * pitchY;
  const width = Math.max(left + plotWidth + right, Math.ceil(widest([title], fontSize.title)) + 40);
  const height = top + plotHeight + bottom;

  // Paper coordinates of a pixel offset from the top left corner of the plot area.
  const x = (pixels: number) => pixels / plotWidth;
  const y = (pixels: number) => 1 - pixels / plotHeight;
  const images: PlotlyLayout[] = [];
  const shapes: PlotlyLayout[] = [];
  const annotations: PlotlyLayout[] = [];
  const note = (text: string, extra: PlotlyLayout) =>
    annotations.push({
      text: plain(text),
      showarrow: false,
      xref: "paper",
      yref: "paper",
      xanchor: "center",
      borderpad: 0,
      ...extra,
    });

  columns.forEach((label, j) =>
    note(label, {
      x: x(j * pitchX + pitchX / 2),
      y: 1,
      yanchor: "bottom",
      yshift: 3,
      font: { size: fontSize.small },
    })
  );
  rows.forEach((row, i) => {
    note(row.label, {
      x: 0,
      xanchor: "right",
      xshift: -10,
      align: "right",
      y: y(i * pitchY + cellHeight / 2),
      yanchor: "middle",
    });
    row.images.forEach((image, j) => {
      const fromX = j * pitchX + Math.floor((pitchX - cellWidth) / 2), fromY = i * pitchY;
      const centre = x(fromX + cellWidth / 2);
      if (image === null) {
        shapes.push({
          type: "rect",
          xref: "paper",
          yref: "paper",
          x0: x(fromX),
          x1: x(fromX + cellWidth),
          y0: y(fromY + cellHeight),
          y1: y(fromY),
          fillcolor: colour.blank,
          line: { width: 0 },
        });
        note("none", {
          x: centre,
          y: y(fromY + cellHeight / 2),
          yanchor: "middle",
          font: { size: captionSize, color: colour.muted },
        });
      } else {
        images.push({
          source: dataUri(image, shape, zoom * 2), // two PNG pixels for each CSS pixel
          xref: "paper",
          yref: "paper",
          x: x(fromX),
          y: y(fromY),
          sizex: cellWidth / plotWidth,
          sizey: cellHeight / plotHeight,
          sizing: "stretch",
          layer: "above",
        });
      }
      const caption = row.captions?.[j];
      if (caption !== undefined && caption !== "") {
        note(caption, {
          x: centre,
          y: y(fromY + cellHeight),
          yanchor: "top",
          yshift: -1,
          font: { size: captionSize, color: colour.muted },
        });
      }
    });
  });
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
      ...baseLayout(title, {
        width,
        height,
        margin: { l: left, r: width - left - plotWidth, t: top, b: bottom },
      }),
      xaxis: hidden,
      yaxis: hidden,
      images,
      shapes,
      annotations,
    },
  };
}
