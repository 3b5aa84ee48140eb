/** A server and a client over TLS for one test, and a raw TLS peer that may send anything. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { selfSigned } from "lib/net/certificate.ts";
import type { Connection } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import { listen, type ListenOptions } from "lib/net/server.ts";

export const granted = async (name: "net" | "env" | "read" | "run") =>
  (await Deno.permissions.query({ name })).state === "granted";
// `ws` asks the environment; a certificate is checked against no file.
export const ignore = !(await granted("net") && await granted("env"));
export const { cert, key } = selfSigned(["localhost", "127.0.0.1"]);
export const token = "a-token-for-tests";
export const TIMEOUT_MS = 10_000;

/** A server whose connections and faults are kept, and a client for it; closed at the end. */
export class Rig {
  readonly connections: Connection[] = [];
  readonly faults: string[] = [];
  readonly #news = new EventTarget();
  readonly #listener;

  constructor(options: Partial<ListenOptions> = {}) {
    this.#listener = listen({
      cert,
      key,
      token,
      onConnection: async (connection) => {
        this.connections.push(connection);
        while (true) await connection.send(await connection.receive());
      },
      onFault: (_peer, error) => {
        this.faults.push((error as Error).message);
        this.#news.dispatchEvent(new Event("fault"));
      },
      ...options,
    });
  }

  get url() {
    return this.#listener.url;
  }

  connect(options: { token?: string; maxMessageBytes?: number } = {}): Promise<Connection> {
    return connect(this.url, { token, caCert: cert, timeoutMs: TIMEOUT_MS, ...options });
  }

  /** What the server says of the next fault, or said of the last. */
  async fault(): Promise<string> {
    if (this.faults.length === 0) {
      await new Promise((resolve) => this.#news.addEventListener("fault", resolve, { once: true }));
    }
    return this.faults.pop()!;
  }

  /** Resolves once so many connections have come. */
  async opened(count: number): Promise<void> {
    while (this.connections.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Asserts that a new client is served as if nothing had happened. */
  async assertServes(): Promise<void> {
    const client = await this.connect();
    await client.send(Uint8Array.of(1, 2, 3));
    assertEquals(await client.receive({ timeoutMs: TIMEOUT_MS }), Uint8Array.of(1, 2, 3));
    client.close();
    assertStringIncludes(await this.fault(), "it closed the connection (done)");
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

export function test(
  name: string,
  run: (rig: Rig) => Promise<void>,
  options?: Partial<ListenOptions>,
) {
  Deno.test({
    name,
    ignore,
    async fn() {
      const rig = new Rig(options);
      try {
        await run(rig);
        await rig.assertServes();
      } finally {
        await rig.close();
      }
    },
  });
}

/** Speaks to a server below what `connect` does: writes a request's head, does what `use` does, and returns
 * what the server answered until the body's line was there or one side hung up, which `use` may await. */
export async function raw(
  url: string,
  head: string,
  use: (tls: Deno.TlsConn, ended: Promise<void>) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const { hostname, port } = new URL(url);
  const tls = await Deno.connectTls({ hostname, port: Number(port), caCerts: [cert] });
  let answer = "";
  const reading = (async () => {
    for await (const chunk of tls.readable) {
      answer += new TextDecoder().decode(chunk);
      if (/\r\n\r\n.*\n/.test(answer)) break;
    }
  })().catch(() => {});
  await tls.write(new TextEncoder().encode(head.replaceAll("\n", "\r\n")));
  await use(tls, reading);
  await reading;
  return answer;
}

export function hangUp(tls: Deno.TlsConn): void {
  try {
    tls.close();
  } catch (error) { // the other side was first
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

export const UPGRADE = `GET / HTTP/1.1
Host: localhost
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
`;
export const AUTHORIZED = `${UPGRADE}Authorization: Bearer ${token}\n`;
export const OPEN = `${AUTHORIZED}Sec-WebSocket-Protocol: fe-training.1\n\n`;
