/** What client and server of MITIG2 agree on before the first z1: one message, checked by the server.
 * @module */
import { checkSetting, type Setting } from "../../nn/optimizer.ts";
import { type Fields, type Message, ProtocolError } from "../../net/wire.ts";
import { LIMITS, readSessionKey, readSize, refuseIf } from "../split/terms.ts";

export { newSessionKey, sessionOf } from "../split/terms.ts";

/** Who has the labels, and with them the loss: the server, as in the paper, or the client (U-shaped). */
export type Labels = "server" | "client";

/** The terms of a training. */
export interface Terms {
  /** Whoever has it may resume the training and use its model: 16 random bytes, known to the client that drew
   * them and to its server. `sessionOf` names the training in public. */
  readonly sessionKey: Uint8Array;
  readonly hidden: number;
  readonly classes: number;
  /** Training images: with the setting it gives the number of steps, hence the learning rates. */
  readonly count: number;
  readonly labels: Labels;
  readonly setting: Setting;
}

/** Weights that a server draws for whoever asks: 4 MB, 20 with their moments and sums, in 0.3 s. */
const MAX_WEIGHTS = 2 ** 20;
/** Numbers of one layer's outputs for all images of a request: 16 MB, half of the longest message. */
const MAX_OUTPUTS = 2 ** 22;
/** Multiplications for a request: while it is answered nobody else is, for some 0.5 s at most. */
const MAX_PRODUCTS = 2 ** 30;

/** The fields that carry terms. */
export function termsFields(
  { sessionKey, hidden, classes, count, labels, setting }: Terms,
): Fields {
  return { sessionKey, hidden, classes, count, labels, ...setting };
}

/** The images that one request may carry through a network of these sizes; the server counts on it before it
 * allocates anything that grows with them. */
export function rowsAtMost(hidden: number, classes: number): number {
  const outputs = MAX_OUTPUTS / Math.max(hidden, classes);
  return Math.floor(Math.min(outputs, MAX_PRODUCTS / (hidden * classes)));
}

/** Reads terms and refuses what no training can have.
 * @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readTerms(message: Message): Terms {
  const size = (name: keyof typeof LIMITS) => readSize(message, name);
  const setting: Setting = {
    initial: message.text("initial", "authors", "glorot"),
    epochs: size("epochs"),
    batch: size("batch"),
    learningRate: message.number("learningRate"),
    anneal: message.boolean("anneal"),
    output: message.text("output", "sigmoid", "softmax"),
    optimizer: message.text("optimizer", "sgd", "adam"),
    shuffle: message.boolean("shuffle"),
    pixelScale: message.number("pixelScale"),
    divideBy: message.text("divideBy", "batch", "classes"),
  };
  refuseIf(() => checkSetting(setting));
  const [hidden, classes] = [size("hidden"), size("classes")];
  if (hidden * classes > MAX_WEIGHTS) {
    throw new ProtocolError(
      `Cannot train: hidden · classes = ${hidden * classes} weights, at most ${MAX_WEIGHTS}`,
    );
  }
  if (setting.batch > rowsAtMost(hidden, classes)) {
    throw new ProtocolError(
      `Cannot train: a batch of ${setting.batch} images, at most ${
        rowsAtMost(hidden, classes)
      } for ${hidden} hidden units and ${classes} classes`,
    );
  }
  return {
    sessionKey: readSessionKey(message),
    hidden,
    classes,
    count: size("count"),
    labels: message.text("labels", "server", "client"),
    setting,
  };
}
