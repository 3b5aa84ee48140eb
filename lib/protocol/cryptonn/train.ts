/** Encrypted training as CryptoNN does it, the three parties wired together in one process, and the same
 * training in the clear.
 *
 *   authority → client: two public keys      client → server: encrypted samples and columns, labels
 *   each step, server ↔ authority: rows of W1 and keys for them, rows of dz1 and keys for them
 *
 * The authority holds two IPFE instances: n = pixels for samples, n = m for columns, each with the bounds that
 * the scales state. A batch is encrypted when it is first used; its ciphertexts serve every later epoch. Both
 * trainings take their steps in `fixed_step.ts` and differ only in where the integers z1 and dW1 come from,
 * so they end in the same weights, bit for bit.
 * @module */
import { type ServerView, serverViews } from "../../attack/view.ts";
import type { Dataset } from "../../data/dataset.ts";
import { rangeOf } from "../../fe/params.ts";
import { prepareDlog } from "../../math/dlog.ts";
import { group } from "../../math/group.ts";
import { secureRng, seededRng } from "../../math/rng.ts";
import { breather } from "../../workers/pool.ts";
import { initFixedNet } from "../fixed_net.ts";
import { DEFAULT_SCALES, type FixedNet, type Scales, type StepRecord } from "../fixed_step.ts";
import { checkBatches, trainFixed } from "../fixed_train.ts";
import { Transcript } from "../../net/transcript.ts";
import { Authority } from "./authority.ts";
import { Client } from "./client.ts";
import { type DecryptOptions, decryptPool } from "./decrypt.ts";
import { TrainingServer } from "./training_server.ts";

/** Pixels are bytes. */
const BOUND_X = 255;

/** How to train. */
export interface TrainOptions {
  /** Hidden units. */
  readonly hidden: number;
  /** Samples a step, m; divides the number of images. Step k takes batch k modulo the number of batches. */
  readonly batch: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly scales?: Scales;
  /** Repeats the initial weights, which are the server's own and no secret. Keys and ciphertexts always come
   * from the CSPRNG; they do not touch the result. */
  readonly insecureSeed?: number;
  readonly signal?: AbortSignal;
  /** Counts steps. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called after each step with all that the server learned in it. */
  readonly onStep?: (record: StepRecord, step: number) => void;
}

/** Trains on encrypted images.
 * @param options.workers decrypts over so many Workers, as in `decryptAll`; the result is the same.
 * @throws {RangeError} images that are not whole batches, sizes or bounds out of range, a weight or gradient
 * that outgrows its bound.   @throws the signal's reason when aborted. */
export async function trainEncrypted(
  images: Dataset,
  options: TrainOptions & { readonly workers?: number },
): Promise<{ net: FixedNet; transcript: Transcript }> {
  const { learningRate, steps, workers = 1, signal, onProgress, onStep } = options;
  const { net, batches } = start(images, options);
  const transcript = new Transcript();
  using pool = decryptPool(workers);
  const { parties, params } = connect(images, net, options.batch, transcript, { pool, signal });
  for (const pp of params) await prepareDlog(pp.group, rangeOf(pp), { signal });

  const received = new Map<number, number>(); // which of our batches the server holds under which number
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    const which = step % batches.length;
    if (!received.has(which)) {
      received.set(which, await sendBatch(parties, batches[which], images.n, transcript, signal));
    }
    const record = await parties.server.step(received.get(which)!, learningRate);
    onStep?.(record, step);
    onProgress?.(step + 1, steps);
  }
  return { net: parties.server.net, transcript };
}

/** Trains the same network on the same batches in the clear, in the same fixed-point integers.
 * @throws as `trainEncrypted`. */
export async function trainPlain(
  images: Dataset,
  options: TrainOptions,
): Promise<{ net: FixedNet }> {
  return await trainFixed(start(images, options).net, images, options);
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

/** The untrained network and the batches, as image indices. */
function start(
  images: Dataset,
  { hidden, batch, steps, scales = DEFAULT_SCALES, insecureSeed }: TrainOptions,
): { net: FixedNet; batches: number[][] } {
  const count = checkBatches(images.count, batch, steps);
  const rng = insecureSeed === undefined ? secureRng() : seededRng(insecureSeed);
  const sizes = { n: images.n, hidden, classes: images.classes.length };
  const batches = Array.from(
    { length: count },
    (_, b) => Array.from({ length: batch }, (_, i) => b * batch + i),
  );
  return { net: initFixedNet(sizes, scales, rng), batches };
}

/** Sets up the three parties, hands out the public keys, and lays the server's lines to the authority. */
function connect(
  images: Dataset,
  net: FixedNet,
  batch: number,
  transcript: Transcript,
  decryption: DecryptOptions,
) {
  const { weightBound, gradientBound } = net.scales;
  const common = { group: group("ristretto255"), boundX: BOUND_X };
  const params = [
    { ...common, n: net.n, boundY: weightBound },
    { ...common, n: batch, boundY: gradientBound },
  ];
  const [ofSamples, ofColumns] = transcript.time(
    "authority",
    "setup",
    () => params.map((pp) => new Authority(pp)),
  );
  const client = new Client(images);
  const publish = (key: Uint8Array) => transcript.send("authority", "client", "public keys", key);
  client.acceptPublicKey(publish(ofSamples.publicKey()));
  client.acceptColumnKey(publish(ofColumns.publicKey()));
  const line = (authority: Authority, rows: string) => (request: Uint8Array) => {
    transcript.send("server", "authority", `rows of ${rows}`, request);
    const what = `derive keys for ${rows}`;
    const keys = transcript.time("authority", what, () => authority.deriveKeys(request));
    return Promise.resolve(transcript.send("authority", "server", `keys for ${rows}`, keys));
  };
  const lines = { samples: line(ofSamples, "W1"), columns: line(ofColumns, "dz1") };
  const server = new TrainingServer(net, lines, { ...decryption, transcript });
  return { parties: { client, server }, params };
}

/** The client encrypts a batch and sends it. @returns the server's number for it. */
async function sendBatch(
  { client, server }: { client: Client; server: TrainingServer },
  indices: readonly number[],
  n: number,
  transcript: Transcript,
  signal: AbortSignal | undefined,
): Promise<number> {
  const send = (what: string, message: Uint8Array) =>
    transcript.send("client", "server", what, message);
  const breathe = breather(signal);
  const samples: Uint8Array[] = [];
  for (const index of indices) {
    const sample = transcript.time("client", "encrypt a sample", () => client.encryptSample(index));
    samples.push(send("encrypted samples", sample));
    await breathe();
  }
  const columns: Uint8Array[] = [];
  for (let pixel = 0; pixel < n; pixel++) {
    const encrypted = () => client.encryptColumn(indices, pixel);
    const column = transcript.time("client", "encrypt a column", encrypted);
    columns.push(send("encrypted columns", column));
    await breathe();
  }
  return server.acceptBatch(send("labels", client.labels(indices)), samples, columns);
}
