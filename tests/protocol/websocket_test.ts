import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { selfSigned } from "lib/protocol/certificate.ts";
import { cutReason } from "lib/protocol/socket.ts";
import { type Connection, ConnectionError, INBOX_LIMITS } from "lib/protocol/transport.ts";
import { connect, listen, type ListenOptions } from "lib/protocol/websocket.ts";
import { spawnPeer } from "./spawn_peer.ts";

const granted = async (name: "net" | "env" | "read" | "run") =>
  (await Deno.permissions.query({ name })).state === "granted";
// `ws` asks the environment; a certificate is checked against no file.
const ignore = !(await granted("net") && await granted("env"));
const { cert, key } = selfSigned(["localhost", "127.0.0.1"]);
const token = "a-token-for-tests";
const TIMEOUT_MS = 10_000;

/** A server whose connections and faults are kept, and a client for it; closed at the end. */
class Rig {
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

function test(name: string, run: (rig: Rig) => Promise<void>, options?: Partial<ListenOptions>) {
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
 * what the server answered until the body's line was there or one side hung up. */
async function raw(
  url: string,
  head: string,
  use: (tls: Deno.TlsConn) => Promise<void> = () => Promise.resolve(),
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
  await use(tls);
  await reading;
  return answer;
}

function hangUp(tls: Deno.TlsConn): void {
  try {
    tls.close();
  } catch (error) { // the other side was first
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

const UPGRADE = `GET / HTTP/1.1
Host: localhost
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
`;
const AUTHORIZED = `${UPGRADE}Authorization: Bearer ${token}\n`;
const OPEN = `${AUTHORIZED}Sec-WebSocket-Protocol: fe-training.1\n\n`;

test("connect() and listen() carry messages of any size both ways, in order", async (rig) => {
  const client = await rig.connect();
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 307_200, 5_000_000];
  const messages = sizes.map((size) => new Uint8Array(size).map((_, i) => i % 251));
  for (const message of messages) await client.send(message.slice());
  for (const message of messages) {
    assertEquals(await client.receive({ timeoutMs: TIMEOUT_MS }), message);
  }
  client.close("no more data");
  assertStringIncludes(await rig.fault(), "it closed the connection (no more data)");
});

test("connect() waits for no delayed acknowledgement", async (rig) => {
  const client = await rig.connect();
  const start = performance.now();
  for (let i = 0; i < 40; i++) {
    await client.send(new Uint8Array(20_000));
    await client.receive({ timeoutMs: TIMEOUT_MS });
  }
  assertLess(performance.now() - start, 1000); // 40 of them take 1.8 s, all the rest 0.05 s
  client.close();
  await rig.fault();
});

test("connect() says that the server refused the token", async (rig) => {
  const error = await assertRejects(
    () => rig.connect({ token: "another" }),
    ConnectionError,
    `Cannot connect to ${rig.url}: the server refused the token (wrong token)`,
  );
  assertEquals(error.ending, "refused");
  assertStringIncludes(await rig.fault(), "wrong token");
});

test("listen() answers what is no connection, one fault at a time", async (rig) => {
  const answers = [
    [`${UPGRADE}\n`, "401 Unauthorized", "no token"],
    [`${UPGRADE}Authorization: Bearer\n\n`, "401 Unauthorized", "wrong token"],
    [`${UPGRADE}Authorization: ${token}\n\n`, "401 Unauthorized", "wrong token"],
    [OPEN.replace("GET /", "GET /other"), "404 Not Found", "no such path"],
    [OPEN.replace("Upgrade: websocket\n", ""), "426 Upgrade Required", "not a WebSocket"],
    [`${AUTHORIZED}\n`, "400 Bad Request", "this server speaks fe-training.1, the client none"],
    [OPEN.replace("training.1", "training.2"), "400 Bad Request", "the client fe-training.2"],
  ];
  for (const [head, status, reason] of answers) {
    const answer = await raw(rig.url, head);
    assertStringIncludes(answer, `HTTP/1.1 ${status}`);
    assertStringIncludes(answer, reason);
    assertStringIncludes(await rig.fault(), reason);
  }
});

test("listen() reads no body and no endless head of a peer without the token", async (rig) => {
  const chunk = new Uint8Array(2 ** 16).fill(97);
  const heads = [
    ["POST / HTTP/1.1\nHost: localhost\nContent-Length: 1000000000\n\n", "401 Unauthorized"],
    [`${UPGRADE}X-Long: `, "400 Bad Request"],
  ];
  for (const [head, status] of heads) {
    let taken = 0;
    const answer = await raw(rig.url, head, async (tls) => {
      try {
        while (taken < 10 ** 9) {
          const stuck = new Promise<number>((resolve) => setTimeout(resolve, 500, 0));
          const written = await Promise.race([tls.write(chunk), stuck]);
          if (written === 0) break;
          taken += written;
        }
      } catch {
        // It has hung up.
      }
      hangUp(tls);
    });
    assertLess(taken, 16 * 2 ** 20); // the kernel's buffers on both sides
    assertStringIncludes(answer, `HTTP/1.1 ${status}`);
  }
  assertEquals(rig.faults.length, 1);
  assertStringIncludes(await rig.fault(), "no token");
});

test("connect() refuses a server that does not speak its version", async (rig) => {
  const other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onerror = () => {};
      return response;
    },
  );
  await assertRejects(
    () => connect(`wss://127.0.0.1:${other.addr.port}`, { token, caCert: cert }),
    ConnectionError,
    "Server sent no subprotocol",
  );
  await other.shutdown();
  await rig.assertServes();
});

test("connect() says why there is no connection, one fault at a time", async (rig) => {
  const options = { token, caCert: cert, timeoutMs: 300 };
  await assertRejects(
    () => connect(rig.url.replace("wss", "ws"), options),
    TypeError,
    "expected wss://host:port",
  );
  const another = selfSigned(["127.0.0.1"]).cert;
  await assertRejects(
    () => connect(rig.url, { ...options, caCert: another }),
    ConnectionError,
    `Cannot connect to ${rig.url}: `,
  );
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `wss://127.0.0.1:${(silent.addr as Deno.NetAddr).port}`;
  await assertRejects(
    () => connect(url, options),
    ConnectionError,
    `Cannot connect to ${url}: Opening handshake has timed out`,
  );
  silent.close();
  await assertRejects(() => connect(url, options), ConnectionError, `Cannot connect to ${url}: `);
});

test("listen() closes a connection whose message is too large, both sides say so", async (rig) => {
  const client = await rig.connect();
  await client.send(new Uint8Array(1001));
  const state = "a message exceeds 1000 bytes";
  await assertRejects(
    () => client.receive(),
    ConnectionError,
    `it closed the connection (${state})`,
  );
  assertStringIncludes(await rig.fault(), state);
}, { maxMessageBytes: 1000 });

test("connect() closes a connection whose message is too large, both sides say so", async (rig) => {
  const client = await rig.connect({ maxMessageBytes: 1000 });
  await assertRejects(() => client.send(new Uint8Array(1001)), RangeError, "exceed the limit");
  await rig.connections[0].send(new Uint8Array(1001));
  const error = await assertRejects(
    () => client.receive(),
    ConnectionError,
    "a message exceeds 1000 bytes",
  );
  assertEquals(error.ending, "closed");
  assertStringIncludes(await rig.fault(), "it closed the connection (too large)");
});

test("listen() outlives frames that are cut, endless, or none", async (rig) => {
  const frames: [string, number[]][] = [
    ["cut", [0x82, 0x80 | 100, 0, 0, 0, 0, 1, 2, 3]],
    ["2^40 bytes long", [0x82, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["of no known kind", [0x8f, 0x80, 0, 0, 0, 0]],
  ];
  for (const [, frame] of frames) {
    await raw(rig.url, OPEN, async (tls) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await tls.write(Uint8Array.from(frame));
      await new Promise((resolve) => setTimeout(resolve, 50));
      hangUp(tls);
    });
    assertStringIncludes(await rig.fault(), "Cannot receive from 127.0.0.1:");
  }
});

test("listen() cuts off a peer that floods, both sides say so", async (rig) => {
  const client = await rig.connect();
  for (let i = 0; i < INBOX_LIMITS.messages + 2; i++) await client.send(new Uint8Array(10));
  await assertRejects(() => client.receive(), ConnectionError, "bytes came unasked)");
  assertStringIncludes(await rig.fault(), "bytes came unasked");
}, {
  onConnection: async (connection) => {
    const first = await connection.receive();
    if (first.length === 10) await new Promise((resolve) => setTimeout(resolve, 300));
    else await connection.send(first);
    while (true) await connection.receive();
  },
});

test("Connection.close() cuts a long reason between characters, both ways", async (rig) => {
  const reason = "ключ ".repeat(40);
  assertEquals(new TextEncoder().encode(cutReason(reason)).length <= 123, true);
  const client = await rig.connect();
  client.close(reason);
  assertStringIncludes(await rig.fault(), `(${"ключ ".repeat(13)}`);
  const second = await rig.connect();
  rig.connections.at(-1)!.close(reason);
  await assertRejects(() => second.receive(), ConnectionError, `(${"ключ ".repeat(13)}`);
  await rig.fault();
});

test("listen() tells the peer what its handler threw, and goes on", async (rig) => {
  const client = await rig.connect();
  await client.send(new Uint8Array(10));
  await assertRejects(
    () => client.receive(),
    ConnectionError,
    "it closed the connection (Cannot read z1: z1 is not a tensor)",
  );
  assertEquals(await rig.fault(), "Cannot read z1: z1 is not a tensor");
}, {
  onConnection: async (connection) => {
    const message = await connection.receive();
    if (message.length === 10) throw new TypeError("Cannot read z1: z1 is not a tensor");
    await connection.send(message);
    await connection.receive();
  },
});

test("Connection.receive() tells a stalled peer from one that is gone", async (rig) => {
  const client = await rig.connect();
  const error = await assertRejects(() => client.receive({ timeoutMs: 50 }), ConnectionError);
  assertEquals(error.ending, "stalled");
  await client.send(Uint8Array.of(5));
  assertEquals(await client.receive({ timeoutMs: TIMEOUT_MS }), Uint8Array.of(5));
  client.close();
  await rig.fault();
});

Deno.test({
  name: "Listener.close() tells every peer and is done when they are gone",
  ignore,
  async fn() {
    const rig = new Rig();
    const client = await rig.connect();
    await Promise.all([
      assertRejects(() => client.receive(), ConnectionError, "(the server stops)"),
      rig.close(),
    ]);
    await assertRejects(() => rig.connect(), ConnectionError, "Cannot connect to");
  },
});

Deno.test({
  name: "A peer that is killed is lost, not closed, and the other side is told, both ways",
  ignore: ignore || !(await granted("read") && await granted("run")),
  async fn() {
    const rig = new Rig();
    const client = await spawnPeer("client", { url: rig.url, token, cert });
    assertEquals(client.ready, "connected");
    client.child.kill("SIGKILL");
    assertStringIncludes(await rig.fault(), "it vanished without closing");
    await client.child.status;
    await rig.assertServes();
    await rig.close();

    const server = await spawnPeer("server", { token, cert, key });
    const connection = await connect(server.ready, { token, caCert: cert });
    server.child.kill("SIGKILL");
    const error = await assertRejects(
      () => connection.receive({ timeoutMs: TIMEOUT_MS }),
      ConnectionError,
      "it vanished without closing",
    );
    assertEquals(error.ending, "lost");
    await assertRejects(() => connection.send(new Uint8Array(1)), ConnectionError, "it vanished");
    await server.child.status;
  },
});
