import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectionError, INBOX_LIMITS } from "lib/net/connection.ts";
import { connect, cutReason } from "lib/net/websocket.ts";
import { spawnPeer } from "./spawn_peer.ts";
import {
  cert,
  granted,
  hangUp,
  ignore,
  key,
  OPEN,
  raw,
  Rig,
  test,
  TIMEOUT_MS,
  token,
} from "./websocket_rig.ts";

test("listen() closes a connection whose message is too large, both sides say so", async (rig) => {
  const client = await rig.connect();
  await client.send(new Uint8Array(1001));
  const state = "it closed the connection (too large)";
  await assertRejects(() => client.receive(), ConnectionError, state);
  assertStringIncludes(await rig.fault(), "a message exceeds 1000 bytes");
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

test("a reason for the end with control codes comes out plain, on both sides", async (rig) => {
  const rude = "\x1b[2J\n2026-11-26 10.0.0.1 connected\u202e";
  const plain = "it closed the connection (�[2J�2026-11-26 10.0.0.1 connected�)";
  const client = await rig.connect();
  client.close(rude);
  assertStringIncludes(await rig.fault(), plain);
  const other = await rig.connect();
  rig.connections[1].close(rude);
  await assertRejects(() => other.receive(), ConnectionError, plain);
  await rig.fault();
});

test("listen() outlives frames that are cut, endless, or none", async (rig) => {
  const frames: [string, number[]][] = [
    ["cut", [0x82, 0x80 | 100, 0, 0, 0, 0, 1, 2, 3]],
    ["2^40 bytes long", [0x82, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["of no known kind", [0x8f, 0x80, 0, 0, 0, 0]],
  ];
  for (const [k, [, frame]] of frames.entries()) {
    await raw(rig.url, OPEN, async (tls) => {
      await rig.opened(k + 1);
      await tls.write(Uint8Array.from(frame));
      await new Promise((resolve) => setTimeout(resolve, 50));
      hangUp(tls);
    });
    assertStringIncludes(await rig.fault(), "Cannot receive from 127.0.0.1:");
  }
});

/** Bytes that this file holds: tests beside it share the process. */
function held(): number {
  const { heapTotal, external } = Deno.memoryUsage();
  return heapTotal + external;
}

/** A frame of a client's, with zeros in it and a zero mask. */
function frame(opcode: number, length: number, last = true): Uint8Array<ArrayBuffer> {
  const head = length < 126 ? 2 : length < 2 ** 16 ? 4 : 10;
  const bytes = new Uint8Array(head + 4 + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = opcode | (last ? 0x80 : 0);
  bytes[1] = 0x80 | (head === 2 ? length : head === 4 ? 126 : 127);
  if (head === 4) view.setUint16(2, length);
  if (head === 10) view.setBigUint64(2, BigInt(length));
  return bytes;
}

async function writeAll(tls: Deno.TlsConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await tls.write(bytes.subarray(at));
}

/** Writes chunk after chunk until the server hangs up. @returns how many bytes it took. */
async function pour(tls: Deno.TlsConn, chunk: Uint8Array, most: number): Promise<number> {
  let taken = 0;
  try {
    for (; taken < most; taken += chunk.length) await writeAll(tls, chunk);
  } catch { // it has hung up
  }
  return taken;
}

const endless: Record<string, [first: Uint8Array<ArrayBuffer>, rest: Uint8Array, why: string]> = {
  "fragments without end": [frame(2, 1000, false), frame(0, 60_000, false), "a message exceeds"],
  "fragments of one byte": [frame(2, 1, false), frame(0, 1, false), "vanished without closing"],
  "fragments of no byte": [frame(2, 0, false), frame(0, 0, false), "vanished without closing"],
  "fragments that are text": [frame(1, 9, false), frame(0, 60_000, false), "a message exceeds"],
};
for (const [what, [first, one, why]] of Object.entries(endless)) {
  test(`listen() ends ${what}, and holds no more than a message`, async (rig) => {
    const rest = new Uint8Array(one.length * Math.ceil(2 ** 16 / one.length)).map((_, i) =>
      one[i % one.length]
    );
    const before = held();
    await raw(rig.url, OPEN, async (tls) => {
      await writeAll(tls, first);
      const taken = await pour(tls, rest, 2 ** 28);
      assertEquals(taken < 2 ** 28, true, `took ${taken}`);
      hangUp(tls);
    });
    assertStringIncludes(await rig.fault(), why);
    assertLess(held() - before, 100 * 2 ** 20);
  }, { maxMessageBytes: 2 ** 20 });
}

test("listen() cuts off whoever holds most when its peers hold too much together", async (rig) => {
  const before = held();
  const open = async (bytes: number) => {
    const { hostname, port } = new URL(rig.url);
    const tls = await Deno.connectTls({ hostname, port: Number(port), caCerts: [cert] });
    await tls.write(new TextEncoder().encode(OPEN.replaceAll("\n", "\r\n")));
    await tls.read(new Uint8Array(1000));
    const most = frame(2, 2 ** 25).subarray(0, bytes);
    try {
      await writeAll(tls, most);
    } catch { // it was the one
    }
    return tls;
  };
  const honest = await rig.connect();
  const hoarders = [];
  for (let k = 0; k < 3; k++) hoarders.push(await open((30 - k) * 2 ** 20));
  assertStringIncludes(await rig.fault(), "the server holds too much for its peers");
  await honest.send(Uint8Array.of(7));
  assertEquals(await honest.receive({ timeoutMs: TIMEOUT_MS }), Uint8Array.of(7));
  assertLess(held() - before, 512 * 2 ** 20); // both ends are here
  hoarders.forEach(hangUp);
  honest.close();
  const gone = new Set<string>();
  while (rig.connections.length > gone.size + 1) gone.add(await rig.fault());
});

const flooded = Promise.withResolvers<void>();
test("listen() cuts off a peer that floods, both sides say so", async (rig) => {
  const client = await rig.connect();
  for (let i = 0; i < INBOX_LIMITS.messages + 2; i++) await client.send(new Uint8Array(10));
  const answer = () => client.receive({ timeoutMs: TIMEOUT_MS });
  await assertRejects(answer, ConnectionError, "bytes came unasked)").finally(flooded.resolve);
  assertStringIncludes(await rig.fault(), "bytes came unasked");
}, {
  onConnection: async (connection) => {
    const first = await connection.receive();
    if (first.length === 10) await flooded.promise;
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
