import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Ciphertext } from "lib/he/ckks.ts";
import { clearGradients, type Sizes, weightCounts } from "lib/he/model.ts";
import { packedModel } from "lib/he/packed_model.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { error, rig, sealTest } from "./fixtures.ts";

/** The gradients on ciphertexts against those in the clear. @returns the largest difference. */
async function gradientError(sizes: Sizes): Promise<number> {
  const model = packedModel(sizes);
  using test = await rig(model.params, model.rotations);
  const { key, server, ckks } = test;
  const rng = seededRng(5);
  const weights = weightCounts(sizes).map((count) => gaussian(rng, count));
  const [x, y] = [sizes.batch * sizes.n, sizes.batch * sizes.outputs].map((k) => gaussian(rng, k));
  using scope = new DisposableStack();
  const encrypt = (operands: ReturnType<typeof model.packBatch>): Ciphertext[] =>
    operands.map(({ values, level }) => scope.use(server.load(key.encrypt(values, level))));
  const [batch, encrypted] = [
    encrypt(model.packBatch({ x, y })),
    encrypt(model.packWeights(weights)),
  ];
  assertEquals(batch.map(({ level }) => level), model.batchLevels);
  assertEquals(encrypted.map(({ level }) => level), model.weightLevels);
  const made = model.gradient(server, batch, encrypted).map((one) => scope.use(one));
  assertEquals(made.length, model.gradients);
  const gradients = model.unpack(made.map((one) => key.decrypt(ckks.save(one))));
  const clear = clearGradients(sizes, weights, { x, y });
  assertEquals(gradients.map((g) => g.length), clear.map((g) => g.length));
  return Math.max(...gradients.map((g, i) => error(g, clear[i])));
}

sealTest(
  "the gradient of a linear model on ciphertexts is the clear one, over several of them",
  async () => {
    assert(await gradientError({ n: 3, hidden: 0, outputs: 1, batch: 900 }) < 1e-6); // 4 inputs each
    assert(await gradientError({ n: 9, hidden: 0, outputs: 1, batch: 900 }) < 1e-6); // in 3
  },
);

sealTest("the gradients of a network on ciphertexts are the clear ones", async () => {
  assert(await gradientError({ n: 2, hidden: 2, outputs: 2, batch: 2 }) < 1e-5);
});

Deno.test("packedModel() refuses a batch that does not fit, and sizes that are none", () => {
  const refuse = (sizes: Sizes, why: string) =>
    assertThrows(() => packedModel(sizes), RangeError, why);
  refuse(
    { n: 50, hidden: 16, outputs: 10, batch: 9 },
    "leave 8 samples a ciphertext of 8192 slots",
  );
  refuse(
    { n: 5, hidden: 0, outputs: 1, batch: 4097 },
    "4097 are wanted; take fewer samples a batch",
  );
  refuse({ n: 5, hidden: 0, outputs: 3, batch: 4 }, "a linear model has 1 output");
});

Deno.test("packBatch() and packWeights() refuse other sizes", () => {
  for (const hidden of [0, 3]) {
    const model = packedModel({ n: 2, hidden, outputs: 1, batch: 2 });
    const x = new Float64Array(4);
    assertThrows(() => model.packBatch({ x, y: x }), TypeError, "4 inputs and 4 targets");
    assertThrows(() => model.packWeights([x]), TypeError, "weights of [4] entries");
  }
});
