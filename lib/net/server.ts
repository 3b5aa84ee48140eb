/** The listening end of a WebSocket over TLS, for peers with the token.
 *
 * It knows the token before it reads more than the head of a request; a body is never read. Who may
 * connect, how many and for how long is `tls_listener.ts`; what a peer with the token can make it hold:
 *
 * | what | bound | beyond it |
 * |---|---|---|
 * | head of a request | 8 KiB | 400 |
 * | a message, in pieces or whole | `maxMessageBytes`, at most 2^25 | closed, 1009 |
 * | pieces of a message | 1024 frames, 2^15 reads | closed, 1008 |
 * | messages that nobody has asked for | 64, 2^26 bytes ({@linkcode Inbox}) | closed, 4000 |
 * | the same and pieces, all peers together | 2^26 bytes | whoever holds most is cut off |
 * | silence | 120 s, asked for a sign of life after 60 | lost |
 * | a closed connection whose peer does not answer | 2 s | cut off |
 * @module */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import {
  CLOSE_MS,
  LIMITS,
  MAX_FRAME_BYTES,
  socketConnection,
  SUBPROTOCOL,
  type Ws,
} from "./websocket.ts";
import { listenTls, type Visitor } from "./tls_listener.ts";
import { type Connection, plainText } from "./connection.ts";

/** A silent peer is asked for a sign of life after half of it, and lost after all of it. */
const IDLE_MS = 120_000;
const HEAD_BYTES = 2 ** 13;
/** From a breach of the rules of frames to the end of its connection. */
const FAREWELL_MS = 100;
/** Of all peers together, in messages that nobody has asked for yet and in pieces of messages. */
const HELD_BYTES = 2 ** 26;
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
  readonly maxMessageBytes?: number;
  /** Serves a peer. The connection is closed when the promise settles; the peer is told of a rejection. */
  readonly onConnection: (connection: Connection) => Promise<void>;
  /** Told of every peer that was refused or whose `onConnection` rejected; the server goes on. */
  readonly onFault?: (peer: string, error: unknown) => void;
}

/** A running server. */
export interface Listener {
  /** Where it listens: `wss://hostname:port`. */
  readonly url: string;
  /** Tells every peer and resolves when all are gone: those that do not answer are cut off after 2 s, and what is
   * still at work for one after 4 s is left behind. */
  close(): Promise<void>;
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Why a request is no connection: status and reason; null when it may be one. */
function refusal(
  { url, headers }: IncomingMessage,
  tokenDigest: Buffer,
): [status: number, reason: string] | null {
  const { authorization, upgrade } = headers;
  if (authorization === undefined) return [401, "no token"];
  // Digests: equally long, so that the comparison takes the same time whatever was sent.
  if (!timingSafeEqual(digest(authorization), tokenDigest)) return [401, "wrong token"];
  if (url !== "/") return [404, "no such path"];
  if (upgrade?.toLowerCase() !== "websocket") return [426, "not a WebSocket"];
  const offered = headers["sec-websocket-protocol"] ?? "none";
  if (!offered.split(/, */).includes(SUBPROTOCOL)) {
    return [400, `this server speaks ${SUBPROTOCOL}, the client ${plainText(offered)}`];
  }
  if (headers["sec-websocket-version"] !== "13") return [400, "not version 13 of WebSocket"];
  return /^[A-Za-z0-9+/]{22}==$/.test(headers["sec-websocket-key"] ?? "")
    ? null
    : [400, "no Sec-WebSocket-Key of 16 bytes"];
}

/** Answers a request that is no connection, and hangs up. */
function answer(stream: Duplex, status: number, reason: string): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    ...status === 426 ? ["Upgrade: websocket"] : [],
  ];
  stream.on("error", () => {}); // it has hung up first
  stream.end(`${head.join("\r\n")}\r\n\r\n${reason}\n`);
}

/** A peer with the token, as the server keeps it. */
interface Guest {
  readonly ws: Ws;
  readonly connection: Connection & { readonly heldBytes: number };
  /** Of the message that is coming in. */
  pieces: number;
}

const heldBytes = ({ connection, pieces }: Guest) => connection.heldBytes + pieces;

/** Cuts off whoever holds most when all together hold too much. */
function checkHeld(guests: ReadonlyMap<Guest, unknown>): void {
  const all = [...guests.keys()];
  if (all.reduce((sum, guest) => sum + heldBytes(guest), 0) <= HELD_BYTES) return;
  const most = all.reduce((most, guest) => heldBytes(guest) > heldBytes(most) ? guest : most);
  most.connection.close("the server holds too much for its peers");
  most.ws.terminate();
  most.pieces = 0;
}

/** Ends a connection whose peer gives no sign of life. @returns what to call at each sign. */
function watch(ws: Ws): () => void {
  let alive = true;
  const timer = setInterval(() => {
    if (!alive) ws.terminate();
    alive = false;
    ws.ping();
  }, IDLE_MS / 2);
  ws.on("close", () => clearInterval(timer));
  return () => alive = true;
}

/** Listens for peers with the token. One peer's fault ends its connection, never the server.
 * @throws {Error} the address is taken, or certificate and key are none. */
export function listen(options: ListenOptions): Listener {
  const { hostname = "127.0.0.1", port = 0, cert, key, onConnection, onFault } = options;
  const maxMessageBytes = options.maxMessageBytes ?? MAX_FRAME_BYTES;
  const tokenDigest = digest(`Bearer ${options.token}`);
  const guests = new Map<Guest, Promise<void>>();
  // It reads the environment: only when it is needed.
  const sockets = import("ws").then(({ WebSocketServer }) =>
    new WebSocketServer({
      ...LIMITS,
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      handleProtocols: () => SUBPROTOCOL,
    })
  );

  const serve = async (connection: Connection) => {
    try {
      await onConnection(connection);
      connection.close();
    } catch (error) {
      connection.close(error instanceof Error ? error.message : String(error));
      onFault?.(connection.peer, error);
    }
  };
  const welcome = (ws: Ws, { peer, tls }: Visitor) => {
    const closed = Promise.withResolvers<void>();
    const onClosed = closed.resolve;
    const connection = socketConnection(ws, { peer, maxMessageBytes, onClosed });
    const guest: Guest = { ws, connection, pieces: 0 };
    const signOfLife = watch(ws);
    tls.on("data", (chunk: Uint8Array) => {
      signOfLife();
      guest.pieces += chunk.length;
      checkHeld(guests);
    });
    ws.on("message", () => guest.pieces = 0);
    // It has broken a rule of frames: it is told, and not read for longer than that takes.
    ws.on("error", () => setTimeout(() => ws.terminate(), FAREWELL_MS));
    guests.set(
      guest,
      Promise.all([serve(connection), closed.promise]).then(() => void guests.delete(guest)),
    );
  };
  const visitors = new WeakMap<Duplex, Visitor>();
  const refuse = (stream: Duplex, [status, reason]: [number, string]) => {
    visitors.get(stream)?.report(reason);
    answer(stream, status, reason);
  };
  const http = createServer({ maxHeaderSize: HEAD_BYTES, keepAlive: false });
  http.on("request", (request) => {
    refuse(request.socket, refusal(request, tokenDigest) ?? [426, "not a WebSocket"]);
  });
  http.on("clientError", ({ message }, stream) => refuse(stream, [400, plainText(message)]));
  http.on("upgrade", async (request, stream, head) => {
    const visitor = visitors.get(stream);
    const refused = refusal(request, tokenDigest);
    if (refused !== null || visitor === undefined) {
      return refuse(stream, refused ?? [400, "a second request"]);
    }
    const full = visitor.admit();
    if (full !== null) return refuse(stream, [503, full]);
    try {
      (await sockets).handleUpgrade(request, stream, head, (ws: Ws) => welcome(ws, visitor));
    } catch (error) { // nobody waits for this function: it must not end the process
      visitor.expel(String(error));
    }
  });
  const tls = listenTls(
    { hostname, port, cert, key },
    (visitor) => {
      visitors.set(visitor.tls, visitor);
      http.emit("connection", visitor.tls);
    },
    (peer, error) => onFault?.(peer, error),
  );
  const close = async () => {
    tls.close();
    const rest = [...guests];
    rest.forEach(([{ connection }]) => connection.close("the server stops"));
    const later = (what: () => void, ms: number) => setTimeout(what, ms);
    const cutOff = later(() => rest.forEach(([{ ws }]) => ws.terminate()), CLOSE_MS);
    const givenUp = Promise.withResolvers<void>();
    const giveUp = later(givenUp.resolve, 2 * CLOSE_MS);
    await Promise.race([Promise.all(rest.map(([, served]) => served)), givenUp.promise]);
    clearTimeout(cutOff);
    clearTimeout(giveUp);
  };
  return { url: `wss://${hostname}:${tls.port}`, close };
}
