/** A look at CBOR (RFC 8949) before it is decoded: linear in its bytes, and it allocates nothing.
 *
 * A decoder builds what it is told to: 31 MB of empty arrays become gigabytes, nested ones end the process. So
 * everything that decides what comes of the bytes is bounded here:
 *
 * | what | bound |
 * |---|---|
 * | items: numbers, strings, arrays, keys | 2^17 |
 * | depth | 3: a list of lists in the map |
 * | lengths | what is there; none indefinite |
 * | kinds | integers, floats, strings, arrays, booleans; one map, the outermost; no tag, no null |
 * @module */

/** Ten times what an honest message has: 4096 keys, or 10,000 ciphertexts. */
const MAX_ITEMS = 2 ** 17;
const MAX_DEPTH = 3;

const [BYTES, TEXT, ARRAY, MAP, TAG, OTHER] = [2, 3, 4, 5, 6, 7];
/** Bytes that follow the first, by its lower five bits from 24 on. */
const FOLLOWING = [1, 2, 4, 8];
const FALSE = 20;
const TRUE = 21;

class Scan {
  #items = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The first byte of an item, its number (a value, a length or a count), and where it goes on. */
  head(at: number): { kind: number; info: number; value: number; next: number } {
    if (++this.#items > MAX_ITEMS) throw new Error(`more than ${MAX_ITEMS} items`);
    if (at >= this.bytes.length) throw new Error("the map ends too early");
    const [kind, info] = [this.bytes[at] >> 5, this.bytes[at] & 31];
    if (info < 24) return { kind, info, value: info, next: at + 1 };
    const more = FOLLOWING[info - 24];
    if (more === undefined) throw new Error("an item has no definite length");
    const next = at + 1 + more;
    if (next > this.bytes.length) throw new Error("the map ends too early");
    const value = more === 1
      ? this.#view.getUint8(at + 1)
      : more === 2
      ? this.#view.getUint16(at + 1)
      : more === 4
      ? this.#view.getUint32(at + 1)
      : Number(this.#view.getBigUint64(at + 1));
    return { kind, info, value, next };
  }

  /** Where the item at `at` ends. */
  end(at: number, depth: number): number {
    const { kind, info, value, next } = this.head(at);
    switch (kind) {
      case BYTES:
      case TEXT:
        if (value > this.bytes.length - next) throw new Error("the map ends too early");
        return next + value;
      case ARRAY: {
        if (depth >= MAX_DEPTH) throw new Error("arrays are nested too deep");
        let end = next;
        for (let i = 0; i < value; i++) end = this.end(end, depth + 1);
        return end;
      }
      case MAP:
        throw new Error("a map in the map");
      case TAG:
        throw new Error("a tag");
      case OTHER:
        if (info < 25 && info !== FALSE && info !== TRUE) {
          throw new Error("a value that is no number, string or boolean");
        }
        return next;
      default:
        return next;
    }
  }
}

/** Goes through an encoded map whose keys are text.
 * @param names keys of interest.   @returns the encoded values of those that are there.
 * @throws {Error} not such a map, or over a bound: see the module's text. */
export function scanMap<Name extends string>(
  bytes: Uint8Array,
  names: readonly Name[],
): Partial<Record<Name, Uint8Array>> {
  const scan = new Scan(bytes);
  const { kind, value: count, next } = scan.head(0);
  if (kind !== MAP) throw new Error("not a map");
  const found: Partial<Record<Name, Uint8Array>> = {};
  let at = next;
  for (let i = 0; i < count; i++) {
    const key = scan.head(at);
    if (key.kind !== TEXT) throw new Error("a key is not text");
    const valueAt = key.next + key.value;
    const end = scan.end(valueAt, 1);
    const name = names.find((name) =>
      name.length === key.value &&
      [...name].every((c, k) => bytes[key.next + k] === c.charCodeAt(0))
    );
    if (name !== undefined) found[name] = bytes.subarray(valueAt, end);
    at = end;
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes too many after the map`);
  return found;
}
