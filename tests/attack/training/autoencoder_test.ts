import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { autoencoder } from "lib/attack/training/autoencoder.ts";
import { fitLinear } from "lib/attack/training/linear_decoder.ts";
import { pilotOf } from "lib/attack/training/pilot.ts";
import { posteriorImages } from "lib/attack/training/posterior.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const rng = seededRng(6);
const [k, d, n] = [40, 6, 4];
const labels = Uint8Array.from({ length: k }, (_, i) => i % 2);
const X = gaussian(rng, k * n);

/** Codes that hold the image and two numbers of noise. */
const Z = Float64Array.from({ length: k * d }, (_, at) => {
  const i = Math.floor(at / d);
  return at % d < n ? 2 * X[i * n + at % d] : Math.sin(at);
});

Deno.test("fitLinear() decodes codes that hold the image, and its gradient points away from it", () => {
  const decoder = fitLinear(Z, X, labels);
  decoder.decode(Z, labels).forEach((value, at) => assertAlmostEquals(value, X[at], 1e-3));
  const moved = Z.with(0, Z[0] + 1);
  const gradient = decoder.gradient(moved.slice(0, d), labels.subarray(0, 1), X.slice(0, n));
  assertAlmostEquals(gradient[0], 0.25, 1e-3); // ½·(½·δ)² by δ at δ = 1
});

Deno.test("fitLinear() gives the mean of the class where codes say nothing", () => {
  const noise = gaussian(seededRng(9), k * 2 * k);
  const decoder = fitLinear(noise, X, labels);
  const mean = X.filter((_, at) => Math.floor(at / n) % 2 === 0 && at % n === 0)
    .reduce((sum, x) => sum + x, 0) / (k / 2);
  const [value] = decoder.decode(gaussian(seededRng(10), 2 * k), Uint8Array.of(0));
  assertAlmostEquals(value, mean, 0.5);
});

Deno.test("posteriorImages() is exact without noise and the class mean with all of it", () => {
  const A = X.map((x) => Math.abs(x) % 1);
  const target = Float64Array.of(0.2, 0.5, 0.3, 0.9);
  const Y = new Float64Array(k).map((_, i) => {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += A[i * n + p] * target[p];
    return sum;
  });
  const of = Uint8Array.of(0);
  posteriorImages(Y, of, { A, labels }, 0)
    .forEach((value, p) => assertAlmostEquals(value, target[p], 1e-3));
  const [first] = posteriorImages(Y, of, { A, labels }, 1e6);
  const mean = A.filter((_, at) => Math.floor(at / n) % 2 === 0 && at % n === 0)
    .reduce((sum, x) => sum + x, 0) / (k / 2);
  assertAlmostEquals(first, mean, 1e-6);
});

Deno.test("pilotOf() with all components gives images back", () => {
  const x = seededRng(3).bytes(30 * n);
  const pilot = pilotOf({ x, y: new Uint8Array(30) }, n);
  pilot.decode(pilot.encode(x), new Uint8Array(30))
    .forEach((value, at) => assertAlmostEquals(value, x[at], 1e-6));
});

Deno.test("autoencoder() refuses no known images and a length of 0; fitLinear() codes with NaN", () => {
  const how = { length: 1, units: d, visits: 3, inputScale: 1 };
  const none = { samples: new Uint32Array(), x: new Uint8Array() };
  assertThrows(() => autoencoder(none, how), RangeError, "k = 0");
  const two = { samples: Uint32Array.of(0, 1), x: new Uint8Array(2 * n) };
  assertThrows(() => autoencoder(two, { ...how, length: 0 }), RangeError, "length = 0");
  assertThrows(() => fitLinear(Z.with(3, NaN), X, labels), RangeError, "code 3 is NaN");
  const idle = autoencoder(two, how);
  const dz1 = new Float32Array(d).fill(1);
  const z1 = new Float32Array(d);
  const sent = idle({ samples: Uint32Array.of(7), z1, labels: Uint8Array.of(0), dz1, rate: 1 });
  assert(sent.every((value) => value === 0), "others get nothing");
});
