import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Ciphertext } from "lib/he/ckks.ts";
import { packedHead } from "lib/he/head.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { clearHeadGradient } from "lib/protocol/he/narrow.ts";
import { error, rig, sealTest } from "./fixtures.ts";

const sizes = { n: 11, hidden: 0, outputs: 10, batch: 20 }; // 16 a ciphertext: two of them

sealTest(
  "the gradients of a layer and of its inputs on ciphertexts are the clear ones",
  async () => {
    const model = packedHead(sizes);
    using test = await rig(model.params, model.rotations);
    const { key, server, ckks } = test;
    const rng = seededRng(4);
    const [A, x, y] = [10 * 11, 20 * 11, 20 * 10].map((length) => gaussian(rng, length));
    using scope = new DisposableStack();
    const encrypt = (operands: ReturnType<typeof model.packBatch>): Ciphertext[] =>
      operands.map(({ values, level }) => scope.use(server.load(key.encrypt(values, level))));
    const [batch, weights] = [encrypt(model.packBatch({ x, y })), encrypt(model.packWeights([A]))];
    assertEquals(batch.map(({ level }) => level), model.batchLevels);
    const made = model.gradient(server, batch, weights).map((one) => scope.use(one));
    assertEquals(made.length, model.gradients);
    const gradients = model.unpack(made.map((one) => key.decrypt(ckks.save(one))));
    const clear = await clearHeadGradient(10, 11)(A, x, y);
    gradients.forEach((gradient, i) => {
      assertEquals(gradient.length, clear[i].length);
      assert(error(gradient, clear[i]) < 1e-5);
    });
  },
);

Deno.test("packedHead() refuses a layer that does not fit, and other sizes", () => {
  const wide = { n: 100, hidden: 0, outputs: 100, batch: 1 };
  assertThrows(() => packedHead(wide), RangeError, "leave 0 samples a ciphertext of 4096 slots");
  const x = new Float64Array(3);
  assertThrows(() => packedHead(sizes).packWeights([x]), TypeError, "weights of [3] entries");
  assertThrows(() => packedHead(sizes).packBatch({ x, y: x }), TypeError, "3 inputs and 3 targets");
});
