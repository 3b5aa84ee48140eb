/** The calling side of a protocol's command: the connection, a line for every epoch, the final numbers, and
 * for every failure one line that says what to do.
 * @module */
import { withoutPasswords } from "../data/package_file.ts";
import { type Checkpoints, InUseError } from "../net/checkpoints.ts";
import { type Credentials, loadCredentials } from "../net/identity.ts";
import type { Beginning, EpochReport } from "../protocol/mitig2/client.ts";
import { Transcript } from "../net/transcript.ts";
import type { Connection } from "../net/transport.ts";
import { connect } from "../net/websocket.ts";
import { stopSignal } from "./signals.ts";

/** The test accuracy that the paper reports for its second mitigation. */
const PAPER_ACCURACY = 0.968;
/** The longest to wait until the server has read why this side leaves. */
const HANG_UP_MS = 2000;

const round = (value: number, digits: number) => Number(value.toFixed(digits));
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const text = (error: unknown) => error instanceof Error ? error.message : String(error);

/** What is needed to connect. @throws {Error} it is not there: the message says how to get it. */
export async function loadServerCredentials(task: string, identity: string): Promise<Credentials> {
  try {
    return await loadCredentials(identity);
  } catch (cause) {
    if (!/: it is (missing|not )/.test(text(cause))) throw cause; // a clock or a mode: it says itself
    const server = task.replace("client", "server");
    const advice = `start deno task ${server} first, or copy cert.pem and token from its machine`;
    throw new Error(`${text(cause)}; ${advice}`, { cause });
  }
}

/** One run of a client, from the first attempt to connect. */
export class PartyRun {
  readonly transcript = new Transcript();
  readonly #started = performance.now();
  readonly #stop = new AbortController();
  #beginning?: Beginning;
  #begun = 0;
  #secondsTo968: number | null = null;

  /** @param checkpoints where the training is kept, if it is. */
  constructor(private readonly task: string, private readonly checkpoints?: Checkpoints) {
    stopSignal(() => this.#stop.abort(new Error("the client was stopped")));
  }

  /** Aborts, with a reason for the server, at the first SIGINT or SIGTERM. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Connects, works, and hangs up whatever happens.
   * @returns the exit status; a failure is one line on stderr. */
  async over(
    { url, token, cert: caCert }: Credentials & { url: string },
    work: (connection: Connection) => Promise<void>,
  ): Promise<number> {
    const closed = Promise.withResolvers<void>();
    let connection: Connection | undefined;
    try {
      connection = await connect(url, { token, caCert, onClosed: closed.resolve });
      await work(connection);
      return 0;
    } catch (error) {
      console.error(`${this.task}: ${withoutPasswords(text(error))}${await this.#advice(error)}`);
      return this.signal.aborted ? 130 : 1;
    } finally {
      if (connection) {
        connection.close();
        await Promise.race([
          closed.promise,
          new Promise((resolve) => setTimeout(resolve, HANG_UP_MS)),
        ]);
      }
    }
  }

  /** What the user can do about a failure. */
  async #advice(error: unknown): Promise<string> {
    if (!this.checkpoints) return "";
    const epoch = (await this.checkpoints.epochs().catch(() => [])).at(-1);
    if (this.#beginning) {
      return epoch === undefined
        ? "; no epoch was finished: start again"
        : `; start again to resume after epoch ${epoch}`;
    }
    // Of one that is under way somebody else reads how it goes.
    if (epoch === undefined || error instanceof InUseError) return "";
    const kept = `; the training after epoch ${epoch} is kept in ${this.checkpoints.directory}`;
    // Either side says so when it cannot be gone on with; all else may be better the next time.
    return text(error).includes("Cannot resume") ? `${kept}, --fresh discards it` : kept;
  }

  /** The callbacks of a training. */
  get callbacks() {
    return {
      onNotice: (line: string) => console.error(`${this.task}: ${line}`),
      onBegin: (beginning: Beginning) => {
        this.#beginning = beginning;
        this.#begun = this.#seconds;
        const { session, resumedFrom, source } = beginning;
        console.error(
          resumedFrom === null
            ? `session ${session}, W1 from ${source}`
            : `resuming session ${session} after epoch ${resumedFrom}, W1 from ${source}`,
        );
      },
      onEpoch: ({ epoch, epochs, loss, testAccuracy }: EpochReport) => {
        const seconds = this.#seconds;
        if (testAccuracy >= PAPER_ACCURACY) this.#secondsTo968 ??= seconds;
        const done = epoch - (this.#beginning!.resumedFrom ?? 0);
        const left = (seconds - this.#begun) / done * (epochs - epoch);
        console.error(
          `epoch ${epoch}/${epochs}  loss ${loss.toFixed(4)}  test accuracy ` +
            `${percent(testAccuracy)}  ${seconds.toFixed(1)} s, ${left.toFixed(1)} s left`,
        );
      },
    };
  }

  /** Prints the end of a run: as JSON, or in words. @param more what else the JSON object has. */
  finish(testAccuracy: number, json: boolean, more: Record<string, unknown>): void {
    const bytes = (from: string) =>
      this.transcript.traffic.filter((t) => t.from === from).reduce(
        (sum, t) => sum + t.sizeBytes,
        0,
      );
    const [bytesUp, bytesDown, seconds] = [bytes("client"), bytes("server"), this.#seconds];
    const megabytes = (size: number) => `${(size / 1e6).toFixed(1)} MB`;
    if (!json) {
      console.log(
        `test accuracy ${percent(testAccuracy)} in ${seconds.toFixed(1)} s, ` +
          `${megabytes(bytesUp)} up, ${megabytes(bytesDown)} down`,
      );
      return;
    }
    const reached = this.#secondsTo968;
    const training = this.#beginning
      ? { secondsTo968: reached && round(reached, 3), ...this.#beginning }
      : {};
    console.log(JSON.stringify({
      ...{ testAccuracy, seconds: round(seconds, 3), bytesUp, bytesDown, ...training, ...more },
    }));
  }
}
