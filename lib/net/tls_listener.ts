/** TLS connections from anybody, none of which can take what the others need.
 *
 * Whoever connects is a visitor until `admit` is called on it, which is the business of who has read its token.
 *
 * | what | bound | beyond it |
 * |---|---|---|
 * | visitors, in all | 64 | one goes |
 * | visitors of one address | 32 | one of that address goes |
 * | a visit | 10 s, TLS included | it goes |
 * | admitted, in all | 64 | `admit` refuses |
 * | admitted, of one address | 16 | `admit` refuses |
 * | open files of the process | the system's | a visitor goes, and it listens on |
 *
 * The first to go is who has not said a word, of those who came first: connections that only wait keep nobody out.
 * The listener is Deno's and the streams are Node's, because each has what the other lacks: `accept` rejects
 * when there are no file descriptors, where a server of Node falls silent and `Deno.serve` ends the process; and
 * Node's TLS can be ended before its handshake is over, where Deno's `TlsConn` stays open.
 * @module */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { createSecureContext, TLSSocket } from "node:tls";
import { ConnectionError } from "./connection.ts";

const VISITORS = 64;
const VISITORS_PER_ADDRESS = 32;
const VISIT_MS = 10_000;
const ADMITTED = 64;
const ADMITTED_PER_ADDRESS = 16;
/** Between two attempts to accept while there are no file descriptors. */
const RETRY_MS = 100;
/** Between two that come in a crowd: who has something to say gets to say it before it would have to go. */
const CROWD_MS = 1;
/** Four TLS records a read. */
const CHUNK_BYTES = 2 ** 16;

/** A TCP connection as a stream of Node's. */
class TcpStream extends Duplex {
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  /** Whether the peer has not said a word. */
  silent = true;

  constructor(readonly conn: Deno.TcpConn) {
    super({ allowHalfOpen: false });
    conn.setNoDelay(); // Nagle's algorithm and a delayed acknowledgement make an answer wait for 40 ms
  }

  override _read(): void {
    this.conn.read(this.#buffer).then(
      (count) => {
        this.silent = false;
        this.push(count === null ? null : Buffer.from(this.#buffer.slice(0, count).buffer));
      },
      (error) => this.destroy(error),
    );
  }

  override async _write(chunk: Uint8Array, _: string, done: (error?: Error) => void) {
    try {
      for (let at = 0; at < chunk.length;) at += await this.conn.write(chunk.subarray(at));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _final(done: (error?: Error) => void): void {
    this.conn.closeWrite().then(() => done(), () => done()); // the peer was first
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    try {
      this.conn.close();
    } catch { // it is closed
    }
    done(error);
  }
}

/** Somebody at the other end of a TLS connection. */
export class Visitor {
  readonly address: string;
  readonly peer: string;
  readonly tls: TLSSocket;
  readonly #tcp: TcpStream;
  readonly #timer: ReturnType<typeof setTimeout>;
  #reported = false;

  constructor(
    conn: Deno.TcpConn,
    secureContext: ReturnType<typeof createSecureContext>,
    private readonly door: Door,
  ) {
    const { hostname, port } = conn.remoteAddr;
    this.address = hostname;
    this.peer = `${hostname}:${port}`;
    this.#tcp = new TcpStream(conn);
    // The types want a net.Socket; any Duplex will do.
    this.tls = new TLSSocket(this.#tcp as never, { isServer: true, secureContext });
    this.#timer = setTimeout(() => this.expel(`no request within ${VISIT_MS / 1000} s`), VISIT_MS);
    this.tls.on("error", (error) => this.expel(error.message));
    this.tls.once("close", () => this.#tcp.destroy());
    this.#tcp.on("error", () => {}); // a reset; it closes
    this.#tcp.once("close", () => {
      clearTimeout(this.#timer);
      this.tls.destroy();
      door.left(this);
    });
  }

  /** Whether it has not said a word. */
  get silent(): boolean {
    return this.#tcp.silent;
  }

  /** Lets it stay. @returns why not; null when it may. */
  admit(): string | null {
    const refusal = this.door.admit(this);
    if (refusal === null) {
      clearTimeout(this.#timer);
      this.#reported = true; // what happens from now on is not the door's business
    }
    return refusal;
  }

  /** Says that it is not accepted, and why: the first reason counts. */
  report(reason: string): void {
    if (this.#reported) return;
    this.#reported = true;
    const error = new ConnectionError(`Cannot accept ${this.peer}: ${reason}`, "refused");
    this.door.onFault(this.peer, error);
  }

  /** Ends the connection at once. */
  expel(reason: string): void {
    this.report(reason);
    this.door.left(this); // now: before the stream says that it is closed, the next may have come
    this.#tcp.destroy();
  }
}

/** Who is there. */
class Door {
  /** In the order in which they came. */
  readonly visitors = new Set<Visitor>();
  readonly admitted = new Set<Visitor>();

  constructor(readonly onFault: (peer: string, error: unknown) => void) {}

  enter(visitor: Visitor): void {
    this.visitors.add(visitor);
    const same = [...this.visitors].filter(({ address }) => address === visitor.address);
    if (same.length > VISITORS_PER_ADDRESS) this.expelOne(same, "too many wait at this address");
    else if (this.visitors.size > VISITORS) this.expelOne([...this.visitors], "too many wait");
  }

  /** Makes room among those who may go, in the order in which they came. */
  expelOne(visitors: readonly Visitor[], reason: string): void {
    (visitors.find(({ silent }) => silent) ?? visitors.at(0))?.expel(reason);
  }

  admit(visitor: Visitor): string | null {
    const same = [...this.admitted].filter(({ address }) => address === visitor.address);
    if (this.admitted.size >= ADMITTED || same.length >= ADMITTED_PER_ADDRESS) {
      return "too many connections";
    }
    this.visitors.delete(visitor);
    this.admitted.add(visitor);
    return null;
  }

  left(visitor: Visitor): void {
    this.visitors.delete(visitor);
    this.admitted.delete(visitor);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Listens for TLS connections.
 * @param onVisitor told of each whose handshake is done.
 * @param onFault told of each that had to go, and of a listener that cannot accept.
 * @throws {Error} the address is taken, or certificate and key are none. */
export function listenTls(
  { hostname, port, cert, key }: { hostname: string; port: number; cert: string; key: string },
  onVisitor: (visitor: Visitor) => void,
  onFault: (peer: string, error: unknown) => void,
): { readonly port: number; close(): void } {
  const secureContext = createSecureContext({ cert, key });
  const listener = Deno.listen({ hostname, port });
  const door = new Door(onFault);
  let closed = false;

  const enter = (conn: Deno.TcpConn) => {
    const visitor = new Visitor(conn, secureContext, door);
    visitor.tls.once("secure", () => onVisitor(visitor));
    door.enter(visitor);
  };
  (async () => {
    while (!closed) {
      try {
        enter(await listener.accept());
        if (door.visitors.size > VISITORS_PER_ADDRESS / 2) await pause(CROWD_MS);
      } catch (error) {
        if (closed) return;
        onFault("the listener", error);
        door.expelOne([...door.visitors], "the process has no file descriptors");
        await pause(RETRY_MS);
      }
    }
  })();
  return {
    port: listener.addr.port,
    close() {
      closed = true;
      listener.close();
      door.visitors.forEach((visitor) => visitor.expel("the server stops"));
    },
  };
}
