/** CryptoNN with its three parties in one process: the forward pass of the first layer that the attacks start from,
 * and whole trainings, encrypted and in the clear.
 *
 *   authority → client: public keys          client → server: encrypted samples and columns, labels
 *   server ↔ authority: rows of W1 and keys for them; in training also rows of dz1 and keys for them
 *
 * All that crosses between parties is bytes, and the transcript counts them; the parties are those that run on three
 * machines (`deno task cryptonn:authority`, `cryptonn:server`, `cryptonn:client`). Both trainings take their steps in
 * `fixed_train.ts` and differ only in where the integers z1 and dW1 come from, so they end in the same weights, bit for
 * bit.
 * @see Xu, Joshi, Li, "CryptoNN: Training Neural Networks over Encrypted Data", ICDCS 2019.
 * @module */
import { type ServerView, serverViews } from "../../attack/view.ts";
import { type Dataset, image } from "../../data/dataset.ts";
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "../../fe/ipfe.ts";
import { rangeOf } from "../../fe/params.ts";
import { prepareDlog } from "../../math/dlog.ts";
import { secureRng, seededRng } from "../../math/rng.ts";
import { inProcess } from "../../net/connection.ts";
import { Transcript } from "../../net/transcript.ts";
import { decodeMessage, encodeMessage } from "../../net/wire.ts";
import { breather } from "../../workers/pool.ts";
import { DEFAULT_SCALES, type FixedNet, initFixedNet, type Scales } from "../fixed_net.ts";
import { type StepRecord, trainFixed } from "../fixed_train.ts";
import { Authority } from "./authority.ts";
import { ClientSession, train } from "./client.ts";
import type { FirstLayer } from "./first_layer.ts";
import { KeyRequests, serve } from "./server.ts";
import { paramsOf, type Terms } from "./terms.ts";

/** Runs the encrypted forward pass for the given images.
 * @param layer the server's first layer.   @param images the client's data.
 * @param indices which images to encrypt and send.
 * @returns what the server knows afterwards, one view an image, and the transcript.
 * @throws {TypeError} images of another size than the layer's. {RangeError} no such image.
 * @throws the signal's reason when aborted, between two samples. */
export async function forwardPass(
  { W1, n, scaleBits }: FirstLayer,
  images: Dataset,
  indices: readonly number[],
  { signal, onProgress }: {
    signal?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<{ views: ServerView[]; transcript: Transcript }> {
  if (images.n !== n) {
    throw new TypeError(`Cannot compute z1: W1 takes ${n} pixels, ${images.name} has ${images.n}`);
  }
  const transcript = new Transcript();
  const authority = new Authority({ transcript });
  const [toClient, toServer] = [authority.connect(), authority.connect()];
  try {
    const pp = paramsOf(n, W1.reduce((largest, w) => Math.max(largest, Math.abs(w)), 1));
    const on = { transcript, signal };
    const client = await ClientSession.open(toClient, [pp], on);
    const keys = await new KeyRequests(toServer, client.name, on).ask("W1", pp, W1);
    const skYs = keys.map(decodeFunctionalKey);
    await prepareDlog(pp.group, rangeOf(pp), { signal });
    const breathe = breather(signal);
    const z1s: Float64Array[] = [];
    for (const index of indices) {
      await breathe();
      const ciphertexts = [client.encrypt("sample", image(images, index))];
      const what = "encrypted samples";
      const sent = transcript.send("client", "server", what, encodeMessage(what, { ciphertexts }));
      await breathe();
      const [ctX] = decodeMessage(sent, what).parts("ciphertexts");
      const decrypt = () => decryptMany(skYs, decodeCiphertext(ctX));
      z1s.push(transcript.time("server", "decrypt z1 of a sample", decrypt));
      onProgress?.(z1s.length, indices.length);
    }
    return { views: serverViews({ W1, z1s, shape: images.shape, scaleBits }), transcript };
  } finally {
    toClient.close();
    toServer.close();
  }
}

/** How to train. */
export interface TrainOptions
  extends
    Pick<Terms, "hidden" | "batch" | "steps" | "learningRate">,
    Partial<Pick<Terms, "scales">> {
  /** Repeats the initial weights, which are the server's own and no secret. Keys and ciphertexts always come
   * from the CSPRNG; they do not touch the result. */
  readonly insecureSeed?: number;
  readonly signal?: AbortSignal;
  /** Counts steps. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called after each step with all that the server learned in it. */
  readonly onStep?: (record: StepRecord, step: number) => void;
}

const rngOf = ({ insecureSeed }: TrainOptions) =>
  insecureSeed === undefined ? secureRng() : seededRng(insecureSeed);

/** Trains on encrypted images.
 * @param options.workers decrypts over so many Workers; 0 and 1 are this thread. The result is the same.
 * @throws {RangeError} images that are not whole batches, sizes or bounds out of range. {ConnectionError} what ended
 * the training at another party, a weight or gradient that outgrows its bound among them.
 * @throws the signal's reason when aborted. */
export async function trainEncrypted(
  images: Dataset,
  options: TrainOptions & { readonly workers?: number },
): Promise<{ net: FixedNet; transcript: Transcript }> {
  const { workers = 1, signal, onProgress, onStep } = options;
  const transcript = new Transcript();
  const authority = new Authority({ transcript });
  const [ours, theirs] = inProcess();
  const toAuthority = authority.connect();
  let net: FixedNet | undefined;
  const served = serve(theirs, {
    ...{ transcript, signal, rng: rngOf(options), workers: workers === 1 ? 0 : workers },
    authority: () => Promise.resolve(authority.connect()),
    observe(record, step, after) {
      net = after;
      onStep?.(record, step);
    },
  });
  try {
    const connections = { authority: toAuthority, server: ours };
    await train(connections, images, { ...options, transcript, onStep: onProgress });
    return { net: net!, transcript };
  } finally {
    ours.close();
    toAuthority.close();
    await served;
  }
}

/** Trains the same network on the same batches in the clear, in the same fixed-point integers.
 * @throws as `trainFixed`, and {RangeError} sizes out of range. */
export async function trainPlain(
  images: Dataset,
  options: TrainOptions,
): Promise<{ net: FixedNet }> {
  const { hidden, scales = DEFAULT_SCALES } = options;
  const sizes = { n: images.n, hidden, classes: images.classes.length };
  return await trainFixed(initFixedNet(sizes, scales, rngOf(options)), images, options);
}

/** What an attacker reads off a step, one view a sample. */
export function stepViews(
  { W1, z1 }: StepRecord,
  shape: Dataset["shape"],
  scales: Scales,
): ServerView[] {
  const hidden = W1.length / (shape[0] * shape[1] * shape[2]);
  const z1s = Array.from(
    { length: z1.length / hidden },
    (_, sample) => z1.subarray(sample * hidden, (sample + 1) * hidden),
  );
  return serverViews({ W1, z1s, shape, scaleBits: scales.weightBits });
}
