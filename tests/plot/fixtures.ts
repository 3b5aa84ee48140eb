/** Small figures that several tests draw, and the question whether they may draw at all.
 * @module */
import type { LineOptions, ScatterOptions } from "lib/plot/line.ts";
import type { ImageGridOptions } from "lib/plot/image_grid.ts";
import type { HeatMapOptions } from "lib/plot/heat_map.ts";
import type { SequenceOptions } from "lib/plot/sequence.ts";

async function granted(name: "read" | "write" | "env" | "sys" | "ffi"): Promise<boolean> {
  return (await Deno.permissions.query({ name })).state === "granted";
}

/** jsdom and the canvas need these; a bare `deno test` skips what draws. */
export const canRender: boolean = await granted("read") && await granted("env") &&
  await granted("sys") && await granted("ffi");

/** Saving draws, and writes. */
export const canSave: boolean = canRender && await granted("write");

/** Two lines with a log axis, a floor and a band. */
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

/** Five runs of one kind in one colour, one of another, the paper's values, time on both kinds of axes. */
export function seedOptions(change: Partial<LineOptions> = {}): LineOptions {
  return {
    name: "accuracy",
    title: "Test accuracy against wall time",
    alt: "All five runs pass the paper's accuracy in under a minute.",
    xAxis: { title: "Wall time", unit: "s" },
    yAxis: { title: "Test accuracy", unit: "%" },
    series: [
      ...[1, 2, 3, 4, 5].map((seed) => ({
        name: `seed ${seed}`,
        group: "split over TLS",
        x: [10, 60, 300],
        y: [91 + 0.2 * seed, 96 + 0.1 * seed, 97.9 + 0.02 * seed],
      })),
      { name: "one process", x: [8, 50, 260], y: [91, 96.2, 97.9], dash: "dash" as const },
      { name: "paper", x: [8, 300], y: [96.8, 96.8], dash: "dot", muted: true, markers: false },
      { name: "paper, 420 s", x: [420], y: [96.8], dash: "none", published: true },
    ],
    ...change,
  };
}

/** MSE over two widths and three periods, one cell without a value, one at the floor, one of one survivor. */
export function heatOptions(change: Partial<HeatMapOptions> = {}): HeatMapOptions {
  return {
    name: "mse-by-width-and-period",
    title: "Error against width and period",
    alt: "The error falls with the width.",
    x: { title: "Hidden width", unit: "units", ticks: [256, 512] },
    y: { title: "Period", unit: "pixels", ticks: [1, 4, 16] },
    z: [[0.1, 0], [0.2, 1e-4], [null, 0.01]],
    color: { title: "MSE", unit: "pixels in [0, 1]", log: true, floor: 1e-8 },
    missing: "infeasible",
    shares: [[1, 1], [0.1, 1], [0, 0.5]],
    ...change,
  };
}

/** Two measured series, one with error bars, a predicted one, a paper's point, and a front. */
export function scatterOptions(change: Partial<ScatterOptions> = {}): ScatterOptions {
  return {
    name: "accuracy-by-time",
    title: "Accuracy against time",
    alt: "Split learning is faster than encrypted training.",
    xAxis: { title: "Training time", unit: "s", log: true },
    yAxis: { title: "Accuracy", unit: "%" },
    series: [
      {
        name: "MITIG1",
        x: [900, 4300, 4500],
        y: [94, 97.1, 97.15],
        lo: [93.5, 96.9, 97],
        hi: [94.5, 97.3, 97.3],
      },
      { name: "MITIG2", x: [12, 66], y: [93.3, 98] },
      { name: "MITIG1, predicted", x: [8e4, 2e6], y: [94, 97], like: "MITIG1", hollow: true },
      { name: "paper", x: [420], y: [96.8], published: true },
    ],
    front: { name: "Pareto front", x: [66, 12], y: [98, 93.3] },
    ...change,
  };
}

/** Every kind of step among three roles, with frames in frames. */
export function sequenceOptions(change: Partial<SequenceOptions> = {}): SequenceOptions {
  return {
    name: "split-learning",
    title: "Split learning",
    alt: "The client sends z1, the server returns dz1.",
    roles: ["authority", "client", "server"],
    steps: [
      { kind: "work", at: "authority", label: "setup of B = L·U, n = 784", detail: "0.31 s" },
      {
        kind: "message",
        from: "authority",
        to: "server",
        label: "function-hiding keys in G1",
        detail: "300 × 785 × 48 bytes, 11.3 MB",
      },
      {
        kind: "group",
        label: "for every epoch",
        steps: [{
          kind: "group",
          label: "for every batch",
          steps: [
            {
              kind: "work",
              at: "client",
              label: "z1 = W1·x",
              detail: "4.1 ms",
            },
            {
              kind: "message",
              from: "client",
              to: "server",
              label: "z1 and the labels of the whole batch, one row a unit",
              detail: "z1: 300 × 256 float32, 307 kB",
            },
          ],
        }],
      },
      { kind: "message", from: "server", to: "client", label: "dz1", detail: "307 kB" },
    ],
    ...change,
  };
}
