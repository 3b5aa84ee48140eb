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

/** Reads `redis://` or `rediss://` (TLS). @throws {TypeError} another text, which is not repeated. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === "") {
    throw new TypeError(
      "Cannot reach Redis: expected redis://[user:password@]host[:port][/database]",
    );
  }
  return url;
}

/** Connects.
 * @param onNotice told in a line when the connection is lost and when it is back.
 * @throws {TypeError} no Redis URL. {RedisError} unreachable, or it refuses the password. */
export async function connectRedis(
  text: string,
  { onNotice, patienceMs = PATIENCE_MS }: {
    onNotice?: (message: string) => void;
    patienceMs?: number;
  } = {},
): Promise<RedisLink> {
  const url = parseUrl(text);
  const address = `${url.hostname}:${url.port || 6379}`;
  const { promise: lost, reject } = Promise.withResolvers<never>();
  lost.catch(() => {}); // whoever waits for it hears of it
  let connected = false;
  let lostAt: number | null = null;
  let reason = "no answer";

  const { Redis: Client } = await import("ioredis"); // as it loads it asks for the environment
  const client = new Client(text, {
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
  } catch {
    client.disconnect();
    if (/WRONGPASS|NOAUTH|NOPERM|password/i.test(reason)) {
      throw new RedisError(`Cannot reach Redis at ${address}: it refuses the user or the password`);
    }
    const { password } = url;
    const safe = [password, decodeURIComponent(password)].filter((secret) => secret !== "")
      .reduce((line, secret) => line.replaceAll(secret, "***"), reason);
    throw new RedisError(`Cannot reach Redis at ${address}: ${safe}`);
  }
  connected = true;
  return { client, address, lost, [Symbol.dispose]: () => client.disconnect() };
}
