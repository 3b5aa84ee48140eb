/** The one small interface under all protocols: two ends that send each other whole messages, in order.
 *
 * `port.ts` connects parties of one process and Workers, `websocket.ts` parties of two machines. What a
 * message means is `wire.ts`'s business; here it is bytes. The protocols go in steps, so few messages are
 * ever under way: received ones wait in an {@linkcode Inbox} that holds a bounded number of them and of
 * bytes, and a peer that sends more is cut off.
 * @module */

/** How a connection ended: the peer closed it and said why, it was lost without a word, the peer kept
 * silent for too long, or it was refused before it was open. */
export type Ending = "closed" | "lost" | "stalled" | "refused";

/** A connection that cannot be used, and why. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  constructor(message: string, readonly ending: Ending) {
    super(message);
  }
}

/** What limits a wait for a message. */
export interface ReceiveOptions {
  /** The longest silence; without it the wait has no end. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One end of a connection. */
export interface Connection {
  /** The other end, for log lines and errors. */
  readonly peer: string;
  /** Sends a message and gives it up: the bytes may be moved, not copied, so don't touch them again.
   * Resolves when there is room for the next. @throws {ConnectionError} the connection has ended. */
  send(message: Uint8Array<ArrayBuffer>): Promise<void>;
  /** The next message, in order; those that came before the end of the connection are still delivered.
   * After a timeout or an abort the connection lives and the next call goes on.
   * @throws {ConnectionError} it has ended, for the peer's reason; or timeoutMs went by ("stalled").
   * The signal's reason, when it aborts. {TypeError} another call is waiting. */
  receive(options?: ReceiveOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Aborted, with the reason, once the connection has ended: work for the peer ends with it. */
  readonly gone: AbortSignal;
  /** Ends the connection; the peer's receive rejects with this reason. Closing again does nothing. */
  close(reason?: string): void;
}

/** What an inbox holds at most. */
export interface InboxLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** Some steps ahead, and two of the longest messages: more waits for no honest receiver. */
export const INBOX_LIMITS: InboxLimits = { messages: 64, bytes: 2 ** 26 };

/** The received messages that nobody has asked for yet, and the one who waits. */
export class Inbox {
  readonly #queue: Uint8Array<ArrayBuffer>[] = [];
  readonly #gone = new AbortController();
  #bytes = 0;
  #end: ConnectionError | null = null;
  #waiter: PromiseWithResolvers<Uint8Array<ArrayBuffer>> | null = null;

  constructor(readonly peer: string, readonly limits: InboxLimits = INBOX_LIMITS) {}

  /** Why the connection has ended; null while it has not. */
  get ended(): ConnectionError | null {
    return this.#end;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** See {@linkcode Connection.gone}. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Takes a message in. @returns what to tell the peer when it is one too many: the inbox has ended. */
  add(message: Uint8Array<ArrayBuffer>): string | null {
    if (this.#end !== null) return null;
    const waiter = this.#takeWaiter();
    if (waiter !== null) {
      waiter.resolve(message);
      return null;
    }
    this.#queue.push(message);
    this.#bytes += message.length;
    const { messages, bytes } = this.limits;
    if (this.#queue.length <= messages && this.#bytes <= bytes) return null;
    const state = `more than ${messages} messages or ${bytes} bytes came unasked`;
    this.drop(`Cannot receive from ${this.peer}: ${state}`, "closed");
    return state;
  }

  /** Ends it: the one who waits is told now, a later one when the queue is empty. The first reason counts. */
  end(message: string, ending: Ending): void {
    if (this.#end !== null) return;
    this.#end = new ConnectionError(message, ending);
    this.#takeWaiter()?.reject(this.#end);
    this.#gone.abort(this.#end);
  }

  /** Ends it and forgets what waits. */
  drop(message: string, ending: Ending): void {
    this.#queue.length = this.#bytes = 0;
    this.end(message, ending);
  }

  /** See {@linkcode Connection.receive}. */
  async next({ timeoutMs, signal }: ReceiveOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    if (this.#waiter !== null) {
      throw new TypeError(`Cannot receive from ${this.peer}: another call is waiting`);
    }
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#bytes -= queued.length;
      return queued;
    }
    if (this.#end !== null) throw this.#end;
    const waiter = this.#waiter = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => {
      const state = `no message for ${timeoutMs / 1000} s`;
      this.#takeWaiter()?.reject(
        new ConnectionError(`Cannot receive from ${this.peer}: ${state}`, "stalled"),
      );
    }, timeoutMs);
    const abort = () => this.#takeWaiter()?.reject(signal!.reason);
    signal?.addEventListener("abort", abort);
    try {
      return await waiter.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** The one who waits, who must be answered now: whatever comes next is not for this call. */
  #takeWaiter(): PromiseWithResolvers<Uint8Array<ArrayBuffer>> | null {
    const waiter = this.#waiter;
    this.#waiter = null;
    return waiter;
  }
}
