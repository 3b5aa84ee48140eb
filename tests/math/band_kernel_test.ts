import { assertEquals } from "@std/assert";
import { forwardRows, multiplyRows } from "lib/math/band_kernel.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

/** n columns, a band and rows: groups that are full and not, a memory that grows, a band wider than the matrix. */
const SIZES = [[5, 1, 1], [9, 3, 16], [40, 7, 33], [3, 6, 20], [700, 28, 50]];

Deno.test("forwardRows() has the bits of a loop that multiplies and then subtracts, whatever lies before the band", () => {
  for (const [n, width, rows] of SIZES) {
    const L = gaussian(seededRng(n), n * (width + 1));
    for (let i = 0; i < n; i++) { // entries of columns that are not there
      L[i * (width + 1) + width] += 9;
      L.fill(NaN, i * (width + 1), i * (width + 1) + Math.max(0, width - i));
    }
    const B = gaussian(seededRng(rows), rows * n);
    const expected = B.slice();
    for (let at = 0; at < B.length; at += n) {
      for (let i = 0; i < n; i++) {
        for (let k = Math.max(0, i - width); k < i; k++) {
          expected[at + i] -= L[i * (width + 1) + k - i + width] * expected[at + k];
        }
        expected[at + i] /= L[i * (width + 1) + width];
      }
    }
    const out = new Float64Array(B.length);
    forwardRows(L, width, B, out);
    assertEquals(out, expected);
    assertEquals(B, gaussian(seededRng(rows), rows * n)); // is left alone
    forwardRows(L, width, B, B); // unless told otherwise
    assertEquals(B, expected);
  }
});

Deno.test("multiplyRows() has the bits of a loop over the diagonals, left plus right", () => {
  for (const [n, width, rows] of SIZES) {
    for (const aparts of [[], [width], [1, 2, width].filter((apart) => apart <= width)]) {
      const diagonals = [0, ...new Set(aparts)].filter((apart) => apart < n).map((apart) => {
        const values = gaussian(seededRng(n + apart), n).fill(0, 0, apart);
        return { apart, values };
      });
      const B = gaussian(seededRng(rows), rows * n);
      const expected = new Float64Array(B.length);
      for (let at = 0; at < B.length; at += n) {
        for (let i = 0; i < n; i++) {
          const entry = (column: number) => B[at + column] ?? 0;
          for (const { apart, values } of diagonals) {
            const left = i >= apart ? values[i] * entry(i - apart) : 0;
            const right = apart > 0 && i + apart < n ? values[i + apart] * entry(i + apart) : 0;
            expected[at + i] += left + right;
          }
        }
      }
      assertEquals(multiplyRows(diagonals, B), expected);
    }
  }
});
