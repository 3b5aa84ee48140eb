/** Messages between parties: one CBOR map `{ v, type, … }` a message, read strictly.
 *
 * CBOR comes from `cborg` (RFC 8949); strict means shortest forms only, no duplicate keys, no
 * indefinite lengths, no NaN or infinity, no trailing bytes, and a bound on the size before anything
 * is parsed. Fields are byte strings, integers, text, or arrays of those; what the byte strings hold (keys,
 * ciphertexts) has its own checked encoding in `fe/`.
 * @module */
import { decode, encode } from "cborg";

const VERSION = 1;
/** A batch of some hundred ciphertexts or keys fits; nothing honest is larger. */
export const MAX_MESSAGE_BYTES = 2 ** 28;

/** A message that a party cannot accept: malformed, of another type, or at the wrong time. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The fields of a message, beside its type. */
export type Fields = Record<string, Uint8Array | Uint8Array[] | number[] | number | string>;

/** A received message. Its readers check the kind of a field and name it when it is wrong. */
export class Message {
  constructor(readonly type: string, private readonly fields: Record<string, unknown>) {}

  private read<T>(name: string, kind: string, is: (value: unknown) => boolean): T {
    const value = this.fields[name];
    if (!is(value)) throw new ProtocolError(`Cannot read ${this.type}: ${name} is not ${kind}`);
    return value as T;
  }

  bytes(name: string): Uint8Array {
    return this.read(name, "a byte string", (value) => value instanceof Uint8Array);
  }

  /** An array of byte strings. */
  parts(name: string): Uint8Array[] {
    return this.read(
      name,
      "an array of byte strings",
      (value) => Array.isArray(value) && value.every((part) => part instanceof Uint8Array),
    );
  }

  integer(name: string): number {
    return this.read(name, "an integer", Number.isSafeInteger);
  }

  integers(name: string): number[] {
    return this.read(
      name,
      "an array of integers",
      (value) => Array.isArray(value) && value.every(Number.isSafeInteger),
    );
  }
}

/** Encodes a message. */
export function encodeMessage(type: string, fields: Fields = {}): Uint8Array {
  return encode({ v: VERSION, type, ...fields });
}

/** Decodes a message of one of the expected types.
 * @throws {ProtocolError} too large, not strict CBOR, another version, or another type. */
export function decodeMessage(bytes: Uint8Array, ...expected: readonly string[]): Message {
  const what = expected.join(" or ");
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new ProtocolError(
      `Cannot read ${what}: ${bytes.length} bytes exceed the limit of ${MAX_MESSAGE_BYTES}`,
    );
  }
  let value: unknown;
  try {
    value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (cause) {
    throw new ProtocolError(`Cannot read ${what}: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError(`Cannot read ${what}: not a map`);
  }
  const { v, type, ...fields } = value as Record<string, unknown>;
  if (v !== VERSION) {
    throw new ProtocolError(`Cannot read ${what}: version ${v}, this is version ${VERSION}`);
  }
  if (typeof type !== "string" || !expected.includes(type)) {
    throw new ProtocolError(`Cannot read ${what}: got ${JSON.stringify(type)}`);
  }
  return new Message(type, fields);
}
