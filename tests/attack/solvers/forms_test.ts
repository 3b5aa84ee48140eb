import { assertAlmostEquals, assertEquals } from "@std/assert";
import { addGram, applyForms, bandwidth, formsOf, spreadForms } from "lib/attack/solvers/forms.ts";

/** x0 − x2, 2·x1, the empty form, and one that names a pixel twice: x2 + 3·x1 + x2. */
const forms = formsOf([[[0, 1], [2, -1]], [[1, 2]], [], [[2, 1], [1, 3], [2, 1]]]);
const dense = [[1, 0, -1], [0, 2, 0], [0, 0, 0], [0, 3, 2]];

Deno.test("applyForms() and spreadForms() are the matrix and its transpose", () => {
  assertEquals([...applyForms(forms, Float64Array.of(5, 7, 11))], [-6, 14, 0, 43]);
  const out = Float64Array.of(100, 0, 0);
  assertEquals(spreadForms(forms, Float64Array.of(1, 10, 100, 1000), out), out);
  assertEquals([...out], [101, 3020, 1999]);
});

Deno.test("addGram() adds the weighted Gram matrix in the band that bandwidth() names", () => {
  assertEquals(bandwidth(forms), 2);
  assertEquals(bandwidth(formsOf([])), 0);
  const weights = [2, 3, 5, 7];
  for (const width of [2, 4]) {
    const K = new Float64Array(3 * (width + 1)).fill(1);
    addGram(forms, Float64Array.from(weights), K, width);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j <= i; j++) {
        const expected = weights.reduce((sum, w, e) => sum + w * dense[e][i] * dense[e][j], 1);
        assertAlmostEquals(K[i * (width + 1) + j - i + width], expected, 1e-12);
      }
    }
  }
});
