/** Messages between parties: one format for every protocol, read strictly.
 *
 *     u32 LE, bytes of the head | head | zeros to a multiple of 4 | tensors, raw little-endian float32
 *
 * The head is one CBOR map `{ v, type, …, tensors?: [[name, …shape], …] }`; the tensors' data follow in that
 * order and must end where the message ends. They are aligned, so a receiver reads them where they lie.
 *
 * Fields are byte strings, numbers, text, booleans, or arrays of those; what the byte strings hold (keys,
 * ciphertexts) has its own checked encoding in `fe/`. CBOR comes from `cborg` (RFC 8949). Two checks make the
 * reading strict. `cbor_scan.ts` goes through the head before anything is built of it and bounds what it can
 * become. And a message has one encoding only: what was decoded, encoded again, must be the same bytes, which
 * refuses longer forms than the shortest, 5.0 or −0 for an integer, a key twice, and text that is no UTF-8.
 * NaN and infinity are refused; typed arrays are little-endian on every platform that Deno runs on.
 * @module */
import { decode, encode } from "cborg";
import { scanMap } from "./cbor_scan.ts";
import { plainText } from "./plain_text.ts";

const VERSION = 2;
/** The longest name of a type, encoded. */
const MAX_TYPE_BYTES = 64;
/** A batch of some hundred ciphertexts or keys fits; nothing honest is larger. */
export const MAX_MESSAGE_BYTES = 2 ** 28;

/** A message that a party cannot accept: malformed, of another type, or at the wrong time. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Numbers with a shape, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The fields of a message, beside its type. `v`, `type` and `tensors` are taken. */
export type Fields = Record<
  string,
  number | string | boolean | Uint8Array | readonly Uint8Array[] | readonly number[] | Tensor
>;

/** A received message. Its readers check the kind of a field and name it when it is wrong. */
export class Message {
  constructor(
    readonly type: string,
    private readonly fields: Record<string, unknown>,
    private readonly tensors: ReadonlyMap<string, Tensor>,
  ) {}

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

  /** A finite number. */
  number(name: string): number {
    return this.read(name, "a number", Number.isFinite);
  }

  boolean(name: string): boolean {
    return this.read(name, "a boolean", (value) => typeof value === "boolean");
  }

  /** Text; one of `choices` where some are given. */
  text<T extends string = string>(name: string, ...choices: readonly T[]): T {
    return this.read(
      name,
      choices.length > 0 ? choices.join(" or ") : "text",
      (value) =>
        typeof value === "string" && (choices.length === 0 || choices.includes(value as T)),
    );
  }

  /** The numbers of a tensor, all finite: a view of the message's bytes, valid as long as they are.
   * @param shape what it must be; null stands for a dimension of any size. */
  tensor(name: string, shape: readonly (number | null)[]): Float32Array {
    const refuse = (state: string) =>
      new ProtocolError(`Cannot read ${this.type}: ${name} ${state}`);
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw refuse("is not a tensor");
    const fits = tensor.shape.length === shape.length &&
      shape.every((size, axis) => size === null || size === tensor.shape[axis]);
    if (!fits) {
      const expected = shape.map((size) => size ?? "any").join(", ");
      throw refuse(`has shape [${tensor.shape.join(", ")}], expected [${expected}]`);
    }
    if (!allFinite(tensor.data)) throw refuse("holds NaN or infinity");
    return tensor.data;
  }
}

/** Whether no number is NaN or infinite. x·0 is 0 for a finite x, NaN otherwise, and NaN stays in a sum.
 * Four sums, because each addition waits for the one before: 40 µs for 256×300 numbers, a third less than
 * a loop over `Number.isFinite`. */
export function allFinite(x: Float32Array): boolean {
  const fours = x.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < fours; i += 4) {
    a += x[i] * 0;
    b += x[i + 1] * 0;
    c += x[i + 2] * 0;
    d += x[i + 3] * 0;
  }
  for (let i = fours; i < x.length; i++) a += x[i] * 0;
  return a + b + c + d === 0;
}

function isTensor(field: Fields[string]): field is Tensor {
  return typeof field === "object" && "shape" in field;
}

/** The number of elements of a shape; null where it is none: sizes are positive integers. */
function elements(shape: readonly unknown[]): number | null {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || (size as number) < 1) return null;
    count *= size as number; // past 2^53 it is not exact, and larger than any message
  }
  return count;
}

/** Bytes from the beginning of a message to its tensors. */
const dataStart = (headBytes: number) => Math.ceil((4 + headBytes) / 4) * 4;

/** Encodes a message into a buffer of its own. Tensor data are copied, once.
 * @throws {TypeError} a tensor's data do not fit its shape. */
export function encodeMessage(type: string, fields: Fields = {}): Uint8Array<ArrayBuffer> {
  const plain: Record<string, unknown> = {};
  const tensors: [string, Tensor][] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (!isTensor(field)) {
      plain[name] = field;
    } else if (elements(field.shape) === field.data.length) {
      tensors.push([name, field]);
    } else {
      throw new TypeError(
        `Cannot encode ${type}: ${name} has ${field.data.length} numbers for shape [${field.shape}]`,
      );
    }
  }
  const list = tensors.length === 0
    ? {}
    : { tensors: tensors.map(([name, { shape }]) => [name, ...shape]) };
  const head = encode({ v: VERSION, type, ...plain, ...list });
  let at = tensors.length === 0 ? 4 + head.length : dataStart(head.length);
  const numbers = tensors.reduce((sum, [, { data }]) => sum + data.length, 0);
  const message = new Uint8Array(at + 4 * numbers);
  new DataView(message.buffer).setUint32(0, head.length, true);
  message.set(head, 4);
  for (const [, { data }] of tensors) {
    new Float32Array(message.buffer, at, data.length).set(data);
    at += 4 * data.length;
  }
  return message;
}

const DECODE = { allowNaN: false, allowInfinity: false, allowBigInt: false } as const;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let same = a.length === b.length;
  for (let i = 0; i < a.length && same; i++) same = a[i] === b[i];
  return same;
}

/** The head's map and where the tensors begin. Version and type are looked at before the rest is decoded.
 * @throws {Error} it is not what `encodeMessage` writes, or not of an expected type. */
function readHead(
  bytes: Uint8Array,
  expected: readonly string[],
): { map: Record<string, unknown>; start: number } {
  if (bytes.length < 4) throw new Error(`${bytes.length} bytes are no message`);
  const headBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (headBytes > bytes.length - 4) {
    throw new Error(`truncated: a head of ${headBytes} bytes in a message of ${bytes.length}`);
  }
  const head = bytes.subarray(4, 4 + headBytes);
  const { v, type } = scanMap(head, ["v", "type"]);
  const version = v === undefined || v.length > MAX_TYPE_BYTES ? "none" : decode(v, DECODE);
  if (version !== VERSION) throw new Error(`version ${version}, this is version ${VERSION}`);
  const name = type === undefined || type.length > MAX_TYPE_BYTES ? "none" : decode(type, DECODE);
  if (!expected.includes(name)) throw new Error(`got ${JSON.stringify(name)}`);
  const map: Record<string, unknown> = decode(head, DECODE);
  if (!sameBytes(encode(map), head)) throw new Error("the head is not in its one encoding");
  const start = map.tensors === undefined ? 4 + headBytes : dataStart(headBytes);
  if (bytes.subarray(4 + headBytes, start).some((byte) => byte !== 0)) {
    throw new Error("the padding is not zero");
  }
  return { map, start };
}

/** The tensors that the head lists, in the bytes behind it. @throws {Error} they do not fit exactly. */
function readTensors(list: unknown, bytes: Uint8Array, start: number): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  if (list !== undefined && !(Array.isArray(list) && list.length > 0)) {
    throw new Error("tensors is not a list");
  }
  let at = start;
  for (const entry of list as unknown[] ?? []) {
    const [name, ...shape] = Array.isArray(entry) ? entry : [];
    const count = elements(shape);
    if (typeof name !== "string" || count === null || tensors.has(name)) {
      throw new Error("a tensor is not a name of its own and a shape");
    }
    const end = at + 4 * count;
    if (end > bytes.length) throw new Error(`truncated: ${name} ends at byte ${end}`);
    const aligned = (bytes.byteOffset + at) % 4 === 0;
    const data = aligned
      ? new Float32Array(bytes.buffer, bytes.byteOffset + at, count)
      : new Float32Array(bytes.slice(at, end).buffer);
    tensors.set(name, { shape, data });
    at = end;
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes too many`);
  return tensors;
}

/** Decodes a message of one of the expected types. Tensors stay where they are: leave the bytes alone.
 * @throws {ProtocolError} too large, malformed, another version, or another type. */
export function decodeMessage(bytes: Uint8Array, ...expected: readonly string[]): Message {
  const what = expected.join(" or ");
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new ProtocolError(
      `Cannot read ${what}: ${bytes.length} bytes exceed the limit of ${MAX_MESSAGE_BYTES}`,
    );
  }
  try {
    const { map, start } = readHead(bytes, expected);
    const { v: _, type, tensors, ...fields } = map;
    return new Message(type as string, fields, readTensors(tensors, bytes, start));
  } catch (cause) {
    const state = plainText((cause as Error).message);
    throw new ProtocolError(`Cannot read ${what}: ${state}`, { cause });
  }
}
