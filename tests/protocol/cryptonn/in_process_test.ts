import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { dataset, image, poolImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import {
  stepViews,
  trainEncrypted,
  type TrainOptions,
  trainPlain,
} from "lib/protocol/cryptonn/in_process.ts";
import { DEFAULT_SCALES } from "lib/protocol/fixed_net.ts";
import type { StepRecord } from "lib/protocol/fixed_train.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const small = dataset({
  name: "noise",
  x: seededRng(6).bytes(6 * 4),
  y: Uint8Array.of(0, 1, 0, 1, 1, 0),
  shape: [2, 2, 1],
  classes: ["a", "b"],
});
const scales = {
  ...DEFAULT_SCALES,
  ...{ weightBits: 6, weightBound: 256, gradientBits: 7, gradientBound: 256 },
};
const options: TrainOptions = {
  ...{ hidden: 2, batch: 3, steps: 3, learningRate: 0.5, scales, insecureSeed: 1 },
};

Deno.test("trainEncrypted() on digits yields the weights of trainPlain() bit for bit", async () => {
  const { train } = await loadMnist();
  const pooled = poolImages(train, 4);
  const images = dataset({
    ...pooled,
    x: pooled.x.subarray(0, 40 * pooled.n),
    y: pooled.y.subarray(0, 40),
  });
  const run: TrainOptions = {
    ...{ hidden: 8, batch: 20, steps: 3, learningRate: 2, insecureSeed: 1 }, // into a second epoch
    scales: {
      ...DEFAULT_SCALES,
      ...{ weightBits: 8, weightBound: 2 ** 11, gradientBits: 8, gradientBound: 2 ** 12 },
    },
  };
  const seen: Record<string, StepRecord[]> = { encrypted: [], plain: [] };
  const encrypted = await trainEncrypted(images, {
    ...run,
    onStep: (record) => seen.encrypted.push(record),
  });
  const plain = await trainPlain(images, { ...run, onStep: (record) => seen.plain.push(record) });
  assertEquals(encrypted.net, plain.net);
  assertEquals(seen.encrypted, seen.plain);
  assertNotEquals(encrypted.net.W1, seen.plain[0].W1);
  assert(seen.plain[2].loss < seen.plain[0].loss);

  const { traffic, steps } = encrypted.transcript;
  const counted = (what: string) => traffic.find((t) => t.what === what)!;
  assertEquals(counted("encrypted samples").messages, 2); // once, whatever the number of epochs
  assertEquals(counted("encrypted columns").messages, 2);
  assert(counted("encrypted samples").sizeBytes > 40 * 50 * 32);
  assert(counted("encrypted columns").sizeBytes > 2 * 49 * 21 * 32);
  for (const what of ["rows of W1", "keys for W1", "rows of dz1", "keys for dz1"]) {
    assertEquals(counted(what).messages, 3);
  }
  assert(steps.every(({ elapsedMs }) => elapsedMs > 0));
});

Deno.test({
  name: "trainEncrypted() yields the same on two Workers",
  ignore,
  async fn() {
    const progress: number[] = [];
    const onProgress = (done: number) => progress.push(done);
    const { net } = await trainEncrypted(small, { ...options, workers: 2, onProgress });
    assertEquals(net, (await trainPlain(small, options)).net);
    assertEquals(progress, [1, 2, 3]);
  },
});

Deno.test("trainPlain() at another scale of dz1 or another seed ends in other weights", async () => {
  const { net } = await trainPlain(small, options);
  const other = { ...options, scales: { ...scales, gradientBits: 4 } };
  assertNotEquals((await trainPlain(small, other)).net.W1, net.W1);
  assertNotEquals((await trainPlain(small, { ...options, insecureSeed: 2 })).net.W1, net.W1);
  assertEquals((await trainPlain(small, options)).net, net);
});

Deno.test("trainEncrypted() and trainPlain() refuse the same options", async () => {
  const refused = async (bad: Partial<TrainOptions>, why: string, encrypted = why) => {
    const run = { ...options, ...bad };
    await assertRejects(() => trainPlain(small, run), RangeError, why);
    await assertRejects(() => trainEncrypted(small, run), Error, encrypted);
  };
  await refused({ batch: 4 }, "6 images are not whole batches of 4");
  await refused({ batch: 0 }, "not whole batches of 0", "batch = 0 is not an integer");
  await refused({ steps: 0 }, "steps = 0");
  await refused({ hidden: 0 }, "hidden = 0");
  await refused(
    { learningRate: NaN },
    "rate NaN rounds to 0",
    "learningRate = NaN is not positive",
  );
  await refused({ learningRate: 1e-9 }, "rounds to 0");
  await refused({ learningRate: 5000 }, "not within ±256");
  await refused({ scales: { ...scales, gradientBound: 1 } }, "not within ±1");
});

Deno.test("trainEncrypted() and trainPlain() stop when aborted", async () => {
  for (const train of [trainEncrypted, trainPlain]) {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error("stopped by hand"));
    const run = train(small, { ...options, steps: 1000, signal: stop.signal, onProgress });
    await assertRejects(() => run, Error, "stopped by hand");
  }
});

Deno.test("stepViews() holds z1 = W1·x of each sample of the step", async () => {
  const records: StepRecord[] = [];
  await trainPlain(small, { ...options, onStep: (record) => records.push(record) });
  const views = stepViews(records[1], small.shape, scales);
  assertEquals(views.length, 3);
  views.forEach((view, sample) => {
    const x = image(small, 3 + sample);
    assertEquals([view.hidden, view.n, view.scaleBits], [2, 4, 6]);
    assertEquals(
      view.z1,
      Float64Array.from(
        [0, 4],
        (row) => x.reduce((sum, pixel, j) => sum + pixel * view.W1[row + j], 0),
      ),
    );
  });
});
