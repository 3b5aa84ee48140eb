/** A connection to Redis that says clearly when there is none, and waits out a restart.
 *
 * The first connection is tried once: an unreachable server or a wrong password is an error within
 * seconds. A connection that is lost later is sought again for a minute, with one line about it; commands
 * wait meanwhile. The password is never part of a message.
 * @module */
import type { Redis } from "ioredis";

const CONNECT_MS = 4000;
/** How long a lost server may stay away. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 200;

/** No connection to Redis, or none any more. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

/** A connection and its end. */
export interface RedisLink extends Disposable {
  readonly client: Redis;
  /** Host and port, for messages. */
  readonly address: string;
  /** Rejects when the server has stayed away for too long. */
  readonly lost: Promise<never>;
}

/** Where and how to connect, from `redis://` or `rediss://` (TLS). Parsed here and not by the client, which takes a raw
 * `@` in the password for the end of it and then names the rest as a host.
 * @throws {TypeError} another text, which is not repeated. */
export function parseRedisUrl(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // a raw "/", "?" or "#" in a password ends the host early: what is left shows as a path of no number
  const database = /^\/?(\d*)$/.exec(url?.pathname ?? "-")?.[1];
  const extra = url === undefined || url.search !== "" || url.hash !== "";
  if (extra || !/^rediss?:$/.test(url.protocol) || url.hostname === "" || database === undefined) {
    throw new TypeError(
      "Cannot reach Redis: expected redis://[user:password@]host[:port][/database], of the password /, ? and # " +
        "percent-encoded",
    );
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""), // of IPv6
    port: Number(url.port || 6379),
    username: decoded(url.username) || undefined,
    password: decoded(url.password) || undefined,
    db: Number(database || 0),
    tls: url.protocol === "rediss:" ? {} : undefined,
  };
}

/** A raw `%` in a password is no escape. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Refuses a server that may throw away what it holds when its memory is full: jobs and results would be gone unseen.
 * @throws {RedisError} it may. */
async function checkEviction(client: Redis, address: string): Promise<void> {
  // INFO, because managed servers forbid CONFIG; where that is forbidden too, lost points are noticed and sent again
  const memory = await client.info("memory").catch(() => "");
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  if (policy !== undefined && policy !== "noeviction") {
    throw new RedisError(
      `Cannot use Redis at ${address}: it evicts keys when memory is full (maxmemory-policy ${policy}), a sweep would ` +
        "lose points; CONFIG SET maxmemory-policy noeviction, or take another server",
    );
  }
}

/** Connects.
 * @param onNotice told in a line when the connection is lost and when it is back.
 * @throws {TypeError} no Redis URL. {RedisError} unreachable, it refuses the password, or it evicts keys. */
export async function connectRedis(
  text: string,
  { onNotice, patienceMs = PATIENCE_MS }: {
    onNotice?: (message: string) => void;
    patienceMs?: number;
  } = {},
): Promise<RedisLink> {
  const server = parseRedisUrl(text);
  const { host, port } = server;
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {}); // whoever waits for it hears of it
  let connected = false;
  let lostAt: number | null = null;
  let reason = "no answer";

  const { Redis: Client } = await import("ioredis"); // as it loads it asks for the environment
  const client = new Client({
    ...server,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: null, // commands wait for the connection
    retryStrategy() {
      if (!connected) return null;
      if (lostAt === null) {
        lostAt = performance.now();
        onNotice?.(`Lost Redis at ${address}; trying again for ${patienceMs / 1000} s`);
      }
      return performance.now() - lostAt > patienceMs ? null : RETRY_MS;
    },
  });
  client.on("error", (error: Error) => reason = error.message);
  client.on("ready", () => {
    if (lostAt !== null) onNotice?.(`Redis at ${address} is back`);
    lostAt = null;
  });
  client.on("end", () => reject(new RedisError(`Cannot go on: Redis at ${address} is gone`)));

  try {
    await client.connect();
    await client.ping();
    await checkEviction(client, address);
  } catch (error) {
    client.disconnect();
    if (error instanceof RedisError) throw error;
    const isRefusal = /WRONGPASS|NOAUTH|NOPERM|password/i.test(reason);
    const why = isRefusal ? "it refuses the user or the password" : reason;
    throw new RedisError(`Cannot reach Redis at ${address}: ${why}`);
  }
  connected = true;
  return { client, address, lost, [Symbol.dispose]: () => client.disconnect() };
}
