import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { Bottleneck } from "lib/nn/bottleneck.ts";

const [units, width, m] = [6, 3, 4];
const rng = seededRng(5);
const draw = (length: number) => Float32Array.from(gaussian(rng, length));
const weights = { b1: draw(units), V: draw(width * units), c: draw(width) };
const z1 = draw(m * units);
const du = draw(m * width);

/** Σ du·u in plain float64, sample by sample. */
function oracle({ b1, V, c }: typeof weights, z1: Float32Array): { u: number[]; sum: number } {
  const u: number[] = [];
  for (let k = 0; k < m; k++) {
    const a = Array.from(b1, (b, i) => Math.max(0, z1[k * units + i] + b));
    const v = Array.from(c, (cj, j) => a.reduce((sum, ai, i) => sum + V[j * units + i] * ai, cj));
    u.push(...v.map((vj) => vj / Math.hypot(...v)));
  }
  return { u, sum: u.reduce((sum, value, i) => sum + value * du[i], 0) };
}

Deno.test("Bottleneck.forward() gives codes of length 1, as the formula does; apply() the same", () => {
  const bottleneck = new Bottleneck(weights, "sgd");
  const u = bottleneck.forward(z1);
  oracle(weights, z1).u.forEach((value, i) => assertAlmostEquals(u[i], value, 1e-6));
  assertEquals(bottleneck.apply(z1), u);
});

Deno.test("Bottleneck.backward() and update() move along the gradient that differences give", () => {
  const bottleneck = new Bottleneck(weights, "sgd");
  bottleneck.forward(z1);
  const dz1 = bottleneck.backward(du.slice());
  bottleneck.update(2, 0.5); // steps of a quarter of the sums
  const moved = bottleneck.state().weights;
  const slope = (name: keyof typeof weights | "z1", at: number) => {
    const side = (by: number) => {
      const change = (array: Float32Array) => array.with(at, array[at] + by);
      return name === "z1"
        ? oracle(weights, change(z1)).sum
        : oracle({ ...weights, [name]: change(weights[name]) }, z1).sum;
    };
    return (side(1e-3) - side(-1e-3)) / 2e-3;
  };
  dz1.forEach((value, i) => assertAlmostEquals(value, slope("z1", i), 1e-3));
  for (const name of ["b1", "V", "c"] as const) {
    weights[name].forEach((before, i) =>
      assertAlmostEquals(moved[name][i], before - slope(name, i) / 4, 1e-3)
    );
  }
});

Deno.test("Bottleneck in two parts moves as in one, and goes on from its state", () => {
  const steps = (bottleneck: Bottleneck, parts: number) => {
    for (let k = 0; k < parts; k++) {
      bottleneck.forward(z1.subarray(k * z1.length / parts, (k + 1) * z1.length / parts));
    }
    for (let k = 0; k < parts; k++) {
      bottleneck.backward(du.slice(k * du.length / parts, (k + 1) * du.length / parts));
    }
    bottleneck.update(m, 0.01);
    return bottleneck;
  };
  const one = steps(new Bottleneck(weights, "adam"), 1).state();
  const two = steps(new Bottleneck(weights, "adam"), 2);
  assertEquals(two.state(), one);
  const saved = structuredClone(one);
  const resumed = new Bottleneck(saved.weights, "adam", saved.optimizers);
  assertEquals(steps(resumed, 1).state(), steps(two, 1).state());
  assertEquals(resumed.state().optimizers.V.steps, 2);
});

Deno.test("Bottleneck bounds the gradient of a sample that no unit answers to, whatever c is", () => {
  for (const c of [0, 1e-30, -1e-5]) {
    const dark = { ...weights, b1: new Float32Array(units), c: new Float32Array(width).fill(c) };
    const bottleneck = new Bottleneck(dark, "sgd");
    const u = bottleneck.forward(new Float32Array(units));
    u.forEach((value) => assertAlmostEquals(value, 1024 * c, 1e-9));
    bottleneck.backward(Float32Array.of(1, 2, 3));
    bottleneck.update(1, 1);
    bottleneck.state().weights.c.forEach((value, j) =>
      assertAlmostEquals(value, c - 1024 * (j + 1), 1e-3)
    );
  }
});

Deno.test("Bottleneck refuses weights that do not fit each other", () => {
  assertThrows(
    () => new Bottleneck({ ...weights, V: new Float32Array(5) }, "sgd"),
    TypeError,
    "V has 5 weights for 6 units and 3 outputs",
  );
});
