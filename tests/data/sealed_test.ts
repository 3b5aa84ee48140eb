import { assertEquals, assertThrows } from "@std/assert";
import { decodeSafetensors, encodeSafetensors } from "lib/data/safetensors.ts";
import { seal, unseal } from "lib/data/safetensors.ts";

const tensors = {
  W1: { shape: [2, 2], data: Float32Array.from([1, -2, 3.5, 0]) },
  b1: { shape: [1], data: Float32Array.of(0.1) },
};
const metadata = { epoch: "3", text: '"sha256":"ü' };

Deno.test("unseal() returns what seal() took, as safetensors that anybody reads", () => {
  const file = seal(tensors, metadata);
  assertEquals(unseal(file), { tensors, metadata });
  assertEquals(file, seal(tensors, metadata));
  const { tensors: read, metadata: { sha256, ...rest } } = decodeSafetensors(file);
  assertEquals([read, rest, sha256.length], [tensors, metadata, 64]);
  assertEquals(unseal(seal({}, {})), { tensors: {}, metadata: {} });
});

Deno.test("seal() takes the SHA-256 of the file with zeros in its place", async () => {
  const file = seal({ b: { shape: [1], data: Float32Array.of(1) } }, { k: "v" });
  const sum = new TextDecoder().decode(file.subarray(8 + 27, 8 + 27 + 64));
  const blank = file.slice().fill(0x30, 8 + 27, 8 + 27 + 64);
  assertEquals(new Uint8Array(await crypto.subtle.digest("SHA-256", blank)).toHex(), sum);
});

Deno.test("unseal() refuses every file that differs in one bit, or in its length", () => {
  const file = seal(tensors, metadata);
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const other = file.slice();
    other[bit >> 3] ^= 1 << (bit & 7);
    const { name } = assertThrows(() => unseal(other), Error, "Cannot read");
    assertEquals(["RangeError", "TypeError"].includes(name), true, `bit ${bit}`);
  }
  for (let length = 0; length < file.length; length++) {
    assertThrows(() => unseal(file.subarray(0, length)), RangeError, "Cannot read safetensors");
  }
  assertThrows(() => unseal(Uint8Array.from([...file, 32])), RangeError, "its SHA-256 is not");
});

Deno.test("unseal() refuses a file without a checksum, and seal() what it could not find again", () => {
  const none = "it carries no SHA-256, as files of an earlier version do";
  assertThrows(() => unseal(encodeSafetensors(tensors, metadata)), RangeError, none);
  assertThrows(() => unseal(encodeSafetensors(tensors)), RangeError, none);
  const late = encodeSafetensors(tensors, { ...metadata, sha256: "0".repeat(64) });
  assertThrows(() => unseal(late), RangeError, none);
  assertThrows(() => seal(tensors, { sha256: "" }), TypeError, "Cannot seal");
  assertThrows(() => seal(tensors, { 7: "" }), TypeError, "Cannot seal");
  assertThrows(() => seal({ 0: tensors.b1 }, {}), TypeError, "Cannot seal");
});
