import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { type Saddle, saddle } from "lib/attack/solvers/saddle.ts";
import { bandedMultiply, diagonalsOf } from "lib/math/banded.ts";
import { apply, applyTransposed, dot } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [n, width] = [40, 3];

/** A banded K, positive definite, its diagonal spread over six powers of ten. */
function banded(): Float64Array {
  const noise = gaussian(seededRng(1), n * (width + 1));
  return noise.map((value, at) =>
    at % (width + 1) === width ? 10 ** (6 * (value - Math.floor(value))) : value / 10
  );
}

const rows = (hidden: number) => gaussian(seededRng(hidden), hidden * n);
const largest = (v: Float64Array) => v.reduce((max, value) => Math.max(max, Math.abs(value)), 0);

function step(system: Saddle, K: Float64Array) {
  const hidden = system.A.length / n;
  const [g, r] = [gaussian(seededRng(2), n), gaussian(seededRng(3), hidden)];
  const { dx, dy } = system.factor(K.slice(), width, r)(g);
  return { g, r, dx, dy: dy() };
}

Deno.test("saddle() solves the system in the range space and in the null space", () => {
  const K = banded();
  for (const hidden of [1, 7, 20, 33, 39, 40]) {
    const A = rows(hidden);
    const [range, kernel] = (["range", "null"] as const).map((way) => step(saddle(A, n, way), K));
    for (const { g, r, dx, dy } of [range, kernel]) {
      assertLess(largest(apply(A, dx).map((value, row) => value - r[row])), 1e-7);
      const Ay = applyTransposed(A, dy);
      const Kdx = bandedMultiply(diagonalsOf(K, width), dx);
      const scale = 1 + largest(Kdx);
      assertLess(largest(Kdx.map((value, i) => value - Ay[i] - g[i])) / scale, 1e-9);
    }
    kernel.dx.forEach((value, i) => assertAlmostEquals(value, range.dx[i], 1e-7));
  }
});

Deno.test("saddle() takes the way by the share of rows, and the same step on both sides", () => {
  const K = banded();
  for (const hidden of [19, 20, 21, 22]) {
    const A = rows(hidden);
    const { dx } = step(saddle(A, n), K);
    assertEquals(dx, step(saddle(A, n, hidden > 20 ? "null" : "range"), K).dx);
    step(saddle(A, n, "range"), K).dx.forEach((v, i) => assertAlmostEquals(v, dx[i], 1e-7));
  }
});

Deno.test("saddle() drops rows that depend on others", () => {
  const K = banded();
  const half = rows(15);
  const zero = new Float64Array(n);
  const A = Float64Array.of(...half, ...half, ...zero);
  const b = apply(A, gaussian(seededRng(4), n)); // rows that agree
  for (const way of [undefined, "range", "null"] as const) {
    const system = saddle(A, n, way);
    const { dx, dy } = system.factor(K.slice(), width, b)(new Float64Array(n));
    assertLess(largest(apply(A, dx).map((value, row) => value - b[row])), 1e-9);
    assertEquals(largest(dy().subarray(15)), 0);
  }
});

Deno.test("leastNorm() solves A·x = r by a combination of the rows", () => {
  const A = rows(10);
  const system = saddle(A, n);
  const r = gaussian(seededRng(5), 10);
  const x = system.leastNorm(r);
  apply(A, x).forEach((value, row) => assertAlmostEquals(value, r[row], 1e-12));
  // It is orthogonal to whatever A maps to 0.
  const other = gaussian(seededRng(6), n);
  const within = system.leastNorm(apply(A, other));
  assertAlmostEquals(dot(x, other.map((value, i) => value - within[i])), 0, 1e-12);
});
