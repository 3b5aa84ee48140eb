/** What the commands of all parties have in common: flags, seeds, and a connection to another party.
 *
 * Secrets come from the system's CSPRNG. `--insecure-seed` is the only way to a run that repeats: no variable of
 * the environment and no file takes its place, and its name and number stand in every result.
 * @module */
import { type Rng, secureRng, seededRng } from "../math/rng.ts";
import type { Connection } from "../net/connection.ts";
import { type Credentials, loadCredentials } from "../net/identity.ts";
import { connect } from "../net/websocket.ts";

/** The longest to wait until the peer has read why this side leaves. */
const HANG_UP_MS = 2000;

/** An error's text. */
export const text = (error: unknown) => error instanceof Error ? error.message : String(error);

/** The flag `--identity`. @param help what is there. */
export const identityFlag = (help: string) => (
  { type: "path", placeholder: "DIR", default: "data/tls", help } as const
);

/** The flag `--insecure-seed`. @param what is drawn from it. */
export const seedFlag = (what: string) => ({
  type: "integer",
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  help: `draw ${what} from this seed, for a run that repeats: no secret then, and never the same ` +
    "number on both sides, or each knows what the other drew",
} as const);

/** The flag that says where another party listens. */
export const urlFlag = (port: number, help: string) => (
  { type: "text", placeholder: "URL", default: `wss://localhost:${port}`, help } as const
);

/** The flags of CryptoNN's client and server that say where the authority is. */
export const authorityFlags = {
  authority: urlFlag(8444, "where the authority listens"),
  "authority-identity": identityFlag(
    "where the authority's cert.pem and token are; on another machine, copies of the two",
  ),
} as const;

/** The CSPRNG, unless the user asked for the other in so many words. */
export function rngOf(options: { readonly "insecure-seed"?: number }): Rng {
  const insecureSeed = options["insecure-seed"];
  return insecureSeed === undefined ? secureRng() : seededRng(insecureSeed);
}

/** Where another party listens, and what it takes to be let in. */
export interface Place extends Credentials {
  readonly url: string;
}

/** Another party's place. @param task that party's, for advice.
 * @throws {Error} its credentials are not there: the message says how to get them. */
export async function placeOf(task: string, url: string, identity: string): Promise<Place> {
  try {
    return { url, ...await loadCredentials(identity) };
  } catch (cause) {
    if (!/: it is (missing|not )/.test(text(cause))) throw cause; // a clock or a mode: it says itself
    const advice = `start deno task ${task} first, or copy cert.pem and token from its machine`;
    throw new Error(`${text(cause)}; ${advice}`, { cause });
  }
}

/** Connects to another party.
 * @returns the connection, and how to end it: a process that exits before takes its reason with it.
 * @throws as `connect`. */
export async function dial(
  { url, token, cert: caCert }: Place,
): Promise<{ connection: Connection; hangUp: () => Promise<void> }> {
  const closed = Promise.withResolvers<void>();
  const connection = await connect(url, { token, caCert, onClosed: closed.resolve });
  const hangUp = async () => {
    connection.close();
    await Promise.race([closed.promise, new Promise((done) => setTimeout(done, HANG_UP_MS))]);
  };
  return { connection, hangUp };
}
