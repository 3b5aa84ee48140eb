/** The forward pass of the first layer in CryptoNN, the three parties wired together in one process.
 *
 *   authority → client: public key          server → authority: rows of W1
 *   authority → server: functional keys     client → server: encrypted samples
 *
 * All that crosses between parties is bytes, and the transcript counts them.
 * @see Xu, Joshi, Li, "CryptoNN: Training Neural Networks over Encrypted Data", ICDCS 2019.
 * @module */
import type { ServerView } from "../../attack/view.ts";
import type { Dataset } from "../../data/dataset.ts";
import { group } from "../../math/group.ts";
import { prepareDlog } from "../../math/dlog.ts";
import { rangeOf } from "../../fe/params.ts";
import { Transcript } from "../../net/transcript.ts";
import { Authority } from "./authority.ts";
import { Client } from "./client.ts";
import type { FirstLayer } from "./first_layer.ts";
import { Server } from "./server.ts";

/** Pixels are bytes. */
const BOUND_X = 255;

/** Runs the encrypted forward pass for the given images.
 * @param layer the server's first layer.   @param images the client's data.
 * @param indices which images to encrypt and send.
 * @returns what the server knows afterwards, one view an image, and the transcript.
 * @throws the signal's reason when aborted, between two samples. */
export async function forwardPass(
  layer: FirstLayer,
  images: Dataset,
  indices: readonly number[],
  { signal, onProgress }: {
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<{ views: ServerView[]; transcript: Transcript }> {
  const transcript = new Transcript();
  const server = new Server(layer);
  const pp = {
    group: group("ristretto255"),
    n: images.n,
    boundX: BOUND_X,
    boundY: server.boundY,
  };
  const authority = transcript.time("authority", "setup", () => new Authority(pp));
  const client = new Client(images);
  client.acceptPublicKey(
    transcript.send("authority", "client", "public key", authority.publicKey()),
  );

  const request = transcript.send("server", "authority", "rows of W1", server.requestKeys());
  const keys = transcript.time("authority", "derive keys", () => authority.deriveKeys(request));
  server.acceptKeys(transcript.send("authority", "server", "functional keys", keys));
  await prepareDlog(pp.group, rangeOf(pp), { signal });

  const views: ServerView[] = [];
  for (const index of indices) {
    const ctX = transcript.time("client", "encrypt a sample", () => client.encryptSample(index));
    const message = transcript.send("client", "server", "encrypted samples", ctX);
    views.push(transcript.time("server", "decrypt z1 of a sample", () => server.forward(message)));
    onProgress?.(views.length, indices.length);
    await new Promise((resolve) => setTimeout(resolve)); // let the stop button and the display in
    signal?.throwIfAborted();
  }
  return { views, transcript };
}
