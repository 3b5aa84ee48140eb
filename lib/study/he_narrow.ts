/** A hybrid, measured: codes of MITIG3's kind sent under CKKS, so that the server has ciphertexts of them, beside its twin
 * in the clear and MITIG3 itself, on the same digits.
 * @module */
import { accuracyOf, firstImages, type SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { hostServer } from "../net/hosted.ts";
import { Transcript } from "../net/transcript.ts";
import { linearClasses } from "../nn/linear_head.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { trainNarrowClear, trainNarrowEncrypted } from "../protocol/he/narrow.ts";
import { NoisyEncoder } from "../protocol/mitig3/encoder.ts";
import { trainNarrow } from "../protocol/mitig3/local.ts";
import { NARROW, SIGMA } from "../protocol/mitig3/terms.ts";
import { percent } from "../sweep/summary.ts";
import { bytesText } from "./transcripts.ts";

/** How many digits, how often. */
export interface NarrowUnderCkksOptions extends Partial<On> {
  /** Digits that train and that test, from the beginning of each split. */
  readonly train: number;
  readonly test: number;
  readonly epochs: number;
  readonly insecureSeed: number;
  readonly transport?: "tls" | "port";
}

const UNITS = 128;
const SETTING = { ...NARROW, batch: 32, learningRate: 0.003 };

/** Trains encrypted, in the clear, and as MITIG3 does with its noise.
 * @throws as `trainNarrowEncrypted`; the signal's reason when aborted. */
export async function narrowUnderCkks(
  digits: SplitDataset,
  options: NarrowUnderCkksOptions,
): Promise<NarrowUnderCkks> {
  const { epochs, insecureSeed, transport = "tls", signal, onProgress } = options;
  const data = {
    train: firstImages(digits.train, options.train),
    test: firstImages(digits.test, options.test),
  };
  const setting = { ...SETTING, epochs };
  const asked = () => ({ units: UNITS, setting, signal, rng: seededRng(insecureSeed) });
  const transcript = new Transcript();
  using host = await hostServer("he", { transport });
  const connection = await host.connect();
  const start = performance.now();
  const encrypted = await trainNarrowEncrypted(connection, data, {
    ...asked(),
    transcript,
    onEpoch: (epoch) => onProgress?.(epoch, epochs),
  });
  const seconds = (performance.now() - start) / 1000;
  connection.close();
  const clear = await trainNarrowClear(data, asked());
  return new NarrowUnderCkks({
    ...{ encrypted, clear, seconds, transcript, visits: epochs * data.train.count },
    noisy: await noisyAccuracy(data, { setting, insecureSeed, signal }),
  });
}

/** MITIG3's test accuracy with its default noise and the same settings. */
async function noisyAccuracy(
  { train, test }: SplitDataset,
  { setting, insecureSeed, signal }: {
    setting: typeof SETTING;
    insecureSeed: number;
    signal?: AbortSignal;
  },
): Promise<number> {
  const headRng = seededRng(insecureSeed + 1);
  const { first, bottleneck, head } = await trainNarrow(train, {
    ...{ units: UNITS, setting, insecureSeed, headRng, signal },
  });
  const weights = { W1: first.W1, ...bottleneck.weights };
  const parts = { n: test.n, images: test.x, sigma: 0, setting, weights };
  using encoder = await NoisyEncoder.open(parts, 0);
  const u = await encoder.apply(Uint32Array.from(test.y, (_, i) => i));
  return accuracyOf(linearClasses(head.weights, u), test.y);
}

/** The three trainings. */
export class NarrowUnderCkks {
  /** Test accuracies, in [0, 1]. */
  readonly encrypted: number;
  readonly clear: number;
  readonly noisy: number;
  /** Of the encrypted training, keys included. */
  readonly seconds: number;
  /** Milliseconds at the server for an image and visit. */
  readonly serverMs: number;
  /** Bytes for an image and visit, both ways. */
  readonly sizeBytes: number;

  constructor(run: {
    readonly encrypted: number;
    readonly clear: number;
    readonly noisy: number;
    readonly seconds: number;
    readonly visits: number;
    readonly transcript: Transcript;
  }) {
    const { visits, transcript: { traffic, steps } } = run;
    [this.encrypted, this.clear, this.noisy] = [run.encrypted, run.clear, run.noisy];
    this.seconds = run.seconds;
    this.serverMs = steps.find(({ role }) => role === "server")!.elapsedMs / visits;
    this.sizeBytes = traffic.filter(({ what }) => what === "step" || what === "gradients")
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / visits;
  }

  /** A row a training: what it reaches, and what the server sees. */
  table(): Table {
    return table({
      title: "Ten numbers of a digit, encrypted, in the clear and with noise",
      columns: [
        "training",
        "test accuracy",
        "the server sees of an image",
        "sent, image and visit",
      ],
      rows: [
        [
          ...["codes under CKKS", percent(this.encrypted, 1), "ciphertexts"],
          bytesText(this.sizeBytes),
        ],
        ["its twin in the clear", percent(this.clear, 1), "code and label", null],
        [
          ...[`MITIG3, noise ${SIGMA}`, percent(this.noisy, 1), "noisy code and label"],
          bytesText(2 * 4 * 10),
        ],
      ],
    });
  }
}
