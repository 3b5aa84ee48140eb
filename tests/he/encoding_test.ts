import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeSealed, encodeSealed, HEADER_BYTES, type Label } from "lib/he/encoding.ts";
import { LINEAR_PARAMS, NETWORK_PARAMS } from "lib/he/params.ts";

const label: Label = { kind: "rotation key", step: -8, keyId: "0f".repeat(16) };
const body = Uint8Array.from({ length: 100 }, (_, i) => i);
const bytes = encodeSealed(LINEAR_PARAMS, label, body);

Deno.test("decodeSealed() returns what encodeSealed() was given", () => {
  const { body: read, ...rest } = decodeSealed(LINEAR_PARAMS, "rotation key", bytes);
  assertEquals(rest, label);
  assertEquals(read, body);
});

Deno.test("decodeSealed() refuses every truncation, and every altered byte", () => {
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    assertThrows(() => decodeSealed(LINEAR_PARAMS, "rotation key", cut), RangeError, "Cannot read");
  }
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at] ^= 1;
    assertThrows(() => decodeSealed(LINEAR_PARAMS, "rotation key", altered), RangeError);
  }
});

Deno.test("decodeSealed() says what it got instead", () => {
  const refuse = (change: (bytes: Uint8Array) => void, why: string) => {
    const changed = bytes.slice();
    change(changed);
    assertThrows(() => decodeSealed(LINEAR_PARAMS, "rotation key", changed), RangeError, why);
  };
  refuse((b) => b[0] = 0, "Cannot read rotation key: the bytes are no object of CKKS");
  refuse((b) => b[4] = 2, "version 2, this is version 1");
  refuse((b) => b[5] = 9, "the bytes hold kind 9");
  refuse((b) => b[HEADER_BYTES] ^= 1, "the bytes were truncated or altered");
  assertThrows(
    () => decodeSealed(LINEAR_PARAMS, "ciphertext", bytes),
    RangeError,
    "Cannot read ciphertext: the bytes hold a rotation key",
  );
  assertThrows(
    () => decodeSealed(NETWORK_PARAMS, "rotation key", bytes),
    RangeError,
    "it was made under other parameters",
  );
  assert(bytes.length === HEADER_BYTES + body.length);
});
