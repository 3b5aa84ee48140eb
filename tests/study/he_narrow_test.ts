import { assert, assertEquals } from "@std/assert";
import { loadMnist } from "lib/data/mnist.ts";
import { narrowUnderCkks } from "lib/study/he_narrow.ts";
import { sealTest } from "../he/fixtures.ts";

sealTest(
  "narrowUnderCkks() trains encrypted, in the clear and with noise, and measures",
  async () => {
    const run = await narrowUnderCkks(await loadMnist(), {
      ...{ train: 64, test: 100, epochs: 1, insecureSeed: 1, transport: "port" },
    });
    assertEquals(run.encrypted, run.clear);
    assert(run.noisy >= 0 && run.seconds > 0 && run.serverMs > 0);
    assert(run.sizeBytes > 1e4 && run.sizeBytes < 1e6);
    assertEquals(run.table().rows.length, 3);
  },
);
