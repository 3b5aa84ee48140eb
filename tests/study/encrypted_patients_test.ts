import { assert, assertEquals } from "@std/assert";
import {
  EncryptedPatients,
  encryptedPatients,
  patientTerms,
} from "lib/study/encrypted_patients.ts";
import { PatientRun, type Patients, patientSamples, trainPatients } from "lib/study/patients.ts";

const { train, test } = await patientSamples();

/** Three features of samples, the ones and the labels. */
function narrow(samples: typeof train, count: number): typeof train {
  const u = Int32Array.from({ length: count * 5 }, (_, at) => {
    const [i, k] = [Math.floor(at / 5), at % 5];
    return samples.u[i * 32 + (k < 3 ? k : k + 27)];
  });
  return { ...samples, n: 3, count, u };
}
const small: Patients = { train: narrow(train, 20), test: narrow(test, 114) };

Deno.test("encryptedPatients() decrypts the clear run, bit for bit, and would see another gradient", async () => {
  const found = await encryptedPatients(small, { epochs: 2, starts: [0, 2], workers: 0 });
  assert(found.equal);
  assertEquals(found.encrypted.steps.map(({ epoch, batch }) => [epoch, batch]), [
    ...[[0, 0], [0, 1], [1, 0], [1, 1]],
  ]);
  assertEquals(found.encrypted.weights, (await trainPatients(small, { epochs: 2 })).weights);
  assert(found.bytesAPatient > 1000 && found.stepSeconds > 0 && found.seconds > 0);
  assertEquals(found.table("t").rows[0][0], 4);
  assertEquals(found.sequence("s").name, "s");
  const { encrypted: { weights, steps, samples, batch, accuracy } } = found;
  const other = steps.with(3, { ...steps[3], gradient: steps[3].gradient.map((g) => g + 1) });
  const altered = new PatientRun(weights, other, samples, batch, accuracy, 1);
  assert(!new EncryptedPatients(altered, found.clear, found.transcript, 1).equal);
});

Deno.test("patientTerms() bound what the samples have", () => {
  const { boundX, boundY, n, batch } = patientTerms(train, 1);
  assertEquals([n, batch, boundY], [30, 16, 64]);
  assertEquals(boundX, train.u.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
});
