/** Where a split training stands, at its server: parts are counted into batches, batches into epochs, and nothing is
 * taken that the terms have no place for.
 * @module */
import { ProtocolError } from "../../net/wire.ts";
import { learningRateAt, type Setting, stepsPerEpoch } from "../../nn/optimizer.ts";
import type { BatchEnd } from "../../nn/upper_layers.ts";

/** What of the terms the count needs. */
export interface Pace {
  /** Training images. */
  readonly count: number;
  readonly setting: Pick<Setting, "epochs" | "batch" | "learningRate" | "anneal">;
}

/** Counts the images of the open batch, and the steps. */
export class Batches {
  #images = 0;

  /** @param step steps taken before, where a training is resumed. */
  constructor(private readonly pace: Pace, public step: number) {}

  get #perEpoch(): number {
    return stepsPerEpoch(this.pace.count, this.pace.setting);
  }

  /** Refuses a part of m images that has no place. @param waiting images that have come but are not counted yet.
   * @throws {ProtocolError} more images than a batch has, or a training that is over. */
  admit(m: number, waiting = 0): void {
    const { batch, epochs } = this.pace.setting;
    const open = this.#images + waiting;
    if (open + m > batch) {
      throw new ProtocolError(`Cannot train: ${open + m} images in a batch of ${batch}`);
    }
    if (this.step >= epochs * this.#perEpoch) {
      throw new ProtocolError(`Cannot train: the ${epochs} epochs are over`);
    }
  }

  /** Counts a part in. @param images of the whole batch, where the part closes it; else 0.
   * @param waiting parts that have come but are not counted yet.
   * @throws {ProtocolError} the batch has another number of images. */
  add(m: number, images: number, waiting = 0): BatchEnd | undefined {
    this.#images += m;
    if (images === 0) return undefined;
    if (images !== this.#images || waiting > 0) {
      throw new ProtocolError(
        `Cannot train: a batch of ${images} images closes after ${this.#images}`,
      );
    }
    const { setting } = this.pace;
    const steps = setting.epochs * this.#perEpoch;
    return { images, learningRate: learningRateAt(setting, this.step, steps) };
  }

  /** The batch is closed. */
  close(): void {
    this.step++;
    this.#images = 0;
  }

  /** Refuses a checkpoint anywhere else than at the end of its epoch.
   * @throws {ProtocolError} epoch `epoch` does not end here. */
  checkEndOf(epoch: number): void {
    const ends = epoch > 0 && this.step === epoch * this.#perEpoch;
    if (this.#images > 0 || !ends) {
      throw new ProtocolError(`Cannot save: epoch ${epoch} does not end at step ${this.step}`);
    }
  }
}
