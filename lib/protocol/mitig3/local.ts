/** MITIG3 in one process: the same loop, encoder and head with nothing between them. With a seed it ends in the weights of
 * the two parties, to the last bit, which is the oracle of their tests and the fast path of studies.
 * @module */
import type { Dataset } from "../../data/dataset.ts";
import type { Rng } from "../../math/rng.ts";
import { initialLinearHead, LinearHead } from "../../nn/linear_head.ts";
import { epochOrder, ORDER_KEY_BYTES, type Part, trainEpoch } from "../../nn/train.ts";
import { breather } from "../../workers/pool.ts";
import type { ClientOptions } from "./client.ts";
import { type EncoderState, initialEncoder, NoisyEncoder } from "./encoder.ts";
import { secretsOf } from "./secrets.ts";
import { checkClient, NARROW, sigmaOf } from "./terms.ts";
import type { Seen } from "./server.ts";

/** What of the client's options concerns the arithmetic, and the server's two. */
export interface LocalOptions extends
  Pick<
    ClientOptions,
    | "units"
    | "width"
    | "sigma"
    | "insecureNoNoise"
    | "setting"
    | "insecureSeed"
    | "workers"
    | "signal"
  > {
  /** Draws A. */
  readonly headRng?: Rng;
  /** What a server would see. */
  readonly observe?: (seen: Seen) => void;
  /** Called after every epoch with the mean loss over the images. */
  readonly onEpoch?: (epoch: number, loss: number) => void;
}

/** Trains without a server. @throws as `train`, but for what concerns the connection and files. */
export async function trainNarrow(
  { n, count, x: images, y: labels, classes: { length: classes } }: Dataset,
  options: LocalOptions = {},
): Promise<EncoderState & { head: ReturnType<LinearHead["state"]> }> {
  const { units = 300, width = classes, setting = NARROW, workers = 0, signal } = options;
  const { onEpoch, observe, headRng } = options;
  const sigma = sigmaOf(options.sigma, options.insecureNoNoise);
  checkClient({ units, width, visits: setting.epochs, setting });
  const secrets = secretsOf(options.insecureSeed);
  const weights = initialEncoder({ n, units, width }, secrets.weights);
  const parts = { n, images, sigma, setting, weights };
  using encoder = NoisyEncoder.open(parts, workers);
  const head = new LinearHead(initialLinearHead({ width, classes }, headRng), setting.optimizer);
  let step = 0;
  const upper = {
    step(part: Part) {
      const gradient = head.step(part);
      const { z1: z, labels, close } = part;
      observe?.({ step, z: z.slice(), labels: labels.slice(), dz: gradient.dz1.slice() });
      if (close) step++;
      return gradient;
    },
  };
  const breathe = breather(signal);
  for (let epoch = 0; epoch < setting.epochs; epoch++) {
    const visit = secrets.visit(epoch);
    encoder.visit(visit);
    const order = epochOrder(count, visit.bytes(ORDER_KEY_BYTES), epoch);
    const loss = await trainEpoch(encoder, upper, { setting, order, labels, epoch, signal });
    onEpoch?.(epoch + 1, loss);
    await breathe();
  }
  return { ...await encoder.state(), head: head.state() };
}
