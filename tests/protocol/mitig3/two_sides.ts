/** Directories of a client and a server for tests of what they keep, and trainings that break off. */
import { assertRejects } from "@std/assert";
import { Checkpoints } from "lib/net/checkpoints.ts";
import type { ClientOptions, EpochReport } from "lib/protocol/mitig3/client.ts";
import type { ServerOptions } from "lib/protocol/mitig3/server.ts";
import { setting, trainBoth } from "./fixtures.ts";

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

  /** Trains here, five epochs unless told otherwise. */
  train(client: ClientOptions = {}, server: ServerOptions = {}) {
    return trainBoth(
      { setting: five, checkpoints: this.ours, ...client },
      { checkpoints: this.theirs, ...server },
    );
  }

  /** Trains until the client breaks off after `epoch`; or, told by `inStep`, in the middle of one. */
  async breakOff(
    { afterEpoch, inStep }: { afterEpoch?: number; inStep?: number },
    client: ClientOptions = {},
    server: ServerOptions = {},
  ): Promise<void> {
    const stop = new AbortController();
    const pull = () => stop.abort(new Error("pulled the plug"));
    await assertRejects(
      () =>
        this.train({
          ...client,
          signal: stop.signal,
          onEpoch: ({ epoch }: EpochReport) => {
            if (epoch === afterEpoch) pull();
          },
        }, {
          ...server,
          observe(seen, terms) {
            server.observe?.(seen, terms);
            if (seen.step === inStep) pull();
          },
        }),
      Error,
      "the plug",
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.directory, { recursive: true });
  }
}
