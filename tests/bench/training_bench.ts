/** Encrypted training of 14×14 digits, 16 hidden units, batch 50: a step in this thread, on a pool of Workers
 * and in the clear. First the weights are compared bit for bit, then the cost model is held against sizes it
 * was not fitted on, and asked for the full run; its errors are printed.
 * Run: deno bench -A tests/bench/training_bench.ts
 * @module */
import { firstImages, poolImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { fitCost, predictCost } from "lib/protocol/cost.ts";
import { forwardPass, trainEncrypted, trainPlain } from "lib/protocol/cryptonn/in_process.ts";
import { DEFAULT_SCALES, initFixedNet } from "lib/protocol/fixed_net.ts";
import type { StepRecord } from "lib/protocol/fixed_train.ts";
import type { Transcript } from "lib/net/transcript.ts";

const cores = navigator.hardwareConcurrency;
const { train } = await loadMnist();
const digits = poolImages(train, 2);
const options = { hidden: 16, batch: 50, steps: 1, learningRate: 2, insecureSeed: 1 };
const images = firstImages(digits, 50);

const decrypting = (transcript: Transcript) =>
  transcript.steps.filter(({ what }) => what.startsWith("decrypt"))
    .reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / 1000;
const percent = (predicted: number, real: number) =>
  `predicted ${predicted.toFixed(1)} s, took ${real.toFixed(1)} s: ` +
  `${(100 * (predicted / real - 1)).toFixed(0)} %`;

const model = await fitCost("cryptonn", { cores });
let entries: StepRecord | undefined;
const onStep = (record: StepRecord) => entries = record;
const plain = await trainPlain(images, { ...options, onStep });
for (const workers of cores > 1 ? [1, cores] : [1]) {
  const start = performance.now();
  const { net, transcript } = await trainEncrypted(images, { ...options, workers });
  const seconds = (performance.now() - start) / 1000;
  if (!net.W1.every((w, i) => w === plain.net.W1[i])) throw new Error("Cannot time: W1 differs");
  const size = { n: digits.n, hidden: 16, samples: 50, batch: 50, epochs: 1, cores: workers };
  const predicted = predictCost(model, size, entries);
  console.log(
    `14×14, 16 hidden, batch 50, ${workers} cores: ${percent(predicted.seconds, seconds)}`,
  );
  const { forward, backward } = predicted.parts;
  console.log(`  of it decryption: ${percent(forward + backward, decrypting(transcript))}`);
}

// One sample at the full size: what the fit must reach.
const [n, hidden] = [784, 300];
const net = initFixedNet({ n, hidden, classes: 10 }, DEFAULT_SCALES, seededRng(1));
const layer = { W1: net.W1, hidden, n, scaleBits: DEFAULT_SCALES.weightBits, finer: new Map() };
const { transcript } = await forwardPass(layer, train, [0]);
const one = { n, hidden, samples: 1, batch: 1, epochs: 1, cores: 1 };
const sample = predictCost(model, one, { W1: net.W1, dz1: [1] }).parts.forward;
console.log(`28×28, 300 hidden, decrypt one sample: ${percent(sample, decrypting(transcript))}`);
for (const workers of cores > 1 ? [1, cores] : [1]) {
  const size = { n, hidden, samples: 60_000, batch: 250, epochs: 10, cores: workers };
  const { seconds, bytes } = predictCost(model, size);
  const gigabytes = Object.values(bytes).reduce((sum, part) => sum + part, 0) / 1e9;
  console.log(
    `784-300-10, 60 000 samples, 10 epochs, ${workers} cores: predicted ` +
      `${(seconds / 86_400).toFixed(1)} days, ${gigabytes.toFixed(1)} GB`,
  );
}

const group = "one step with its encryption, 14×14, 16 hidden, batch 50";
const once = { group, n: 1, warmup: 0 };
Deno.bench({ ...once, name: "encrypted, this thread", baseline: true }, async () => {
  await trainEncrypted(images, { ...options, workers: 1 });
});
Deno.bench({ ...once, name: `encrypted, ${cores} Workers` }, async () => {
  await trainEncrypted(images, { ...options, workers: cores });
});
Deno.bench({ ...once, name: "in the clear, same integers" }, async () => {
  await trainPlain(images, options);
});
