import { assertEquals, assertThrows } from "@std/assert";
import { fromResiduals } from "lib/attack/linear/residuals.ts";
import { held, samplesOf, viewOf } from "./fixtures.ts";

Deno.test("fromResiduals() needs min(B, n + 1) visits, at any batch size", () => {
  for (const [B, n] of [[1, 4], [3, 6], [7, 6], [40, 6]]) {
    const samples = samplesOf(B, n, B);
    const visits = Math.min(B, n + 1);
    const run = (visits: number) => fromResiduals(viewOf(samples, visits, { residuals: true }))[0];
    const found = run(visits);
    assertEquals([found.status, found.certified], ["recovered", true]);
    assertEquals(held(found, samples), { exact: B, wrong: 0 });
    if (visits === 1) continue;
    const few = run(visits - 1);
    assertEquals([few.status, few.certified], ["failed", false]);
    assertEquals(few.why, `${visits - 1} visits do not determine it, ${visits} may`);
  }
});

Deno.test("fromResiduals() certifies nothing that contradicts the view, and refuses one without residuals", () => {
  const samples = samplesOf(3, 6, 1);
  const view = viewOf(samples, 5, { residuals: true });
  (view.batches[0].visits[4].residuals as number[])[1]++;
  const [{ status, certified, y }] = fromResiduals(view);
  assertEquals([status, certified, y.length], ["failed", false, 0]);
  assertThrows(() => fromResiduals(viewOf(samples, 5)), TypeError, "visit 0 of batch 0 shows no");
  assertThrows(() => fromResiduals({ ...view, bound: 2 ** 20 }), RangeError, "modulo 2097143");
});
