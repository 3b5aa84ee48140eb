import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { multiplyTransposed, transpose } from "lib/math/dense.ts";
import { type Eigen, symmetricEigen } from "lib/math/eigen.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** Σ values_k·v_k·v_kᵀ. */
function rebuilt({ values, vectors }: Eigen): Float64Array {
  const m = values.length;
  const scaled = vectors.map((value, at) => value * values[Math.floor(at / m)]);
  return multiplyTransposed(transpose(scaled, m, m), transpose(vectors, m, m), { n: m });
}

const farthest = (a: Float64Array, b: Float64Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);

Deno.test("symmetricEigen() gives the values of matrices that are known, falling", () => {
  assertEquals([...symmetricEigen(Float64Array.of(7)).values], [7]);
  const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2));
  assertAlmostEquals(values[0], 3, 1e-14);
  assertAlmostEquals(values[1], 1, 1e-14);
  assertAlmostEquals(vectors[0], vectors[1], 1e-14);
  const m = 20; // second differences: 2 − 2·cos(kπ/(m + 1))
  const S = Float64Array.from({ length: m * m }, (_, at) => {
    const distance = Math.abs(Math.floor(at / m) - at % m);
    return distance === 0 ? 2 : distance === 1 ? -1 : 0;
  });
  symmetricEigen(S).values.forEach((value, k) =>
    assertAlmostEquals(value, 2 - 2 * Math.cos((m - k) * Math.PI / (m + 1)), 1e-13)
  );
});

Deno.test("symmetricEigen() rebuilds random, singular and degenerate matrices from orthonormal vectors", () => {
  for (const [m, rank] of [[3, 3], [40, 40], [41, 5], [12, 1], [9, 0]]) {
    const R = gaussian(seededRng(m), m * Math.max(1, rank));
    if (rank === 0) R.fill(0);
    const S = multiplyTransposed(R, R, { n: Math.max(1, rank) });
    for (let i = 0; i < m; i++) S[i * m + i] += rank === 5 ? 1 : 0; // 1 is 36 times an eigenvalue
    const eigen = symmetricEigen(S);
    const size = Math.max(1, eigen.values[0]);
    assert(farthest(rebuilt(eigen), S) < 1e-13 * m * size, `rank ${rank}`);
    const products = multiplyTransposed(eigen.vectors, eigen.vectors, { n: m });
    const identity = products.map((_, at) => Number(Math.floor(at / m) === at % m));
    assert(farthest(products, identity) < 1e-13 * m, `orthonormal, rank ${rank}`);
    eigen.values.forEach((value, k) => assert(k === 0 || value <= eigen.values[k - 1]));
  }
});

Deno.test("symmetricEigen() refuses what is not square or not finite", () => {
  assertThrows(() => symmetricEigen(new Float64Array(6)), TypeError, "6 entries");
  assertThrows(() => symmetricEigen(new Float64Array()), TypeError, "no square matrix");
  assertThrows(() => symmetricEigen(Float64Array.of(1, 2, NaN, 1)), RangeError, "entry 2 is NaN");
});
