/** The server's part in a Worker: bytes in, inner products out.
 * @module */
/// <reference lib="deno.worker" />
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "lib/fe/ipfe.ts";

self.onmessage = ({ data }: MessageEvent<{ keys: Uint8Array[]; ctX: Uint8Array }>) => {
  self.postMessage(decryptMany(data.keys.map(decodeFunctionalKey), decodeCiphertext(data.ctX)));
};
