import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { selfSigned } from "lib/net/certificate.ts";
import { ConnectionError } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import {
  AUTHORIZED,
  cert,
  hangUp,
  key,
  OPEN,
  raw,
  test,
  TIMEOUT_MS,
  token,
  UPGRADE,
} from "./websocket_rig.ts";

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
  const took = [];
  for (let i = 0; i < 41; i++) {
    const start = performance.now();
    await client.send(new Uint8Array(20_000));
    await client.receive({ timeoutMs: TIMEOUT_MS });
    took.push(performance.now() - start);
  }
  const median = took.sort((a, b) => a - b)[20];
  assertLess(median, 20, "ms"); // it waits for 40 ms, all the rest takes 1 ms
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
    [OPEN.replace(/Sec-WebSocket-Key.*\n/, ""), "400 Bad Request", "no Sec-WebSocket-Key"],
    [OPEN.replace(/Key: .*\n/, "Key: abc\n"), "400 Bad Request", "no Sec-WebSocket-Key"],
    [OPEN.replace("Version: 13", "Version: 12"), "400 Bad Request", "not version 13"],
    [OPEN.replace(/Sec-WebSocket-Version.*\n/, ""), "400 Bad Request", "not version 13"],
    [OPEN.replace("fe-training.1", "a\x9b2J"), "400 Bad Request", "the client aÂ�2J"],
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
          const stuck = new Promise<number>((resolve) => setTimeout(resolve, 5000, 0));
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
  assertEquals(rig.faults.length, 2);
  assertStringIncludes(await rig.fault(), "Cannot accept 127.0.0.1:");
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
  const options = { token, caCert: cert, timeoutMs: TIMEOUT_MS };
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
  assertStringIncludes(await rig.fault(), "fatal alert");
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `wss://127.0.0.1:${(silent.addr as Deno.NetAddr).port}`;
  await assertRejects(
    () => connect(url, { ...options, timeoutMs: 300 }),
    ConnectionError,
    `Cannot connect to ${url}: Opening handshake has timed out`,
  );
  silent.close();
  await assertRejects(() => connect(url, options), ConnectionError, `Cannot connect to ${url}: `);
});
