/** One training's files on one side: the checkpoints of its last three epochs, then its finished model.
 *
 * Three, because the parties save one after the other: killed between the two, they still have two epochs in
 * common, and one of those may be damaged. A file appears whole or not at all (written aside, then renamed), and
 * older ones go only after. What cannot be gone on from is renamed, never deleted. All of it is readable by its
 * owner only: W1 is a secret. Errors end with the directory: the reason before it is what a peer gets to read
 * when it must be cut.
 * @module */
import { writeAtomic } from "../data/write_atomic.ts";

const KEPT = 3;
/** One spelling an epoch, and none beyond what a training may have. */
const NAME = /^epoch-([1-9]\d{0,4})\.safetensors$/;
/** The name of the finished model. */
export const MODEL = "model.safetensors";
const SESSION = "session";
const VISITS = "visits";
const LOCK = "lock";
/** What a killed process left half-written. */
const DRAFT = /^(.*\.safetensors|session|visits)\..*\.tmp$/;

/** The name of an epoch's checkpoint. */
export const checkpointName = (epoch: number): string => `epoch-${epoch}.safetensors`;

/** Another process or connection trains in the directory: nothing there is to be discarded. */
export class InUseError extends Error {
  override readonly name = "InUseError";
}

/** The innermost error's text: what the system said. */
function rootMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message;
}

/** The files under one directory. */
export class Checkpoints {
  constructor(readonly directory: string) {}

  /** Keeps every other connection and process from training here, until it is disposed of or the process ends,
   * however it ends: the system holds the lock, not the file. A directory in which nothing was saved goes with it.
   * @returns null when another has it: see `holder`.   @throws {Error} the directory cannot be written. */
  async lock(): Promise<Disposable | null> {
    try {
      for (let tries = 0; tries < 100; tries++) {
        const file = await this.#tryLock();
        if (file === "gone") continue;
        if (file === null) return null;
        // On a full disk only the words of `holder` are lost.
        await file.truncate()
          .then(() => file.write(new TextEncoder().encode(`${Deno.pid}\n`)))
          .catch(() => {});
        for await (const { name } of Deno.readDir(this.directory)) {
          if (DRAFT.test(name)) await Deno.remove(`${this.directory}/${name}`);
        }
        return { [Symbol.dispose]: () => this.#unlock(file) };
      }
      throw new Error("the file lock cannot be had");
    } catch (cause) {
      throw this.#error("Cannot keep checkpoints", cause);
    }
  }

  /** The locked file; null when another has it; "gone" when its last holder has just removed it with the
   * directory. */
  async #tryLock(): Promise<Deno.FsFile | null | "gone"> {
    const path = `${this.directory}/${LOCK}`;
    const gone = (error: unknown) => {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    };
    try {
      await Deno.mkdir(this.directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      const there = await Deno.stat(this.directory).catch(gone);
      if (there && !there.isDirectory) throw error;
      return "gone"; // it was there when it was to be made, and no longer when it was looked at
    }
    const options = { create: true, write: true, mode: 0o600 };
    const file = await Deno.open(path, options).catch(gone);
    if (file === null) return "gone";
    const locked = await file.tryLock(true);
    const there = await Deno.stat(path).catch(gone);
    if (locked && there?.ino === (await file.stat()).ino) return file;
    file.close();
    return locked ? "gone" : null;
  }

  #unlock(file: Deno.FsFile): void {
    try {
      const names = [...Deno.readDirSync(this.directory)].map(({ name }) => name);
      if (names.length === 1 && names[0] === LOCK) {
        Deno.removeSync(`${this.directory}/${LOCK}`); // while it is still ours
        Deno.removeSync(this.directory);
      }
    } catch {
      // Windows removes no open file; and the directory may have gone before.
    }
    file.close();
  }

  /** Who has the lock, in words. */
  async holder(): Promise<string> {
    const pid = await this.#text(LOCK).catch(() => ""); // Windows lets nobody read a locked file
    return /^\d+$/.test(pid) ? `process ${pid}` : "another process";
  }

  #error(what: string, cause: unknown): Error {
    return new Error(`${what}: ${rootMessage(cause)} (${this.directory})`, { cause });
  }

  /** The epochs that have a checkpoint, ascending. Files with other names are not looked at. */
  async epochs(): Promise<number[]> {
    const epochs: number[] = [];
    try {
      for await (const { name, isFile, isSymlink } of Deno.readDir(this.directory)) {
        const match = NAME.exec(name);
        if (match && (isFile || isSymlink)) epochs.push(Number(match[1]));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return epochs.sort((a, b) => a - b);
  }

  /** @throws {Deno.errors.NotFound} no such checkpoint. */
  load(epoch: number): Promise<Uint8Array> {
    return Deno.readFile(`${this.directory}/${checkpointName(epoch)}`);
  }

  /** Reads a checkpoint. @throws {Error} it is missing, or not what `decode` reads: the file is named. */
  async read<T>(epoch: number, decode: (bytes: Uint8Array) => T): Promise<T> {
    try {
      return decode(await this.load(epoch));
    } catch (cause) {
      throw this.#error(`Cannot resume from ${checkpointName(epoch)}`, cause);
    }
  }

  /** Reads every checkpoint, and changes nothing.
   * @param decode throws for one that cannot be gone on from.
   * @returns what it made of the others, and of these why not; both by epoch, ascending.
   * @throws {Error} a file that the system does not let us read: that is no damage. */
  async inspect<T>(
    decode: (bytes: Uint8Array, epoch: number) => T,
  ): Promise<{ intact: Map<number, T>; damaged: Map<number, string> }> {
    const [intact, damaged] = [new Map<number, T>(), new Map<number, string>()];
    for (const epoch of await this.epochs()) {
      const bytes = await this.load(epoch).catch((cause) => {
        throw this.#error(`Cannot read ${checkpointName(epoch)}`, cause);
      });
      try {
        intact.set(epoch, decode(bytes, epoch));
      } catch (error) {
        damaged.set(epoch, rootMessage(error));
      }
    }
    return { intact, damaged };
  }

  /** Renames checkpoints that cannot be gone on from: the next of their epochs must not replace them.
   * @param damaged why, by epoch.   @returns a line about each. */
  async setAside(damaged: ReadonlyMap<number, string>): Promise<string[]> {
    const lines: string[] = [];
    const taken = new Set(
      damaged.size > 0 ? await Array.fromAsync(Deno.readDir(this.directory), (e) => e.name) : [],
    );
    for (const [epoch, reason] of damaged) {
      const name = checkpointName(epoch);
      let aside = `${name}.damaged`;
      for (let k = 2; taken.has(aside); k++) aside = `${name}.damaged-${k}`;
      await Deno.rename(`${this.directory}/${name}`, `${this.directory}/${aside}`)
        .catch((cause) => {
          throw this.#error(`Cannot set ${name} aside`, cause);
        });
      lines.push(`${name} is set aside as ${aside}: ${reason} (${this.directory})`);
    }
    return lines;
  }

  async #write(name: string, content: Uint8Array | string): Promise<void> {
    try {
      await writeAtomic(this.directory, { [name]: content }, { secret: true });
    } catch (cause) {
      throw this.#error(`Cannot save ${name}`, cause);
    }
  }

  /** Saves a checkpoint; the two before it stay. @throws {Error} a full disk: nothing is lost. */
  async save(epoch: number, bytes: Uint8Array): Promise<void> {
    await this.#write(checkpointName(epoch), bytes);
    for (const old of await this.epochs()) {
      if (old > epoch || old <= epoch - KEPT) await this.#remove(old);
    }
  }

  /** Saves the finished model. The checkpoints stay, because the other side may not have finished.
   * @throws {Error} a full disk: nothing is lost. */
  async saveModel(bytes: Uint8Array): Promise<void> {
    await this.#write(MODEL, bytes);
  }

  /** The finished model's file; null while there is none. */
  async model(): Promise<Uint8Array | null> {
    try {
      return await Deno.readFile(`${this.directory}/${MODEL}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  /** Reads the finished model; null while there is none.
   * @throws {Error} it cannot be read, or is not what `decode` reads: the file is named. */
  async readModel<T>(decode: (bytes: Uint8Array) => T): Promise<T | null> {
    try {
      const bytes = await this.model();
      return bytes && decode(bytes);
    } catch (cause) {
      throw this.#error(`Cannot use ${MODEL}`, cause);
    }
  }

  /** Notes whose checkpoints are kept here from now on: files of others may get among them.
   * @param session its public name. */
  async nameSession(session: string): Promise<void> {
    await this.#write(SESSION, `${session}\n`);
  }

  /** What `nameSession` noted; null where nothing can be read. */
  async session(): Promise<string | null> {
    return await this.#text(SESSION).catch(() => null);
  }

  /** Notes, before it happens, that the images of a session will have been sent so often.
   * @param session its public name. */
  async noteVisits(session: string, visits: number): Promise<void> {
    await this.#write(VISITS, `${session} ${visits}\n`);
  }

  /** What `noteVisits` noted last of this session; null where nothing can be read of it. */
  async visits(session: string): Promise<number | null> {
    const [owner, visits] = (await this.#text(VISITS).catch(() => "")).split(" ");
    return owner === session && /^\d+$/.test(visits) ? Number(visits) : null;
  }

  async #text(name: string): Promise<string> {
    return (await Deno.readTextFile(`${this.directory}/${name}`)).trim();
  }

  /** Removes the checkpoints and the notes about them; not what was set aside. */
  async clear(): Promise<void> {
    for (const epoch of await this.epochs()) await this.#remove(epoch);
    for (const note of [SESSION, VISITS]) {
      await Deno.remove(`${this.directory}/${note}`).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }

  async #remove(epoch: number): Promise<void> {
    await Deno.remove(`${this.directory}/${checkpointName(epoch)}`);
  }
}
