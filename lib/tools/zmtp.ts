/** A ZeroMQ connection: ZMTP 3.0 over TCP with the NULL mechanism, as much of it as a Jupyter client needs
 * (DEALER and SUB sockets, no reconnection), and as a relay that such a client takes for a kernel.
 *
 * Why not the `zeromq` package: its native event loop stalls under Deno when it connects before the
 * kernel listens, and it needs a binary per platform. The protocol is a 64-byte greeting, one READY
 * command each way, then frames.
 * @see https://rfc.zeromq.org/spec/23/
 * @module */
import { Buffer } from "node:buffer";

const MORE = 1;
const LONG = 2;
const COMMAND = 4;
const GREETING_BYTES = 64;
const encoder = new TextEncoder();

function encodeFrame(flags: number, body: Uint8Array): Uint8Array {
  const long = body.length > 255;
  const frame = new Uint8Array((long ? 9 : 2) + body.length);
  frame[0] = flags | (long ? LONG : 0);
  if (long) new DataView(frame.buffer).setBigUint64(1, BigInt(body.length));
  else frame[1] = body.length;
  frame.set(body, frame.length - body.length);
  return frame;
}

/** READY with the one property that every peer checks: name and value with their lengths before them. */
function readyCommand(socketType: string): Uint8Array {
  const [command, name, value] = ["READY", "Socket-Type", socketType].map((text) =>
    encoder.encode(text)
  );
  const valueLength = [0, 0, 0, value.length];
  return encodeFrame(
    COMMAND,
    Uint8Array.of(command.length, ...command, name.length, ...name, ...valueLength, ...value),
  );
}

/** Connects again and again until somebody listens: the kernel is still starting.
 * @param ended rejects where nobody ever will. */
export async function whenListening<T>(
  connect: () => Promise<T>,
  ended: Promise<never>,
): Promise<T> {
  while (true) {
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), ended]);
    }
  }
}

/** One connected socket. `receive()` gives whole messages; null once the other side has gone. */
export class Zmtp {
  #connection: Deno.TcpConn;
  #writing: Promise<void> = Promise.resolve();

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a listening peer on this machine; a SUB socket subscribes to everything.
   * @throws {Deno.errors.ConnectionRefused} nobody listens yet. */
  static async connect(port: number, socketType: "DEALER" | "SUB"): Promise<Zmtp> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const socket = await Zmtp.#greet(connection, socketType, `connect to port ${port}`);
    if (socketType === "SUB") await socket.send([Uint8Array.of(1)]);
    return socket;
  }

  /** Takes a connection that somebody has made to us. What a SUB peer subscribes to comes as messages. */
  static accept(connection: Deno.TcpConn, socketType: "ROUTER" | "PUB"): Promise<Zmtp> {
    return Zmtp.#greet(connection, socketType, "take a connection");
  }

  static async #greet(connection: Deno.TcpConn, socketType: string, what: string): Promise<Zmtp> {
    connection.setNoDelay();
    const socket = new Zmtp(connection);
    try {
      const greeting = new Uint8Array(GREETING_BYTES);
      greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, ...encoder.encode("NULL")]);
      await socket.#write(Buffer.concat([greeting, readyCommand(socketType)]));
      const theirs = await socket.#read(GREETING_BYTES);
      if (theirs === null || theirs[0] !== 0xff || theirs[9] !== 0x7f || theirs[10] < 3) {
        throw new Error(`Cannot ${what}: the peer does not speak ZMTP 3`);
      }
      const ready = await socket.#readFrame();
      if (ready === null || !(ready.flags & COMMAND)) {
        throw new Error(`Cannot ${what}: the peer sent no READY`);
      }
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Sends one message of several frames, whole, after those before it. */
  send(frames: readonly Uint8Array[]): Promise<void> {
    const last = frames.length - 1;
    const bytes = Buffer.concat(frames.map((frame, i) => encodeFrame(i < last ? MORE : 0, frame)));
    this.#writing = this.#writing.then(() => this.#write(bytes));
    return this.#writing;
  }

  /** The next message, commands skipped; null at the end of the connection. */
  async receive(): Promise<Uint8Array[] | null> {
    const frames: Uint8Array[] = [];
    while (true) {
      const frame = await this.#readFrame();
      if (frame === null) return null;
      if (frame.flags & COMMAND) continue;
      frames.push(frame.body);
      if (!(frame.flags & MORE)) return frames;
    }
  }

  /** Closes the connection; a pending `receive()` gives null. */
  close(): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already by the other side.
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async #read(length: number): Promise<Uint8Array | null> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      // A reset or a close from this side ends the stream as surely as an orderly end.
      const count = await this.#connection.read(bytes.subarray(at)).catch(() => null);
      if (count === null) return null;
      at += count;
    }
    return bytes;
  }

  async #readFrame(): Promise<{ flags: number; body: Uint8Array } | null> {
    const head = await this.#read(1);
    if (head === null) return null;
    const flags = head[0];
    const size = await this.#read(flags & LONG ? 8 : 1);
    if (size === null) return null;
    const length = flags & LONG ? Number(new DataView(size.buffer).getBigUint64(0)) : size[0];
    const body = await this.#read(length);
    return body && { flags, body };
  }
}
