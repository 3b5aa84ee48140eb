/** One training's files on one side: the checkpoints of its last two epochs, then its finished model.
 *
 * Two, because the parties save one after the other: killed between the two, they still have an epoch in
 * common. A file appears whole or not at all (written aside, then renamed), and older ones go only after.
 * @module */
import { writeAtomic } from "../data/write_atomic.ts";

const KEPT = 2;
const NAME = /^epoch-(\d+)\.safetensors$/;
const MODEL = "model.safetensors";

/** The files under one directory. */
export class Checkpoints {
  constructor(readonly directory: string) {}

  /** The epochs that have a checkpoint, ascending. */
  async epochs(): Promise<number[]> {
    const epochs: number[] = [];
    try {
      for await (const { name } of Deno.readDir(this.directory)) {
        const match = NAME.exec(name);
        if (match) epochs.push(Number(match[1]));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return epochs.sort((a, b) => a - b);
  }

  #path(epoch: number): string {
    return `epoch-${epoch}.safetensors`;
  }

  /** @throws {Deno.errors.NotFound} no such checkpoint. */
  load(epoch: number): Promise<Uint8Array> {
    return Deno.readFile(`${this.directory}/${this.#path(epoch)}`);
  }

  /** Saves a checkpoint; the one before it stays. @throws {Error} a full disk: nothing is lost. */
  async save(epoch: number, bytes: Uint8Array): Promise<void> {
    await writeAtomic(this.directory, { [this.#path(epoch)]: bytes });
    for (const old of await this.epochs()) {
      if (old > epoch || old <= epoch - KEPT) await this.#remove(old);
    }
  }

  /** Saves the finished model. The checkpoints stay, because the other side may not have finished.
   * @throws {Error} a full disk: nothing is lost. */
  async saveModel(bytes: Uint8Array): Promise<void> {
    await writeAtomic(this.directory, { [MODEL]: bytes });
  }

  /** The finished model; null while there is none. */
  async model(): Promise<Uint8Array | null> {
    try {
      return await Deno.readFile(`${this.directory}/${MODEL}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  /** Removes the checkpoints. */
  async clear(): Promise<void> {
    for (const epoch of await this.epochs()) await this.#remove(epoch);
  }

  async #remove(epoch: number): Promise<void> {
    await Deno.remove(`${this.directory}/${this.#path(epoch)}`);
  }
}
