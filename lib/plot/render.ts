/** Draws a figure without a browser: plotly.js in jsdom gives the SVG, resvg gives the PNG.
 *
 * The result is the same bytes on every machine: one bundled font, no system font, and a fixed stream
 * instead of plotly's Math.random (it names clip paths). jsdom and the canvas that measures text read
 * the environment when imported, so they are imported at the first rendering: building a figure needs
 * no permission, drawing it needs read, env, sys and ffi.
 * @module */
import plotlySource from "plotly.js/dist/plotly-cartesian.min.js" with { type: "text" };
import regular from "@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf" with {
  type: "bytes",
};
import semiBold from "@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf" with {
  type: "bytes",
};
import resvgWasm from "@resvg/resvg-wasm/index_bg.wasm" with { type: "bytes" };
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { type Figure, pixelRatio } from "./figure.ts";
import { encodePng } from "./png.ts";
import { installTextLayout } from "./text_layout.ts";

interface PlotlyWindow {
  SVGElement: { prototype: object };
  Math: { random: () => number };
  eval(source: string): void;
  Plotly: { toImage(figure: unknown, options: unknown): Promise<string> };
}

async function openPlotly(): Promise<PlotlyWindow> {
  const [{ JSDOM }, { createCanvas, GlobalFonts }] = await Promise.all([
    import("jsdom"),
    import("@napi-rs/canvas"),
  ]).catch((cause) => {
    throw new Error("Cannot render figures: jsdom or the canvas could not start", { cause });
  });
  GlobalFonts.register(regular as never, "FigureInter");
  GlobalFonts.register(semiBold as never, "FigureInterSemiBold");
  const context = createCanvas(1, 1).getContext("2d");
  const dom = new JSDOM("<!doctype html><body></body>", { runScripts: "outside-only" });
  const window = dom.window as unknown as PlotlyWindow;
  installTextLayout(window, (text, size, weight) => {
    const bold = weight === "bold" || Number(weight) >= 600;
    context.font = `${size}px ${bold ? "FigureInterSemiBold" : "FigureInter"}`;
    return context.measureText(text).width;
  });
  window.eval(plotlySource);
  return window;
}

let opened: Promise<PlotlyWindow> | undefined;
let resvgReady: Promise<void> | undefined;
let queue: Promise<unknown> = Promise.resolve();
const svgs = new WeakMap<Figure, Promise<string>>();
const pngs = new WeakMap<Figure, Map<number, Promise<Uint8Array>>>();

async function drawSvg(figure: Figure): Promise<string> {
  const window = await (opened ??= openPlotly());
  let state = 1;
  window.Math.random = () => (state = (state * 48271) % 2147483647) / 2147483647; // MINSTD
  // plotly writes defaults into what it is given: it gets a copy.
  const { data, layout } = structuredClone({ data: figure.data, layout: figure.layout });
  const svg = await window.Plotly.toImage(
    { data, layout },
    { format: "svg", imageDataOnly: true, width: figure.width, height: figure.height },
  );
  // Pixels stay square blocks at every size; resvg reads no quotes in a reference to a gradient.
  return svg.replaceAll("<image ", '<image image-rendering="optimizeSpeed" ')
    .replaceAll(/url\('([^']*)'\)/g, "url($1)");
}

/** Draws the figure as SVG text; the same figure gives the same bytes. */
export function toSvg(figure: Figure): Promise<string> {
  let svg = svgs.get(figure);
  if (svg === undefined) {
    // One at a time: two drawings would share the stream that names clip paths.
    svg = queue.then(() => drawSvg(figure));
    queue = svg.catch(() => {});
    svgs.set(figure, svg);
  }
  return svg;
}

async function drawPng(figure: Figure, ratio: number): Promise<Uint8Array> {
  const svg = await toSvg(figure);
  await (resvgReady ??= initWasm(resvgWasm as Uint8Array<ArrayBuffer>));
  const renderer = new Resvg(svg, {
    fitTo: { mode: "width", value: figure.width * ratio },
    font: { fontBuffers: [regular, semiBold], defaultFontFamily: "Inter", loadSystemFonts: false },
  });
  try {
    const image = renderer.render();
    try {
      const shape = [image.height, image.width, 4] as const;
      const tolerance = figure.layout.images === undefined ? 36 : 0; // images show what was recovered
      return encodePng(image.pixels, shape, tolerance);
    } finally {
      image.free();
    }
  } finally {
    renderer.free();
  }
}

/** Draws the figure as PNG, `ratio` pixels for each CSS pixel; the same bytes every time. */
export function toPng(figure: Figure, ratio: number = pixelRatio): Promise<Uint8Array> {
  const drawn = pngs.get(figure) ?? new Map<number, Promise<Uint8Array>>();
  pngs.set(figure, drawn);
  const png = drawn.get(ratio) ?? drawPng(figure, ratio);
  drawn.set(ratio, png);
  return png;
}
