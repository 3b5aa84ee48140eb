import { assertEquals, assertThrows } from "@std/assert";
import { encode } from "cborg";
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  ProtocolError,
} from "lib/protocol/wire.ts";

const bytes = Uint8Array.from([1, 2, 3]);

Deno.test("decodeMessage() returns what encodeMessage() took", () => {
  const sent = encodeMessage("note", { a: bytes, b: [bytes, bytes], c: [1, -2, 3] });
  const message = decodeMessage(sent, "other", "note");
  assertEquals(message.type, "note");
  assertEquals(message.bytes("a"), bytes);
  assertEquals(message.parts("b"), [bytes, bytes]);
  assertEquals(message.integers("c"), [1, -2, 3]);
});

Deno.test("decodeMessage() refuses malformed and foreign messages, one fault at a time", () => {
  const refused = (message: Uint8Array, why: string) =>
    assertThrows(() => decodeMessage(message, "note"), ProtocolError, why);
  const good = encodeMessage("note", { a: bytes });
  refused(good.slice(0, -1), "Cannot read note");
  refused(Uint8Array.from([...good, 0]), "Cannot read note");
  refused(new Uint8Array(), "Cannot read note");
  refused(encode([1, 2]), "not a map");
  refused(encode({ v: 2, type: "note" }), "version 2, this is version 1");
  refused(encodeMessage("other"), 'got "other"');
  refused(encode({ v: 1, type: "note", a: NaN }), "Cannot read note");
  refused(Uint8Array.from([0xbf, 0xff]), "Cannot read note"); // indefinite map
  refused(Uint8Array.from([0xa2, 0x61, 0x76, 1, 0x61, 0x76, 1]), "Cannot read note"); // v twice
  refused(new Uint8Array(MAX_MESSAGE_BYTES + 1), "exceed the limit");
});

Deno.test("Message readers name the field of the wrong kind", () => {
  const message = decodeMessage(encodeMessage("note", { a: "text", b: [0.5] }), "note");
  assertThrows(() => message.bytes("a"), ProtocolError, "a is not a byte string");
  assertThrows(() => message.bytes("missing"), ProtocolError, "missing is not a byte string");
  assertThrows(() => message.parts("b"), ProtocolError, "b is not an array of byte strings");
  assertThrows(() => message.integers("b"), ProtocolError, "b is not an array of integers");
});
