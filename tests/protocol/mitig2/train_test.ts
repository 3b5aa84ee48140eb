import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { loadMnist } from "lib/data/mnist.ts";
import { firstImages, image } from "lib/data/dataset.ts";
import { attack } from "lib/attack/attack.ts";
import { floatView } from "lib/attack/view.ts";
import { seededRng } from "lib/math/rng.ts";
import { initialUpper, initialW1 } from "lib/nn/mlp.ts";
import { AUTHORS } from "lib/nn/optimizer.ts";
import { trainMlp } from "lib/nn/train.ts";
import { classify, type EpochReport, train } from "lib/protocol/mitig2/client.ts";
import { type Seen, serve } from "lib/protocol/mitig2/server.ts";
import { inProcess } from "lib/net/connection.ts";
import { Transcript } from "lib/net/transcript.ts";
import { data, hidden, setting, trainBoth } from "./fixtures.ts";

const sizes = { n: 9, hidden, classes: 3 };

Deno.test("train() ends with the weights of local training, to the last bit, labels at either side", async () => {
  for (const chosen of [setting, { ...AUTHORS, epochs: 2, batch: 7 }]) {
    const rng = seededRng(2);
    const W1 = initialW1(sizes, chosen.initial, rng);
    const mlp = { ...sizes, W1, ...initialUpper(sizes, chosen.initial, seededRng(3)) };
    const local = await trainMlp(mlp, data.train, { ...chosen, rng });
    for (const labels of ["server", "client"] as const) {
      const { model } = await trainBoth({ setting: chosen, labels });
      assertEquals(model.W1, local.W1);
      assertNotEquals(model.W1, W1);
    }
  }
});

Deno.test("train() learns, reports every epoch, and notes who sent what", async () => {
  const reports: EpochReport[] = [];
  const transcript = new Transcript();
  const longer = { ...setting, epochs: 12, learningRate: 0.05 };
  const onEpoch = (report: EpochReport) => reports.push(report);
  const { model, reason } = await trainBoth({ setting: longer, onEpoch, transcript });
  assertEquals(reports.map(({ epoch }) => epoch), Array.from({ length: 12 }, (_, i) => i + 1));
  assert(reports.at(-1)!.loss < reports[0].loss / 2, `${reports.map(({ loss }) => loss)}`);
  assertEquals(reports.at(-1)!.testAccuracy, 1);
  assertEquals(model.predictions, data.test.y);
  const z1 = transcript.traffic.find(({ what }) => what === "z1")!;
  assertEquals([z1.from, z1.to, z1.messages], ["client", "server", 12 * 7 * 2]);
  assert(z1.sizeBytes > 12 * 50 * hidden * 4);
  assert(reason.includes("done"), reason);
});

Deno.test("serve() sees z1, dz1 and the labels where they are sent, and no more where they are not", async () => {
  const seen: Seen[] = [];
  await trainBoth({}, { observe: (part) => seen.push(part) });
  assertEquals(seen.length, 3 * 7 * 2);
  assertEquals(seen.reduce((sum, { labels }) => sum + labels!.length, 0), 3 * 50);
  assertEquals([...new Set(seen.map(({ step }) => step))], Array.from({ length: 21 }, (_, i) => i));
  const shy: Seen[] = [];
  await trainBoth({ labels: "client" }, { observe: (part) => shy.push(part) });
  assert(shy.every(({ labels }) => labels === null));
  assertEquals(shy.map(({ dz1 }) => dz1), seen.map(({ dz1 }) => dz1));
});

Deno.test("classify() is told by the server that there is no such model where nothing is kept", async () => {
  const { model } = await trainBoth();
  const [ours, theirs] = inProcess();
  const ended = serve(theirs);
  let message = "";
  await classify(ours, model, data.test.x).catch((error) => message = String(error));
  assert(message.includes("there is none here"), message);
  assert((await ended).includes("there is none here"));
});

Deno.test("serve() with the authors' shared seed rebuilds W1 of step 0, and the LP returns the image; without, it finds none", async () => {
  const { train: all, test } = await loadMnist();
  const digits = { train: firstImages(all, 10), test: firstImages(test, 10) };
  const sizes = { n: 784, hidden: 300, classes: 10 };
  const chosen = { ...AUTHORS, epochs: 1, batch: 10 };
  for (const clientSeed of [0, 1]) {
    const [ours, theirs] = inProcess();
    const seen: Seen[] = [];
    const ended = serve(theirs, { rng: seededRng(0), observe: (part) => seen.push(part) });
    const rng = seededRng(clientSeed);
    await train(ours, digits, { hidden: sizes.hidden, setting: chosen, rng });
    ours.close();
    await ended;
    const guess = initialW1(sizes, "authors", seededRng(0)); // all that the server needs is its own seed
    const view = floatView({
      W1: guess,
      z1: seen[0].z1.slice(0, sizes.hidden),
      shape: [28, 28, 1],
    });
    const [found] = await attack([view], { objective: "tv-sum", workers: 0 });
    if (clientSeed === 0) {
      assertEquals(found.xHat!.map(Math.round), Float64Array.from(image(digits.train, 0)));
    } else {
      assertEquals(found.status, "infeasible");
    }
  }
});
