/** A server in a Worker of this process: a party with a thread of its own, for notebooks and measurements.
 *
 * It is reached like any other: over a MessagePort, or over TLS WebSocket with a certificate and a token made
 * for this run. Nothing but messages crosses between the two.
 * @module */
import { type Rng, secureRng, seededRng } from "../math/rng.ts";
import { selfSigned } from "./certificate.ts";
import { type Connection, portConnection } from "./connection.ts";
import { connect } from "./websocket.ts";
import { listen } from "./server.ts";

/** What the Worker is told, once and then once for every connection over a port. */
type Order =
  | { do: "listen"; cert: string; key: string; token: string; insecureSeed?: number }
  | { do: "port"; port: MessagePort; insecureSeed?: number };

/** A server that runs in a Worker. */
export interface Host extends Disposable {
  /** A new connection to it. */
  connect(): Promise<Connection>;
}

/** How a server is hosted. */
export interface HostOptions {
  readonly transport: "port" | "tls";
  /** Draws the server's weights, the same in every run; without it they come from the CSPRNG. */
  readonly insecureSeed?: number;
}

/** The Worker's side: serves every connection until it ends.
 * @param serve resolves when the connection has ended. */
export function serveHosted(
  serve: (connection: Connection, options: { rng: Rng }) => Promise<unknown>,
): void {
  const scope = self as unknown as Worker; // the types of this file are those of the main thread
  scope.onmessage = ({ data: order }: MessageEvent<Order>) => {
    const { insecureSeed } = order;
    const rng = () => insecureSeed === undefined ? secureRng() : seededRng(insecureSeed);
    if (order.do === "port") {
      serve(portConnection(order.port, "client"), { rng: rng() });
    } else {
      const onConnection = async (connection: Connection) => {
        await serve(connection, { rng: rng() });
      };
      scope.postMessage(listen({ ...order, onConnection }).url);
    }
  };
}

/** Starts a server in a Worker.
 * @param protocol whose `server_worker.ts` it is; that calls {@linkcode serveHosted}.
 * @throws {Error} the Worker cannot be started. */
export async function hostServer(
  protocol: "mitig1" | "mitig2" | "mitig3" | "he",
  { transport, insecureSeed }: HostOptions,
): Promise<Host> {
  const worker = new Worker(new URL(`../protocol/${protocol}/server_worker.ts`, import.meta.url), {
    type: "module",
  });
  const dispose = () => worker.terminate();
  if (transport === "port") {
    const connect = () => {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ do: "port", port: port2, insecureSeed } satisfies Order, [port2]);
      return Promise.resolve(portConnection(port1, "server"));
    };
    return { connect, [Symbol.dispose]: dispose };
  }
  const { cert, key } = selfSigned(["localhost", "127.0.0.1"]);
  const token = secureRng().bytes(32).toHex();
  const url = await new Promise<string>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot host a server: ${event.message}`));
    };
    worker.postMessage({ do: "listen", cert, key, token, insecureSeed } satisfies Order);
  });
  return { connect: () => connect(url, { token, caCert: cert }), [Symbol.dispose]: dispose };
}
