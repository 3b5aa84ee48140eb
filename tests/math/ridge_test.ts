import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { predict, ridge } from "lib/math/ridge.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** Features, and outputs that are linear in them up to noise. */
function planted(k: number, d: number, noise: number) {
  const rng = seededRng(k * 100 + d);
  const [Phi, W, extra] = [gaussian(rng, k * d), gaussian(rng, 3 * d), gaussian(rng, 3 * k)];
  const Y = new Float64Array(3 * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < 3; j++) {
      for (let p = 0; p < d; p++) Y[i * 3 + j] += Phi[i * d + p] * W[j * d + p];
      Y[i * 3 + j] += noise * extra[i * 3 + j];
    }
  }
  return { Phi, W, Y };
}

const without = (A: Float64Array, row: number, n: number) =>
  Float64Array.from([...A.subarray(0, row * n), ...A.subarray((row + 1) * n)]);

for (const [k, d] of [[9, 14], [14, 9]]) {
  Deno.test(`ridge() of ${k} rows and ${d} features: the residual left out is that of a fit without the row`, async () => {
    const { Phi, Y } = planted(k, d, 1);
    const { lambda, looMse } = await ridge(Phi, Y, { k });
    let sum = 0;
    for (let row = 0; row < k; row++) {
      const W = naive(without(Phi, row, d), without(Y, row, 3), k - 1, lambda);
      for (let j = 0; j < 3; j++) {
        let value = 0;
        for (let p = 0; p < d; p++) value += W[p * 3 + j] * Phi[row * d + p];
        sum += (Y[row * 3 + j] - value) ** 2;
      }
    }
    assertAlmostEquals(looMse, sum / (3 * k), 1e-8 * looMse);
  });
}

/** (ΦᵀΦ + λI)⁻¹ΦᵀY `[d, 3]` by Gauss and Jordan. */
function naive(Phi: Float64Array, Y: Float64Array, k: number, lambda: number): Float64Array {
  const d = Phi.length / k;
  const rows = Array.from({ length: d }, (_, p) => {
    const row = new Float64Array(d + 3);
    for (let i = 0; i < k; i++) {
      for (let q = 0; q < d; q++) row[q] += Phi[i * d + p] * Phi[i * d + q];
      for (let j = 0; j < 3; j++) row[d + j] += Phi[i * d + p] * Y[i * 3 + j];
    }
    row[p] += lambda;
    return row;
  });
  for (let p = 0; p < d; p++) {
    const pivot = rows[p][p];
    for (let c = 0; c < d + 3; c++) rows[p][c] /= pivot;
    rows.forEach((row, q) => {
      const factor = row[p];
      if (q !== p) { for (let c = 0; c < d + 3; c++) row[c] -= factor * rows[p][c]; }
    });
  }
  return Float64Array.from(rows.flatMap((row) => [...row.subarray(d)]));
}

Deno.test("ridge() finds a map without noise, from more rows than features", async () => {
  const { Phi, W, Y } = planted(40, 12, 0);
  const fit = await ridge(Phi, Y, { k: 40 });
  fit.weights.forEach((w, at) => assertAlmostEquals(w, W[at], 1e-6));
  predict(fit, Phi, 12).forEach((value, at) => assertAlmostEquals(value, Y[at], 1e-6));
});

Deno.test("ridge() takes a larger penalty the more noise there is, and rows that are there twice", async () => {
  const [clear, noisy] = await Promise.all([0.01, 10].map((noise) => {
    const { Phi, Y } = planted(20, 15, noise);
    return ridge(Phi, Y, { k: 20 });
  }));
  assert(clear.lambda < noisy.lambda, `${clear.lambda} and ${noisy.lambda}`);
  const { Phi, Y } = planted(6, 15, 1);
  const twice = (A: Float64Array) => Float64Array.from([...A, ...A]);
  const { weights } = await ridge(twice(Phi), twice(Y), { k: 12 });
  assert(weights.every(Number.isFinite));
});

Deno.test("ridge() refuses one row, rows that do not fit and features that are all 0", async () => {
  await assertRejects(() => ridge(new Float64Array(3), new Float64Array(2), { k: 1 }), RangeError);
  await assertRejects(
    () => ridge(new Float64Array(7), new Float64Array(2), { k: 2 }),
    TypeError,
    "7 features and 2 outputs of 2 rows",
  );
  await assertRejects(
    () => ridge(new Float64Array(4), new Float64Array(2), { k: 2 }),
    RangeError,
    "all features are 0",
  );
  assertEquals(
    (await ridge(Float64Array.of(1, 1), Float64Array.of(2, 2), { k: 2 })).weights.length,
    1,
  );
});
