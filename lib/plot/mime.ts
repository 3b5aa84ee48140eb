/** A figure for others to read: as one Jupyter MIME bundle, and as files. Each front end takes the richest form that it knows:
 *
 * - `application/vnd.plotly.v1+json`: VS Code, and JupyterLab with the plotly extension;
 * - `text/html`: the static image, which a script replaces by the live figure where plotly is on the
 *   page or can be loaded (plotly's own CDN, the file pinned by its hash); offline, on GitHub, which
 *   strips scripts, and where the pointer would show nothing, the image stays;
 * - `image/png`: export to paper; JupyterLab's extension shows it, unscaled, until the pointer first
 *   enters the figure, so it has one pixel for each CSS pixel;
 * - `text/plain`: the figure in words.
 *
 * No `image/svg+xml`: nbconvert blanks it. No inlined plotly.js: it would add 1.5 MB to each output.
 * @module */
import plotlySource from "plotly.js/dist/plotly-cartesian.min.js" with { type: "text" };
import { writeAtomic } from "../data/write_atomic.ts";
import type { Figure } from "./figure.ts";
import { toPng, toSvg } from "./render.ts";
import { escapeHtml } from "./theme.ts";

/** The kernel loses larger outputs, and a notebook full of them is no longer readable on GitHub. */
export const maxBundleBytes = 1_000_000;

const config = { displaylogo: false, responsive: false };

let integrity: Promise<string> | undefined;

/** Subresource integrity of the plotly build that this workspace pins. */
async function plotlyIntegrity(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-384", new TextEncoder().encode(plotlySource));
  return `sha384-${new Uint8Array(digest).toBase64()}`;
}

/** The script that turns the image into the live figure; it fails silently to the image. */
function upgradeScript(id: string, spec: unknown, hash: string): string {
  const version = /plotly\.js[^\n]* v([\d.]+)/.exec(plotlySource)?.[1];
  const url = `https://cdn.plot.ly/plotly-cartesian-${version}.min.js`;
  // Where require.js is on the page, plotly's UMD header would register there: `define` is hidden.
  return `(() => {
  const spec = ${JSON.stringify(spec).replaceAll("<", "\\u003c")};
  const load = () => window.fePlotly ??= new Promise((resolve, reject) => {
    const define = window.define;
    window.define = undefined;
    const script = document.createElement("script");
    script.onload = () => { window.define = define; resolve(window.Plotly); };
    script.onerror = () => { window.define = define; reject(); };
    script.crossOrigin = "anonymous";
    script.integrity = "${hash}";
    script.src = "${url}";
    document.head.append(script);
  });
  Promise.resolve(window.Plotly ?? load()).then((plotly) => {
    const image = document.getElementById("${id}");
    const live = document.createElement("div");
    return plotly.newPlot(live, spec.data, spec.layout, spec.config)
      .then(() => image.replaceWith(live));
  }).catch(() => {});
})();`;
}

/** The bundle of a figure. @throws {RangeError} it is larger than `maxBundleBytes`. */
export async function mimeBundle(figure: Figure): Promise<Record<string, unknown>> {
  const fine = (await toPng(figure)).toBase64();
  const spec = { data: figure.data, layout: figure.layout, config };
  const id = `fe-${figure.name}`;
  // Images have nothing to point at: they stay as they are.
  const still = figure.data.every(({ hoverinfo }) => hoverinfo === "skip");
  const script = still ? "" : upgradeScript(id, spec, await (integrity ??= plotlyIntegrity()));
  const bundle = {
    "application/vnd.plotly.v1+json": spec,
    "text/html": `<img id="${id}" src="data:image/png;base64,${fine}" width="${figure.width}" ` +
      `alt="${escapeHtml(figure.alt)}">` + (still ? "" : `<script>${script}</script>`),
    "image/png": (await toPng(figure, 1)).toBase64(),
    "text/plain": figure.alt,
  };
  const bytes = JSON.stringify(bundle).length;
  if (bytes > maxBundleBytes) {
    throw new RangeError(
      `Cannot show figure ${figure.name}: its bundle has ${bytes} bytes, at most ${maxBundleBytes}`,
    );
  }
  return bundle;
}

/** Saves a figure as `<directory>/<name>.png`, `.svg` and `.json` (the plotly spec).
 * @throws {Error} the directory cannot be written. */
export async function saveFigure(directory: string, figure: Figure): Promise<void> {
  const { name, data, layout } = figure;
  await writeAtomic(directory, {
    [`${name}.png`]: await toPng(figure),
    [`${name}.svg`]: await toSvg(figure),
    [`${name}.json`]: JSON.stringify({ data, layout }) + "\n",
  });
}
