/** Connections between two machines: WebSocket over TLS, opened with a bearer token.
 *
 * The server is `Deno.serve`. It knows the token before it reads more than the head of a request, which Deno
 * bounds; a body is never read. A peer without the token gets rid of 4 MB, all of it in the kernel's socket
 * buffers (tested); what it can do is keep a socket open, and Deno has no limit on their number. Messages of
 * a peer with the token are bounded by `maxMessageBytes`, unread ones by the {@linkcode Inbox}.
 *
 * The client is `ws`, because Deno's own switches `TCP_NODELAY` off and offers no way back: Nagle's algorithm at
 * one end and the delayed acknowledgement at the other make 20 KB there and back take 88 ms. Deno's server
 * has it off too. The client therefore answers every piece it reads with an empty pong, which RFC 6455 (5.5.3)
 * allows unasked and whose packet carries the acknowledgement that the server waits for: 307 KB there and back
 * take 2 ms instead of 35 (`tests/bench/transport_bench.ts`). The masking key, which protects proxies that read
 * along, is zero: TLS hides the frames, and masking in JavaScript costs 0.3 ms of those 2.
 * @module */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { MAX_FRAME_BYTES, type Socket, socketConnection, SUBPROTOCOL } from "./socket.ts";
import { type Connection, ConnectionError } from "./transport.ts";

/** A silent peer is asked for a sign of life after half of it, and lost after all of it. */
const IDLE_SECONDS = 120;

/** What a server needs. */
export interface ListenOptions {
  /** The address to listen at. */
  readonly hostname?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /** Certificate and private key, PEM; see `certificate.ts`. */
  readonly cert: string;
  readonly key: string;
  readonly token: string;
  /** At most 2^26: what Deno itself takes. */
  readonly maxMessageBytes?: number;
  /** Closes the server. */
  readonly signal?: AbortSignal;
  /** Serves a peer. The connection is closed when the promise settles; the peer is told of a rejection. */
  readonly onConnection: (connection: Connection) => Promise<void>;
  /** Told of every peer that was refused or whose `onConnection` rejected; the server goes on. */
  readonly onFault?: (peer: string, error: unknown) => void;
}

/** A running server. */
export interface Listener {
  /** Where it listens: `wss://hostname:port`. */
  readonly url: string;
  /** Tells every peer, and resolves when all are gone. */
  close(): Promise<void>;
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Why a request is no connection: status and reason; null when it may be one. */
function refusal(request: Request, tokenDigest: Buffer): [status: number, reason: string] | null {
  const authorization = request.headers.get("authorization");
  if (authorization === null) return [401, "no token"];
  // Digests: equally long, so that the comparison takes the same time whatever was sent.
  if (!timingSafeEqual(digest(authorization), tokenDigest)) return [401, "wrong token"];
  if (new URL(request.url).pathname !== "/") return [404, "no such path"];
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return [426, "not a WebSocket"];
  }
  const offered = (request.headers.get("sec-websocket-protocol") ?? "none").split(/, */);
  return offered.includes(SUBPROTOCOL)
    ? null
    : [400, `this server speaks ${SUBPROTOCOL}, the client ${offered.join(", ")}`];
}

/** Listens for peers with the token. One peer's fault ends its connection, never the server.
 * @throws {Error} the address is taken, or certificate and key are none. */
export function listen(options: ListenOptions): Listener {
  const { hostname = "127.0.0.1", port = 0, cert, key, signal, onConnection, onFault } = options;
  const maxMessageBytes = options.maxMessageBytes ?? MAX_FRAME_BYTES;
  const tokenDigest = digest(`Bearer ${options.token}`);
  const connections = new Map<Connection, Promise<void>>();

  const serve = async (connection: Connection) => {
    try {
      await onConnection(connection);
      connection.close();
    } catch (error) {
      connection.close(error instanceof Error ? error.message : String(error));
      onFault?.(connection.peer, error);
    }
  };
  const server = Deno.serve(
    { hostname, port, cert, key, onListen: () => {} },
    (request, { remoteAddr }) => {
      const peer = `${remoteAddr.hostname}:${remoteAddr.port}`;
      const refused = refusal(request, tokenDigest);
      if (refused !== null) {
        const [status, reason] = refused;
        onFault?.(peer, new ConnectionError(`Cannot accept ${peer}: ${reason}`, "refused"));
        const headers = { connection: "close", ...status === 426 ? { upgrade: "websocket" } : {} };
        return new Response(`${reason}\n`, { status, headers });
      }
      const { socket, response } = Deno.upgradeWebSocket(request, {
        protocol: SUBPROTOCOL,
        idleTimeout: IDLE_SECONDS,
      });
      socket.onopen = () => {
        const closed = Promise.withResolvers<void>();
        const connection = socketConnection(socket as Socket, {
          peer,
          maxMessageBytes,
          onClosed: closed.resolve,
        });
        const served = Promise.all([serve(connection), closed.promise])
          .then(() => void connections.delete(connection));
        connections.set(connection, served);
      };
      return response;
    },
  );
  const close = async () => {
    signal?.removeEventListener("abort", close);
    connections.forEach((_, connection) => connection.close("the server stops"));
    await Promise.all(connections.values());
    await server.shutdown();
  };
  signal?.addEventListener("abort", close);
  return { url: `wss://${hostname}:${(server.addr as Deno.NetAddr).port}`, close };
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

/** What we use of `ws` beyond what it shares with Deno's WebSocket. */
interface Ws extends Socket {
  pong(): void;
  terminate(): void;
  // deno-lint-ignore no-explicit-any
  on(event: string, listener: (...args: any[]) => void): void;
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
    perMessageDeflate: false,
    generateMask: (mask: Uint8Array) => mask.fill(0),
  });
  ws.on("unexpected-response", (_request, response) => {
    response.once("data", (chunk: Uint8Array) => {
      const line = new TextDecoder().decode(chunk.subarray(0, 200)).split("\n")[0];
      refuse(
        response.statusCode === 401
          ? `the server refused the token (${line})`
          : `the server answered ${response.statusCode}, ${line}`,
      );
      ws.terminate();
    });
    response.once("end", () => refuse(`the server answered ${response.statusCode}`));
  });
  ws.onerror = ({ message }) => refuse(message);
  ws.on("upgrade", ({ socket }) => socket.on("data", () => ws.pong()));
  ws.on(
    "open",
    () =>
      resolve(
        socketConnection(ws, { peer: new URL(url).host, maxMessageBytes, onClosed }),
      ),
  );
  return await promise;
}
