import { assert, assertEquals } from "@std/assert";
import { clearGradients } from "lib/nn/linear.ts";
import { columnProducts } from "lib/nn/linear_gram.ts";
import {
  foldPatients,
  PATIENTS,
  type Patients,
  patientSamples,
  ridgePatients,
  trainPatients,
} from "lib/study/patients.ts";
import { attackPatients, visitMap } from "lib/study/patients_attack.ts";

const patients = await patientSamples();
const { train, test } = patients;

/** Six features of the first 40 patients, the ones and labels. */
const small: Patients = {
  train: {
    ...{ n: 6, count: 40, scaleBits: 5, bound: train.bound },
    u: Int32Array.from({ length: 40 * 8 }, (_, at) => {
      const [i, k] = [Math.floor(at / 8), at % 8];
      return train.u[i * 32 + (k < 6 ? k : k + 24)];
    }),
  },
  test: { ...test, n: 6, u: test.u.slice(0, 114 * 8) },
};

Deno.test("trainPatients() is right for 97 % of the test patients; another source of gradients is the same run", async () => {
  const run = await trainPatients(patients);
  assert(run.accuracy.rate >= 0.97);
  assertEquals([run.steps.length, run.steps.at(-1)!.epoch, run.gradientBits], [493, 16, 24]);
  const clear = clearGradients(train, PATIENTS.batch);
  const again = await trainPatients(patients, {
    gradient: async (batch, c) => await clear(batch, c),
  });
  assertEquals(again.weights, run.weights);
});

Deno.test("PatientRun.view() has the visits asked for, and residuals only where they are shown", async () => {
  const run = await trainPatients(small, { batch: 16, epochs: 3 });
  const view = run.view(2);
  assertEquals(view.batches.map(({ size, visits }) => [size, visits.length]), [[16, 2], [16, 2], [
    ...[8, 2],
  ]]);
  assertEquals(view.batches[0].visits[0].residuals, null);
  const shown = run.view(1, { residuals: true }).batches[0].visits[0];
  const sum = Array.from(shown.residuals!).reduce((sum, r) => sum + r, 0);
  assertEquals(sum * view.one, shown.gradient[6]);
});

Deno.test("ridgePatients() takes products from elsewhere; foldPatients() tests each patient once", async () => {
  const closed = ridgePatients(patients);
  assert(closed.accuracy.rate >= 0.98);
  assertEquals(ridgePatients(patients, columnProducts(train)).weights, closed.weights);
  const folds = await foldPatients();
  assertEquals([folds.all.sgd.n, folds.all.ridge.n, folds.table("t").rows.length], [569, 569, 6]);
  assert(folds.all.sgd.rate > 0.94 && folds.all.sgd.rate < 0.97);
});

Deno.test("attackPatients() has all 455 at B = 16 from 16 visits, of full batches none from 15, none at B = 32", async () => {
  const run = await trainPatients(patients);
  for (const visits of [16, 17]) {
    const all = await attackPatients(run, { visits });
    assertEquals([all.total, all.wrong, all.certificatesRight], [455, 0, true]);
    assert(all.elapsedMs < 10_000);
  }
  const few = await attackPatients(run, { visits: 15 });
  assertEquals([few.inFullBatches, few.total, few.certificatesRight], [0, 7, true]);
  assertEquals(few.table("t").rows.map(([status, batches]) => [status, batches]), [
    ...[["failed", 28], ["recovered", 1]],
  ]);
  const wide = await trainPatients(patients, { batch: 32, epochs: 33 });
  const none = await attackPatients(wide, { visits: 33 });
  assertEquals([none.inFullBatches, none.certificatesRight], [0, true]);
});

Deno.test("visitMap() counts patients by batch size and visits, by gradients and by residuals", async () => {
  const options = { batches: [4, 10], visits: [3, 4, 8] };
  const map = await visitMap(small, options);
  assertEquals(map.table("t").rows, [[4, 0, 40, 40], [10, 0, 0, 0]]);
  const { name, alt } = map.figure("f");
  assertEquals([name, alt], [
    "f",
    "Patients exact by batch size. 4: all from 4 visits; 10: 0 of 40 at most.",
  ]);
  const shown = await visitMap(small, { ...options, by: "residuals" });
  assertEquals(shown.table("t").rows, [[4, 0, 40, 40], [10, 0, 0, 40]]);
  assert(shown.figure("f").alt.endsWith("4: all from 4 visits; 10: all from 8 visits."));
  assert([...map.attacks, ...shown.attacks].every(({ certificatesRight }) => certificatesRight));
});
