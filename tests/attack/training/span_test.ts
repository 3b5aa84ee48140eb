import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { classMeans, fromLabels, meanMse } from "lib/attack/training/leakage.ts";
import { bytesOf, pixelColumns } from "lib/attack/training/rays.ts";
import { fromSpan } from "lib/attack/training/span.ts";
import { type Span, spanOf, spanView } from "lib/attack/training/span_view.ts";
import type { TrainingView } from "lib/attack/training/view.ts";
import { gaussian, seededRng, uniform } from "lib/math/rng.ts";

const [n, units, classes] = [6, 4, 4];

/** Images whose pixels are black in half of the images, at random. */
function images(count: number, seed: number) {
  const rng = seededRng(seed);
  const y = Uint8Array.from({ length: count }, (_, i) => i % classes);
  const x = Uint8Array.from({ length: count * n }, (_, at) => {
    const bright = 20 + 45 * ((7 * (at % n) + 2 * y[Math.floor(at / n)] ** 2 + at % n) % 6);
    return uniform(rng) < 0.5 ? 0 : Math.floor(1 + bright * (0.6 + 0.4 * uniform(rng)));
  });
  return { x, y };
}
const count = 60;
const { x, y } = images(count, 1);

/** What keys of `rows` random rows open. */
function opened(rows: number): Float64Array {
  const W = gaussian(seededRng(2), rows * n).map((w) => Math.round(300 * w));
  return Float64Array.from({ length: rows * count }, (_, at) => {
    const [row, i] = [Math.floor(at / count), at % count];
    let sum = 0;
    for (let p = 0; p < n; p++) sum += W[row * n + p] * x[i * n + p];
    return sum;
  });
}
const view: TrainingView = {
  ...{ scheme: "mitig1", units, classes, shape: [2, 3, 1], inputScale: 1 / 256 },
  steps: [{
    samples: Uint32Array.from({ length: count }, (_, i) => i),
    z1: new Float64Array(count * units),
    labels: y,
    dz1: new Float64Array(count * units),
    ...{ rate: 1, W1: null, dW1: null },
  }],
};
const full = spanView(view, opened(8));
const span = spanOf(full) as Span;

Deno.test("spanOf() gives an orthonormal base of the pixels' columns", () => {
  assertEquals([span.rank, span.count], [n, count]);
  for (let p = 0; p < n; p++) { // each column is its own shadow
    const column = Float64Array.from({ length: count }, (_, i) => x[i * n + p]);
    const along = Array.from(
      { length: n },
      (_, k) => column.reduce((sum, value, i) => sum + value * span.base[i * n + k], 0),
    );
    column.forEach((value, i) => {
      const shadow = along.reduce((sum, a, k) => sum + a * span.base[i * n + k], 0);
      assert(Math.abs(shadow - value) < 1e-8);
    });
  }
});

Deno.test("spanOf() tells when rows still add to the space, and when the space is everything", async () => {
  assertEquals(
    spanOf(spanView(view, opened(4))),
    "too few steps: the last of 4 opened rows still adds to the space",
  );
  const few = Uint32Array.of(0, 1, 2);
  const small = { ...view, steps: [{ ...view.steps[0], samples: few, labels: y.slice(0, 3) }] };
  const part = opened(8).filter((_, at) => at % count < 3);
  assertEquals(
    spanOf(spanView(small, part)),
    "too few images: 3 images, and 3 independent rows are all that there can be",
  );
  const { status, X, message } = await fromSpan(spanView(view, opened(4)), {
    publicImages: { x, y },
  });
  assertEquals([status, X], ["failed", null]);
  assert(message.startsWith("too few steps"));
});

Deno.test("pixelColumns() finds pixels with nothing known, and nothing else", async () => {
  const columns = await pixelColumns(span, { rng: seededRng(3), tries: 30, rare: 0 });
  const truth = new Set(
    Array.from({ length: n }, (_, p) => x.filter((_, at) => at % n === p).join()),
  );
  assert(columns.length >= 4, `${columns.length} columns`);
  for (const { values, vouched } of columns) {
    assertEquals(vouched.length, count);
    assert(truth.has(values.join()));
  }
});

Deno.test("bytesOf() takes multiples of bytes, and refuses what is none", () => {
  assertEquals(bytesOf(Float64Array.of(0, 0.5, 1.25)), Uint8Array.of(0, 2, 5));
  assertEquals(bytesOf(Float64Array.of(1, Math.SQRT2)), null);
  assertEquals(bytesOf(Float64Array.of(1, 300)), null);
});

Deno.test("fromSpan() with as many known images as the rank has all others, exactly; strangers fail", async () => {
  const samples = Uint32Array.from({ length: 9 }, (_, i) => 3 * i);
  const rows = Uint8Array.from([...samples].flatMap((s) => [...x.subarray(s * n, (s + 1) * n)]));
  const { status, X } = await fromSpan(full, { known: { samples, x: rows } });
  assertEquals([status, Uint8Array.from(X!, Math.round)], ["exact", x]);
  const altered = rows.with(4, rows[4] ^ 255);
  const wrong = await fromSpan(full, { known: { samples, x: altered } });
  assertEquals([wrong.status, wrong.message], ["failed", "the known images are not in the space"]);
  const two = { samples: samples.slice(0, 2), x: rows.slice(0, 2 * n) };
  const less = await fromSpan(full, { known: two });
  assertEquals([less.status, less.message], [
    "estimate",
    "the known images determine 2 of 6 coordinates",
  ]);
});

Deno.test("fromSpan() with labels and public images beats the class means", async () => {
  const publicImages = images(400, 5);
  const { status, X } = await fromSpan(full, { publicImages, rng: seededRng(4), starts: 6 });
  const floor = meanMse(fromLabels(y, classMeans(publicImages, classes), n), x);
  assertEquals(status, "estimate");
  assert(meanMse(X!, x) < floor, `${meanMse(X!, x)} against ${floor}`);
});

Deno.test("fromSpan() and spanView() refuse what they cannot read", async () => {
  const publicImages = images(40, 5);
  const known = { samples: Uint32Array.of(99), x: new Uint8Array(n) };
  const refuse = (
    options: Parameters<typeof fromSpan>[1],
    ErrorClass: typeof TypeError,
    text: string,
  ) => assertRejects(() => fromSpan(full, options), ErrorClass, text);
  await refuse({}, TypeError, "expected either known or publicImages");
  await refuse({ known, publicImages }, TypeError, "expected either");
  await refuse({ known }, RangeError, "no sample 99");
  await refuse(
    { known: { samples: new Uint32Array(), x: new Uint8Array() } },
    TypeError,
    "for 0 images",
  );
  const one = { x: publicImages.x.slice(0, 3 * n), y: Uint8Array.of(0, 0, 1) };
  await refuse(
    { publicImages: one },
    RangeError,
    "class 1 has 1 public images, expected 2 or more",
  );
  await refuse(
    { publicImages: { ...one, x: one.x.slice(1) } },
    TypeError,
    "17 pixels for 3 images",
  );
  await refuse({ publicImages, starts: 0 }, RangeError, "one start or more, got 0");
  const kept = { ...full, steps: [{ ...view.steps[0], labels: null }] };
  await assertRejects(() => fromSpan(kept, { publicImages }), TypeError, "no labels");
  assertThrows(() => spanView({ ...view, scheme: "mitig2" }, opened(8)), TypeError, "got mitig2");
  assertThrows(() => spanView(view, opened(8).subarray(1)), TypeError, "expected rows of 60");
  assertThrows(() => spanView(view, opened(8).with(3, NaN)), RangeError, "opened[3] is NaN");
  const signal = AbortSignal.abort(new DOMException("stop", "AbortError"));
  await assertRejects(() => pixelColumns(span, { signal }), DOMException, "stop");
});
