import { assert, assertEquals, assertLess } from "@std/assert";
import { adjacentPairs } from "lib/attack/priors.ts";
import { applyForms, formsOf, spreadForms } from "lib/attack/solvers/forms.ts";
import { split } from "lib/attack/solvers/splitting.ts";
import { apply, applyTransposed, dot } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [n, hidden] = [42, 10];
const FORMS = formsOf(adjacentPairs([6, 7, 1]).map(([p, q]) => [[p, 1], [q, -1]] as const));
const A = gaussian(seededRng(1), hidden * n);
const b = gaussian(seededRng(2), hidden), q = gaussian(seededRng(3), n);
/** Q·v. */
const metric = (v: Float64Array) => spreadForms(FORMS, applyForms(FORMS, v), v.slice());
const largest = (v: Float64Array) => Math.max(...v.map(Math.abs));
const difference = (v: Float64Array, w: Float64Array) => largest(v.map((x, at) => x - w[at]));

/** P·q + N·b, for q = Q·x the point nearest to x. */
function step(splitting: ReturnType<typeof split>, q: Float64Array, b: Float64Array): Float64Array {
  const origin = splitting.origins(b);
  return apply(Float64Array.from(splitting.P), q).map((v, p) => v + origin[p]);
}

Deno.test("split() projects onto the equations, at right angles in its metric", () => {
  const splitting = split(A, FORMS, n);
  assertEquals(splitting.rank, hidden);
  const x = step(splitting, metric(q), b);
  assertLess(difference(apply(A, x), b), 1e-5);
  const apart = metric(x.map((v, p) => v - q[p])); // Q·(x − q) is a combination of the rows of A
  const y = splitting.multipliers(apart);
  assertLess(difference(applyTransposed(A, y), apart), 1e-4);
  const exactly = splitting.project(q, b);
  assertLess(difference(apply(A, exactly), b), 1e-12);
  assertLess(difference(exactly, x), 1e-5);
  assertLess(1e-2, difference(q, x)); // and did have to move
});

Deno.test("split() takes every right-hand side of a batch at once", () => {
  const splitting = split(A, FORMS, n);
  const B = gaussian(seededRng(4), 3 * hidden);
  const origins = splitting.origins(B);
  for (let row = 0; row < 3; row++) {
    const own = B.subarray(row * hidden, (row + 1) * hidden);
    const found = origins.subarray(row * n, (row + 1) * n);
    assertLess(difference(found, splitting.project(new Float64Array(n), own)), 1e-12);
  }
});

Deno.test("split() drops an equation that depends on others, and weighs noisy ones", () => {
  const twice = new Float64Array([...A, ...A.subarray(0, n)]);
  const splitting = split(twice, FORMS, n);
  assertEquals(splitting.rank, hidden);
  const x = step(splitting, metric(q), Float64Array.from([...b, b[0]]));
  assertLess(difference(apply(A, x), b), 1e-5);
  const slack = new Float64Array(hidden).fill(0.5);
  const near = step(split(A, FORMS, n, slack), metric(q), b);
  const gradient = (x: Float64Array) => {
    const rest = apply(A, x).map((v, row) => (v - b[row]) / slack[row]);
    const back = applyTransposed(A, rest);
    return metric(x.map((v, p) => v - q[p])).map((v, p) => v + back[p]);
  };
  assertLess(largest(gradient(near)), 1e-3); // of ½·‖x − q‖²_Q + ½·Σ (A·x − b)²/slack
  assert(dot(gradient(x), gradient(x)) > 1);
});
