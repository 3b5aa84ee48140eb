/** Who may connect, how many and for how long. */
import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertRejects } from "@std/assert";
import { assertMatch, assertStringIncludes } from "@std/assert";
import { ConnectionError } from "lib/net/connection.ts";
import { cert, hangUp, ignore, OPEN, raw, Rig, test } from "./websocket_rig.ts";

/** An idle connection, and when the server ended it. */
async function idle(url: string): Promise<{ ended: Promise<void>; close(): void }> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const ended = conn.read(new Uint8Array(1)).then(() => {}, () => {});
  return {
    ended,
    close() {
      try {
        conn.close();
      } catch { // it is closed
      }
    },
  };
}

test("listen() lets 32 connections of an address wait, then the first silent one goes for the next", async (rig) => {
  const order: number[] = [];
  const { port } = new URL(rig.url);
  const speaking = await Deno.connectTls({ port: Number(port), caCerts: [cert] });
  await speaking.handshake();
  const waiting = [];
  for (let k = 0; k < 35; k++) {
    const one = await idle(rig.url);
    one.ended.then(() => order.push(k));
    waiting.push(one);
  }
  await Promise.all(waiting.slice(0, 3).map(({ ended }) => ended));
  await waiting[3].ended; // the one that speaks came first, and stays
  assertEquals(order, [0, 1, 2, 3]);
  for (let k = 0; k < 4; k++) {
    assertStringIncludes(await rig.fault(), "too many wait at this address");
  }
  const client = await rig.connect(); // takes the place of the next
  await waiting[4].ended;
  await speaking.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  assertMatch(
    new TextDecoder().decode(await speaking.readable.getReader().read().then(({ value }) => value)),
    /401/,
  );
  client.close();
  while (rig.faults.length > 0) await rig.fault();
  waiting.forEach((one) => one.close());
});

test("listen() gives 10 s until there is a request, to who is silent and to who speaks slowly", async (rig) => {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((work: () => void, ms: number) => setTimeout(work, ms / 5)) as never;
  const start = performance.now();
  const silent = await idle(rig.url);
  const slow = await Deno.connectTls({ port: Number(new URL(rig.url).port), caCerts: [cert] });
  await slow.handshake();
  globalThis.setTimeout = setTimeout; // the two are in
  const write = (text: string) => slow.write(new TextEncoder().encode(text)).catch(() => {});
  write("GET / HTTP/1.1\r\nX: ");
  const timer = setInterval(() => write("x"), 50);
  await Promise.all([silent.ended, slow.read(new Uint8Array(1)).catch(() => {})]);
  clearInterval(timer);
  const seconds = (performance.now() - start) / 1000 * 5;
  assertGreaterOrEqual(seconds, 9.9);
  assertLess(seconds, 60);
  for (let k = 0; k < 2; k++) assertStringIncludes(await rig.fault(), "no request within 10 s");
  silent.close();
  hangUp(slow);
});

test("listen() serves 16 connections of an address and tells the next that there are too many", async (rig) => {
  const clients = [];
  for (let k = 0; k < 16; k++) clients.push(await rig.connect());
  await assertRejects(
    () => rig.connect(),
    ConnectionError,
    "the server answered 503, too many connections",
  );
  assertStringIncludes(await rig.fault(), "too many connections");
  for (const client of clients) {
    client.close();
    await rig.fault();
  }
});

test("listen() outlives what is no TLS, and TLS that ends in the middle", async (rig) => {
  const { port } = new URL(rig.url);
  const beginnings = ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", "\x16\x03\x01", ""];
  for (const beginning of beginnings) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await conn.write(Uint8Array.from(beginning, (c) => c.charCodeAt(0)));
    await conn.closeWrite();
    await conn.read(new Uint8Array(100)).catch(() => {});
    conn.close();
  }
  rig.faults.length = 0;
});

Deno.test({
  name: "Listener.close() cuts off a peer that does not answer",
  ignore,
  async fn() {
    const rig = new Rig();
    let took = 0;
    let cutOff = true;
    await raw(rig.url, OPEN, async (tls, ended) => {
      await rig.opened(1);
      const start = performance.now();
      await rig.close();
      took = performance.now() - start;
      const timer = setTimeout(() => {
        cutOff = false;
        hangUp(tls);
      }, 5000);
      await ended;
      clearTimeout(timer);
      hangUp(tls);
    });
    assertGreaterOrEqual(took, 1000);
    assertLess(took, 20_000);
    assert(cutOff);
    assertStringIncludes(await rig.fault(), "the server stops");
  },
});
