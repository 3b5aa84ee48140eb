import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { cutReason } from "lib/protocol/socket.ts";
import { ConnectionError, INBOX_LIMITS } from "lib/protocol/transport.ts";
import { connect } from "lib/protocol/websocket.ts";
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
