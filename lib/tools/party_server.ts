/** The listening side of a protocol's command: certificate and token, a line of log for whatever happens, any
 * number of clients, an orderly end.
 * @module */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Rng } from "../math/rng.ts";
import { type Identity, loadOrCreateIdentity } from "../net/identity.ts";
import { type Connection, plainText } from "../net/connection.ts";
import { listen, type ListenOptions } from "../net/server.ts";
import type { Values } from "./args.ts";
import { type listenFlags, rngOf } from "./party_flags.ts";
import { stopSignal } from "./signals.ts";

/** What a protocol's server is given for one client. */
export interface Serving {
  readonly rng: Rng;
  readonly onEvent: (line: string) => void;
}

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${plainText(line)}`);
}

/** Lines about peers that were refused, in a span of time; how many more there were is one line at its end. */
const REFUSALS = 5;
const REFUSALS_MS = 10_000;

/** Logs that somebody was refused. Anybody can be, as often as they like, and a log is not to fill a disk. */
function refusalLog(log: (line: string) => void): (line: string) => void {
  let count = 0;
  return (line) => {
    if (count++ === 0) {
      setTimeout(() => {
        if (count > REFUSALS) log(`${count - REFUSALS} more were refused`);
        count = 0;
      }, REFUSALS_MS);
    }
    if (count <= REFUSALS) log(line);
  };
}

/** The identity, for all the given names. @throws {Error} the certificate is there already and lacks one. */
async function identityFor(directory: string, hosts: readonly string[]): Promise<Identity> {
  const identity = await loadOrCreateIdentity(directory, hosts);
  const cert = new X509Certificate(identity.cert);
  const missing = hosts.find((host) => !(isIP(host) ? cert.checkIP(host) : cert.checkHost(host)));
  if (missing !== undefined) {
    throw new Error(
      `Cannot use ${directory}/cert.pem: it is not for ${missing}; remove ${directory} for a new one`,
    );
  }
  return identity;
}

function listenOrSay(options: ListenOptions) {
  try {
    return listen(options);
  } catch (cause) {
    const { message } = cause as Error;
    const where = `${options.hostname}:${options.port}`;
    throw new Error(`Cannot listen at ${where}: ${message}`, { cause });
  }
}

/** Listens until SIGINT or SIGTERM; a second one does not wait for the clients.
 * @param serve serves one client, and says why it ended.   @returns the exit status. */
export async function runServer(
  options: Values<typeof listenFlags>,
  serve: (connection: Connection, serving: Serving) => Promise<string>,
): Promise<number> {
  const place = options.identity;
  const identity = await identityFor(place, options.host?.split(",") ?? []);
  const { signal } = stopSignal(() => log("stopping"));
  const logRefusal = refusalLog(log);
  const listener = listenOrSay({
    ...{ hostname: options.hostname, port: options.port, ...identity },
    async onConnection(connection) {
      const { peer } = connection;
      log(`${peer} connected`);
      const reason = await serve(connection, {
        rng: rngOf(options),
        onEvent: (line) => log(`${peer} ${line}`),
      });
      log(`${peer} ended: ${reason.replace(`Cannot receive from ${peer}: `, "")}`);
    },
    onFault(peer, error) {
      const { message } = error as Error;
      logRefusal(`${peer} refused: ${message.replace(`Cannot accept ${peer}: `, "")}`);
    },
  });
  log(`listening at ${listener.url}, weights from ${rngOf(options).source}`);
  log(`clients need ${place}/cert.pem and ${place}/token`);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  await listener.close();
  log("stopped");
  return 0;
}
