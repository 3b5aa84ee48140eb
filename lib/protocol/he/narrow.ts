/** A hybrid of MITIG3 and CKKS: the client keeps the encoder, its codes of ten numbers go out encrypted, and the server
 * computes the last layer's gradients on them.
 *
 *   every part of a batch   codes, labels and A, encrypted → server → dA, dz, encrypted
 *                           dz goes back through the encoder, A takes a step of Adam
 *
 * Under MITIG3 the server sees a noisy code and the label of each image at each visit; here it sees neither, and no noise is
 * needed. The price: the server has no weights of its own (it could take no step with gradients that it cannot decrypt,
 * and is sent nothing that was decrypted), the loss is least squares instead of softmax, and a code takes kilobytes on
 * the wire instead of 40 bytes.
 * @module */
import { accuracyOf, type SplitDataset } from "../../data/dataset.ts";
import { Ckks } from "../../he/ckks.ts";
import type { Sizes, Weights } from "../../he/model.ts";
import { SecretKey } from "../../he/secret_key.ts";
import { gaussian, type Rng, secureRng } from "../../math/rng.ts";
import type { Connection } from "../../net/connection.ts";
import { closeOnError, Requests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { linearClasses } from "../../nn/linear_head.ts";
import { type Optimizer, optimizer } from "../../nn/optimizer.ts";
import {
  epochOrder,
  ORDER_KEY_BYTES,
  type Part,
  type PartGradient,
  trainEpoch,
  type UpperParty,
} from "../../nn/train.ts";
import { initialEncoder, NoisyEncoder } from "../mitig3/encoder.ts";
import type { NarrowSetting } from "../mitig3/terms.ts";
import { openGradients, sendKeys } from "./client.ts";
import { CLOSE_REASON, modelOf, PATIENCE_MS } from "./terms.ts";

/** Computes dA `[classes, width + 1]` and dz `[m, width + 1]` of ½·Σ ‖A·z − y‖². */
export type HeadGradient = (A: Float64Array, z: Float64Array, y: Float64Array) =>
  | Weights
  | Promise<Weights>;

/** The same in the clear: the twin's. */
export function clearHeadGradient(classes: number, n: number): HeadGradient {
  return (A, z, y) => {
    const [dA, dz] = [new Float64Array(A.length), new Float64Array(z.length)];
    for (let k = 0; k * classes < y.length; k++) {
      for (let j = 0; j < classes; j++) {
        let e = -y[k * classes + j];
        for (let c = 0; c < n; c++) e += A[j * n + c] * z[k * n + c];
        for (let c = 0; c < n; c++) {
          dA[j * n + c] += e * z[k * n + c];
          dz[k * n + c] += e * A[j * n + c];
        }
      }
    }
    return [dA, dz];
  };
}

/** How to train. */
export interface NarrowOptions {
  /** Units of the encoder's first layer. */
  readonly units: number;
  readonly setting: NarrowSetting;
  /** Draws all weights and the order of the images; keys and encryption always draw from the CSPRNG. */
  readonly rng?: Rng;
  readonly transcript?: Transcript;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Called after each epoch with the share of test images that are classified right. */
  readonly onEpoch?: (epoch: number, testAccuracy: number) => void;
}

/** Trains with the server at the other end. @returns the share of test images that are classified right.
 * @throws {ConnectionError} the server refused, left or kept silent.  {ProtocolError} its answer breaks a rule.
 * @throws {RangeError} a setting out of range, or a gradient that cannot be decrypted.  The signal's reason when
 * aborted. */
export function trainNarrowEncrypted(
  connection: Connection,
  data: SplitDataset,
  options: NarrowOptions,
): Promise<number> {
  const { transcript = new Transcript(), signal, timeoutMs = PATIENCE_MS } = options;
  return closeOnError(connection, async () => {
    const requests = new Requests(connection, { transcript, signal, timeoutMs });
    const terms = { ...sizesOf(data, options), batches: 0 };
    const model = modelOf(terms);
    const ckks = await Ckks.setup(model.params);
    using key = new SecretKey(ckks);
    await requests.ask("train", terms, "ready");
    await sendKeys(requests, transcript, key, model);
    const accuracy = await trainCodes(data, options, async (A, x, y) => {
      const [batch, weights] = transcript.time(
        "client",
        "pack and encrypt",
        () =>
          [model.packBatch({ x, y }), model.packWeights([A])].map((operands) =>
            operands.map(({ values, level }) => key.encrypt(values, level))
          ),
      );
      const answer = await requests.ask("step", { batch, weights }, "gradients");
      return transcript.time("client", "decrypt", () => openGradients(answer, key, model));
    });
    const finished = await requests.ask("finish", {}, "finished");
    transcript.note(
      "server",
      "gradients",
      finished.integer("steps"),
      finished.number("gradientMs"),
    );
    return accuracy;
  }, CLOSE_REASON);
}

/** The same in the clear and without a server: the twin. @throws as `trainNarrowEncrypted`, but for the server. */
export function trainNarrowClear(data: SplitDataset, options: NarrowOptions): Promise<number> {
  const { outputs, n } = sizesOf(data, options);
  return trainCodes(data, options, clearHeadGradient(outputs, n));
}

/** Half a batch a request: while one half is at the server the other is encoded. */
function sizesOf({ train }: SplitDataset, { setting }: NarrowOptions): Sizes {
  const outputs = train.classes.length;
  return { n: outputs + 1, hidden: 0, outputs, batch: Math.ceil(setting.batch / 2) };
}

/** The last layer, at the client: A with its bias in the last column, moved by Adam at the end of each batch. */
export class LeastSquaresHead implements UpperParty {
  readonly #A: Float32Array;
  readonly #sums: Float32Array;
  readonly #optimizer: Optimizer;

  /** Draws A from N(0, 1/width); its bias begins at 0. */
  constructor(private readonly sizes: Sizes, rng: Rng, private readonly gradient: HeadGradient) {
    const { n, outputs } = sizes;
    const draws = gaussian(rng, outputs * n);
    this.#A = Float32Array.from(draws, (w, i) => i % n === n - 1 ? 0 : w / Math.sqrt(n - 1));
    this.#sums = new Float32Array(outputs * n);
    this.#optimizer = optimizer("adam", outputs * n);
  }

  /** Codes and labels, padded to whole requests; what is padded has no part in any gradient. */
  async step({ z1: z, labels, close }: Part): Promise<PartGradient> {
    const { n, outputs, batch } = this.sizes;
    const [x, y] = [new Float64Array(batch * n), new Float64Array(batch * outputs)];
    labels.forEach((label, k) => {
      x.set(z.subarray(k * (n - 1), (k + 1) * (n - 1)), k * n);
      x[k * n + n - 1] = 1;
      y[k * outputs + label] = 1;
    });
    const [dA, dz] = await this.gradient(Float64Array.from(this.#A), x, y);
    dA.forEach((d, i) => this.#sums[i] += d);
    if (close) {
      this.#optimizer.step(this.#A, this.#sums, close.images, close.learningRate);
      this.#sums.fill(0);
    }
    const dz1 = Float32Array.from(z, (_, i) => dz[Math.floor(i / (n - 1)) * n + i % (n - 1)]);
    return { dz1, loss: NaN }; // nobody computes it
  }

  /** A without its last column, and that column: b. */
  get weights(): { A: Float32Array; b: Float32Array } {
    const { n } = this.sizes;
    return {
      A: this.#A.filter((_, i) => i % n < n - 1),
      b: this.#A.filter((_, i) => i % n === n - 1),
    };
  }
}

async function trainCodes(
  { train, test }: SplitDataset,
  options: NarrowOptions,
  gradient: HeadGradient,
): Promise<number> {
  const { units, setting, rng = secureRng(), signal, onEpoch } = options;
  const sizes = sizesOf({ train, test }, options);
  const { n, count, y: labels } = train;
  const images = new Uint8Array(train.x.length + test.x.length);
  images.set(train.x);
  images.set(test.x, train.x.length);
  const weights = initialEncoder({ n, units, width: sizes.n - 1 }, rng);
  const head = new LeastSquaresHead(sizes, rng, gradient);
  const orderKey = rng.bytes(ORDER_KEY_BYTES);
  using encoder = NoisyEncoder.open({ n, images, sigma: 0, setting, weights }, 0);
  const tests = Uint32Array.from({ length: test.count }, (_, i) => count + i);
  let accuracy = NaN;
  for (let epoch = 0; epoch < setting.epochs; epoch++) {
    const order = epochOrder(count, orderKey, epoch);
    await trainEpoch(encoder, head, { setting, order, labels, epoch, signal });
    accuracy = accuracyOf(linearClasses(head.weights, await encoder.apply(tests)), test.y);
    onEpoch?.(epoch + 1, accuracy);
  }
  return accuracy;
}
