import { assert, assertEquals, assertThrows } from "@std/assert";
import { reduceGram } from "lib/math/lll.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";

/** Integers in [−most, most]. */
const integers = (length: number, most: number, seed: number) =>
  Float64Array.from(
    randomScalars(BigInt(2 * most + 1), seededRng(seed), length),
    (v) => Number(v) - most,
  );

/** A·Aᵀ of m rows. */
function gramOf(A: Float64Array, m: number): Float64Array {
  const n = A.length / m;
  return Float64Array.from({ length: m * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += A[i * n + k] * A[j * n + k];
    return sum;
  });
}

const identity = (m: number) =>
  Float64Array.from({ length: m * m }, (_, at) => Number(at % (m + 1) === 0));

Deno.test("reduceGram() finds the unit vectors behind dependent vectors that generate Z^n", () => {
  for (const [m, n, seed] of [[12, 6, 1], [32, 16, 2], [31, 24, 3]]) {
    const A = integers(m * n, 300, seed);
    const { status, rank, gram, carried } = reduceGram(gramOf(A, m), { m, carry: A });
    assertEquals([status, rank], ["reduced", n]);
    assertEquals(gram, identity(n));
    for (let i = 0; i < n; i++) { // what was carried is the basis itself: ±e_i
      assertEquals(carried.subarray(i * n, (i + 1) * n).filter((v) => v !== 0).length, 1);
    }
  }
});

Deno.test("reduceGram() returns a basis of the same lattice: rows carried along have its inner products", () => {
  const [m, n] = [10, 20];
  const A = integers(m * n, 1000, 4);
  const { status, rank, gram, carried } = reduceGram(gramOf(A, m), { m, carry: A });
  assertEquals([status, rank], ["reduced", m]);
  assertEquals(gram, gramOf(carried, m));
  for (let i = 0; i < m; i++) assert(gram[i * m + i] <= n * 1000 ** 2);
});

Deno.test("reduceGram() keeps shortest vectors of known lattices, ties of one half included", () => {
  // A_4 by a bad basis: squares of 2 come back
  const roots = [[1, -1, 0, 0, 0], [0, 1, -1, 0, 0], [0, 0, 1, -1, 0], [0, 0, 0, 1, -1]];
  const mixed = [[1, 0, 0, 0], [3, 1, 0, 0], [-2, 5, 1, 0], [7, -4, 2, 1]];
  const bad = Float64Array.from(
    mixed.flatMap((row) =>
      roots[0].map((_, k) => row.reduce((sum, f, i) => sum + f * roots[i][k], 0))
    ),
  );
  const { gram, rank } = reduceGram(gramOf(bad, 4), { m: 4, carry: bad });
  assertEquals(Array.from({ length: rank }, (_, i) => gram[i * rank + i]), [2, 2, 2, 2]);
});

Deno.test("reduceGram() drops zeros, has no basis of nothing, and stops on what is no Gram matrix", () => {
  const none = reduceGram(new Float64Array(4), { m: 2, carry: new Float64Array(2) });
  assertEquals([none.status, none.rank], ["reduced", 0]);
  const twice = reduceGram(Float64Array.of(4, 6, 6, 9), { m: 2, carry: Float64Array.of(2, 3) });
  assertEquals([twice.rank, [...twice.gram]], [1, [1]]); // 2 and 3 generate 1
  const indefinite = reduceGram(Float64Array.of(1, 5, 5, 1), { m: 2, carry: new Float64Array(2) });
  assertEquals(indefinite.status, "stopped");
  const random = integers(32 * 32, 2 ** 40, 5);
  for (let i = 0; i < 32; i++) {
    for (let j = 0; j < i; j++) random[i * 32 + j] = random[j * 32 + i];
  }
  assertEquals(reduceGram(random, { m: 32, carry: random }).status, "stopped");
});

Deno.test("reduceGram() refuses what it cannot read", () => {
  const carry = new Float64Array(2);
  assertThrows(
    () => reduceGram(new Float64Array(3), { m: 2, carry }),
    TypeError,
    "3 and 2 entries",
  );
  const refuses = (gram: number[], message: string) =>
    assertThrows(() => reduceGram(Float64Array.from(gram), { m: 2, carry }), RangeError, message);
  refuses([1, 0.5, 0.5, 1], "inner product 0.5 is no integer");
  refuses([1, NaN, 0, 1], "inner product NaN");
  refuses([2 ** 45, 0, 0, 1], "below 2^45");
  refuses([1, 0, 1, 2], "not symmetric at 0, 1");
});
