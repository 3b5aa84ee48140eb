import { assertEquals, assertThrows } from "@std/assert";
import { contradiction } from "lib/attack/linear/recovery.ts";
import { linearView } from "lib/attack/linear/view.ts";
import { LABEL, ONE, samplesOf, viewOf } from "./fixtures.ts";

const samples = samplesOf(2, 3, 1);
const view = viewOf(samples, 2, { residuals: true });
const [batch] = view.batches;
const [visit] = batch.visits;

Deno.test("linearView() takes a view and refuses one fault at a time", () => {
  assertEquals(linearView(view), view);
  const refuses = (part: Partial<typeof visit>, message: string, type = TypeError) => {
    const batches = [{ ...batch, visits: [{ ...visit, ...part }] }];
    assertThrows(() => linearView({ ...view, batches }), type, message);
  };
  refuses({ c: [1, 2] }, "c of visit 0 of batch 0 has 2 entries, expected 5");
  refuses({ gradient: [1] }, "gradient of visit 0 of batch 0 has 1 entries, expected 4");
  refuses({ residuals: [1] }, "residuals of visit 0 of batch 0 has 1 entries, expected 2");
  refuses({ c: [0, 0, 0, 0.5, -1] }, "has 0.5, which is no safe integer", RangeError);
  refuses({ gradient: [0, NaN, 0, 0] }, "has NaN", RangeError);
  refuses({ c: [0, 0, 0, 1, 0] }, "the label's coefficient in visit 0 is 0", RangeError);
  assertThrows(() => linearView({ ...view, one: 0 }), RangeError, "one 0 is not a positive");
  const batches = [{ ...batch, size: 0 }];
  assertThrows(() => linearView({ ...view, batches }), RangeError, "batch 0 has 0 samples");
});

Deno.test("contradiction() is null for the samples themselves, and names what differs", () => {
  const own = samples.map((u) => ({ x: u.slice(0, 3), y: u[4] }));
  assertEquals([ONE, LABEL, contradiction(view, batch, own)], [8, 16, null]);
  const [a, b] = own;
  assertEquals(contradiction(view, batch, [a]), "1 samples for a batch of 2");
  assertEquals(
    contradiction(view, batch, [a, { ...b, y: 3 }]),
    "a label of 3, neither of ±16",
  );
  assertEquals(
    contradiction(view, batch, [a, { ...b, x: [41, 0, 0] }]),
    "a feature of 41, beyond whole numbers up to 40",
  );
  assertEquals(
    contradiction(view, batch, [a, { ...b, x: [b.x[0] - 1, b.x[1], b.x[2]] }]),
    "another gradient than that of visit 0",
  );
  // at visit 0 both residuals are those of equal labels
  assertEquals(contradiction(view, batch, [b, a]), "other residuals than those of visit 1");
});
