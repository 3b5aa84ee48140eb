import { assert, assertEquals } from "@std/assert";
import { Copies, type Weights } from "lib/attack/solvers/copies.ts";
import { type Forms, formsOf } from "lib/attack/solvers/forms.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** One image as the kernel must do it: the same operations in the same order, rounded to float32 where it stores. */
class Plain {
  readonly z: Float32Array;
  readonly u: Float32Array;
  readonly q: Float32Array;
  primal = NaN;
  dual = NaN;

  constructor(
    readonly forms: Forms,
    public weights: Weights,
    readonly rho: number,
    readonly origin: Float32Array,
  ) {
    const n = weights.pixels.length;
    this.z = new Float32Array(n + weights.forms.length).fill(0.5, 0, n);
    this.u = new Float32Array(this.z.length);
    this.q = new Float32Array(n).fill(0.5);
  }

  step(product: Float32Array): void {
    const x = product.map((v, p) => v + this.origin[p]);
    const { z, u, q, weights: { pixels, forms, bounds }, forms: { starts, indices, values } } =
      this;
    const price = 1 / this.rho;
    let [apart, moved] = [0, 0];
    const update = (at: number, value: number, clip: (v: number) => number): number => {
      const v = 1.6 * value + (1 - 1.6) * z[at] + u[at];
      const next = clip(v);
      apart += (value - next) ** 2;
      moved += (z[at] - next) ** 2;
      [z[at], u[at]] = [next, v - next];
      return 2 * next - v;
    };
    const within = (v: number, low: number, high: number) => v < low ? low : v > high ? high : v;
    for (let p = 0; p < x.length; p++) {
      q[p] = update(p, x[p], (v) => within(v - pixels[p] * price, 0, 1));
    }
    for (let e = 0; e < forms.length; e++) {
      let form = 0;
      for (let k = starts[e]; k < starts[e + 1]; k++) form += values[k] * x[indices[k]];
      const pull = update(x.length + e, form, (v) => {
        const shrunk = v - within(v, -forms[e] * price, forms[e] * price);
        return within(shrunk, -bounds[e], bounds[e]);
      });
      for (let k = starts[e]; k < starts[e + 1]; k++) q[indices[k]] += values[k] * pull;
    }
    this.primal = Math.sqrt(apart / z.length);
    this.dual = Math.sqrt(moved / z.length);
  }
}

const n = 12;
/** Differences, a rule of three pixels that comes twice, a single pixel. */
const FORMS = formsOf([
  ...Array.from({ length: n - 1 }, (_, p) => [[p, 1], [p + 1, -1]] as const),
  ...[[[2, 1], [5, -0.5], [7, -0.5]] as const, [[2, 1], [5, -0.5], [7, -0.5]] as const],
  [[11, 0.3]],
]);
const rules = 3;
const WEIGHTS: Weights = {
  pixels: Float64Array.from({ length: n }, (_, p) => p === 3 ? Infinity : 0.5 * (p % 3)),
  forms: new Float64Array(n - 1 + rules).fill(1, 0, n - 1),
  bounds: new Float64Array(n - 1 + rules).fill(Infinity, 0, n - 1).fill(0.02, n - 1),
};

/** Ten steps of the same random images through both. */
function compare(copies: Copies, plain: readonly Plain[], seed: number): void {
  const rng = seededRng(seed);
  for (let iteration = 0; iteration < 10; iteration++) {
    const product = Float32Array.from(gaussian(rng, plain.length * n), (v) => 0.3 + 0.5 * v);
    plain.forEach((image, column) => {
      const own = product.subarray(column * n, (column + 1) * n);
      for (let p = 0; p < n; p++) copies.x[p * copies.width + column] = own[p];
      image.step(own);
    });
    copies.step(iteration % 2 === 1);
    plain.forEach(({ z, q, primal, dual }, column) => {
      const found = [...copies.pixels(column), ...copies.forms(column)];
      assert(found.every((value, at) => value === z[at]), `z of ${column}`);
      assert(
        q.every((value, p) => value === copies.q[p * copies.width + column]),
        `q of ${column}`,
      );
      if (iteration % 2 === 1) assertEquals(copies.residual(column), { primal, dual });
    });
  }
}

function batch(count: number, { own = false, forms = FORMS, weights = WEIGHTS } = {}) {
  const copies = new Copies(forms, weights, { count, rho: 25, own });
  const plain = Array.from({ length: count }, (_, column) => {
    const origin = Float32Array.from({ length: n }, (_, p) => 0.1 * p * (column + 1));
    copies.setOrigin(column, origin);
    return new Plain(forms, weights, 25, origin);
  });
  return { copies, plain };
}

Deno.test("Copies step as one image alone does, bit for bit, in a batch of any size", () => {
  for (const count of [1, 3, 8, 13]) {
    const { copies, plain } = batch(count);
    using _ = copies;
    assertEquals([copies.width % 8, copies.q.length], [0, n * copies.width]);
    compare(copies, plain, count);
  }
});

Deno.test("Copies without forms are the pixels alone", () => {
  const weights = { ...WEIGHTS, forms: new Float64Array(0), bounds: new Float64Array(0) };
  const { copies, plain } = batch(1, { forms: formsOf([]), weights });
  using _ = copies;
  compare(copies, plain, 1);
});

Deno.test("Copies.keep() closes up what stays, with its prices", () => {
  const { copies, plain } = batch(20, { own: true });
  using _ = copies;
  compare(copies, plain, 1);
  const dearer = { ...WEIGHTS, pixels: WEIGHTS.pixels.map((w) => 3 * w) };
  plain[17].weights = dearer;
  copies.reweigh(17, dearer);
  compare(copies, plain, 2);
  const before = copies.image(17);
  copies.keep([1, 2, 17]);
  assertEquals(copies.width, 8);
  assertEquals(copies.image(2), before);
  compare(copies, [1, 2, 17].map((column) => plain[column]), 3);
});

Deno.test("a batch starts afresh in the memory of the one before", () => {
  const first = batch(9);
  compare(first.copies, first.plain, 4);
  const { buffer } = first.copies.memory.take(1);
  first.copies[Symbol.dispose]();
  const { copies, plain } = batch(5, { own: true });
  using _ = copies;
  assert(copies.memory.take(1).buffer === buffer);
  compare(copies, plain, 5);
  using beside = batch(2).copies;
  assert(beside.memory.take(1).buffer !== buffer);
});
