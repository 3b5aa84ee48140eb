import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  blas,
  dgemm,
  dgemmAsync,
  dpotrf,
  dpotrs,
  dsyrk,
  dsyrkAsync,
  dtrsm,
  sgemm,
  sgemmAsync,
} from "lib/math/blas.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const doubles = (length: number, seed = 1) => gaussian(seededRng(seed), length);
const singles = (length: number, seed = 1) => Float32Array.from(doubles(length, seed));

const SIZES = [[1, 1, 1], [3, 5, 7], [17, 4, 33], [8, 16, 4], [1, 9, 20], [20, 1, 9], [31, 30, 29]];
const FLAGS = [false, true];

/** The slow obvious product. */
function product(
  A: ArrayLike<number>,
  B: ArrayLike<number>,
  { m, n, k, transposeA, transposeB }: Record<"m" | "n" | "k", number> & {
    transposeA: boolean;
    transposeB: boolean;
  },
): Float64Array {
  return Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let p = 0; p < k; p++) {
      sum += A[transposeA ? p * m + i : i * k + p] * B[transposeB ? j * k + p : p * n + j];
    }
    return sum;
  });
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  assertEquals(actual.length, expected.length);
  for (let at = 0; at < actual.length; at++) {
    assertAlmostEquals(actual[at], expected[at], tolerance);
  }
}

Deno.test("sgemm() and dgemm() multiply, every size, both transposed or not, added or not", async () => {
  for (const [m, n, k] of SIZES) {
    for (const transposeA of FLAGS) {
      for (const transposeB of FLAGS) {
        for (const add of FLAGS) {
          const shape = { m, n, k, transposeA, transposeB, add };
          const [A, B, C] = [doubles(m * k), doubles(n * k, 2), doubles(m * n, 3)];
          const before = add ? C.slice() : new Float64Array(m * n);
          const expected = product(A, B, shape).map((value, at) => value + before[at]);
          const later = C.slice();
          dgemm({ ...shape, A, B, C });
          close(C, expected, 1e-12);
          await dgemmAsync({ ...shape, A, B, C: later });
          assertEquals(later, C);
          const [a, b, c] = [A, B, doubles(m * n, 3)].map((x) => Float32Array.from(x));
          const soon = c.slice();
          sgemm({ ...shape, A: a, B: b, C: c });
          close(c, expected, 1e-4);
          await sgemmAsync({ ...shape, A: a, B: b, C: soon });
          assertEquals(soon, c);
        }
      }
    }
  }
});

Deno.test("dsyrk() gives the lower triangle of A·Aᵀ and leaves what is above", async () => {
  for (const [n, k] of [[1, 1], [7, 5], [30, 31], [300, 400]]) {
    const A = doubles(n * k);
    const C = new Float64Array(n * n).fill(7);
    const later = C.slice();
    dsyrk({ n, k, A, C });
    const expected = product(A, A, { m: n, n, k, transposeA: false, transposeB: true });
    C.forEach((value, at) => {
      if (at % n > Math.floor(at / n)) assertEquals(value, 7);
      else assertAlmostEquals(value, expected[at], 1e-10);
    });
    await dsyrkAsync({ n, k, A, C: later });
    assertEquals(later, C);
  }
});

Deno.test("large products, cut into tiles, are the same at once and side by side", async () => {
  for (const [m, n, k] of [[300, 300, 400], [601, 200, 310]]) {
    const [A, B] = [doubles(m * k), doubles(n * k, 2)];
    const shape = { m, n, k, transposeA: true, transposeB: false };
    for (const add of FLAGS) {
      const [C, later] = [1, 2].map(() => new Float64Array(m * n).fill(7));
      dgemm({ ...shape, A, B, C, add });
      await dgemmAsync({ ...shape, A, B, C: later, add });
      assertEquals(later.findIndex((value, at) => value !== C[at]), -1);
      close(C, product(A, B, shape).map((value) => value + (add ? 7 : 0)), 1e-10);
    }
  }
});

Deno.test("dpotrf(), dpotrs(), dtrsm() factor and solve, sizes below and above a block", () => {
  for (const m of [1, 2, 5, 63, 64, 65, 150]) {
    const A = doubles(m * (m + 5));
    const S = new Float64Array(m * m).fill(9);
    dsyrk({ n: m, k: m + 5, A, C: S });
    const whole = S.map((_, at) => {
      const [i, j] = [Math.floor(at / m), at % m];
      return S[Math.max(i, j) * m + Math.min(i, j)];
    });
    const L = S.slice();
    assertEquals(dpotrf(L, m), 0);
    for (let i = 0; i < m; i++) for (let j = i + 1; j < m; j++) assertEquals(L[i * m + j], 9);
    const x = doubles(3 * m, 4);
    const B = product(x, whole, { m: 3, n: m, k: m, transposeA: false, transposeB: false });
    const half = B.slice();
    dpotrs(L, m, B);
    close(B, x, 1e-5);
    dtrsm({ L, m, B: half });
    dtrsm({ L, m, B: half, transpose: true });
    close(half, x, 1e-5);
  }
});

Deno.test("dpotrf() names the first row whose pivot is not positive", () => {
  for (const [m, bad] of [[1, 0], [5, 3], [90, 70]]) {
    const S = new Float64Array(m * m);
    for (let i = 0; i < m; i++) S[i * m + i] = i === bad ? -1 : 4;
    assertEquals(dpotrf(S, m), bad + 1);
  }
});

Deno.test("dpotrf() names the first row whose pivot is no number or not finite", () => {
  for (const value of [NaN, Infinity]) {
    for (const [m, bad] of [[1, 0], [5, 2], [90, 70]]) {
      const S = new Float64Array(m * m);
      for (let i = 0; i < m; i++) S[i * m + i] = i === bad ? value : i === bad + 2 ? -1 : 4;
      assertEquals(dpotrf(S, m), bad + 1);
    }
  }
  assertEquals(dpotrf(Float64Array.of(4, 0, 0, 2, 5, 0, 1, NaN, 4), 3), 3);
});

Deno.test("nothing to multiply gives zeros, or what was there", () => {
  const C = singles(6);
  const before = C.slice();
  const none = new Float32Array();
  sgemm({ m: 2, n: 3, k: 0, A: none, B: none, C, add: true });
  assertEquals(C, before);
  sgemm({ m: 2, n: 3, k: 0, A: none, B: none, C });
  assert(C.every((value) => value === 0));
  sgemm({ m: 0, n: 3, k: 2, A: none, B: singles(6), C: none });
});

Deno.test("dsyrk() of nothing clears the lower triangle only", async () => {
  const square = () => ({ n: 2, k: 0, A: new Float64Array(), C: new Float64Array(4).fill(7) });
  const [now, later] = [square(), square()];
  dsyrk(now);
  await dsyrkAsync(later);
  assertEquals([...now.C], [0, 7, 0, 0]);
  assertEquals(later.C, now.C);
});

Deno.test("arrays of another class are refused before the call", async () => {
  const shape = { m: 2, n: 2, k: 2 };
  const [single, double] = [new Float32Array(4), new Float64Array(4)];
  const all = {
    single: { A: single, B: single, C: single.slice() },
    double: { A: double, B: double, C: double.slice() },
  };
  for (const what of ["A", "B", "C"] as const) {
    const singles = { ...shape, ...all.single, [what]: double.slice() } as never;
    const doubles = { ...shape, ...all.double, [what]: single.slice() } as never;
    const message = (came: string, expected: string) =>
      `Cannot multiply: ${what} is Float${came}Array, expected Float${expected}Array`;
    assertThrows(() => sgemm(singles), TypeError, message("64", "32"));
    assertThrows(() => dgemm(doubles), TypeError, message("32", "64"));
    await assertRejects(async () => await sgemmAsync(singles), TypeError, message("64", "32"));
    await assertRejects(async () => await dgemmAsync(doubles), TypeError, message("32", "64"));
  }
  const wrong = single as never;
  assertThrows(() => dsyrk({ n: 2, k: 2, A: double, C: wrong }), TypeError, "C is Float32Array");
  assertThrows(() => dpotrf(wrong, 2), TypeError, "S is Float32Array");
  assertThrows(() => dtrsm({ L: double, m: 2, B: wrong }), TypeError, "B is Float32Array");
  assertThrows(() => dpotrs([1, 0, 0, 1] as never, 2, double), TypeError, "L is Array");
});

Deno.test("wrong shapes and sizes are refused before the call", () => {
  const of = (length: number) => new Float64Array(length);
  const good = { m: 2, n: 3, k: 4, A: of(8), B: of(12), C: of(6) };
  assertThrows(() => dgemm({ ...good, A: of(7) }), TypeError, "A has 7 entries, expected 2 × 4");
  assertThrows(() => dgemm({ ...good, C: of(9) }), TypeError, "C has 9 entries, expected 2 × 3");
  assertThrows(() => dgemm({ ...good, m: 2 ** 31 }), RangeError, "m is 2147483648");
  assertThrows(() => dgemm({ ...good, k: 1.5 }), RangeError, "k is 1.5");
  assertThrows(() => dgemm({ ...good, n: -1 }), RangeError, "n is -1");
  const both = of(20);
  assertThrows(
    () => dgemm({ ...good, A: both.subarray(0, 8), C: both.subarray(7, 13) }),
    RangeError,
    "C lies where A or B does",
  );
  assertThrows(
    () => dgemm({ ...good, B: both.subarray(0, 12), C: both.subarray(11, 17) }),
    RangeError,
    "C lies where A or B does",
  );
  const growing = new Float64Array(new ArrayBuffer(64, { maxByteLength: 128 }));
  assertThrows(() => dgemm({ ...good, A: growing }), TypeError, "can be resized");
  const detached = of(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  assertThrows(() => dgemm({ ...good, A: detached }), TypeError, "A has 0 entries");
  assertThrows(() => dtrsm({ L: of(4), m: 2, B: of(3) }), TypeError, "B has 3 entries");
});

const usual = "libopenblas.so.0";
const states = await Promise.all(
  (["run", "env", "ffi"] as const).map((name) => Deno.permissions.query({ name })),
);
const searches = states.every(({ state }) => state === "granted") && !Deno.env.get("FE_BLAS");

function loads(file: string): boolean {
  try {
    Deno.dlopen(file, { cblas_sgemm: { parameters: [], result: "void" } }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: `blas() is a library where ${usual} is one`, // else a fault of ours would only make products slower
  ignore: !searches || blas() === null && !loads(usual),
  fn: () => assert(blas() !== null),
});
