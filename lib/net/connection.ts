/** The one small interface under all protocols: two ends that send each other whole messages, in order.
 *
 * Here are the ends of a MessagePort: two parties of one process, or one in a Worker. `websocket.ts` connects two
 * machines. What a message means is `wire.ts`'s business; here it is bytes. The protocols go in steps, so few
 * messages are ever under way: received ones wait in an {@linkcode Inbox} that holds a bounded number of them and
 * of bytes, and a peer that sends more is cut off.
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

/** Long enough for any text of ours. */
const MAX_CHARACTERS = 300;
/** Control codes (an escape code begins with one, a forged line with another), marks that turn or hide
 * what follows, line separators, halves of characters, and characters that nobody has defined. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** What a peer says, made fit for a log, a terminal and an error: `�` for each character that is not fit to print,
 * cut to 300 characters. */
export function plainText(text: string): string {
  const cut = text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS - 1)}…`;
  return cut.replace(UNFIT, "\ufffd");
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

  /** @param peer who sends, for errors. */
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
    this.drop(`Cannot receive from ${this.peer}: ${state}`);
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
  drop(message: string): void {
    this.#queue.length = this.#bytes = 0;
    this.end(message, "closed");
  }

  /** Ends it on the peer's account, who gave this reason. */
  closedByPeer(reason: string): void {
    const state = `it closed the connection (${plainText(reason)})`;
    this.end(`Cannot receive from ${this.peer}: ${state}`, "closed");
  }

  /** Ends it on this side. @returns whether it was open. */
  close(reason: string): boolean {
    const open = this.#end === null;
    this.drop(`Cannot use the connection to ${this.peer}: closed on this side (${reason})`);
    return open;
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

/** What crosses a port: a message, or the reason of the end. */
type PortData = Uint8Array<ArrayBuffer> | { readonly reason: string };

/** The connection over one end of a MessageChannel; an open one keeps the process alive.
 *
 * A message that is the whole of its buffer, as `encodeMessage` makes them, is transferred: the sender's
 * array becomes empty and nothing is copied. A port has no notion of a full queue and none of a peer that
 * vanished: `send` resolves at once, a terminated Worker is told by a timeout.
 * @param peer who is at the other end, for errors. */
export function portConnection(
  port: MessagePort,
  peer: string,
  limits?: InboxLimits,
): Connection {
  const inbox = new Inbox(peer, limits);
  const finish = (reason: string) => {
    port.postMessage({ reason } satisfies PortData);
    port.close();
  };
  port.onmessage = ({ data }: MessageEvent<PortData>) => {
    if (data instanceof Uint8Array) {
      const refusal = inbox.add(data);
      if (refusal !== null) finish(refusal);
    } else {
      inbox.closedByPeer(String(data.reason));
      port.close();
    }
  };
  return {
    peer,
    gone: inbox.gone,
    send(message) {
      if (inbox.ended !== null) return Promise.reject(inbox.ended);
      const whole = message.byteLength === message.buffer.byteLength;
      port.postMessage(message, whole ? [message.buffer] : []);
      return Promise.resolve();
    },
    receive: (options) => inbox.next(options),
    close(reason = "done") {
      if (inbox.close(reason)) finish(reason);
    },
  };
}

/** Two connected ends in this process: the first for the client, the second for the server. */
export function inProcess(limits?: InboxLimits): [client: Connection, server: Connection] {
  const { port1, port2 } = new MessageChannel();
  return [portConnection(port1, "server", limits), portConnection(port2, "client", limits)];
}
