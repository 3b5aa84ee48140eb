/** Training under each backend of `math/blas.ts`: which bits are promised, and which are not. */
import { assertEquals, assertLess } from "@std/assert";
import { createHash } from "node:crypto";
import { dataset } from "lib/data/dataset.ts";
import { blas } from "lib/math/blas.ts";
import { seededRng } from "lib/math/rng.ts";
import { type FirstLayerState, LocalFirstLayer } from "lib/nn/first_layer.ts";
import { initialMlp } from "lib/nn/mlp.ts";
import { AUTHORS, MODERN } from "lib/nn/optimizer.ts";
import { trainMlp } from "lib/nn/train.ts";
import { ended, permitted } from "../tools/fixtures.ts";

const rng = seededRng(6);
const [n, hidden, classes, count] = [784, 61, 10, 130];
const data = dataset({
  name: "noise, half of it dark",
  x: rng.bytes(count * n).map((byte) => byte < 128 ? 0 : byte),
  y: rng.bytes(count).map((byte) => byte % classes),
  shape: [28, 28, 1],
  classes: Array.from({ length: classes }, (_, label) => `${label}`),
});

/** Of W1, b1, W2 and b2 as tfjs' kernels trained them. */
const RECORDED = { MODERN: "2f9d7f135cbe520a", AUTHORS: "93ad310066eec999" };

Deno.test({
  name:
    "trainMlp() without a native library ends in the weights that tfjs' kernels gave, to the last bit",
  ignore: blas() !== null,
  async fn() {
    for (const [name, base] of Object.entries({ MODERN, AUTHORS })) {
      const setting = { ...base, epochs: 2, batch: 50, rng: seededRng(2) };
      const mlp = initialMlp({ n, hidden, classes }, base.initial, seededRng(1));
      const { W1, b1, W2, b2 } = await trainMlp(mlp, data, setting);
      const hash = createHash("sha256");
      for (const weights of [W1, b1, W2, b2]) hash.update(new Uint8Array(weights.buffer));
      assertEquals(hash.digest("hex").slice(0, 16), RECORDED[name as keyof typeof RECORDED]);
    }
  },
});

/** Steps of a first layer from a saved state, or from the start. */
function steps(count: number, state?: FirstLayerState): FirstLayerState {
  const draws = seededRng(7);
  const W1 = state?.W1 ??
    Float32Array.from(
      initialMlp({ n, hidden, classes }, "glorot", seededRng(1)).W1,
      (w) => 255 * w,
    );
  using layer = new LocalFirstLayer({ W1, n, images: data.x, setting: MODERN, state });
  for (let step = 0; step < count; step++) {
    layer.prepare(Uint32Array.from({ length: 50 }, (_, i) => 50 * (step % 2) + i));
    const z1 = layer.forward();
    const sign = draws.bytes(z1.length);
    layer.backward(z1.map((z, i) => sign[i] & 1 ? z : -z));
    layer.update(50, 0.01);
  }
  return layer.state();
}

Deno.test({
  name:
    "a first layer saved under one backend goes on under another, to rounding as if never stopped",
  ignore: !permitted,
  async fn() {
    for (const backend of ["off", ""]) {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", import.meta.url],
        env: { FE_BLAS: backend },
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const { code, stdout, stderr } = await ended(child);
      assertEquals(code, 0, stderr);
      const { name, W1, steps: taken, moments } = JSON.parse(stdout);
      const saved = {
        W1: Float32Array.from(W1),
        steps: taken,
        moments: moments.map((moment: number[]) => Float32Array.from(moment)),
      };
      const [broken, whole] = [steps(3, saved), steps(3, steps(3))];
      const error = whole.W1.reduce((max, w, i) => Math.max(max, Math.abs(w - broken.W1[i])), 0);
      if (name === (blas()?.name ?? null)) assertEquals(error, 0); // the backend of this process
      assertLess(error, 1e-3);
      assertEquals(broken.steps, 6);
    }
  },
});

if (import.meta.main) {
  const { W1, moments, ...rest } = steps(3);
  const arrays = { W1: [...W1], moments: moments.map((moment) => [...moment]) };
  console.log(JSON.stringify({ ...rest, ...arrays, name: blas()?.name ?? null }));
}
