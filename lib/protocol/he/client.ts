/** The client of encrypted training: samples, labels, weights and the secret key, none of which it sends in the clear.
 *
 *   once          keys that multiply and rotate; each batch, encrypted → server
 *   every step    weights, encrypted → server → gradients, encrypted;
 *                 decrypt them, take a step of Adam
 *
 * The weights go out fresh at each step, encrypted anew: what the client decrypts stays here, so no bootstrapping is
 * needed and the server never sees a decrypted result. What it can see is whether the client goes on: one that makes
 * up answers learns a bit of the key from each that the client refuses, so a training that was refused begins anew
 * under another key. It is not told why: what went wrong may name a decrypted number. The client's own work, packing, encrypting and decrypting, is more than training in the clear
 * would be for these models: what it buys is that somebody else computes on data that they do not see.
 * @module */
import { Ckks } from "../../he/ckks.ts";
import { batchesOf, Learner, type Samples, sizesFor, type TrainSetting } from "../../he/learner.ts";
import type { Weights } from "../../he/model.ts";
import type { Operand, PackedModel } from "../../he/packed_model.ts";
import { SecretKey } from "../../he/secret_key.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import type { Connection } from "../../net/connection.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { CLOSE_REASON, modelOf, PATIENCE_MS } from "./terms.ts";

/** What a client has beside its connection and its data. */
export interface TrainOptions extends TrainSetting {
  /** Draws the weights; keys and encryption always draw from the CSPRNG. */
  readonly rng?: Rng;
  /** Notes each message and its bytes, and what took how long on both sides. */
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
  /** The longest wait for an answer: a gradient must be computed in it. */
  readonly timeoutMs?: number;
  readonly onStep?: (done: number, total: number) => void;
  /** What a step was about: the weights before it, and the decrypted gradients. */
  readonly onGradients?: (step: number, weights: Weights, gradients: Weights) => void;
}

/** Trains with the server at the other end. @returns the trained weights.
 * @throws {ConnectionError} the server refused, left or kept silent.  {ProtocolError} its answer breaks a rule.
 * @throws {RangeError} a size out of range, samples that are not whole batches, or a gradient that cannot be
 * decrypted.  {TypeError} samples of another length than they say.  The signal's reason when aborted. */
export function train(
  connection: Connection,
  samples: Samples,
  options: TrainOptions,
): Promise<Weights> {
  return closeOnError(connection, () => trainOver(connection, samples, options), CLOSE_REASON);
}

async function trainOver(
  connection: Connection,
  samples: Samples,
  options: TrainOptions,
): Promise<Weights> {
  const { learningRate, epochs, rng = secureRng(), transcript = new Transcript() } = options;
  const { signal, timeoutMs = PATIENCE_MS, onStep, onGradients } = options;
  const sizes = sizesFor(samples, options);
  const batches = batchesOf(samples, sizes);
  const model = modelOf({ ...sizes, batches: batches.length });
  const requests = new Requests(connection, { transcript, signal, timeoutMs });
  const learner = new Learner(sizes, learningRate, rng);

  const ckks = await Ckks.setup(model.params);
  using key = transcript.time("client", "draw the secret key", () => new SecretKey(ckks));
  const encrypt = (operands: readonly Operand[]) =>
    transcript.time(
      "client",
      "pack and encrypt",
      () => operands.map(({ values, level }) => key.encrypt(values, level)),
    );

  await requests.ask("train", { ...sizes, batches: batches.length }, "ready");
  await sendKeys(requests, transcript, key, model);
  for (const batch of batches) {
    const ciphertexts = encrypt(model.packBatch(batch));
    await requests.ask("batch", { ciphertexts }, "stored");
  }
  const steps = epochs * batches.length;
  for (let step = 0; step < steps; step++) {
    const { weights } = learner;
    const ciphertexts = encrypt(model.packWeights(weights));
    const answer = await requests.ask(
      "weights",
      { batch: step % batches.length, ciphertexts },
      "gradients",
    );
    const gradients = transcript.time(
      "client",
      "decrypt and step",
      () => {
        const opened = openGradients(answer, key, model);
        learner.step(opened);
        return opened;
      },
    );
    onGradients?.(step, weights, gradients);
    onStep?.(step + 1, steps);
  }
  const finished = await requests.ask("finish", {}, "finished");
  transcript.note("server", "gradients", steps, finished.number("gradientMs"));
  return learner.weights;
}

/** Makes and sends the keys, one a message: each has some MB. */
export async function sendKeys(
  requests: Requests,
  transcript: Transcript,
  key: SecretKey,
  { rotations }: PackedModel,
): Promise<void> {
  const make = (work: () => Uint8Array) => transcript.time("client", "make a key", work);
  const relinearisation = make(() => key.relinearisationKey());
  await requests.ask("key", { kind: "relinearisation", key: relinearisation }, "stored");
  for (const step of new Set(rotations)) {
    const rotation = make(() => key.rotationKey(step));
    await requests.ask("key", { kind: "rotation", key: rotation }, "stored");
  }
}

/** Scales of level 0 that honest products end at differ by less, for they go through levels in different ways. */
const SAME_SCALE = 2 ** -20;

/** Opens the gradients of an answer: at level 0 and its scale, as the server computes them, for what decrypts otherwise
 * would be the server's choice.
 * @throws {ProtocolError} another number of ciphertexts, or another level or scale.  {RangeError} some that do not
 * decrypt. */
export function openGradients(answer: Message, key: SecretKey, model: PackedModel): Weights {
  const parts = answer.parts("ciphertexts");
  if (parts.length !== model.gradients) {
    throw new ProtocolError(
      `Cannot read gradients: ${parts.length} ciphertexts, expected ${model.gradients}`,
    );
  }
  parts.forEach((part, i) => {
    using ciphertext = key.ckks.load(part);
    const { level, scale } = ciphertext;
    if (level === 0 && Math.abs(scale / key.ckks.scaleOf(0) - 1) < SAME_SCALE) return;
    throw new ProtocolError(
      `Cannot read gradients: ciphertext ${i} is of level ${level} and scale ` +
        `2^${Math.log2(scale).toFixed(2)}, expected level 0 and its own scale`,
    );
  });
  return model.unpack(parts.map((part) => key.decrypt(part)));
}
