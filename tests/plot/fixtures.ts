/** Small figures that several tests draw, and the question whether they may draw at all.
 * @module */
import { type LineOptions } from "lib/plot/line.ts";
import { type ImageGridOptions } from "lib/plot/image_grid.ts";
import { type BarOptions } from "lib/plot/bar.ts";

async function granted(name: "read" | "write" | "env" | "sys" | "ffi"): Promise<boolean> {
  return (await Deno.permissions.query({ name })).state === "granted";
}

/** jsdom and the canvas need these; a bare `deno test` skips what draws. */
export const canRender: boolean = await granted("read") && await granted("env") &&
  await granted("sys") && await granted("ffi");

/** Saving draws, and writes. */
export const canSave: boolean = canRender && await granted("write");

/** Two lines with a log axis, a floor, a band and two marks. */
export function lineOptions(change: Partial<LineOptions> = {}): LineOptions {
  return {
    name: "mse-by-width",
    title: "Error against width",
    alt: "The error falls with the width.",
    xAxis: { title: "Hidden width", unit: "units" },
    yAxis: { title: "MSE", unit: "pixels scaled to [0, 1]", log: true, floor: 1e-7 },
    series: [
      { name: "published LP", x: [100, 200, 300], y: [0.2, 0.1, 0.05] },
      {
        name: "TV + Σx",
        x: [100, 200, 300],
        y: [0.1, 0.01, 0],
        lo: [0.05, 0, 0],
        hi: [0.2, 0.02, 0],
      },
    ],
    marks: [{ x: 275, label: "smallest exact width 275", series: "TV + Σx" }, {
      x: 300,
      label: "the paper's network 300",
    }],
    ...change,
  };
}

/** Rows × columns of 4 × 3 grey images with a gradient. */
export function gridOptions(change: Partial<ImageGridOptions> = {}): ImageGridOptions {
  const image = Uint8Array.from({ length: 12 }, (_, i) => i * 20);
  return {
    name: "digits",
    title: "Digits",
    alt: "Two digits and their recovery.",
    shape: [4, 3, 1],
    columns: ["first", "second"],
    rows: [
      { label: "original", images: [image, image] },
      { label: "recovered", images: [Float64Array.from(image), null], captions: ["exact", "none"] },
    ],
    ...change,
  };
}

/** Three steps in two groups. */
export function barOptions(change: Partial<BarOptions> = {}): BarOptions {
  return {
    name: "bytes-by-step",
    title: "Bytes by step",
    alt: "Keys are the largest message.",
    axis: { title: "Message size", unit: "bytes", log: true },
    categories: ["public key", "ciphertext", "keys"],
    series: [{ name: "ristretto255", values: [25112, 25144, 9600] }, {
      name: "P-256",
      values: [25897, 25930, 9600],
      labels: ["26 kB", "26 kB", "9.6 kB"],
    }],
    ...change,
  };
}
