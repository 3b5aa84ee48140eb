/** Messages there and back: z1 of a batch, 256×300 float32 (307 KB), to a peer that returns it. Encoding,
 * decoding and the check for NaN are in it, both ways; the peer only returns the bytes. The WebSocket peers
 * are processes of their own, over TLS on this machine. The first echo is checked.
 * Run: deno bench -A tests/bench/transport_bench.ts
 * @module */
import { gaussian, seededRng } from "lib/math/rng.ts";
import { selfSigned } from "lib/net/certificate.ts";
import { type Connection, inProcess, portConnection } from "lib/net/connection.ts";
import { connect, type Socket, socketConnection, SUBPROTOCOL } from "lib/net/websocket.ts";
import { decodeMessage, encodeMessage } from "lib/net/wire.ts";
import { spawnPeer } from "../net/spawn_peer.ts";

const shape = [256, 300];
const data = Float32Array.from(gaussian(seededRng(1), shape[0] * shape[1]));

async function roundTrip(connection: Connection): Promise<Float32Array> {
  await connection.send(encodeMessage("z1", { z1: { shape, data } }));
  return decodeMessage(await connection.receive(), "z1").tensor("z1", shape);
}

/** The slow obvious way: Deno's own client. */
function denoClient(url: string, token: string, caCert: string): Promise<Connection> {
  const socket = new WebSocket(url, {
    protocols: [SUBPROTOCOL],
    headers: { authorization: `Bearer ${token}` },
    client: Deno.createHttpClient({ caCerts: [caCert] }),
  });
  const options = { peer: url, maxMessageBytes: 2 ** 25, onClosed: () => {} };
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socketConnection(socket as Socket, options));
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
  });
}

const [near, far] = inProcess();
(async () => {
  while (true) await far.send(await far.receive());
})();

const worker = new Worker(import.meta.resolve("../net/echo_worker.ts"), { type: "module" });
const { port1, port2 } = new MessageChannel();
worker.postMessage(port2, [port2]);

const token = "bench";
const { cert, key } = selfSigned(["127.0.0.1"]);
const { child, ready: url } = await spawnPeer("server", { token, cert, key });

const connections: [string, Connection][] = [
  ["TLS WebSocket, Deno's client", await denoClient(url, token, cert)],
  ["TLS WebSocket, connect()", await connect(url, { token, caCert: cert })],
  ["port to a Worker", portConnection(port1, "worker")],
  ["port in this process", near],
];
globalThis.addEventListener("unload", () => child.kill());

for (const [name, connection] of connections) {
  const echo = await roundTrip(connection);
  if (!echo.every((value, i) => value === data[i])) throw new Error(`${name} is wrong`);
  Deno.bench({
    name: `${name}, 307 KB there and back`,
    group: "transport",
    baseline: connection === connections[0][1],
    async fn() {
      await roundTrip(connection);
    },
  });
}
