/** The client of MITIG2: pixels and W1. It sends z1 = W1·x and gets dz1; pixels and W1 stay here.
 *
 *   z1 = X·W1ᵀ → server → dz1;  dW1 = dz1ᵀ·X / m, and W1 moves (step.ts)
 *
 * It owns the labels too and sends them along, as in the paper, or keeps them (`labels: "client"`, the U shape).
 * @see arXiv 2509.21497, second mitigation. Juve45/cryptonn, mitigation2_client.py.
 * @module */
import { accuracyOf, type SplitDataset } from "../../data/dataset.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { initialW1 } from "../../nn/mlp.ts";
import { checkSetting, MODERN, type Setting } from "../../nn/optimizer.ts";
import { openFirstLayer } from "../../nn/parallel_first_layer.ts";
import { epochOrder, ORDER_KEY_BYTES, trainEpoch } from "../../nn/train.ts";
import type { FirstLayerState, TrainableFirstLayer } from "../../nn/first_layer.ts";
import { checkpointName, MODEL } from "../../net/checkpoints.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import type { Connection } from "../../net/connection.ts";
import { classifyInParts, countImages } from "../parties.ts";
import { agree, type Beginning, type EpochReport, type Keeping, lockFor } from "../split/begin.ts";
import { decodeFirst, encodeFirst, termsText } from "./files.ts";
import { checkGuard, type Guard, guarded } from "./guard.ts";
import { remoteUpper } from "./step.ts";
import { type Labels, rowsAtMost, sessionOf, type Terms, termsFields } from "./terms.ts";

export type { Beginning, EpochReport } from "../split/begin.ts";

/** What a client has beside its connection and its data. */
export interface ClientOptions extends Keeping, Guard {
  /** Units of the first layer; the paper's 300 by default. */
  readonly hidden?: number;
  readonly setting?: Setting;
  readonly labels?: Labels;
  /** Draws W1 and the order of the images; a guard's noise is the CSPRNG's. */
  readonly rng?: Rng;
  /** Workers for the two products of the first layer; 0 is this thread. */
  readonly workers?: number;
  /** Called once, before the first epoch. */
  readonly onBegin?: (beginning: Beginning) => void;
  readonly onEpoch?: (report: EpochReport) => void;
  /** Called before each epoch with the places of the images in the order in which they are sent: a secret. */
  readonly onOrder?: (order: Uint32Array) => void;
  /** Notes each message and the bytes both ways. */
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** The client's part of a trained model. */
export interface ClientModel {
  /** Names the server's part, in public. */
  readonly session: Uint8Array;
  /** Lets its holder use the server's part, or resume the training. */
  readonly sessionKey: Uint8Array;
  /** `[hidden, n]`, for pixels in 0..255. */
  readonly W1: Float32Array;
  readonly hidden: number;
  readonly n: number;
}

/** Images of one request to classify, where the first layer is not so wide that the server takes fewer. */
const CHUNK = 1000;

/** Classes by the two parties: z1 goes to the server, classes come back.
 * @param indices images of the first layer's. */
function classifyWith(
  requests: Requests,
  first: TrainableFirstLayer,
  hidden: number,
  indices: Uint32Array,
): Promise<Uint8Array> {
  const most = Math.min(CHUNK, rowsAtMost(hidden, 1));
  return classifyInParts(indices.length, most, async (from, to) => {
    const data = await first.apply(indices.subarray(from, to));
    return await requests.ask("classify", { z1: { shape: [to - from, hidden], data } }, "classes");
  });
}

/** Where a training begins: at its start, or after the last epoch that both sides have saved. */
interface StartingPoint {
  readonly terms: Terms;
  readonly orderKey: Uint8Array;
  readonly epoch: number;
  /** Where W1 was drawn from. */
  readonly source: string;
  /** W1 for scaled pixels. */
  readonly first: FirstLayerState;
}

/** Agrees with the server on the terms and on where to begin. Only then may files here be renamed or removed. */
async function begin(
  requests: Requests,
  data: SplitDataset,
  { hidden = 300, setting = MODERN, labels = "server", ...options }: ClientOptions,
): Promise<StartingPoint> {
  const { rng = secureRng(), checkpoints } = options;
  checkSetting(setting);
  checkGuard(options);
  const { n, count, classes, name } = data.train;
  const asked = { hidden, classes: classes.length, count, labels, setting };
  const { sessionKey, epoch } = await agree(requests, options, {
    terms: termsText(asked, name),
    fields: (sessionKey) => termsFields({ ...asked, sessionKey }),
    decode: decodeFirst,
  });
  const terms = { ...asked, sessionKey };
  if (epoch > 0) {
    const first = await checkpoints!.read(
      epoch,
      (bytes) => decodeFirst(bytes, checkpointName(epoch)),
    );
    return { terms, orderKey: first.orderKey, epoch, source: first.source, first };
  }
  const W1 = initialW1({ n, hidden, classes: classes.length }, setting.initial, rng);
  const moments = setting.optimizer === "adam"
    ? [new Float32Array(W1.length), new Float32Array(W1.length)]
    : [];
  const first = { W1: W1.map((w) => w / setting.pixelScale), steps: 0, moments };
  return { terms, orderKey: rng.bytes(ORDER_KEY_BYTES), epoch, source: rng.source, first };
}

/** Trains with the server at the other end, from the start or from the last common checkpoint.
 * @returns the client's part of the model, and what the two predict for the test images.
 * @throws {ConnectionError} the server refused, left or kept silent.  {ProtocolError} its answer breaks a
 * rule.  {RangeError} a setting out of range, or checkpoints of another training, or none that is intact.
 * {InUseError} another training goes on in the directory.  {Error} a full disk. */
export function train(
  connection: Connection,
  data: SplitDataset,
  options: ClientOptions = {},
): Promise<ClientModel & { predictions: Uint8Array }> {
  return closeOnError(connection, () => trainOver(connection, data, options));
}

async function trainOver(
  connection: Connection,
  data: SplitDataset,
  options: ClientOptions,
): Promise<ClientModel & { predictions: Uint8Array }> {
  const { workers = 0, checkpoints, onBegin, onEpoch, onOrder, signal } = options;
  const started = performance.now();
  const requests = new Requests(connection, options);
  using _lock = await lockFor(checkpoints);
  const { terms, orderKey, epoch: done, source, first: saved } = await begin(
    requests,
    data,
    options,
  );
  const { sessionKey, hidden, setting } = terms;
  const session = sessionOf(sessionKey);
  onBegin?.({ session: session.toHex(), resumedFrom: done === 0 ? null : done, source });
  const { n, count, y: labels } = data.train;
  const images = new Uint8Array(new SharedArrayBuffer(data.train.x.length + data.test.x.length));
  images.set(data.train.x);
  images.set(data.test.x, data.train.x.length);
  const test = Uint32Array.from({ length: data.test.count }, (_, i) => count + i);
  using layer = openFirstLayer({ W1: saved.W1, n, images, setting, state: saved }, workers);
  const first = guarded(layer, hidden, options);
  const upper = remoteUpper(requests, terms);
  const notes = { sessionKey, orderKey, terms: termsText(terms, data.train.name), source };
  const fileOf = async (name: string) =>
    encodeFirst(await first.state(), n, { ...notes, file: name });
  let predictions: Uint8Array | undefined;
  for (let epoch = done; epoch < setting.epochs; epoch++) {
    const order = epochOrder(count, setting.shuffle ? orderKey : undefined, epoch);
    onOrder?.(order);
    const loss = await trainEpoch(first, upper, { setting, order, labels, epoch, signal });
    await requests.ask("checkpoint", { epoch: epoch + 1 }, "saved");
    await checkpoints?.save(epoch + 1, await fileOf(checkpointName(epoch + 1)));
    predictions = await classifyWith(requests, first, hidden, test);
    onEpoch?.({
      ...{ epoch: epoch + 1, epochs: setting.epochs, loss },
      testAccuracy: accuracyOf(predictions, data.test.y),
      seconds: (performance.now() - started) / 1000,
    });
  }
  predictions ??= await classifyWith(requests, first, hidden, test); // resumed at the very end
  const finished = await requests.ask("finish", {}, "finished");
  await checkpoints?.saveModel(await fileOf(MODEL));
  await checkpoints?.clear();
  const { transcript } = options;
  if (transcript) {
    const parts = transcript.traffic.find(({ what }) => what === "z1")?.messages ?? 0;
    for (const [what, elapsedMs] of Object.entries(await first.times())) {
      transcript.note("client", what, parts, elapsedMs);
    }
    transcript.note("server", "answer", parts, finished.number("busyMs"));
  }
  const W1 = (await first.state()).W1.map((w) => w * setting.pixelScale);
  return { session, sessionKey, W1, hidden, n, predictions };
}

/** The classes of images that the server never sees.
 * @param pixels `[m, n]`, bytes.
 * @throws {TypeError} pixels of another size.
 * @throws {ConnectionError} the server has no such model, left or kept silent. */
export async function classify(
  connection: Connection,
  { sessionKey, W1, hidden, n }: ClientModel,
  pixels: Uint8Array,
  options: Pick<ClientOptions, "noise" | "signal" | "timeoutMs" | "transcript"> = {},
): Promise<Uint8Array> {
  const indices = Uint32Array.from({ length: countImages(pixels, n) }, (_, i) => i);
  const setting = { optimizer: "sgd", pixelScale: 1 } as const;
  return await closeOnError(connection, async () => {
    const requests = new Requests(connection, options);
    await requests.ask("use", { sessionKey }, "ready");
    using layer = openFirstLayer({ W1, n, images: pixels, setting }, 0);
    const first = guarded(layer, hidden, { noise: options.noise });
    return await classifyWith(requests, first, hidden, indices);
  });
}

/** Reads the client's part of a finished model.
 * @throws {RangeError} damaged, or not such a file. {TypeError} not float32. */
export function decodeModel(bytes: Uint8Array): ClientModel {
  const { W1, hidden, n, pixelScale, sessionKey } = decodeFirst(bytes, MODEL);
  return {
    ...{ hidden, n, session: sessionOf(sessionKey), sessionKey },
    W1: W1.map((w) => w * pixelScale),
  };
}
