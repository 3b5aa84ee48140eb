/** Connections between two machines: WebSocket (RFC 6455) over TLS, opened with a bearer token. Both ends are `ws`;
 * here are the connection over an open socket, the same for both, and the calling end. `server.ts` listens.
 *
 * The masking key, which protects proxies that read along, is zero: TLS hides the frames, and masking in
 * JavaScript costs a tenth of the time that a batch takes there and back.
 * @module */
import { type Connection, ConnectionError, Inbox, plainText } from "./connection.ts";

/** The subprotocol both ends must name: the version of what is spoken over the socket. */
export const SUBPROTOCOL = "fe-training.1";
/** The longest message: ten thousand rows of z1 fit. */
export const MAX_FRAME_BYTES = 2 ** 25;
/** What may wait to be written before `send` makes its caller wait, and how often it looks, and for how long. */
const HIGH_WATER_BYTES = 2 ** 23;
const POLL_MS = 2;
const SEND_TIMEOUT_MS = 60_000;

/** The longest to wait for the peer's half of a close. */
export const CLOSE_MS = 2000;
/** What both ends ask of `ws`: few pieces make a message, and it is not compressed. */
export const LIMITS = {
  maxFragments: 1024,
  maxBufferedChunks: 2 ** 15,
  closeTimeout: CLOSE_MS,
  perMessageDeflate: false,
};

/** Close codes (RFC 6455, 7.4.1; from 4000 on, our own). */
const NORMAL = 1000;
/** No close frame came. */
const LOST = 1006;
const TOO_LARGE = 1009;
const REFUSED = 4000;

/** What we use of a WebSocket. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: { message: string; error?: { code?: string } }) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code: number, reason: string): void;
}

/** What we use of `ws` beyond what it shares with the WebSocket of browsers. */
export interface Ws extends Socket {
  ping(): void;
  terminate(): void;
  // deno-lint-ignore no-explicit-any
  on(event: string, listener: (...args: any[]) => void): void;
}

/** Cuts a reason to the 123 bytes of UTF-8 that a close frame carries, between two characters. */
export function cutReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= 123) return reason;
  return new TextDecoder().decode(bytes.subarray(0, 120), { stream: true }) + "…";
}

/** The connection over an open socket; `heldBytes` is what it holds of messages that nobody has asked for.
 * @param peer who is at the other end, for errors.   @param onClosed told once the socket is gone. */
export function socketConnection(
  socket: Socket,
  { peer, maxMessageBytes, onClosed }: {
    peer: string;
    maxMessageBytes: number;
    onClosed: () => void;
  },
): Connection & { readonly heldBytes: number } {
  const inbox = new Inbox(peer);
  const tooLarge = `a message exceeds ${maxMessageBytes} bytes`;
  let fault = "";
  socket.binaryType = "arraybuffer";

  const cutOff = (code: number, state: string) => {
    if (inbox.ended !== null) return;
    inbox.drop(`Cannot receive from ${peer}: ${state}`);
    socket.close(code, cutReason(state));
  };
  socket.onmessage = ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return cutOff(REFUSED, "a message of text came");
    if (data.byteLength > maxMessageBytes) return cutOff(TOO_LARGE, tooLarge);
    const refusal = inbox.add(new Uint8Array(data));
    if (refusal !== null) socket.close(REFUSED, cutReason(refusal));
  };
  socket.onerror = ({ message, error }) => {
    fault = message;
    // `ws` has closed by itself what breaks the rules of frames, before it was received in full.
    if (error?.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
      inbox.drop(`Cannot receive from ${peer}: ${tooLarge}`);
    }
  };
  socket.onclose = ({ code, reason }) => {
    if (code === LOST) {
      const why = fault === "" ? "" : ` (${fault})`;
      inbox.end(`Cannot receive from ${peer}: it vanished without closing${why}`, "lost");
    } else {
      inbox.closedByPeer(reason || (code === TOO_LARGE ? "too large" : `code ${code}`));
    }
    onClosed();
  };

  return {
    peer,
    gone: inbox.gone,
    get heldBytes() {
      return inbox.bytes;
    },
    async send(message) {
      if (inbox.ended !== null) throw inbox.ended;
      if (message.length > maxMessageBytes) {
        throw new RangeError(
          `Cannot send to ${peer}: ${message.length} bytes exceed the limit of ${maxMessageBytes}`,
        );
      }
      socket.send(message);
      const deadline = performance.now() + SEND_TIMEOUT_MS;
      while (socket.bufferedAmount > HIGH_WATER_BYTES && inbox.ended === null) {
        if (performance.now() > deadline) {
          const state = `it has taken nothing for ${SEND_TIMEOUT_MS / 1000} s`;
          throw new ConnectionError(`Cannot send to ${peer}: ${state}`, "stalled");
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      if (inbox.ended !== null) throw inbox.ended;
    },
    receive: (options) => inbox.next(options),
    close(reason = "done") {
      if (inbox.close(reason)) socket.close(NORMAL, cutReason(reason));
    },
  };
}

/** What a client needs. */
export interface ConnectOptions {
  readonly token: string;
  /** The server's certificate, PEM; see `certificate.ts`. */
  readonly caCert: string;
  /** The longest time until the connection is open. */
  readonly timeoutMs?: number;
  readonly maxMessageBytes?: number;
  /** Told once the connection is gone: a process that exits before takes its reason with it. */
  readonly onClosed?: () => void;
}

/** Connects to a server at `wss://host:port`.
 * @throws {ConnectionError} "refused": no server, another certificate, token or version, or no answer in
 * time. {TypeError} another scheme than wss. */
export async function connect(url: string, options: ConnectOptions): Promise<Connection> {
  const { token, caCert, timeoutMs = 10_000, maxMessageBytes = MAX_FRAME_BYTES } = options;
  const { onClosed = () => {} } = options;
  if (!URL.canParse(url) || new URL(url).protocol !== "wss:") {
    throw new TypeError(`Cannot connect to ${url}: expected wss://host:port`);
  }
  const { default: WebSocket } = await import("ws"); // reads the environment: only when it is needed
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const refuse = (state: string) =>
    reject(new ConnectionError(`Cannot connect to ${url}: ${state}`, "refused"));
  const ws: Ws = new WebSocket(url, SUBPROTOCOL, {
    ca: caCert,
    rejectUnauthorized: true, // else NODE_TLS_REJECT_UNAUTHORIZED=0 gives any server the token
    headers: { authorization: `Bearer ${token}` },
    handshakeTimeout: timeoutMs,
    maxPayload: maxMessageBytes,
    ...LIMITS,
    generateMask: (mask: Uint8Array) => mask.fill(0),
  });
  ws.on("unexpected-response", (_request, response) => {
    const { statusCode } = response;
    response.once("data", (chunk: Uint8Array) => {
      const line = plainText(new TextDecoder().decode(chunk.subarray(0, 200)).split("\n")[0]);
      refuse(
        statusCode === 401
          ? `the server refused the token (${line})`
          : `the server answered ${statusCode}, ${line}`,
      );
      ws.terminate();
    });
    response.once("end", () => refuse(`the server answered ${statusCode}`));
  });
  ws.onerror = ({ message }) => refuse(message);
  const { host } = new URL(url);
  ws.on("open", () => resolve(socketConnection(ws, { peer: host, maxMessageBytes, onClosed })));
  return await promise;
}
