/** The calling side of a protocol's command: flags, connections, progress, the final numbers, and for every failure one
 * line that says what to do.
 * @module */
import { withoutPasswords } from "../data/package_file.ts";
import { type Checkpoints, InUseError } from "../net/checkpoints.ts";
import type { Connection } from "../net/connection.ts";
import { Transcript } from "../net/transcript.ts";
import { dial, identityFlag, type Place, text, urlFlag } from "./party.ts";
import { stopSignal } from "./args.ts";

/** The flags of every client, beside those that say what it trains. */
export const connectFlags = {
  url: urlFlag(8443, "where the server listens"),
  identity: identityFlag(
    "where the server's cert.pem and token are; on another machine, copies of the two",
  ),
  json: { type: "switch", help: "print one JSON object and nothing else on stdout" },
} as const;

/** Rounds for the JSON object of a result. */
export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
/** A share in words. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** One run of a client, from the first attempt to connect. */
export class PartyRun {
  readonly transcript = new Transcript();
  readonly #started = performance.now();
  readonly #stop = new AbortController();
  /** The kind of work under way: when it began, after how many, and when it was last said. */
  #work = { what: "", began: 0, before: 0, said: -Infinity };
  #begun = false;

  /** @param checkpoints where the training is kept, if it is. */
  constructor(private readonly task: string, private readonly checkpoints?: Checkpoints) {
    stopSignal(() => this.#stop.abort(new Error("the client was stopped")));
  }

  /** Aborts, with a reason for the other parties, at the first SIGINT or SIGTERM. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Seconds since the first attempt to connect. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Connects, works, and hangs up whatever happens.
   * @returns the exit status; a failure is one line on stderr. */
  async over(
    places: readonly Place[],
    work: (...connections: Connection[]) => Promise<void>,
  ): Promise<number> {
    const open: Awaited<ReturnType<typeof dial>>[] = [];
    try {
      for (const place of places) open.push(await dial(place));
      await work(...open.map(({ connection }) => connection));
      return 0;
    } catch (error) {
      console.error(`${this.task}: ${withoutPasswords(text(error))}${await this.#advice(error)}`);
      return this.signal.aborted ? 130 : 1;
    } finally {
      await Promise.all(open.map(({ hangUp }) => hangUp()));
    }
  }

  /** What the user can do about a failure. */
  async #advice(error: unknown): Promise<string> {
    if (!this.checkpoints) return "";
    const epoch = (await this.checkpoints.epochs().catch(() => [])).at(-1);
    if (this.#begun) {
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

  /** A training has begun, or goes on after so many epochs. */
  begin(epochs = 0): void {
    this.#begun = true;
    this.#work = { what: "epoch", began: this.seconds, before: epochs, said: -Infinity };
  }

  /** A line on stderr, once a second where there are many, with the time that is left. */
  say(what: string, done: number, total: number, more = ""): void {
    const now = this.seconds;
    if (what !== this.#work.what) this.#work = { what, began: now, before: done, said: -Infinity };
    if (total > 20 && done < total && now - this.#work.said < 1) return;
    this.#work.said = now;
    const { began, before } = this.#work;
    const left = (now - began) / (done - before) * (total - done);
    const text = done > before ? `, ${left.toFixed(left < 10 ? 1 : 0)} s left` : "";
    console.error(`${what} ${done}/${total}${more}  ${now.toFixed(1)} s${text}`);
  }

  /** Prints the end of a run: as JSON, or in words. @param more what else the JSON object has. */
  finish(testAccuracy: number, json: boolean, more: Record<string, unknown>): void {
    const bytes = (way: "from" | "to") =>
      this.transcript.traffic.reduce((sum, t) => sum + (t[way] === "client" ? t.sizeBytes : 0), 0);
    const [bytesUp, bytesDown] = [bytes("from"), bytes("to")];
    const megabytes = (size: number) => `${(size / 1e6).toFixed(1)} MB`;
    console.log(
      json
        ? JSON.stringify({
          ...{ testAccuracy, seconds: round(this.seconds, 3), bytesUp, bytesDown, ...more },
        })
        : `test accuracy ${percent(testAccuracy)} in ${this.seconds.toFixed(1)} s, ` +
          `${megabytes(bytesUp)} up, ${megabytes(bytesDown)} down`,
    );
  }
}
