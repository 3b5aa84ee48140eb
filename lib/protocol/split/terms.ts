/** What the two parties of a split training agree on, whatever they split: who may resume it, and how it goes.
 * @module */
import { createHash } from "node:crypto";
import { type Message, ProtocolError } from "../../net/wire.ts";

const SESSION_BYTES = 16;

/** Sizes beyond which a server does not start to allocate. They are no bound on memory by themselves: their
 * products are. */
export const LIMITS = {
  hidden: 2 ** 16,
  width: 2 ** 10,
  classes: 2 ** 10,
  count: 2 ** 32,
  batch: 2 ** 16,
  epochs: 10_000,
};

/** The key of a new training: a secret, hence from the CSPRNG also where weights are seeded. */
export function newSessionKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SESSION_BYTES));
}

/** The name of a training on both sides, in logs and paths: the first 16 bytes of its key's SHA-256. It is no
 * credential, because nobody finds a key for it. */
export function sessionOf(sessionKey: Uint8Array): Uint8Array {
  return Uint8Array.from(
    createHash("sha256").update(sessionKey).digest().subarray(0, SESSION_BYTES),
  );
}

/** The session key that a message shows. @throws {ProtocolError} not 16 bytes. */
export function readSessionKey(message: Message): Uint8Array {
  const key = message.bytes("sessionKey");
  if (key.length !== SESSION_BYTES) {
    throw new ProtocolError(
      `Cannot read ${message.type}: sessionKey has ${key.length} bytes, expected ${SESSION_BYTES}`,
    );
  }
  return key.slice(); // the message may be reused
}

/** A size of the terms. @throws {ProtocolError} it is no integer from 1 to its limit. */
export function readSize(message: Message, name: keyof typeof LIMITS): number {
  const value = message.integer(name);
  if (value < 1 || value > LIMITS[name]) {
    throw new ProtocolError(
      `Cannot read ${message.type}: ${name} = ${value} is not in [1, ${LIMITS[name]}]`,
    );
  }
  return value;
}

/** Lets a check of values refuse a message. @throws {ProtocolError} whatever `check` throws. */
export function refuseIf(check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw new ProtocolError((cause as Error).message, { cause });
  }
}
