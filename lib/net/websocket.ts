/** Connections between two machines: WebSocket over TLS, opened with a bearer token. Both ends are `ws`; here is
 * the calling one, `websocket_server.ts` listens.
 *
 * The masking key, which protects proxies that read along, is zero: TLS hides the frames, and masking in
 * JavaScript costs a tenth of the time that a batch takes there and back.
 * @module */
import { plainText } from "./plain_text.ts";
import { LIMITS, MAX_FRAME_BYTES, socketConnection, SUBPROTOCOL, type Ws } from "./socket.ts";
import { type Connection, ConnectionError } from "./transport.ts";

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
    response.once("data", (chunk: Uint8Array) => {
      const line = new TextDecoder().decode(chunk.subarray(0, 200)).split("\n")[0];
      refuse(
        response.statusCode === 401
          ? `the server refused the token (${plainText(line)})`
          : `the server answered ${response.statusCode}, ${plainText(line)}`,
      );
      ws.terminate();
    });
    response.once("end", () => refuse(`the server answered ${response.statusCode}`));
  });
  ws.onerror = ({ message }) => refuse(message);
  ws.on(
    "open",
    () =>
      resolve(
        socketConnection(ws, { peer: new URL(url).host, maxMessageBytes, onClosed }),
      ),
  );
  return await promise;
}
