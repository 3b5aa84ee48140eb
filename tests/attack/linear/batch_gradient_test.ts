import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromBatchGradients } from "lib/attack/linear/batch_gradient.ts";
import type { LinearView } from "lib/attack/linear/view.ts";
import { held, samplesOf, viewOf } from "./fixtures.ts";

const attacked = (view: LinearView) => fromBatchGradients(view)[0];

Deno.test("fromBatchGradients() finds each sample and label from B visits, none from B − 1", () => {
  for (const [B, n] of [[2, 4], [5, 8], [8, 10], [12, 30], [40, 60]]) {
    const samples = samplesOf(B, n, B);
    for (const visits of [B, B + 1, B + 3]) {
      const found = attacked(viewOf(samples, visits));
      assertEquals([found.status, found.why, found.certified], ["recovered", null, true]);
      assertEquals(held(found, samples), { exact: B, wrong: 0 });
    }
    const few = attacked(viewOf(samples, B - 1));
    assertEquals([few.status, few.certified, few.y.length], ["failed", false, 0]);
    assertMatch(few.why!, new RegExp(`^${B - 1} visits span \\d+ dimensions of ${B}$`));
  }
});

Deno.test("fromBatchGradients() takes one sample from one gradient", () => {
  const samples = samplesOf(1, 6, 3);
  const found = attacked(viewOf(samples, 1));
  assertEquals([found.status, held(found, samples)], ["recovered", { exact: 1, wrong: 0 }]);
});

Deno.test("fromBatchGradients() finds nothing of batches larger than the columns, and is quick", () => {
  for (const [B, n] of [[9, 6], [20, 10], [64, 30]]) {
    const found = attacked(viewOf(samplesOf(B, n, B), 2 * B));
    assertEquals([found.status, found.certified], ["failed", false]);
    assertMatch(found.why!, /^\d+ columns generate/);
  }
});

Deno.test("fromBatchGradients() at B = n + 1 is right where it is certified, whatever the draw", () => {
  let recovered = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const samples = samplesOf(9, 8, seed);
    const found = attacked(viewOf(samples, 10));
    const { exact, wrong } = held(found, samples);
    assertEquals([wrong, found.certified], [0, exact > 0]);
    assertEquals(found.status === "recovered", exact === 9);
    if (found.status === "recovered") recovered++;
  }
  assert(recovered >= 20, `${recovered}`); // 6 without the lattices around
});

Deno.test("fromBatchGradients() finds equal samples, from as many visits as there are others", () => {
  const [a, b, c] = samplesOf(3, 6, 6);
  const samples = [a, b, a, c, a];
  const found = attacked(viewOf(samples, 3));
  assertEquals([found.status, held(found, samples)], ["recovered", { exact: 5, wrong: 0 }]);
});

Deno.test("fromBatchGradients() certifies nothing that contradicts a gradient, one fault at a time", () => {
  const samples = samplesOf(5, 8, 6);
  const view = viewOf(samples, 8);
  assertEquals(attacked(view).status, "recovered");
  const changed = (edit: (view: LinearView) => void) => {
    const own = structuredClone(view);
    edit(own);
    const { status, certified, y } = attacked(own);
    assertEquals([status, certified, y.length], ["failed", false, 0]);
  };
  const write = (values: ArrayLike<number>, at: number, by: number) =>
    (values as number[])[at] += by;
  changed(({ batches }) => write(batches[0].visits[0].gradient, 2, 1));
  changed(({ batches }) => write(batches[0].visits[3].gradient, 8, -4));
  changed(({ batches }) => write(batches[0].visits[7].gradient, 0, 1));
  changed(({ batches }) => write(batches[0].visits[4].c, 1, 1));
  const other = (part: Partial<LinearView>) => {
    const { status, certified } = attacked({ ...view, ...part });
    assertEquals([status, certified], ["failed", false]);
  };
  other({ one: 4 });
  other({ label: 8 });
  other({ bound: 10 });
  other({ batches: [{ ...view.batches[0], size: 6 }] });
  other({ batches: [{ ...view.batches[0], size: 4 }] });
});

Deno.test("fromBatchGradients() certifies some samples of a batch only where they may be samples", () => {
  // more samples than columns, but the first feature is a unit vector: that sample's own
  const samples = samplesOf(9, 3, 8).map((row, i) => [Number(i === 0), ...row.slice(1)]);
  const view = viewOf(samples, 6);
  const found = attacked(view);
  assertEquals([found.status, found.certified], ["partial", true]);
  assertEquals(held(found, samples), { exact: 1, wrong: 0 });
  const most = Math.max(...samples[0].slice(1, 3).map(Math.abs));
  assertEquals(attacked({ ...view, bound: most }).status, "partial");
  const beyond = attacked({ ...view, bound: most - 1 });
  assertEquals([beyond.status, beyond.certified, beyond.y.length], ["failed", false, 0]);
  assertMatch(beyond.why!, /a feature of .*, beyond whole numbers up to/);
});

Deno.test("fromBatchGradients() says so where a batch was not visited, or its visits were all the same", () => {
  const samples = samplesOf(3, 4, 7);
  const view = viewOf(samples, 6);
  const [batch] = view.batches;
  const none = attacked({ ...view, batches: [{ ...batch, visits: [] }] });
  assertEquals(none.why, "the batch was not visited");
  const twice = [...batch.visits.slice(0, 3), batch.visits[1]]; // a visit again tells nothing
  assertEquals(attacked({ ...view, batches: [{ ...batch, visits: twice }] }).status, "recovered");
  const same = Array.from({ length: 6 }, () => batch.visits[1]);
  const stuck = attacked({ ...view, batches: [{ ...batch, visits: same }] });
  assertEquals([stuck.status, stuck.certified], ["failed", false]);
});
