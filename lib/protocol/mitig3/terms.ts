/** What client and server of MITIG3 agree on before the first z: one message, checked by the server; and what the client
 * keeps to itself, checked by the client.
 * @module */
import { checkSetting, type Setting } from "../../nn/optimizer.ts";
import { type Fields, type Message, ProtocolError } from "../../net/wire.ts";
import { LIMITS, readSessionKey, readSize, refuseIf } from "../split/terms.ts";

/** How to train: what of a setting MITIG3 leaves open. Both sides go by the same rate; the output is softmax, and every
 * epoch has an order of its own. */
export type NarrowSetting = Pick<
  Setting,
  "epochs" | "batch" | "learningRate" | "anneal" | "optimizer" | "pixelScale"
>;

/** Adam, five epochs, five visits. */
export const NARROW: NarrowSetting = {
  epochs: 5,
  batch: 100,
  learningRate: 0.0015,
  anneal: true,
  optimizer: "adam",
  pixelScale: 1 / 255,
};

/** Plain descent, to compare like with like. */
export const NARROW_DESCENT: NarrowSetting = { ...NARROW, learningRate: 1, optimizer: "sgd" };

/** The noise of a code by default: between 0.5, where accuracy comes first, and 1, where privacy does. */
export const SIGMA = 0.7;

/** The terms of a training. */
export interface Terms {
  /** Whoever has it may resume the training: 16 random bytes, known to the client that drew them and to its server. */
  readonly sessionKey: Uint8Array;
  /** Numbers of a code, r. */
  readonly width: number;
  readonly classes: number;
  /** Training images. */
  readonly count: number;
  readonly setting: NarrowSetting;
}

/** Numbers of one request, codes or outputs: 16 MB. */
const MAX_NUMBERS = 2 ** 22;
/** Multiplications for a request, three times: while it is answered nobody else is, for some 0.5 s at most. */
const MAX_PRODUCTS = 2 ** 27;

/** The fields that carry terms. `pixelScale` stays: it is the client's. */
export function termsFields({ setting: { pixelScale: _, ...setting }, ...terms }: Terms): Fields {
  return { ...terms, ...setting };
}

/** Reads terms and refuses what no training can have.
 * @throws {ProtocolError} a field of the wrong kind or out of range. */
export function readTerms(message: Message): Terms {
  const size = (name: keyof typeof LIMITS) => readSize(message, name);
  const setting: NarrowSetting = {
    epochs: size("epochs"),
    batch: size("batch"),
    learningRate: message.number("learningRate"),
    anneal: message.boolean("anneal"),
    optimizer: message.text("optimizer", "sgd", "adam"),
    pixelScale: 1,
  };
  refuseIf(() => checkSetting(setting));
  const [width, classes, count] = [size("width"), size("classes"), size("count")];
  const most = Math.floor(
    Math.min(MAX_NUMBERS / Math.max(width, classes), MAX_PRODUCTS / (width * classes)),
  );
  if (setting.batch > most) {
    throw new ProtocolError(
      `Cannot train: a batch of ${setting.batch} images, at most ${most} for codes of ${width} ` +
        `numbers and ${classes} classes`,
    );
  }
  return { sessionKey: readSessionKey(message), width, classes, count, setting };
}

/** What the client decides alone. */
export interface Secrecy {
  /** Units of the first layer. */
  readonly units: number;
  /** Standard deviation of the noise in each number of a code, whose length is 1. */
  readonly sigma: number;
  /** The most times that any image's code may leave, T and what interruptions add to it. */
  readonly visits: number;
}

/** The noise that was asked for.
 * @param insecureNoNoise asks for none, by name.
 * @throws {RangeError} sigma is not positive and finite, or there is one beside `insecureNoNoise`. */
export function sigmaOf(sigma: number | undefined, insecureNoNoise = false): number {
  if (insecureNoNoise) {
    if (sigma) {
      throw new RangeError(`Cannot train: sigma = ${sigma} beside insecureNoNoise, expected none`);
    }
    return 0;
  }
  const value = sigma ?? SIGMA;
  if (value === 0) {
    throw new RangeError(
      "Cannot train: sigma = 0 sends codes without noise; insecureNoNoise asks for that by name",
    );
  }
  if (!(value > 0 && value < Infinity)) {
    throw new RangeError(`Cannot train: sigma = ${value} is not positive`);
  }
  return value;
}

/** Refuses what no client can have.
 * @throws {RangeError} a number out of range, or fewer visits than epochs. */
export function checkClient(
  { units, width, visits, setting }: Omit<Secrecy, "sigma"> & {
    width: number;
    setting: NarrowSetting;
  },
): void {
  checkSetting(setting);
  for (const [name, value, max] of [["units", units, 2 ** 16], ["width", width, LIMITS.width]]) {
    if (!Number.isInteger(value) || (value as number) < 1 || value > max) {
      throw new RangeError(
        `Cannot train: ${name} = ${value} is not an integer in [1, ${max}]`,
      );
    }
  }
  if (!Number.isSafeInteger(visits) || visits < setting.epochs) {
    throw new RangeError(
      `Cannot train: visits = ${visits}, expected an integer of at least ${setting.epochs}, one an epoch`,
    );
  }
}
