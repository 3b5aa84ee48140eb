/** Safetensors that know their own SHA-256, so that a file which is not what was saved is never gone on with.
 *
 * The sum is the first entry of the metadata, hence at a fixed place, and is taken over the whole file with
 * zeros in its place: header, tensors and padding. It tells damage, not forgery: whoever can write the file can
 * write the sum. Other readers of safetensors see one more line of metadata.
 * @module */
import { createHash } from "node:crypto";
import { decodeSafetensors, encodeSafetensors, type Tensors } from "./safetensors.ts";

const SUM = "sha256";
const BLANK = "0".repeat(64);
const LENGTH_BYTES = 8;
const OPENING = `{"__metadata__":{"${SUM}":"`;
const SUM_AT = LENGTH_BYTES + OPENING.length;

const ascii = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);

/** The SHA-256 of a sealed file, in hexadecimal, whatever stands in its place. */
const digest = (file: Uint8Array) =>
  createHash("sha256").update(file.subarray(0, SUM_AT)).update(BLANK)
    .update(file.subarray(SUM_AT + BLANK.length)).digest("hex");

/** Encodes tensors and metadata with their SHA-256. The same input gives the same bytes.
 * @throws {TypeError} data do not fit their shape, or a name is taken or a number. {RangeError} NaN or infinity. */
export function seal(
  tensors: Tensors,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  if (SUM in metadata) throw new TypeError(`Cannot seal: the metadata have a ${SUM} already`);
  const file = encodeSafetensors(tensors, { [SUM]: BLANK, ...metadata });
  // JavaScript puts names that are integers first: the sum would not stand where it is looked for.
  if (ascii(file.subarray(LENGTH_BYTES, SUM_AT)) !== OPENING) {
    throw new TypeError("Cannot seal: a name is an integer");
  }
  file.set(new TextEncoder().encode(digest(file)), SUM_AT);
  return file;
}

/** Decodes what `seal` wrote, and nothing else. The metadata are without the sum.
 * @throws {RangeError} the sum is missing, as in files of earlier versions, or another one; else as
 * `decodeSafetensors`. */
export function unseal(bytes: Uint8Array): ReturnType<typeof decodeSafetensors> {
  if (ascii(bytes.subarray(LENGTH_BYTES, SUM_AT)) !== OPENING) {
    decodeSafetensors(bytes); // says more of a file that is none
    throw new RangeError(
      "Cannot read safetensors: it carries no SHA-256, as files of an earlier version do",
    );
  }
  if (digest(bytes) !== ascii(bytes.subarray(SUM_AT, SUM_AT + BLANK.length))) {
    throw new RangeError("Cannot read safetensors: its SHA-256 is not the one it was saved with");
  }
  const { tensors, metadata: { [SUM]: _, ...metadata } } = decodeSafetensors(bytes);
  return { tensors, metadata };
}
