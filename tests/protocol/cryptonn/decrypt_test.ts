import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { encodeCiphertext, encodeFunctionalKey, encrypt, keyDerive, setup } from "lib/fe/ipfe.ts";
import { DlogNotFoundError } from "lib/fe/params.ts";
import { group } from "lib/math/group.ts";
import { decryptAll, decryptPool } from "lib/protocol/cryptonn/decrypt.ts";
import { ProtocolError } from "lib/net/wire.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const pp = { group: group("ristretto255"), n: 2, boundX: 20, boundY: 10 };
const { mpk, msk } = setup(pp);
const ys = [[1, 2], [-10, 10], [0, 0]];
const xs = Array.from({ length: 11 }, (_, i) => [i, 20 - i]);
const job = {
  keys: ys.map((y) => encodeFunctionalKey(keyDerive(msk, y))),
  ciphertexts: xs.map((x) => encodeCiphertext(encrypt(mpk, x))),
};
const expected = Float64Array.from(xs.flatMap((x) => ys.map((y) => x[0] * y[0] + x[1] * y[1])));
const foreign = { ...job, keys: [encodeFunctionalKey(keyDerive(setup(pp).msk, [1, 1]))] };

Deno.test("decryptAll() returns every product in this thread, with progress", async () => {
  const seen: number[] = [];
  const onProgress = (done: number) => seen.push(done);
  assertEquals(await decryptAll(job, { onProgress }), expected);
  assertEquals(seen, xs.map((_, i) => i + 1));
  assertEquals(await decryptAll({ ...job, ciphertexts: [] }), new Float64Array());
  await assertRejects(() => decryptAll(foreign), DlogNotFoundError, "no inner product");
});

Deno.test({
  name: "decryptAll() returns the same for any number of Workers",
  ignore,
  async fn() {
    for (const workers of [2, 3]) {
      let last = 0;
      const onProgress = (done: number, total: number) => {
        assert(done > last && total === xs.length);
        last = done;
      };
      using pool = decryptPool(workers);
      assertEquals(await decryptAll(job, { pool, onProgress }), expected);
      assertEquals(last, xs.length);
    }
    using pool = decryptPool(2);
    assertEquals(await decryptAll({ ...job, ciphertexts: [] }, { pool }), new Float64Array());
    for (let again = 0; again < 2; again++) { // the same Workers serve the next call
      assertEquals(await decryptAll(job, { pool }), expected);
    }
  },
});

Deno.test({
  name: "decryptAll() says what went wrong in a Worker",
  ignore,
  fn: async () => {
    using pool = decryptPool(2);
    await assertRejects(
      () => decryptAll(foreign, { pool }),
      ProtocolError,
      "no inner product in [-400, 400]",
    );
  },
});

Deno.test("decryptAll() stops between two ciphertexts when aborted", async () => {
  const stop = new AbortController();
  let done = 0;
  const onProgress = () => {
    if (++done === 2) stop.abort(new Error("stopped by hand"));
  };
  const options = { signal: stop.signal, onProgress };
  await assertRejects(() => decryptAll(job, options), Error, "stopped by hand");
  assertEquals(done, 2);
});

Deno.test({
  name: "decryptAll() returns at once from its Workers when aborted",
  ignore,
  async fn() {
    const many = { ...job, ciphertexts: Array.from({ length: 20_000 }, () => job.ciphertexts[0]) };
    const stop = new AbortController();
    using pool = decryptPool(2);
    const options = { pool, signal: stop.signal };
    const start = performance.now();
    setTimeout(() => stop.abort(new Error("stopped by hand")), 300);
    await assertRejects(() => decryptAll(many, options), Error, "stopped by hand");
    assertLess(performance.now() - start, 5000);
  },
});
