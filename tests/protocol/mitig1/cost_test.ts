import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
import { encodeCiphertext, encodeFunctionalKey } from "lib/fe/fhipe_encoding.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { type CostModel, fitCostModel, predict, searchSeconds } from "lib/protocol/mitig1/cost.ts";

const model: CostModel = {
  seconds: {
    setup: [1, 0, 1],
    encrypt: [0, 2, 0],
    keyDerive: [0, 3, 0],
    decodeCiphertext: [0, 1],
    decodeKey: [0, 1],
    prepare: [5, 0],
    pair: [1, 1],
  },
  search: [{ distance: 0, seconds: 1 }, { distance: 100, seconds: 2 }],
  bytes: { ciphertext: [10, 2], key: [7, 1] },
};
const size = { n: 8, hidden: 3, samples: 20, batch: 5, epochs: 2, speed: 1 };

Deno.test("predict() counts every operation of a run by hand", () => {
  const { parts, seconds, millerLoops, bytes } = predict(model, size, [0]);
  assertEquals(parts, { // N = 10, 8 steps, 120 decryptions
    setup: 101,
    encrypt: 20 * 20,
    keys: 8 * 3 * (30 + 10),
    receive: 20 * (10 + 5),
    pair: 120 * 11,
    search: 120,
  });
  assertEquals(seconds, 101 + 400 + 960 + 300 + 1320 + 120);
  assertEquals(millerLoops, 120 * 11);
  assertEquals(bytes, { ciphertexts: 20 * 30, keys: 24 * 17 });
});

Deno.test("predict() divides by the server's cores what they share, and only that", () => {
  const [one, two] = [1, 2].map((speed) => predict(model, { ...size, speed }, [25]).parts);
  for (const part of ["receive", "pair", "search"] as const) assertEquals(two[part], one[part] / 2);
  for (const part of ["setup", "encrypt", "keys"] as const) assertEquals(two[part], one[part]);
});

Deno.test("searchSeconds() goes by the root of the distance, between and beyond the measured ones", () => {
  assertEquals([0, 100].map((d) => searchSeconds(model, d)), [1, 2]);
  assertAlmostEquals(searchSeconds(model, 25), 1.5);
  assertAlmostEquals(searchSeconds(model, 400), 4);
});

Deno.test("predict() refuses sizes that no run has", () => {
  for (const name of ["n", "hidden", "samples", "batch", "epochs"] as const) {
    for (const value of [0, 1.5, NaN]) {
      assertThrows(() => predict(model, { ...size, [name]: value }, [0]), RangeError, name);
    }
  }
  assertThrows(() => predict(model, { ...size, speed: 0 }, [0]), RangeError, "speed");
  assertThrows(() => predict(model, size, []), RangeError, "no distances");
});

Deno.test("fitCostModel() gives bytes of a size it has not seen, and costs that grow with n", async () => {
  const group = await startPairing();
  const fitted = await fitCostModel(group);
  const msk = setup({ group, n: 33, boundX: 255, boundY: 255 });
  const x = new Uint8Array(33);
  const one = { n: 33, hidden: 1, samples: 1, batch: 1, epochs: 1, speed: 1 };
  const { bytes } = predict(fitted, one, [0]);
  assertAlmostEquals(bytes.ciphertexts, encodeCiphertext(encrypt(msk, x)).length, 1e-6);
  assertAlmostEquals(bytes.keys, encodeFunctionalKey(keyDerive(msk, x)).length, 1e-6);
  const parts = [49, 784].map((n) => predict(fitted, { ...one, n }, [0]).parts);
  for (const part of ["encrypt", "keys", "receive", "pair"] as const) {
    assert(parts[1][part] > parts[0][part], part);
  }
});
