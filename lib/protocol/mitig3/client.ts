/** The client of MITIG3: pixels, W1, V, and the noise. It sends z = u + σ·N(0, I) and gets dz; classes it finds at home.
 *
 *   z = encode(x) + noise → server → dz, clipped here;  the encoder moves (encoder.ts)
 *
 * Every image is sent once a visit, in an order that only the client knows. An epoch that was broken off and is gone
 * through again is a further visit, because a server that could ask for the same images again and again would average the
 * noise away. So the number of visits is noted before each begins, and bounded; a server that asks for more is refused.
 * Visits of another training of the same images (`fresh`) add to these, and nobody counts them. What a server learns all the
 * same is said in the study (study/mitig3.ts).
 * @module */
import { accuracyOf, type SplitDataset } from "../../data/dataset.ts";
import { type HeadWeights, linearClasses } from "../../nn/linear_head.ts";
import { epochOrder, ORDER_KEY_BYTES, trainEpoch, type UpperParty } from "../../nn/train.ts";
import { checkpointName, MODEL } from "../../net/checkpoints.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import type { Connection } from "../../net/connection.ts";
import type { Transcript } from "../../net/transcript.ts";
import type { Message } from "../../net/wire.ts";
import { countImages } from "../parties.ts";
import {
  agree,
  type Beginning,
  type EpochReport as SplitReport,
  type Keeping,
  lockFor,
} from "../split/begin.ts";
import { sessionOf } from "../split/terms.ts";
import { type EncoderWeights, initialEncoder, NoisyEncoder } from "./encoder.ts";
import { type ClientFile, decodeClient, encodeClient } from "./files.ts";
import { type Secrets, secretsOf } from "./secrets.ts";
import {
  checkClient,
  NARROW,
  type NarrowSetting,
  sigmaOf,
  type Terms,
  termsFields,
} from "./terms.ts";

/** Visits beyond the epochs by default: so often may a training be interrupted. */
const SPARE_VISITS = 3;
/** Images of one pass through the encoder at home. */
const CHUNK = 1000;

/** The server would have images sent more often than the client allows. */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/** How it stands after an epoch. */
export interface EpochReport extends SplitReport {
  /** Visits to every image so far: one an epoch, and one for each that was broken off. */
  readonly visits: number;
  /** Share of the gradients of this epoch that were longer than the clip. */
  readonly clipped: number;
  /** The longest of them, before the clip. */
  readonly longest: number;
}

/** What a client has beside its connection and its data. There is no generator among it: see secrets.ts. */
export interface ClientOptions extends Keeping {
  /** Units of the first layer, 300 by default. */
  readonly units?: number;
  /** Numbers of a code; one a class by default. */
  readonly width?: number;
  /** Standard deviation of the noise, 0.7 by default; a code has length 1. */
  readonly sigma?: number;
  /** Sends codes without noise, for experiments. */
  readonly insecureNoNoise?: boolean;
  readonly setting?: NarrowSetting;
  /** The most visits to any image, interruptions included; three more than epochs by default. */
  readonly visits?: number;
  /** Draws weights, orders and noise from a seed, for experiments that repeat: nothing is secret then. */
  readonly insecureSeed?: number;
  /** Workers for the two products of the first layer; 0 is this thread. */
  readonly workers?: number;
  /** Called once, before the first epoch. */
  readonly onBegin?: (beginning: Beginning) => void;
  readonly onEpoch?: (report: EpochReport) => void;
  /** Called before each visit with the places of the images in the order in which they are sent: a secret. */
  readonly onOrder?: (order: Uint32Array) => void;
  /** Notes each message and the bytes both ways. */
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** A trained model, which classifies at home: the encoder, and the head that the server trained. */
export interface ClientModel extends EncoderWeights {
  /** Names the training, in public. */
  readonly session: Uint8Array;
  /** What W1 expects pixels, 0..255, to be multiplied by. */
  readonly pixelScale: number;
  readonly n: number;
  readonly head: HeadWeights;
}

/** The head at the other end of the connection. */
export function remoteHead(requests: Requests, { width }: Pick<Terms, "width">): UpperParty {
  return {
    async step({ z1: z, labels, close }) {
      const shape = [labels.length, width];
      const fields = { z: { shape, data: z }, labels, images: close?.images ?? 0 };
      const answer = await requests.ask("z", fields, "dz");
      return { dz1: answer.tensor("dz", shape), loss: answer.number("loss") };
    },
  };
}

/** The server's weights in an answer of its own. @throws {ProtocolError} of another shape, or not finite. */
function readHead(answer: Message, { width, classes }: Terms): HeadWeights {
  return {
    A: answer.tensor("A", [classes, width]).slice(),
    b: answer.tensor("b", [classes]).slice(),
  };
}

/** Classes of images at home, without noise. */
async function classifyAtHome(
  encoder: NoisyEncoder,
  head: HeadWeights,
  indices: Uint32Array,
): Promise<Uint8Array> {
  const classes = new Uint8Array(indices.length);
  for (let from = 0; from < indices.length; from += CHUNK) {
    const u = await encoder.apply(indices.subarray(from, from + CHUNK));
    classes.set(linearClasses(head, u), from);
  }
  return classes;
}

/** Where a training begins: at its start, or after the last epoch that both sides have saved. */
interface StartingPoint {
  readonly terms: Terms;
  readonly sigma: number;
  /** What a checkpoint must be for. */
  readonly text: string;
  readonly secrets: Secrets;
  readonly epoch: number;
  /** Visits that have begun, and the most that there may be. */
  readonly visits: number;
  readonly most: number;
  readonly saved?: ClientFile;
}

/** Agrees with the server on the terms and on where to begin, which must leave visits enough. */
async function begin(
  requests: Requests,
  data: SplitDataset,
  options: ClientOptions,
): Promise<StartingPoint> {
  const { units = 300, setting = NARROW, checkpoints } = options;
  const { count, classes: { length: classes }, name } = data.train;
  const { width = classes, visits: most = setting.epochs + SPARE_VISITS } = options;
  const sigma = sigmaOf(options.sigma, options.insecureNoNoise);
  checkClient({ units, width, visits: most, setting });
  const secrets = secretsOf(options.insecureSeed);
  const { source } = secrets;
  const shared = { width, classes, count };
  const text = JSON.stringify({ data: name, ...shared, units, sigma, source, ...setting });
  let visits = 0;
  const { sessionKey, epoch } = await agree(requests, options, {
    terms: text,
    fields: (sessionKey) => termsFields({ sessionKey, ...shared, setting }),
    decode: decodeClient,
    async accept({ sessionKey, epoch }) {
      if (epoch === 0) return;
      const begun = await checkpoints!.visits(sessionOf(sessionKey).toHex());
      if (begun === null) {
        throw new RangeError(
          `Cannot resume from ${checkpoints!.directory}: its file visits does not say how often ` +
            "the images were sent",
        );
      }
      visits = begun;
      const all = visits + setting.epochs - epoch;
      if (all > most) {
        throw new ReplayError(
          `Cannot resume after epoch ${epoch} of ${setting.epochs}: every image would be sent ` +
            `${all} times, at most ${most}`,
        );
      }
    },
  });
  const saved = epoch === 0 ? undefined : await checkpoints!.read(
    epoch,
    (bytes) => decodeClient(bytes, checkpointName(epoch)),
  );
  const terms = { sessionKey, ...shared, setting };
  return { terms, sigma, text, secrets, epoch, visits, most, saved };
}

/** Trains with the server at the other end, from the start or from the last common checkpoint.
 * @returns the model, and what it predicts for the test images.
 * @throws {ConnectionError} the server refused, left or kept silent.  {ProtocolError} its answer breaks a
 * rule: dz of another shape or not finite, an answer that is none to the last request.  {ReplayError} images
 * would be sent too often.  {RangeError} a setting out of range, no noise that was not asked for by name, or
 * checkpoints of another training, or none that is intact.  {InUseError} another training goes on in the
 * directory.  {Error} a full disk. */
export function train(
  connection: Connection,
  data: SplitDataset,
  options: ClientOptions = {},
): Promise<ClientModel & { predictions: Uint8Array; visits: number }> {
  return closeOnError(connection, () => trainOver(connection, data, options));
}

async function trainOver(
  connection: Connection,
  data: SplitDataset,
  options: ClientOptions,
): Promise<ClientModel & { predictions: Uint8Array; visits: number }> {
  const { workers = 0, checkpoints, onBegin, onEpoch, onOrder, signal, units = 300 } = options;
  const started = performance.now();
  const requests = new Requests(connection, options);
  using _lock = await lockFor(checkpoints);
  const { terms, sigma, text, secrets, epoch: done, saved, ...start } = await begin(
    requests,
    data,
    options,
  );
  const { sessionKey, setting, width } = terms;
  const session = sessionOf(sessionKey).toHex();
  const { source } = secrets;
  onBegin?.({ session, resumedFrom: done === 0 ? null : done, source });
  const { n, count, y: labels } = data.train;
  const images = new Uint8Array(new SharedArrayBuffer(data.train.x.length + data.test.x.length));
  images.set(data.train.x);
  images.set(data.test.x, data.train.x.length);
  const test = Uint32Array.from({ length: data.test.count }, (_, i) => count + i);
  const state = saved?.state;
  const weights = state
    ? { W1: state.first.W1, ...state.bottleneck.weights }
    : initialEncoder({ n, units, width }, secrets.weights);
  const parts = { n, images, sigma, setting, weights, state };
  using encoder = NoisyEncoder.open(parts, workers);
  const upper = remoteHead(requests, terms);
  const fileOf = async (file: string, head: HeadWeights) =>
    encodeClient(await encoder.state(), head, { file, sessionKey, terms: text, source });
  let { visits } = start;
  let predictions: Uint8Array | undefined;
  for (let epoch = done; epoch < setting.epochs; epoch++) {
    signal?.throwIfAborted(); // a visit that does not begin is none
    const visit = secrets.visit(visits++);
    await checkpoints?.noteVisits(session, visits); // before the first code of it leaves
    encoder.visit(visit);
    const order = epochOrder(count, visit.bytes(ORDER_KEY_BYTES), epoch);
    onOrder?.(order);
    const loss = await trainEpoch(encoder, upper, { setting, order, labels, epoch, signal });
    const answer = await requests.ask("checkpoint", { epoch: epoch + 1 }, "saved");
    const head = readHead(answer, terms);
    await checkpoints?.save(epoch + 1, await fileOf(checkpointName(epoch + 1), head));
    predictions = await classifyAtHome(encoder, head, test);
    const { clipped, longest } = encoder;
    encoder.clipped = encoder.longest = 0;
    onEpoch?.({
      ...{ epoch: epoch + 1, epochs: setting.epochs, loss, visits },
      ...{ clipped: clipped / count, longest },
      testAccuracy: accuracyOf(predictions, data.test.y),
      seconds: (performance.now() - started) / 1000,
    });
  }
  const finished = await requests.ask("finish", {}, "finished");
  const head = readHead(finished, terms);
  predictions ??= await classifyAtHome(encoder, head, test); // resumed at the very end
  await checkpoints?.saveModel(await fileOf(MODEL, head));
  await checkpoints?.clear();
  const { transcript } = options;
  if (transcript) {
    const parts = transcript.traffic.find(({ what }) => what === "z")?.messages ?? 0;
    for (const [what, elapsedMs] of Object.entries(await encoder.times())) {
      transcript.note("client", what, parts, elapsedMs);
    }
    transcript.note("server", "answer", parts, finished.number("busyMs"));
  }
  const { first: { W1 }, bottleneck } = await encoder.state();
  return {
    ...{ session: sessionOf(sessionKey), W1, ...bottleneck.weights, head, n },
    ...{ pixelScale: setting.pixelScale, predictions, visits },
  };
}

/** The classes of images, found at home: nothing is sent to anybody.
 * @param pixels `[m, n]`, bytes.   @throws {TypeError} pixels of another size. */
export async function classify(model: ClientModel, pixels: Uint8Array): Promise<Uint8Array> {
  const { n, pixelScale, head } = model;
  const indices = Uint32Array.from({ length: countImages(pixels, n) }, (_, i) => i);
  const setting = { optimizer: "sgd", pixelScale } as const; // it is not trained here, nor sent
  const parts = { n, images: pixels, sigma: 0, setting, weights: model };
  using encoder = NoisyEncoder.open(parts, 0);
  return await classifyAtHome(encoder, head, indices);
}

/** Reads a finished model.
 * @throws {RangeError} damaged, or not such a file. {TypeError} not float32. */
export function decodeModel(bytes: Uint8Array): ClientModel {
  const { sessionKey, n, pixelScale, head, state } = decodeClient(bytes, MODEL);
  const { W1 } = state.first;
  return { session: sessionOf(sessionKey), W1, ...state.bottleneck.weights, head, n, pixelScale };
}
