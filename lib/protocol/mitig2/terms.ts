/** What client and server of MITIG2 agree on before the first z1: one message, checked by the server.
 * @module */
import { createHash } from "node:crypto";
import { checkSetting, type Setting } from "../../nn/optimizer.ts";
import { type Fields, type Message, ProtocolError } from "../../net/wire.ts";

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

const SESSION_BYTES = 16;
/** Sizes beyond which a server does not start to allocate. They are no bound on memory by themselves: their
 * products are. */
const LIMITS = {
  hidden: 2 ** 16,
  classes: 2 ** 10,
  count: 2 ** 32,
  batch: 2 ** 16,
  epochs: 10_000,
};
/** Weights that a server draws for whoever asks: 4 MB, 20 with their moments and sums, in 0.3 s. */
const MAX_WEIGHTS = 2 ** 20;
/** Numbers of one layer's outputs for all images of a request: 16 MB, half of the longest message. */
const MAX_OUTPUTS = 2 ** 22;
/** Multiplications for a request: while it is answered nobody else is, for some 0.5 s at most. */
const MAX_PRODUCTS = 2 ** 30;

/** The key of a new training: a secret, hence from the CSPRNG also where weights are seeded. */
export function newSessionKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SESSION_BYTES));
}

/** The name of a training on both sides, in logs and paths: the first 16 bytes of its key's SHA-256. It is no
 * credential, because nobody finds a key for it. */
export function sessionOf(sessionKey: Uint8Array): Uint8Array {
  return Uint8Array.from(
    createHash("sha256").update(sessionKey).digest().subarray(0, SESSION_BYTES),
  );
}

/** The fields that carry terms. */
export function termsFields(
  { sessionKey, hidden, classes, count, labels, setting }: Terms,
): Fields {
  return { sessionKey, hidden, classes, count, labels, ...setting };
}

/** The session key that a message shows. @throws {ProtocolError} not 16 bytes. */
export function readSessionKey(message: Message): Uint8Array {
  const key = message.bytes("sessionKey");
  if (key.length !== SESSION_BYTES) {
    throw new ProtocolError(
      `Cannot read ${message.type}: sessionKey has ${key.length} bytes, expected ${SESSION_BYTES}`,
    );
  }
  return key.slice(); // the message may be reused
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
  const size = (name: keyof typeof LIMITS) => {
    const value = message.integer(name);
    if (value < 1 || value > LIMITS[name]) {
      throw new ProtocolError(
        `Cannot read ${message.type}: ${name} = ${value} is not in [1, ${LIMITS[name]}]`,
      );
    }
    return value;
  };
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
  try {
    checkSetting(setting);
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause });
  }
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
