/** `--record-names`: which image a split client sent when, kept at its own side for an audit of both.
 * @module */
import type { Shape } from "../attack/priors.ts";
import { checkWritable, writeAtomic } from "../data/write_atomic.ts";
import { encodeNames } from "../protocol/recorded_names.ts";
import { text } from "./party.ts";

/** Which image was sent when, written when the connection ends, however it ends: as the server's record is. */
export class NameRecord implements AsyncDisposable {
  readonly #orders: Uint32Array[] = [];

  private constructor(
    private readonly directory: string | undefined,
    private readonly shape: Shape,
    private readonly task: string,
  ) {}

  /** @param directory undefined: nothing is kept.   @param shape of the images.   @param task for messages.
   * @throws {Error} nothing can be written there. */
  static async open(
    directory: string | undefined,
    shape: Shape,
    task: string,
  ): Promise<NameRecord> {
    if (directory !== undefined) await checkWritable(directory);
    return new NameRecord(directory, shape, task);
  }

  /** Keeps the order of an epoch. */
  add(order: Uint32Array): void {
    if (this.directory !== undefined) this.#orders.push(order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { directory, shape, task } = this;
    if (directory === undefined || this.#orders.length === 0) return;
    const name = `${new Date().toISOString().replaceAll(":", "-")}.safetensors`;
    const bytes = encodeNames({ shape, orders: this.#orders });
    try {
      await writeAtomic(directory, { [name]: bytes }, { secret: true });
      console.error(`${task}: which image was sent when is in ${directory}/${name}`);
    } catch (error) {
      console.error(`${task}: ${text(error)}`);
    }
  }
}
