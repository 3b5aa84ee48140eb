/** A step of MITIG1 at the size of the encrypted run, 7×7 pixels and 16 hidden units: 20 samples decrypted on one
 * Worker and on two, and the client's share. z1 is checked against plain arithmetic, and what two Workers find
 * against what one does. Run: deno bench -A tests/bench/mitig1_bench.ts
 * @module */
import { firstImages, poolImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { encodeCiphertext, encodeFunctionalKey, encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { seededRng } from "lib/math/rng.ts";
import { Decryption } from "lib/protocol/decryption.ts";
import { clearProducts, DEFAULT_SCALES, initialFixedW1 } from "lib/protocol/fixed_net.ts";

const [hidden, batch] = [16, 20];
const images = firstImages(poolImages((await loadMnist()).train, 4), batch);
const { n, x } = images;
const W1 = initialFixedW1({ n, hidden }, DEFAULT_SCALES, seededRng(1));
const pp = {
  group: await startPairing(),
  ...{ n, boundX: 255, boundY: DEFAULT_SCALES.weightBound },
};
const msk = setup(pp);
const row = (matrix: Int32Array | Uint8Array, i: number) => matrix.subarray(i * n, (i + 1) * n);
const keyOf = (i: number) => encodeFunctionalKey(keyDerive(msk, row(W1, i)));
const sampleOf = (i: number) => encodeCiphertext(encrypt(msk, row(x, i)));
const keys = Array.from({ length: hidden }, (_, i) => keyOf(i));
const samples = Array.from({ length: batch }, (_, i) => sampleOf(i));
const expected = await clearProducts(x, n).forward(W1);

for (const workers of [1, 2]) {
  const decryption = new Decryption({ name: "fhipe", pp }, 0, workers);
  await decryption.store(samples);
  const z1 = await decryption.open(keys, 0, batch); // also computes the lines, and where to search next
  if (z1.some((z, i) => z !== expected[i])) throw new Error(`${workers} Workers are wrong`);
  Deno.bench({
    name: `${workers} Worker${workers === 1 ? "" : "s"}`,
    group: `decrypt z1 of ${batch} samples, n=${n}, ${hidden} units`,
    baseline: workers === 1,
    ...{ n: 1, warmup: 0 },
    async fn() {
      await decryption.open(keys, 0, batch);
    },
  });
}

const often = { n: 10, warmup: 1 };
Deno.bench({
  name: `derive and encode a key, n=${n}`,
  group: "the client's share",
  ...often,
  fn: () => void keyOf(0),
});
Deno.bench({
  name: `encrypt and encode a sample, n=${n}`,
  group: "the client's share",
  ...often,
  fn: () => void sampleOf(0),
});
