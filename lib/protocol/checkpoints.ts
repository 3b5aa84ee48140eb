/** One training's files on one side: the checkpoints of its last two epochs, then its finished model.
 *
 * Two, because the parties save one after the other: killed between the two, they still have an epoch in
 * common. A file appears whole or not at all (written aside, then renamed), and older ones go only after.
 * Errors end with the directory: the reason before it is what a peer gets to read when it must be cut.
 * @module */
import { writeAtomic } from "../data/write_atomic.ts";

const KEPT = 2;
const NAME = /^epoch-(\d+)\.safetensors$/;
const MODEL = "model.safetensors";
const LOCK = "lock";
/** What a killed process left half-written. */
const DRAFT = /\.safetensors\..*\.tmp$/;

/** The innermost error's text: what the system said. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

/** The files under one directory. */
export class Checkpoints {
  constructor(readonly directory: string) {}

  /** Keeps every other connection and process from training here, until it is disposed of or the process ends.
   * @returns null when another has it.   @throws {Error} the directory cannot be written. */
  async lock(): Promise<Disposable | null> {
    try {
      await Deno.mkdir(this.directory, { recursive: true });
      const file = await Deno.open(`${this.directory}/${LOCK}`, { create: true, write: true });
      if (await file.tryLock(true)) {
        for await (const { name } of Deno.readDir(this.directory)) {
          if (DRAFT.test(name)) await Deno.remove(`${this.directory}/${name}`);
        }
        return file;
      }
      file.close();
      return null;
    } catch (cause) {
      throw new Error(`Cannot keep checkpoints: ${rootMessage(cause)} (${this.directory})`, {
        cause,
      });
    }
  }

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

  /** Reads a checkpoint. @throws {Error} it is missing, or not what `decode` reads: the file is named. */
  async read<T>(epoch: number, decode: (bytes: Uint8Array) => T): Promise<T> {
    try {
      return decode(await this.load(epoch));
    } catch (cause) {
      const state = `${rootMessage(cause)} (${this.directory})`;
      throw new Error(`Cannot resume from ${this.#path(epoch)}: ${state}`, { cause });
    }
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await writeAtomic(this.directory, { [name]: bytes });
    } catch (cause) {
      throw new Error(`Cannot save ${name}: ${rootMessage(cause)} (${this.directory})`, { cause });
    }
  }

  /** Saves a checkpoint; the one before it stays. @throws {Error} a full disk: nothing is lost. */
  async save(epoch: number, bytes: Uint8Array): Promise<void> {
    await this.#write(this.#path(epoch), bytes);
    for (const old of await this.epochs()) {
      if (old > epoch || old <= epoch - KEPT) await this.#remove(old);
    }
  }

  /** Saves the finished model. The checkpoints stay, because the other side may not have finished.
   * @throws {Error} a full disk: nothing is lost. */
  async saveModel(bytes: Uint8Array): Promise<void> {
    await this.#write(MODEL, bytes);
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
