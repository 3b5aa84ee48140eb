import { assertAlmostEquals } from "@std/assert";
import {
  bandedBackward,
  bandedCholesky,
  bandedForward,
  bandedMultiply,
  diagonalsOf,
} from "lib/math/banded.ts";
import { apply, cholesky, solveCholesky } from "lib/math/dense.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

Deno.test("bandedCholesky() and its solves agree with the dense ones, one row or many", () => {
  for (
    const [n, width, rows] of [[1, 0, 1], [6, 0, 2], [9, 1, 3], [12, 4, 5], [3, 5, 1], [30, 8, 35]]
  ) {
    const noise = gaussian(seededRng(n), n * n);
    const banded = new Float64Array(n * (width + 1));
    const full = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = Math.max(0, i - width); j <= i; j++) {
        const value = i === j ? 20 : noise[i * n + j];
        banded[i * (width + 1) + j - i + width] = value;
        full[i * n + j] = value;
      }
    }
    bandedCholesky(banded, width);
    cholesky(full, n);
    const B = gaussian(seededRng(2), rows * n);
    const Y = B.slice();
    bandedForward(banded, width, Y);
    for (let row = 0; row < rows; row++) {
      const y = Y.slice(row * n, (row + 1) * n);
      bandedBackward(banded, width, y);
      const expected = solveCholesky(full, B.subarray(row * n, (row + 1) * n));
      y.forEach((value, i) => assertAlmostEquals(value, expected[i], 1e-12));
    }
  }
});

Deno.test("bandedMultiply() multiplies every row by the symmetric matrix", () => {
  for (
    const [n, width, rows] of [[1, 0, 1], [6, 0, 2], [9, 2, 3], [3, 5, 1], [7, 0, 5], [12, 7, 21]]
  ) {
    const banded = gaussian(seededRng(n), n * (width + 1));
    const full = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = Math.max(0, i - width); j <= i; j++) {
        full[i * n + j] = full[j * n + i] = banded[i * (width + 1) + j - i + width];
      }
    }
    const B = gaussian(seededRng(2), rows * n);
    const KB = bandedMultiply(diagonalsOf(banded, width), B);
    for (let at = 0; at < B.length; at += n) {
      apply(full, B.subarray(at, at + n)).forEach((value, i) => {
        assertAlmostEquals(KB[at + i], value, 1e-12);
      });
    }
  }
});
