/** Messages between parties: one format for every protocol, read strictly.
 *
 *     u32 LE, bytes of the head | head | zeros to a multiple of 4 | tensors, raw little-endian float32 or int32
 *
 * The head is one CBOR map `{ v, type, …, tensors?: [[name, "f4" or "i4", …shape], …] }`; the tensors' data follow
 * in that order and must end where the message ends. They are aligned, so a receiver reads them where they lie.
 *
 * Fields are byte strings, numbers, text, booleans, or arrays of those; what the byte strings hold (keys,
 * ciphertexts) has its own checked encoding in `fe/`. CBOR (RFC 8949) comes from `cborg`. Two checks make the
 * reading strict. Every item is looked at before it is decoded, because a decoder builds what it is told to: 31 MB of
 * empty arrays become gigabytes, nested ones end the process.
 *
 * | what | bound |
 * |---|---|
 * | items: numbers, strings, arrays, keys | 2^17 |
 * | depth | 3: a list of lists in the map |
 * | lengths | what is there; none indefinite |
 * | kinds | integers, floats, strings, arrays, booleans; one map, the outermost; no tag, no null |
 *
 * And a message has one encoding only: what was decoded, encoded again, must be the same bytes, which refuses longer
 * forms than the shortest, 5.0 or −0 for an integer, a key twice, NaN and infinity, integers past 2^53, and text that
 * is no UTF-8. Typed arrays are little-endian on every platform that Deno runs on.
 * @module */
import { Buffer } from "node:buffer";
import { decode, encode, Tokenizer } from "cborg";
import { plainText } from "./connection.ts";

const VERSION = 3;
/** The longest name of a type that a refusal repeats. */
const MAX_TYPE = 64;
/** A batch of some hundred ciphertexts or keys fits; nothing honest is larger. */
export const MAX_MESSAGE_BYTES = 2 ** 28;
/** Ten times what an honest message has: 4096 keys, or 10,000 ciphertexts. */
const MAX_ITEMS = 2 ** 17;
const MAX_DEPTH = 3;

/** A message that a party cannot accept: malformed, of another type, or at the wrong time. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Numbers with a shape, row-major; the array's kind is theirs on the wire too. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
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
    if (!is(value)) throw this.#refusal(name, `is not ${kind}`);
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

  /** The numbers of a tensor of float32, all finite: a view of the message's bytes, valid as long as they are.
   * @param shape what it must be; null stands for a dimension of any size. */
  tensor(name: string, shape: readonly (number | null)[]): Float32Array {
    const data = this.#tensor(name, shape);
    if (!(data instanceof Float32Array)) throw this.#refusal(name, "is not of float32");
    if (!allFinite(data)) throw this.#refusal(name, "holds NaN or infinity");
    return data;
  }

  /** The numbers of a tensor of int32, as `tensor`. */
  int32(name: string, shape: readonly (number | null)[]): Int32Array {
    const data = this.#tensor(name, shape);
    if (!(data instanceof Int32Array)) throw this.#refusal(name, "is not of int32");
    return data;
  }

  #refusal(name: string, state: string): ProtocolError {
    return new ProtocolError(`Cannot read ${this.type}: ${name} ${state}`);
  }

  #tensor(name: string, shape: readonly (number | null)[]): Float32Array | Int32Array {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw this.#refusal(name, "is not a tensor");
    const fits = tensor.shape.length === shape.length &&
      shape.every((size, axis) => size === null || size === tensor.shape[axis]);
    if (!fits) {
      const expected = shape.map((size) => size ?? "any").join(", ");
      const state = `has shape [${tensor.shape.join(", ")}], expected [${expected}]`;
      throw this.#refusal(name, state);
    }
    return tensor.data;
  }
}

/** Whether no number is NaN or infinite. x·0 is 0 for a finite x, NaN otherwise, and NaN stays in a sum. Four sums,
 * because each addition waits for the one before: half the time of a loop over `Number.isFinite`. */
function allFinite(x: Float32Array): boolean {
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

/** The kinds of numbers that a tensor may have, by their names on the wire. */
const KINDS = { f4: Float32Array, i4: Int32Array } as const;
const kindOf = (data: Tensor["data"]) => data instanceof Int32Array ? "i4" : "f4";

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
    : { tensors: tensors.map(([name, { shape, data }]) => [name, kindOf(data), ...shape]) };
  const head = encode({ v: VERSION, type, ...plain, ...list });
  let at = tensors.length === 0 ? 4 + head.length : dataStart(head.length);
  const numbers = tensors.reduce((sum, [, { data }]) => sum + data.length, 0);
  const message = new Uint8Array(at + 4 * numbers);
  new DataView(message.buffer).setUint32(0, head.length, true);
  message.set(head, 4);
  for (const [, { data }] of tensors) {
    message.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return message;
}

/** Major types of CBOR, and what follows them in the lower five bits of an item's first byte. */
const [ARRAY, MAP, TAG, OTHER] = [4, 5, 6, 7];
const [FALSE, TRUE, HALF, DOUBLE] = [20, 21, 25, 27];

/** Numbers that no field has; integers past 2^53 a tokenizer refuses by itself. */
const NUMBERS = { allowNaN: false, allowInfinity: false } as const;

/** The items of a head, each looked at before it is decoded: see the module's text. */
class BoundedItems extends Tokenizer {
  #items = 0;
  /** Of each open array, how many items are to come. */
  readonly #open: number[] = [];

  /** Asked before an item is taken: that there is none is a fault. */
  override done(): boolean {
    if (super.done()) throw new Error("the map ends too early");
    return false;
  }

  override next(): ReturnType<Tokenizer["next"]> {
    const byte = this.data[this.pos()];
    const [kind, info] = [byte >> 5, byte & 31];
    const first = this.#items++ === 0;
    if (this.#items > MAX_ITEMS) throw new Error(`more than ${MAX_ITEMS} items`);
    if (first && kind !== MAP) throw new Error("not a map");
    if (info > DOUBLE) throw new Error("an item has no definite length");
    if (kind === MAP && !first) throw new Error("a map in the map");
    if (kind === TAG) throw new Error("a tag");
    if (kind === OTHER && info < HALF && info !== FALSE && info !== TRUE) {
      throw new Error("a value that is no number, string or boolean");
    }
    const token = super.next();
    if (this.#open.length > 0) this.#open[this.#open.length - 1]--;
    if (kind === ARRAY) {
      if (this.#open.length + 1 >= MAX_DEPTH) throw new Error("arrays are nested too deep");
      this.#open.push(token.value);
    }
    while (this.#open.at(-1) === 0) this.#open.pop();
    return token;
  }
}

/** The head's map and where the tensors begin.
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
  const map: Record<string, unknown> = decode(head, { tokenizer: new BoundedItems(head, NUMBERS) });
  const { v, type } = map;
  if (v !== VERSION) {
    throw new Error(`version ${typeof v === "number" ? v : "none"}, this is version ${VERSION}`);
  }
  const name = typeof type === "string" && type.length <= MAX_TYPE ? type : "none";
  if (!expected.includes(name)) throw new Error(`got ${JSON.stringify(name)}`);
  if (Buffer.compare(encode(map), head) !== 0) {
    throw new Error("the head is not in its one encoding");
  }
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
    const [name, kind, ...shape] = Array.isArray(entry) ? entry : [];
    const count = elements(shape);
    const known = Object.hasOwn(KINDS, kind);
    if (typeof name !== "string" || !known || count === null || tensors.has(name)) {
      throw new Error("a tensor is not a name of its own, f4 or i4, and a shape");
    }
    const Numbers = KINDS[kind as keyof typeof KINDS];
    const end = at + 4 * count;
    if (end > bytes.length) throw new Error(`truncated: ${name} ends at byte ${end}`);
    // Where they lie, if they are aligned there.
    const from = (bytes.byteOffset + at) % 4 === 0 ? bytes.subarray(at, end) : bytes.slice(at, end);
    const data = new Numbers(from.buffer as ArrayBuffer, from.byteOffset, count);
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
