import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dataset, image } from "lib/data/dataset.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { clearViews, emptiedColumns, firstLayer } from "lib/protocol/cryptonn/first_layer.ts";
import { forwardPass } from "lib/protocol/cryptonn/in_process.ts";

const rng = seededRng(1);
const images = dataset({
  name: "noise",
  x: rng.bytes(3 * 9),
  y: Uint8Array.from([0, 1, 0]),
  shape: [3, 3, 1],
  classes: ["a", "b"],
});
const W1 = gaussian(rng, 4 * 9);
const layer = firstLayer(W1, 9);

Deno.test("forwardPass() gives the server z1 = W1·x exactly, and counts the bytes", async () => {
  const progress: number[] = [];
  const { views, transcript } = await forwardPass(layer, images, [2, 0], {
    onProgress: (done) => progress.push(done),
  });
  assertEquals(progress, [1, 2]);
  assertEquals(views, clearViews(layer, images, [2, 0]));
  const sent = Object.fromEntries(transcript.traffic.map((t) => [t.what, t]));
  assertEquals(sent["encrypted samples"].messages, 2);
  assert(sent["encrypted samples"].sizeBytes > 2 * 10 * 32, "ten elements a ciphertext");
  assertEquals(transcript.steps.map((step) => step.runs), [1, 1, 2, 2]);
});

Deno.test("forwardPass() stops between samples when aborted", async () => {
  const signal = AbortSignal.abort(new Error("stopped by hand"));
  await assertRejects(() => forwardPass(layer, images, [0], { signal }), Error, "stopped by hand");
});

Deno.test("forwardPass() refuses images of another size, and images that are not there", async () => {
  const narrow = firstLayer(W1, 4);
  await assertRejects(() => forwardPass(narrow, images, [0]), TypeError, "takes 4 pixels");
  await assertRejects(() => forwardPass(layer, images, [3]), RangeError, "images 0 to 2");
});

Deno.test("firstLayer() uses the finest scale within 11 bits, and refuses what is no layer", () => {
  assertEquals(firstLayer([1, -0.5], 1), {
    ...{ W1: Int32Array.from([1024, -512]), hidden: 2, n: 1, scaleBits: 10, finer: new Map() },
  });
  const { scaleBits } = layer;
  W1.forEach((w, i) => assertEquals(layer.W1[i], Math.round(w * 2 ** scaleBits)));
  assert(W1.some((w) => Math.abs(w) * 2 ** (scaleBits + 1) > 2047), "a finer scale would fit");
  assertThrows(() => firstLayer([1, 2, 3], 2), TypeError, "not rows of 2");
  for (const bad of [NaN, Infinity]) assertThrows(() => firstLayer([bad], 1), RangeError);
});

Deno.test("firstLayer() gives the same integers whatever the magnitude, and rows of zeros stay", () => {
  for (const power of [-1060, -40, 11, 1000]) {
    const { W1: scaled, scaleBits, finer } = firstLayer(
      W1.map((w) => w * 2 ** (power / 2) * 2 ** (power / 2)),
      9,
    );
    assertEquals([scaleBits, finer.size], [layer.scaleBits - power, 0]);
    if (power > -1000) assertEquals(scaled, layer.W1); // below, the weights themselves lose bits
  }
  assertEquals(firstLayer([0, 0], 1).scaleBits, 0);
});

Deno.test("firstLayer() keeps rows alive beside an outlier, at scales of their own", () => {
  const { W1, scaleBits, finer } = firstLayer([2000, 0.1, 0.05, -0.01, 0, 0, 31, 1], 2);
  assertEquals([scaleBits, [...finer]], [0, [[1, 15], [3, 6]]]);
  assertEquals([...W1], [2000, 0, 1638, -328, 0, 0, 1984, 64]);
});

Deno.test("emptiedColumns() counts columns that round to zero and were not", () => {
  const W1 = [1000, 1e-9, 0, 800, 0, 0];
  assertEquals(emptiedColumns(W1, firstLayer(W1, 3)), 1);
  assertEquals(emptiedColumns([1, 2], firstLayer([1, 2], 2)), 0);
});

Deno.test("clearViews() computes W1·x and refuses images of another size", () => {
  const [view] = clearViews(layer, images, [1]);
  const x = image(images, 1);
  for (let i = 0; i < 4; i++) {
    assertEquals(view.z1[i], x.reduce((sum, pixel, j) => sum + pixel * layer.W1[i * 9 + j], 0));
  }
  assertThrows(() => clearViews(firstLayer([1, 2], 2), images, [0]), TypeError, "takes 2 pixels");
});
