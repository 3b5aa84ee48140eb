import { assertEquals } from "@std/assert";
import { encodeCiphertext, encodeFunctionalKey, encrypt, keyDerive, setup } from "lib/fe/ipfe.ts";
import { group } from "lib/math/group.ts";

Deno.test({
  name: "decryptMany() runs in a Worker, from bytes",
  ignore: (await Deno.permissions.query({ name: "read" })).state !== "granted",
  fn: async () => {
    const pp = { group: group("ristretto255"), n: 2, boundX: 10, boundY: 10 };
    const { mpk, msk } = setup(pp);
    const keys = [[1, 2], [-10, 10]].map((y) => encodeFunctionalKey(keyDerive(msk, y)));
    const ctX = encodeCiphertext(encrypt(mpk, [3, 4]));
    const worker = new Worker(import.meta.resolve("./decrypt_worker.ts"), { type: "module" });
    const z = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
      worker.postMessage({ keys, ctX });
    });
    worker.terminate();
    assertEquals(z, Float64Array.of(11, 10));
  },
});
