/** One epoch of MNIST (60 000 images), 300 units, batch 100: mitig3 beside MITIG2 over the same kinds of connection, and
 * beside training in this thread with nothing between. mitig3 over each connection is checked against that first: equal to the
 * last bit. What starts with a training is in the times (Workers, the connection), what serves many is not.
 * Run: deno bench -A tests/bench/mitig3_bench.ts
 * @module */
import { firstImages, type SplitDataset } from "lib/data/dataset.ts";
import { loadMnistFull } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { type Host, hostServer } from "lib/net/hosted.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { train as trainMitig2 } from "lib/protocol/mitig2/client.ts";
import { train as trainMitig3 } from "lib/protocol/mitig3/client.ts";
import { trainNarrow } from "lib/protocol/mitig3/local.ts";
import { NARROW } from "lib/protocol/mitig3/terms.ts";

const workers = navigator.hardwareConcurrency;
const setting = { ...NARROW, epochs: 1 };
const group = `one epoch of 60 000 digits, 300 units, batch ${setting.batch}, ${workers} cores`;
const options = { group, n: 3, warmup: 0 }; // the check was the warm-up

async function load(): Promise<SplitDataset | null> {
  try {
    const { train, test } = await loadMnistFull((message) => console.error(message));
    return { train, test: firstImages(test, 1) };
  } catch (error) {
    console.error(`mitig3_bench skipped: ${(error as Error).message}`);
    return null;
  }
}

/** Trains over a fresh connection. @returns W1. */
async function over(host: Host, data: SplitDataset, protocol: "mitig2" | "mitig3") {
  const connection = await host.connect();
  try {
    const { W1 } = protocol === "mitig2"
      ? await trainMitig2(connection, data, {
        ...{ hidden: 300, workers, rng: seededRng(2) },
        setting: { ...MODERN, epochs: 1, batch: setting.batch },
      })
      : await trainMitig3(connection, data, { setting, workers, insecureSeed: 2 });
    return W1;
  } finally {
    connection.close();
  }
}

const data = await load();
if (data) {
  const local = () =>
    trainNarrow(data.train, { setting, workers, insecureSeed: 2, headRng: seededRng(3) });
  const expected = (await local()).first.W1;
  for (const transport of ["port", "tls"] as const) {
    const two = await hostServer("mitig2", { transport, insecureSeed: 3 });
    const three = await hostServer("mitig3", { transport, insecureSeed: 3 });
    const W1 = await over(three, data, "mitig3");
    if (W1.some((w, i) => w !== expected[i])) throw new Error(`mitig3 over ${transport} is wrong`);
    await over(two, data, "mitig2");
    Deno.bench(
      { ...options, name: `MITIG2, ${transport}`, baseline: transport === "tls" },
      async () => {
        await over(two, data, "mitig2");
      },
    );
    Deno.bench({ ...options, name: `mitig3, ${transport}` }, async () => {
      await over(three, data, "mitig3");
    });
  }
  Deno.bench({ ...options, name: "mitig3, nothing between" }, async () => {
    await local();
  });
}
