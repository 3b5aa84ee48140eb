/** The server's part in a Worker: bytes in, inner products out.
 * @module */
/// <reference lib="deno.worker" />
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "lib/fe/fhipe.ts";
import { startPairing } from "lib/math/pairing/group.ts";

self.onmessage = async ({ data }: MessageEvent<{ keys: Uint8Array[]; ctX: Uint8Array }>) => {
  const group = await startPairing();
  const keys = data.keys.map((bytes) => decodeFunctionalKey(group, bytes));
  self.postMessage(decryptMany(keys, decodeCiphertext(group, data.ctX)));
};
