/** Requests and answers over a connection: every message of the client gets one answer of the server, in
 * order, and several may be under way.
 *
 * Both carry a running number, so that a message lost, repeated or out of order is noticed at once. Any
 * fault ends the connection with its reason, which the other side reads; nothing is retried here.
 * @module */
import { type Connection, plainText } from "./connection.ts";
import { decodeMessage, encodeMessage, type Fields, type Message, ProtocolError } from "./wire.ts";
import type { Role, Transcript } from "./transcript.ts";

/** The longest that a party waits for the other. */
export const PATIENCE_MS = 60_000;

/** An answer: its type and fields. */
export interface Answer {
  readonly type: string;
  readonly fields?: Fields;
}

/** Refuses a message with another number than the next. */
function checkNumber(message: Message, expected: number): void {
  const number = message.integer("number");
  if (number !== expected) {
    throw new ProtocolError(
      `Cannot read ${message.type}: it is message ${number} where ${expected} was expected`,
    );
  }
}

/** Fit for the peer and for the log: what it says may come from the peer. */
const text = (error: unknown) => plainText(error instanceof Error ? error.message : String(error));

/** Does the client's work; what it throws ends the connection, and the server reads why.
 * @param reason what it reads instead, where the client's own errors may tell of values that it must not see. */
export async function closeOnError<T>(
  connection: Connection,
  work: () => Promise<T>,
  reason?: string,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    connection.close(reason ?? text(error));
    throw error;
  }
}

/** The side that asks. */
export class Requests {
  #sent = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly connection: Connection,
    private readonly options: {
      /** Notes each message, between these two. */
      transcript?: Transcript;
      from?: Role;
      to?: Role;
      signal?: AbortSignal;
      timeoutMs?: number;
    } = {},
  ) {}

  /** Sends a request now; resolves with its answer, after those of all earlier requests.
   * @throws {ConnectionError} the connection ended, or the server kept silent for too long.
   * @throws {ProtocolError} an answer that is not the expected one.  The signal's reason when aborted. */
  ask(type: string, fields: Fields, expected: string): Promise<Message> {
    const number = this.#sent++;
    const { transcript, signal, timeoutMs = PATIENCE_MS } = this.options;
    const { from = "client", to = "server" } = this.options;
    const message = encodeMessage(type, { number, ...fields });
    transcript?.send(from, to, type, message);
    const sent = this.connection.send(message);
    const answer = this.#last.then(async () => {
      await sent;
      const bytes = await this.connection.receive({ timeoutMs, signal });
      const received = decodeMessage(bytes, expected);
      checkNumber(received, number);
      transcript?.send(to, from, expected, bytes);
      return received;
    });
    sent.catch(() => {}); // counts when its turn comes
    this.#last = answer;
    answer.catch(() => {}); // likewise: the caller may await an earlier one first
    return answer;
  }
}

/** The server's side: answers until the connection ends. What came before its end and is not answered yet is
 * left, for nobody would read the answer.
 * @param types the requests it knows.   @param respond what to answer; what it throws ends the connection. Its
 * signal aborts when there is nobody left to answer, or the server stops.
 * @returns why it ended; a client that closed or vanished is no exception here. */
export async function answerRequests(
  connection: Connection,
  types: readonly string[],
  respond: (request: Message, signal: AbortSignal) => Answer | Promise<Answer>,
  { timeoutMs = PATIENCE_MS, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<string> {
  const { gone } = connection;
  const over = AbortSignal.any(signal ? [signal, gone] : [gone]);
  try {
    for (let number = 0;; number++) {
      over.throwIfAborted();
      const request = decodeMessage(await connection.receive({ timeoutMs, signal }), ...types);
      checkNumber(request, number);
      const { type, fields } = await respond(request, over);
      await connection.send(encodeMessage(type, { number, ...fields }));
    }
  } catch (error) {
    // A connection that ended under the work is why the work failed.
    const reason = text(gone.aborted ? gone.reason : error);
    connection.close(reason);
    return reason;
  }
}
