/** Small data for the tests of the studies. */
import { dataset } from "lib/data/dataset.ts";
import type { Recovery } from "lib/attack/recovery.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { firstLayer } from "lib/protocol/cryptonn/first_layer.ts";

/** Twelve 12 × 12 images: a bright square of 5 × 5 on black, at a place of its own; ten classes. */
export const SQUARES = dataset({
  name: "squares",
  x: Uint8Array.from({ length: 12 * 144 }, (_, at) => {
    const [k, i, j] = [Math.floor(at / 144), Math.floor(at % 144 / 12), at % 12];
    const [top, left] = [3 * Math.floor(k / 4), 2 * (k % 4)];
    return i >= top && i < top + 5 && j >= left && j < left + 5 ? 200 : 0;
  }),
  y: Uint8Array.from({ length: 12 }, (_, k) => k % 10),
  shape: [12, 12, 1],
  classes: [..."0123456789"],
});

/** A layer over them, N(0, 1), of `hidden` units. */
export const layerOf = (hidden: number, seed = 1) =>
  firstLayer(gaussian(seededRng(seed), hidden * 144), 144);

/** A recovery with these pixels, or none. */
export const recovered = (xHat: ArrayLike<number> | null): Recovery => ({
  status: xHat === null ? "infeasible" : "optimal",
  xHat: xHat === null ? null : Float64Array.from(xHat),
  ...{ consistent: false, certified: false, certificate: null },
  ...{ elapsedMs: 1, objective: "tv" },
});

/** Whether Workers can be started: they read `lib`. */
export const mayRead = (await Deno.permissions.query({ name: "read" })).state === "granted";
