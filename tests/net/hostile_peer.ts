/** Peers that a server must outlive, in processes of their own: a stranger without the token, who only waits; one
 * with the token, who sends whatever is known to have stopped a server; and one who stays when asked to leave. Light in its own work, because it
 * shares the processor with those it disturbs. Reads its options from stdin; says what it did on stdout.
 * @module */
import { encodeCiphertext, encodeFunctionalKey, encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { DEFAULT_SCALES } from "lib/protocol/fixed_net.ts";
import * as mitig1 from "lib/protocol/mitig1/terms.ts";
import * as mitig2 from "lib/protocol/mitig2/terms.ts";
import { termsFields } from "lib/protocol/terms.ts";
import { Requests } from "lib/net/requests.ts";
import type { Connection } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import { encodeMessage, type Fields } from "lib/net/wire.ts";

interface Options {
  readonly url: string;
  readonly token: string;
  readonly cert: string;
}

const MB = 2 ** 20;
const forever = () => new Promise(() => setInterval(() => {}, 1000));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const { url, token, cert }: Options = JSON.parse(await new Response(Deno.stdin.readable).text());
const { hostname, port } = new URL(url);
const say = (what: string) => console.log(what.replace(/\p{Cc}/gu, "?").slice(0, 200));

/** Tries again: who knocks while 2,000 strangers do may be taken for one of them before TLS stands. */
async function insist<T>(knock: () => Promise<T>): Promise<T> {
  for (let k = 0; k < 20; k++) {
    try {
      return await knock();
    } catch {
      await sleep(100);
    }
  }
  return await knock();
}

/** Why a connection ended. */
async function endOf(connection: Connection): Promise<string> {
  try {
    while (true) await connection.receive({ timeoutMs: 20_000 });
  } catch (error) {
    return (error as Error).message;
  } finally {
    connection.close();
  }
}
const open = () => insist(() => connect(url, { token, caCert: cert, timeoutMs: 20_000 }));

/** Sends messages as they stand, and says how the server ended it. */
async function send(what: string, ...messages: Uint8Array<ArrayBuffer>[]): Promise<void> {
  const connection = await open();
  for (const message of messages) await connection.send(message).catch(() => {});
  say(`${what}: ${await endOf(connection)}`);
}

type Request = [type: string, fields: Fields, answer: string];
/** Asks in turn, the last of them as often as the server lets it, and says how it ended. */
async function ask(what: string, times: number, ...requests: Request[]): Promise<void> {
  const connection = await open();
  const client = new Requests(connection, { timeoutMs: 20_000 });
  try {
    for (const request of requests) await client.ask(...request);
    for (let k = 1; k < times; k++) await client.ask(...requests.at(-1)!);
    say(`${what}: taken`);
  } catch (error) {
    say(`${what}: ${(error as Error).message}`);
  }
  connection.close();
}

/** A message whose head is a map with one more field, an array of `count` items. */
function many(type: string, item: readonly number[], count: number): Uint8Array<ArrayBuffer> {
  const text = (word: string) => [0x60 | word.length, ...new TextEncoder().encode(word)];
  const front = [0xa4, ...text("v"), 2, ...text("x"), 0x9a];
  const back = [...text("type"), ...text(type), ...text("number"), 0];
  const headBytes = front.length + 4 + item.length * count + back.length;
  const message = new Uint8Array(4 + headBytes);
  const view = new DataView(message.buffer);
  view.setUint32(0, headBytes, true);
  message.set(front, 4);
  view.setUint32(4 + front.length, count);
  const from = 8 + front.length;
  message.set(item, from);
  for (let done = item.length; done < item.length * count; done *= 2) {
    message.copyWithin(from + done, from, from + Math.min(done, item.length * count - done));
  }
  message.set(back, message.length - back.length);
  return message;
}

/** A TLS connection after a request that is like a client's, but for what `change` makes of it. */
async function rawOpen(change: (head: string) => string = (head) => head): Promise<Deno.TlsConn> {
  const tls = await insist(async () => {
    const tls = await Deno.connectTls({ hostname, port: Number(port), caCerts: [cert] });
    await tls.handshake();
    return tls;
  });
  const head = `GET / HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket
Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Protocol: fe-training.1\nAuthorization: Bearer ${token}\n\n`;
  await tls.write(new TextEncoder().encode(change(head).replaceAll("\n", "\r\n")));
  return tls;
}
async function firstLine(tls: Deno.TlsConn): Promise<string> {
  const buffer = new Uint8Array(1000);
  const count = await tls.read(buffer).catch(() => 0);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).split("\r\n")[0];
}
/** A frame with a zero mask, cut after so many bytes. */
function frame(opcode: number, length: number, bytes = length): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(14 + bytes);
  message[0] = opcode;
  message[1] = 0xff;
  new DataView(message.buffer).setBigUint64(2, BigInt(length));
  return message;
}
async function pour(tls: Deno.TlsConn, bytes: Uint8Array): Promise<boolean> {
  try {
    for (let at = 0; at < bytes.length;) at += await tls.write(bytes.subarray(at));
    return true;
  } catch { // it has hung up
    return false;
  }
}
function hangUp(tls: Deno.TlsConn): void {
  try {
    tls.close();
  } catch { // it is closed
  }
}

/** What needs no training: frames, requests, encodings, reasons. */
async function disturbWire(): Promise<void> {
  const type = "train";
  await send("31 MB of maps in arrays", many(type, [0x81, 0x81, 0xa0], 10 * MB));
  await send("31 MB of empty maps", many(type, [0xa0], 31 * MB));
  await send("31 MB of byte strings", many(type, [0x40], 31 * MB));
  await send("31 MB of arrays in arrays", many(type, [0x81, 0x80], 15 * MB));
  await send("31 MB of a type", encodeMessage("t".repeat(31 * MB), { number: 0 }));
  await send("a float for an integer", many(type, [0xfb, 0x40, 0x14, 0, 0, 0, 0, 0, 0], 1));
  await send("minus zero", many(type, [0xf9, 0x80, 0], 1));
  await send("no UTF-8", many(type, [0x61, 0xff], 1));
  await send("control codes", encodeMessage("\x1b[2J\n2026 mallory connected", { number: 0 }));
  const tls = await rawOpen();
  say(`fragments: ${await firstLine(tls)}`);
  let sent = 0;
  await pour(tls, frame(0x02, MB));
  const piece = frame(0x00, MB);
  while (sent < 200 && await pour(tls, piece)) sent++;
  say(`fragments: ended after ${sent} MB`);
  hangUp(tls);
  const hoards: Deno.TlsConn[] = [];
  for (let k = 0; k < 3; k++) {
    const tls = await rawOpen();
    await firstLine(tls);
    await pour(tls, frame(0x82, 32 * MB, 30 * MB));
    hoards.push(tls);
  }
  hoards.forEach(hangUp);
  say("30 MB of a message, three times: done");
  const noKey = await rawOpen((head) => head.replace(/Sec-WebSocket-Key.*\n/, ""));
  say(`no Sec-WebSocket-Key: ${await firstLine(noKey)}`);
  hangUp(noKey);
  for (let k = 0; k < 20; k++) {
    const tls = await rawOpen((head) => head.replace(token, `\x1b[31m${k}`));
    await firstLine(tls);
    hangUp(tls);
  }
  say("20 requests without the token: done");
  const rude = await open();
  rude.close("\x1b[2J\n2026-11-26T00:00:00Z 10.0.0.1 connected");
}

async function disturbMitig2(): Promise<void> {
  const setting = { ...MODERN, epochs: 3, batch: 8 };
  const begin = (changes: Fields): Request => {
    const sizes = { hidden: 5, classes: 3, count: 50, labels: "server", setting } as const;
    const terms = mitig2.termsFields({ ...sizes, sessionKey: mitig2.newSessionKey() });
    return ["train", { ...terms, saved: [], ...changes }, "ready"];
  };
  const zeros = (...shape: number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)),
  });
  const narrow = begin({ hidden: 1, classes: 1024 });
  await ask("classify 2^20 images", 1, narrow, ["classify", { z1: zeros(MB, 1) }, "classes"]);
  await ask("classify 10^5 images", 1, narrow, ["classify", { z1: zeros(1e5, 1) }, "classes"]);
  await ask("classify all it takes", 1, narrow, ["classify", { z1: zeros(4096, 1) }, "classes"]);
  await ask("2^26 weights", 1, begin({ hidden: 65536, classes: 1024 }));
  await ask("a batch of 2^32 numbers", 1, begin({ hidden: 65536, batch: 65536 }));
  await ask(
    "z1 after z1",
    129,
    begin({ hidden: 2048, batch: 2048, labels: "client" }),
    ["z1", { z1: zeros(2048, 2048) }, "z2"],
  );
  for (let k = 0; k < 10; k++) await ask("a session", 1, begin({}));
  const crowd = await Promise.allSettled(Array.from({ length: 20 }, open));
  const inside = crowd.filter((one) => one.status === "fulfilled");
  say(`20 connections at once: ${inside.length} taken`);
  inside.forEach(({ value }) => value.close());
}

async function disturbMitig1(): Promise<void> {
  const sizes = { n: 2, hidden: 64, classes: 3, count: 40, batch: 40, epochs: 1, learningRate: 1 };
  const terms: mitig1.Terms = {
    ...{ curve: "bls12-381", keysPer: "training", ...sizes, scales: DEFAULT_SCALES },
  };
  const begin = (changes: Fields = {}): Request => [
    "train",
    { ...termsFields(terms), ...changes },
    "ready",
  ];
  const sessions = await Promise.all(Array.from({ length: 8 }, open));
  const begun = await Promise.allSettled(
    sessions.map((connection) => new Requests(connection).ask(...begin())),
  );
  say(`8 trainings at once: ${begun.filter(({ status }) => status === "fulfilled").length} taken`);
  sessions.forEach((connection) => connection.close());
  await sleep(500);
  await ask("2^22 weights", 1, begin({ hidden: 4096, classes: 1024 }));
  await ask("2^32 elements", 1, begin({ n: 4096, count: MB, batch: 1 }));
  const pp = mitig1.paramsOf(terms, await startPairing());
  const [msk, foreign] = [setup(pp), setup(pp)];
  const sample = encodeCiphertext(encrypt(msk, [9, 9]));
  const [key, foreignKey] = [msk, foreign].map((of) => encodeFunctionalKey(keyDerive(of, [5, 5])));
  const samples: Request = [
    "samples",
    { ciphertexts: Array(40).fill(sample), labels: new Uint8Array(40) },
    "stored",
  ];
  for (const [what, last] of [["work", key], ["a key of another", foreignKey]] as const) {
    const connection = await open();
    const client = new Requests(connection, { timeoutMs: 20_000 });
    await client.ask(...begin());
    await client.ask(...samples);
    const keys = [...Array(63).fill(key), last];
    client.ask("keys", { step: 0, keys }, "dz1").catch(() => {});
    await sleep(300);
    connection.close("had enough");
    say(`${what}, and away: done`);
  }
}

/** Connects and waits, until the process is ended. */
async function wait(count: number): Promise<void> {
  const waiting: Deno.Conn[] = [];
  for (let k = 0; k < count; k++) {
    waiting.push(await Deno.connect({ hostname, port: Number(port) }));
    if (k % 20 === 0) await sleep(1); // its peer is one process among others
  }
  console.log(`${waiting.length} connections`);
  await forever();
}

switch (Deno.args[0]) {
  case "stranger":
    await wait(2000);
    break;
  case "stubborn": // answers no close frame
    await firstLine(await rawOpen());
    console.log("staying");
    await forever();
    break;
  default:
    await (Deno.args[0] === "mitig1" ? disturbMitig1() : disturbMitig2());
    await disturbWire();
}
Deno.exit();
