import { assert, assertEquals, assertThrows } from "@std/assert";
import { HeCost, ringCost } from "lib/study/he_cost.ts";
import { trainOnCiphertexts } from "lib/study/he_training.ts";
import { sealTest, SMALL } from "../he/fixtures.ts";

sealTest(
  "trainOnCiphertexts() trains beside the twin, in a Worker, and measures both",
  async () => {
    const progress: number[][] = [];
    const runs = await trainOnCiphertexts({
      ...{ names: ["patients"], epochs: { patients: 3 }, insecureSeed: 1, transport: "port" },
      onProgress: (...at) => progress.push(at),
    });
    assertEquals(progress, [[1, 3], [2, 3], [3, 3]]);
    assert(runs.gradientError > 0 && runs.gradientError < 1e-6);
    const { encrypted, clear, of } = runs.right("patients");
    assertEquals([encrypted, of], [clear, 114]);
    const { keys, batches, up, down } = runs.bytes("patients");
    assert(keys > 5e6 && batches > up && up > down && down > 4e5);
    const { server, client } = runs.seconds("patients");
    const { stepSeconds, weights } = runs.run("patients");
    assert(server > 0 && client > 0 && stepSeconds > server / 2);
    assertEquals(weights.map(([w]) => w.length), [31, 31, 31, 31]);
    assertEquals(runs.table().rows[0].slice(0, 3), ["patients", "30-1", 3]);
    assertEquals(runs.bytesTable().rows.length, 1);
    assertEquals(runs.figure("accuracy").name, "accuracy");
    assert(JSON.stringify(runs.sequence("sequence", "patients")).includes("weights, encrypted"));
    assertThrows(() => runs.run("iris"), RangeError, "Cannot find a training of iris");
  },
);

sealTest("ringCost() measures what it has checked", async () => {
  const { ms, bytes, productError } = await ringCost(
    { ...SMALL, degree: 8192, depth: 1, scaleBits: 48, baseBits: 60 },
    1,
  );
  for (const [what, time] of Object.entries(ms)) assert(time > 0, what);
  assert(bytes.fresh < bytes.key && productError < 1e-6);
});

Deno.test("paperSize() counts 64 ciphertexts a sample", () => {
  const { secondsASample, days } = HeCost.paperSize(0.5);
  assertEquals([secondsASample, Math.round(days)], [32, 222]);
});
