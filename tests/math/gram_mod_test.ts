import { assertEquals, assertThrows } from "@std/assert";
import { gramFromProducts } from "lib/math/gram_mod.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";

const integers = (length: number, most: number, seed: number) =>
  Array.from(
    randomScalars(BigInt(2 * most + 1), seededRng(seed), length),
    (v) => Number(v) - most,
  );

/** S = XᵀX for random X `[rank, n]`, and its products with `count` random vectors. */
function planted(n: number, rank: number, count: number, seed: number) {
  const X = integers(rank * n, 300, seed);
  const S = Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += X[k * n + Math.floor(at / n)] * X[k * n + at % n];
    return sum;
  });
  const D = integers(count * n, 1000, seed + 1);
  const H = Array.from({ length: count * n }, (_, at) => {
    const [t, j] = [Math.floor(at / n), at % n];
    return D.slice(t * n, (t + 1) * n).reduce((sum, d, k) => sum + d * S[j * n + k], 0);
  });
  return { S, D, H };
}

Deno.test("gramFromProducts() is exact from as many vectors as the rank, or more, or some twice", () => {
  for (const [n, rank, count] of [[10, 4, 4], [10, 4, 7], [31, 16, 16], [5, 5, 6]]) {
    const { S, D, H } = planted(n, rank, count, 10 * n + rank);
    const found = gramFromProducts(D, H, { n });
    assertEquals(found, { rank, gram: S });
    const [twice, products] = [[...D.slice(0, n), ...D], [...H.slice(0, n), ...H]];
    assertEquals(gramFromProducts(twice, products, { n }), found);
  }
});

Deno.test("gramFromProducts() finds no matrix from one vector too few, or where one entry is another", () => {
  const { D, H } = planted(10, 4, 3, 7);
  assertEquals(gramFromProducts(D, H, { n: 10 }), { rank: 3, gram: null });
  const whole = planted(10, 4, 4, 7);
  whole.H[3] += 1;
  assertEquals(gramFromProducts(whole.D, whole.H, { n: 10 }).gram, null);
});

Deno.test("gramFromProducts() is exact from one vector fewer, with a vector that it spans and an entry", () => {
  const [n, rank] = [10, 4];
  const { S, D, H } = planted(n, rank, rank - 1, 7);
  const z = integers(n, 50, 9);
  const spanned = z.map((_, j) => z.reduce((sum, v, k) => sum + v * S[j * n + k], 0));
  const known = { spanned, at: 3, diagonal: S[33] };
  assertEquals(gramFromProducts(D, H, { n, known }), { rank, gram: S });
  const [twice, products] = [[...D, ...D.slice(0, n)], [...H, ...H.slice(0, n)]];
  assertEquals(gramFromProducts(twice, products, { n, known }).gram, S);
  const wrong = { ...known, diagonal: S[33] + 1 };
  assertEquals(gramFromProducts(D, H, { n, known: wrong }).gram, null);
  const two = { n, known };
  assertEquals(gramFromProducts(D.slice(n), H.slice(n), two).gram, null); // two fewer
  const full = planted(n, rank, rank, 7); // nothing is missing
  assertEquals(gramFromProducts(full.D, full.H, { n, known }), { rank, gram: S });
});

Deno.test("gramFromProducts() takes nothing for the zero matrix, and refuses rows that do not fit", () => {
  assertEquals(gramFromProducts([], [], { n: 2 }).gram, new Float64Array(4));
  assertEquals(gramFromProducts([1, 2], [0, 0], { n: 2 }).rank, 0);
  assertThrows(() => gramFromProducts([1, 2, 3], [1, 2, 3], { n: 2 }), TypeError, "rows of 2");
  assertThrows(() => gramFromProducts([1, 2], [1], { n: 2 }), TypeError, "2 and 1 entries");
});
