import { assert, assertEquals, assertRejects } from "@std/assert";
import { gramByLeastSquares, gramOfOneVisit } from "lib/attack/training/gram.ts";
import { gramCorrelation, gramOf } from "lib/attack/training/leakage.ts";
import type { StepView, TrainingView } from "lib/attack/training/view.ts";
import { planted, relativeError } from "./planted.ts";

const truth = (x: Uint8Array) => gramOf(Float64Array.from(x, (v) => v / 256), x.length / 16);

/** The view with a part of one step changed. */
const changed = (view: TrainingView, at: number, other: Partial<StepView>): TrainingView => ({
  ...view,
  steps: view.steps.map((step, k) => k === at ? { ...step, ...other } : step),
});

Deno.test("gramByLeastSquares() is exact from ⌈samples/units⌉ + 1 visits on, whatever the order", async () => {
  for (const shuffle of [false, true]) {
    const { view, x } = planted({ count: 20, units: 6, visits: 5, batch: 4, shuffle });
    const found = await gramByLeastSquares(view);
    assertEquals([found.status, found.message], ["exact", ""]);
    assertEquals([...found.samples], [...Array(20).keys()]);
    assert(relativeError(found.G!, truth(x)) < 1e-10);
    const fewer = await gramByLeastSquares(view, { visits: 3 });
    assertEquals(fewer.status, "estimate");
    assert(fewer.message.includes(shuffle ? "leave" : "leave 8 of 20 unknowns"), fewer.message);
    assert(relativeError(fewer.G!, truth(x)) > 0.05);
  }
});

Deno.test("gramByLeastSquares() with symmetry needs about half the visits", async () => {
  const { view, x } = planted({ count: 24, units: 6, visits: 4, batch: 4 });
  const found = await gramByLeastSquares(view, { symmetric: true });
  assertEquals(found.status, "exact");
  assert(relativeError(found.G!, truth(x)) < 1e-6);
  assert(relativeError((await gramByLeastSquares(view)).G!, truth(x)) > 0.05);
  const once = await gramByLeastSquares(view, { symmetric: true, visits: 2 });
  assert(relativeError(once.G!, truth(x)) > 0.05); // 6 equations a column are too few even so
});

Deno.test("gramByLeastSquares() gives the samples asked for, in their order", async () => {
  const { view, x } = planted({ count: 12, units: 6, visits: 3, batch: 4 });
  const { samples, G } = await gramByLeastSquares(view, { samples: [7, 2] });
  assertEquals([...samples], [7, 2]);
  const all = truth(x);
  assert(relativeError(G!, Float64Array.of(all[91], all[86], all[86], all[26])) < 1e-10);
});

Deno.test("gramByLeastSquares() says where rounded z1 contradict each other", async () => {
  const { view } = planted({ count: 12, units: 6, visits: 4, batch: 4, float32: true });
  const { status, message } = await gramByLeastSquares(view);
  assertEquals(status, "estimate");
  assert(message.includes("contradict"), message);
});

Deno.test("gramByLeastSquares() splits what duplicated images share nearly evenly", async () => {
  const first = planted({ count: 12, units: 6, visits: 1, batch: 4 }).x;
  first.copyWithin(16, 0, 16); // images 0 and 1
  const { view, x } = planted({ count: 12, units: 6, visits: 4, batch: 4, x: first });
  // the same image, label and W1 give the same dz1
  const steps = view.steps.map((step) => {
    if (!step.samples!.includes(1)) return step;
    const dz1 = step.dz1.slice();
    dz1.copyWithin(6, 0, 6);
    return { ...step, dz1 };
  });
  const moved = retrained({ ...view, steps }, x);
  const found = await gramByLeastSquares(moved);
  assertEquals(found.status, "estimate");
  assert(found.message.includes("1 of 12 unknowns"), found.message);
  assert(relativeError(found.G!, truth(x)) < 1e-2);
});

/** The z1 that these dz1 lead to. */
function retrained(view: TrainingView, x: Uint8Array): TrainingView {
  const { units, steps } = view;
  const G = truth(x);
  const N = x.length / 16;
  const met = new Map<number, Float64Array>();
  const moves = Array.from({ length: N }, () => new Float64Array(units));
  return {
    ...view,
    steps: steps.map((step) => {
      const z1 = step.z1.slice();
      step.samples!.forEach((name, row) => {
        if (!met.has(name)) {
          met.set(name, Float64Array.from(z1.subarray(row * units, (row + 1) * units)));
          moves[name].fill(0);
        } else {for (let u = 0; u < units; u++) {
            z1[row * units + u] = met.get(name)![u] + moves[name][u];
          }}
      });
      step.samples!.forEach((name, row) => {
        moves.forEach((move, i) => {
          for (let u = 0; u < units; u++) {
            move[u] -= step.rate! * step.dz1[row * units + u] * G[i * N + name];
          }
        });
      });
      return { ...step, z1 };
    }),
  };
}

Deno.test("gramByLeastSquares() leaves out samples that never return, and fails where none does", async () => {
  const { view, x } = planted({ count: 12, units: 6, visits: 4, batch: 4 });
  const last = view.steps.at(-1)!;
  const gone = Uint32Array.from(last.samples!, (name, row) => row === 3 ? 99 : name);
  const found = await gramByLeastSquares(changed(view, 11, { samples: gone }));
  assertEquals(found.samples.length, 12);
  assert(found.message.includes("1 samples were met only once"), found.message);
  assert(relativeError(found.G!, truth(x)) < 1e-8);
  const one = await gramByLeastSquares({ ...view, steps: view.steps.slice(0, 3) });
  assertEquals([one.status, one.G], ["failed", null]);
  assert(one.message.includes("no sample was met twice"), one.message);
  const still = { ...view, steps: view.steps.map((s) => ({ ...s, dz1: s.dz1.map(() => 0) })) };
  assertEquals((await gramByLeastSquares(still)).status, "failed");
});

Deno.test("gramByLeastSquares() refuses what it cannot follow", async () => {
  const { view } = planted({ count: 8, units: 4, visits: 3, batch: 4 });
  const refuse = (other: Partial<StepView>, ErrorClass: typeof TypeError, text: string) =>
    assertRejects(() => gramByLeastSquares(changed(view, 1, other)), ErrorClass, text);
  await refuse({ rate: null }, TypeError, "rate of step 1 is null");
  await refuse({ samples: null }, TypeError, "step 1 does not name its samples");
  await refuse({ z1: view.steps[1].z1.with(3, NaN) }, RangeError, "z1[3] of step 1 is NaN");
  await assertRejects(() => gramByLeastSquares(view, { visits: 1 }), RangeError, "1 visits");
  await assertRejects(() => gramByLeastSquares(view, { samples: [8] }), RangeError, "sample 8");
  const signal = AbortSignal.abort(new Error("stop"));
  await assertRejects(() => gramByLeastSquares(view, { signal }), Error, "stop");
});

Deno.test("gramOfOneVisit() is G up to a factor and noise that many units take away", async () => {
  const at = async (units: number) => {
    const { view, x } = planted({ count: 12, units, visits: 1, batch: 12 });
    return gramCorrelation((await gramOfOneVisit(view)).G!, truth(x));
  };
  const [few, many] = [await at(4), await at(3000)];
  assert(many > 0.98 && few < many, `${few}, ${many}`);
});
