import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError, inProcess, plainText, portConnection } from "lib/net/connection.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

Deno.test("inProcess() delivers messages both ways, in order", async () => {
  const [client, server] = inProcess();
  for (let i = 0; i < 5; i++) await client.send(bytes(i));
  await server.send(bytes(9));
  for (let i = 0; i < 5; i++) assertEquals(await server.receive(), bytes(i));
  assertEquals(await client.receive(), bytes(9));
  client.close();
});

Deno.test("Connection.receive() waits for one message at a time, and loses none", async () => {
  const [client, server] = inProcess();
  const first = server.receive();
  await assertRejects(() => server.receive(), TypeError, "another call is waiting");
  for (const value of [1, 2, 3]) await client.send(bytes(value));
  assertEquals(await first, bytes(1));
  assertEquals(await server.receive(), bytes(2));
  assertEquals(await server.receive(), bytes(3));
  client.close();
});

Deno.test("Connection.send() moves a whole buffer and copies a part of one", async () => {
  const [client, server] = inProcess();
  const whole = bytes(1, 2, 3);
  await client.send(whole);
  assertEquals(whole.length, 0);
  const part = bytes(1, 2, 3).subarray(1);
  await client.send(part);
  assertEquals(part.length, 2);
  assertEquals(await server.receive(), bytes(1, 2, 3));
  assertEquals(await server.receive(), bytes(2, 3));
  client.close();
});

Deno.test("Connection.close() delivers what was sent before, then its reason", async () => {
  const [client, server] = inProcess();
  await client.send(bytes(1));
  client.close("the data are used up");
  client.close("again");
  assertEquals(await server.receive(), bytes(1));
  const reason = "Cannot receive from client: it closed the connection (the data are used up)";
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(() => server.receive(), ConnectionError, reason);
    assertEquals(error.ending, "closed");
  }
  await assertRejects(() => server.send(bytes(1)), ConnectionError, reason);
  await assertRejects(() => client.receive(), ConnectionError, "closed on this side");
  await assertRejects(() => client.send(bytes(1)), ConnectionError, "closed on this side");
});

Deno.test("Connection.close() rejects a receive that waits, on both sides", async () => {
  const [client, server] = inProcess();
  const waits = [
    assertRejects(() => client.receive(), ConnectionError, "closed on this side (enough)"),
    assertRejects(() => server.receive(), ConnectionError, "it closed the connection (enough)"),
  ];
  client.close("enough");
  await Promise.all(waits);
});

Deno.test("Connection.receive() rejects after a silence and goes on when asked again", async () => {
  const [client, server] = inProcess();
  const error = await assertRejects(
    () => server.receive({ timeoutMs: 20 }),
    ConnectionError,
    "Cannot receive from client: no message for 0.02 s",
  );
  assertEquals(error.ending, "stalled");
  await client.send(bytes(7));
  assertEquals(await server.receive({ timeoutMs: 1000 }), bytes(7));
  client.close();
});

Deno.test("Connection.receive() rejects with the signal's reason and goes on when asked again", async () => {
  const [client, server] = inProcess();
  const stop = new AbortController();
  const wait = assertRejects(
    () => server.receive({ signal: stop.signal }),
    Error,
    "stopped by the user",
  );
  stop.abort(new Error("stopped by the user"));
  await wait;
  await assertRejects(() => server.receive({ signal: stop.signal }), Error, "stopped by the user");
  await client.send(bytes(7));
  assertEquals(await server.receive(), bytes(7));
  client.close();
});

Deno.test("An inbox has room again for what was taken out of it", async () => {
  const [client, server] = inProcess({ messages: 3, bytes: 100 });
  for (let i = 0; i < 5; i++) {
    for (let k = 0; k < 3; k++) await client.send(new Uint8Array(30));
    await server.receive({ timeoutMs: 1000 });
    for (let k = 0; k < 2; k++) assertEquals((await server.receive()).length, 30);
  }
  client.close();
});

Deno.test("A peer that sends more than the inbox holds is cut off and told why", async () => {
  for (
    const [limits, reason] of [
      [{ messages: 3, bytes: 1000 }, "more than 3 messages or 1000 bytes came unasked"],
      [{ messages: 1000, bytes: 3 }, "more than 1000 messages or 3 bytes came unasked"],
    ] as const
  ) {
    const [client, server] = inProcess(limits);
    for (let i = 0; i < 4; i++) await client.send(bytes(i));
    await assertRejects(() => client.receive(), ConnectionError, `(${reason})`);
    await assertRejects(() => server.receive(), ConnectionError, `from client: ${reason}`);
    await assertRejects(() => client.send(bytes(1)), ConnectionError, reason);
  }
});

Deno.test({
  name: "portConnection() reaches a party in a Worker",
  ignore: (await Deno.permissions.query({ name: "read" })).state !== "granted",
  async fn() {
    const worker = new Worker(new URL("./echo_worker.ts", import.meta.url), { type: "module" });
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port2, [port2]);
    const connection = portConnection(port1, "echo");
    for (let i = 0; i < 3; i++) {
      await connection.send(bytes(i, i));
      assertEquals(await connection.receive({ timeoutMs: 10_000 }), bytes(i, i));
    }
    connection.close();
    worker.terminate();
  },
});

Deno.test("plainText() keeps text in any language and drops what a terminal or a log would obey", () => {
  const plain = "Cannot read z1: 4 images, größer als ±3, ключ, 手写 ✓";
  assertEquals(plainText(plain), plain);
  const unfit: Record<string, string> = {
    "\x1b[2J\x1b]0;mine\x07": "�[2J�]0;mine�",
    "a\n2026-11-26T00:00:00Z all is well\r\n": "a�2026-11-26T00:00:00Z all is well��",
    "\u009b31m": "�31m",
    "\u202efdp.exe\u2066": "�fdp.exe�",
    "a\u2028b\u2029c\u200bd\ufeff": "a�b�c�d�",
    "\ud800": "�",
    "\x00\x08\x7f": "���",
  };
  for (const [text, expected] of Object.entries(unfit)) assertEquals(plainText(text), expected);
});

Deno.test("plainText() cuts what is longer than 300 characters, whatever its length", () => {
  assertEquals(plainText("x".repeat(300)), "x".repeat(300));
  assertEquals(plainText("x".repeat(2 ** 24)), "x".repeat(299) + "…");
});
