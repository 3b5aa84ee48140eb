/** A server's side of what two parties keep of one training: the lock, and the newest epoch that both hold intact.
 * @module */
import { checkpointName, type Checkpoints, MODEL } from "../../net/checkpoints.ts";
import { ProtocolError } from "../../net/wire.ts";

/** The files of one session, held until disposed of; without checkpoints nothing is kept. */
export class ServerFiles implements Disposable {
  private constructor(
    private readonly store: Checkpoints | undefined,
    private readonly held: Disposable | undefined,
    /** The epoch that both hold; 0 where a training begins. */
    readonly epoch: number,
  ) {}

  /** Locks a session's files and finds where to begin. What cannot be gone on from here is set aside, but only for
   * a client that can.
   * @param session its public name.   @param theirs the epochs that the client holds.
   * @param decode reads the file of that name, and throws where it is not this training's.
   * @param tell hears of every file that is set aside.
   * @throws {ProtocolError} the session is in use, the two have no epoch in common, or there are files here that
   * the client knows nothing of. */
  static async open(
    store: Checkpoints | undefined,
    { session, theirs, decode, tell }: {
      session: string;
      theirs: readonly number[];
      decode: (bytes: Uint8Array, file: string) => unknown;
      tell: (line: string) => void;
    },
  ): Promise<ServerFiles> {
    const lock = await store?.lock();
    if (lock === null) {
      throw new ProtocolError(`Cannot train: session ${session} is in use by another connection`);
    }
    try {
      const { intact, damaged } = await store?.inspect((bytes, epoch) => {
        decode(bytes, checkpointName(epoch));
      }) ?? { intact: new Map<number, void>(), damaged: new Map<number, string>() };
      if (theirs.length === 0) {
        if (intact.size + damaged.size > 0 || await store?.model()) {
          throw new ProtocolError(`Cannot train: session ${session} has files here already`);
        }
        return new ServerFiles(store, lock, 0);
      }
      const epoch = Math.max(0, ...[...intact.keys()].filter((epoch) => theirs.includes(epoch)));
      if (epoch === 0) {
        const why = [...damaged].map(([epoch, reason]) => `; ${checkpointName(epoch)}: ${reason}`);
        throw new ProtocolError(
          `Cannot resume session ${session}: no checkpoint of epoch ${
            theirs.slice(-3).join(" or ")
          } here that is intact${why.join("")}`,
        );
      }
      for (const line of await store!.setAside(damaged)) tell(line);
      return new ServerFiles(store, lock, epoch);
    } catch (error) {
      lock?.[Symbol.dispose]();
      throw error;
    }
  }

  /** Reads the checkpoint of {@linkcode epoch}. @throws {Error} it cannot be read any more. */
  async read<T>(decode: (bytes: Uint8Array, file: string) => T): Promise<T> {
    return await this.store!.read(
      this.epoch,
      (bytes) => decode(bytes, checkpointName(this.epoch)),
    );
  }

  /** Saves an epoch. @param encode makes the file of that name.   @throws {Error} a full disk: nothing is lost. */
  async save(epoch: number, encode: (file: string) => Uint8Array): Promise<void> {
    await this.store?.save(epoch, encode(checkpointName(epoch)));
  }

  /** Saves the finished model; see `Checkpoints.saveModel`. */
  async saveModel(encode: (file: string) => Uint8Array): Promise<void> {
    await this.store?.saveModel(encode(MODEL));
  }

  [Symbol.dispose](): void {
    this.held?.[Symbol.dispose]();
  }
}
