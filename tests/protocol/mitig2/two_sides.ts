/** Directories of a client and a server for tests of what they keep, and trainings that break off. */
import { assertRejects } from "@std/assert";
import { Checkpoints } from "lib/net/checkpoints.ts";
import type { ClientOptions, EpochReport } from "lib/protocol/mitig2/client.ts";
import { setting, trainBoth } from "./fixtures.ts";

/** Whether this run may keep files: else a test is skipped. */
export const ignore = (await Deno.permissions.query({ name: "write" })).state !== "granted";

export const five = { ...setting, epochs: 5 };

/** Both parties' files, gone at the end. */
export class TwoSides implements AsyncDisposable {
  readonly ours: Checkpoints;

  private constructor(readonly directory: string) {
    this.ours = new Checkpoints(`${directory}/client`);
  }

  static async make(): Promise<TwoSides> {
    return new TwoSides(await Deno.makeTempDir());
  }

  readonly theirs = (session: string): Checkpoints =>
    new Checkpoints(`${this.directory}/server/${session}`);

  /** The server's files of the only session that it has. */
  async onlySession(): Promise<Checkpoints> {
    const [session, ...others] = await names(`${this.directory}/server`);
    if (others.length > 0) throw new Error(`sessions ${session}, ${others}`);
    return this.theirs(session);
  }

  /** Trains here, five epochs unless told otherwise. @param onEvent gets the server's lines. */
  train(client: ClientOptions = {}, onEvent?: (line: string) => void) {
    const options = { setting: five, checkpoints: this.ours, ...client };
    return trainBoth(options, { checkpoints: this.theirs, onEvent });
  }

  /** Trains until the client breaks off after `epoch`. */
  async breakOff(epoch: number, client: ClientOptions = {}): Promise<void> {
    const onEpoch = (report: EpochReport) => {
      if (report.epoch === epoch) throw new Error("pulled the plug");
    };
    await assertRejects(() => this.train({ ...client, onEpoch }), Error, "the plug");
  }

  /** The same files elsewhere. */
  async copy(): Promise<TwoSides> {
    const copy = await TwoSides.make();
    const copyAll = async (from: string, to: string) => {
      await Deno.mkdir(to, { recursive: true });
      for await (const { name, isDirectory } of Deno.readDir(from)) {
        await (isDirectory ? copyAll : Deno.copyFile)(`${from}/${name}`, `${to}/${name}`);
      }
    };
    await copyAll(this.directory, copy.directory);
    return copy;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.directory, { recursive: true });
  }
}

export async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
}

/** Every file below a directory with its bytes. */
export async function contents(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) Object.assign(files, await contents(path));
    else if (name !== "lock") files[path] = (await Deno.readFile(path)).toHex();
  }
  return files;
}
