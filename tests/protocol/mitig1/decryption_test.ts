import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
import { encodeCiphertext, encodeFunctionalKey } from "lib/fe/fhipe_encoding.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { Decryption } from "lib/protocol/mitig1/decryption.ts";
import { Samples } from "lib/protocol/mitig1/samples.ts";

const read = (await Deno.permissions.query({ name: "read" })).state === "granted";
const pp = { group: await startPairing(), n: 2, boundX: 255, boundY: 100 };
const msk = setup(pp);
const images = [[1, 2], [0, 0], [255, 255], [30, 4], [5, 60], [7, 7], [8, 0]];
const rows = [[1, -1], [-100, 100], [3, 0]];
const samples = images.map((x) => encodeCiphertext(encrypt(msk, x)));
const keys = rows.map((y) => encodeFunctionalKey(keyDerive(msk, y)));
const expected = (from: number, to: number) =>
  Float64Array.from(
    images.slice(from, to).flatMap(([a, b]) => rows.map(([c, d]) => a * c + b * d)),
  );

for (const workers of read ? [0, 1, 3] : [0]) {
  Deno.test(`Decryption opens any run of samples, however they came, with ${workers} Workers`, async () => {
    using decryption = new Decryption(pp, 7, workers);
    for (const [from, to] of [[0, 1], [1, 5], [5, 7]]) {
      await decryption.store(samples.slice(from, to));
      assertEquals(decryption.count, to);
    }
    for (const [from, to] of [[0, 7], [2, 4], [3, 7], [6, 7], [0, 7]]) {
      assertEquals(await decryption.open(keys, from, to), expected(from, to));
    }
    const far = rows.map(([a, b]) =>
      encodeFunctionalKey(keyDerive(msk, [-b, -100 * Math.sign(a)]))
    );
    const sums = rows.map(([a, b]) => 255 * (-b - 100 * Math.sign(a)));
    assertEquals(await decryption.open(far, 2, 3), Float64Array.from(sums)); // whatever the last guess
    assertEquals(await decryption.open(keys, 2, 3), expected(2, 3));
    assertEquals(await decryption.openOnce(keys, samples.slice(3)), expected(3, 7));
    assertEquals(await decryption.openOnce(keys, []), new Float64Array());
    assertEquals(decryption.count, 7);
  });
}

Deno.test("Decryption keeps none of some samples when one of them is malformed", async () => {
  using decryption = new Decryption(pp, 7, 0);
  const cut = samples[0].slice(1);
  await assertRejects(() => decryption.store([samples[0], cut]), RangeError, "Cannot decode ctX");
  assertEquals(decryption.count, 0);
  await decryption.store([samples[3]]);
  assertEquals(await decryption.open(keys, 0, 1), expected(3, 4));
});

Deno.test("Decryption refuses a number of Workers that is none", () => {
  assertThrows(() => new Decryption(pp, 7, -1), RangeError, "-1 workers");
  assertThrows(() => new Decryption(pp, 7, 0.5), RangeError, "0.5 workers");
});

Deno.test("Samples stops between two keys of one sample when the look between them says so", async () => {
  const stop = new AbortController();
  let looks = 0;
  const kept = new Samples(pp, 2 ** 20, stop.signal, () => {
    if (++looks === 2) stop.abort(new Error("nobody waits"));
  });
  await kept.obey({ do: "store", ciphertexts: samples.slice(0, 1) });
  await assertRejects(() => kept.obey({ do: "open", keys, from: 0, to: 1 }), Error, "nobody waits");
  assertEquals(looks, 2); // of three keys
});
