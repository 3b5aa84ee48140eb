import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { encode } from "cborg";
import fc from "fast-check";
import {
  allFinite,
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  ProtocolError,
} from "lib/protocol/wire.ts";

const bytes = Uint8Array.from([1, 2, 3]);
const tensor = { shape: [2, 3], data: Float32Array.from([1, -2, 3.5, 0, -0, 1e38]) };

/** A message with the given head as it stands, and what follows it. */
function framed(head: Uint8Array, tail: Uint8Array = new Uint8Array()): Uint8Array {
  return Uint8Array.from([head.length, 0, 0, 0, ...head, ...tail]);
}

Deno.test("decodeMessage() returns what encodeMessage() took", () => {
  const fields = { a: bytes, b: [bytes, bytes], c: [1, -2, 3], d: 0.1, e: true, f: "adam", g: 7 };
  const message = decodeMessage(encodeMessage("note", { ...fields, z1: tensor }), "other", "note");
  assertEquals(message.type, "note");
  assertEquals(message.bytes("a"), bytes);
  assertEquals(message.parts("b"), [bytes, bytes]);
  assertEquals(message.integers("c"), [1, -2, 3]);
  assertEquals(message.number("d"), 0.1);
  assertEquals(message.boolean("e"), true);
  assertEquals(message.text("f", "sgd", "adam"), "adam");
  assertEquals(message.integer("g"), 7);
  assertEquals(message.tensor("z1", [2, 3]), tensor.data);
  assertEquals(message.tensor("z1", [null, 3]), tensor.data);
});

Deno.test("encodeMessage() writes the documented bytes", () => {
  const head = encode({ v: 2, type: "t", tensors: [["x", 2]] });
  const padding = new Uint8Array(3 - (head.length + 3) % 4);
  const data = new Uint8Array(Float32Array.from([1, -2]).buffer);
  assertEquals([...data], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  assertEquals(
    encodeMessage("t", { x: { shape: [2], data: Float32Array.from([1, -2]) } }),
    framed(head, Uint8Array.from([...padding, ...data])),
  );
  assertEquals(encodeMessage("t", { n: 1 }), framed(encode({ v: 2, type: "t", n: 1 })));
});

Deno.test("decodeMessage() copies no tensor of an aligned message, and reads any other all the same", () => {
  const message = encodeMessage("note", { z1: tensor });
  assertStrictEquals(decodeMessage(message, "note").tensor("z1", [2, 3]).buffer, message.buffer);
  const shifted = new Uint8Array(message.length + 1).subarray(1);
  shifted.set(message);
  assertEquals(decodeMessage(shifted, "note").tensor("z1", [2, 3]), tensor.data);
});

Deno.test("encodeMessage() and decodeMessage() keep any tensors, in any order", () =>
  fc.assert(fc.property(
    fc.dictionary(
      fc.string({ maxLength: 9 }).filter((name) => !["v", "type", "tensors"].includes(name)),
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 9 }),
    ),
    (arrays) => {
      const entries = Object.entries(arrays);
      const sent = encodeMessage(
        "t",
        Object.fromEntries(
          entries.map(([name, x]) => [name, {
            shape: [x.length, 1],
            data: Float32Array.from(x),
          }]),
        ),
      );
      const message = decodeMessage(sent, "t");
      for (const [name, x] of entries) {
        assertEquals(message.tensor(name, [x.length, 1]), Float32Array.from(x));
      }
    },
  )));

Deno.test("decodeMessage() refuses malformed and foreign messages, one fault at a time", () => {
  const refused = (message: Uint8Array, why: string) =>
    assertThrows(() => decodeMessage(message, "note"), ProtocolError, `Cannot read note: ${why}`);
  const good = encodeMessage("note", { a: bytes });
  refused(good.slice(0, -1), "truncated: a head of");
  refused(Uint8Array.from([...good, 0]), "1 bytes too many");
  refused(new Uint8Array(), "0 bytes are no message");
  refused(framed(encode([1, 2])), "not a map");
  refused(framed(encode({ v: 1, type: "note" })), "version 1, this is version 2");
  refused(encodeMessage("other"), 'got "other"');
  refused(framed(encode({ v: 2, type: "note", a: NaN })), "");
  refused(framed(Uint8Array.from([0xbf, 0xff])), ""); // indefinite map
  refused(framed(Uint8Array.from([0xa2, 0x61, 0x76, 1, 0x61, 0x76, 1])), ""); // v twice
  refused(framed(new Uint8Array(250).fill(0x81)), ""); // nested arrays
  refused(new Uint8Array(MAX_MESSAGE_BYTES + 1), "268435457 bytes exceed the limit");
});

Deno.test("decodeMessage() refuses tensors that do not fit, one fault at a time", () => {
  const refused = (message: Uint8Array, why: string) =>
    assertThrows(() => decodeMessage(message, "note"), ProtocolError, `Cannot read note: ${why}`);
  const listing = (tensors: unknown, data = new Uint8Array(8)) => {
    const head = encode({ v: 2, type: "note", tensors });
    return framed(head, Uint8Array.from([...new Uint8Array(3 - (head.length + 3) % 4), ...data]));
  };
  assertEquals(decodeMessage(listing([["x", 2]]), "note").tensor("x", [2]).length, 2);
  refused(listing([["x", 3]]), "truncated: x ends at byte");
  refused(listing([["x", 1]]), "4 bytes too many");
  refused(listing([["x", 2]], new Uint8Array(9)), "1 bytes too many");
  refused(listing([["x", 1], ["x", 1]]), "a tensor is not");
  refused(listing([["x", 0]]), "a tensor is not");
  refused(listing([["x", -2]]), "a tensor is not");
  refused(listing([["x", 0.5]]), "a tensor is not");
  refused(listing([["x", 2 ** 52, 2 ** 52]]), "truncated");
  refused(listing([[7, 2]]), "a tensor is not");
  refused(listing({ x: [2] }), "tensors is not a list");
  refused(listing([]), "tensors is not a list");
  const message = encodeMessage("no", { x: { shape: [1], data: Float32Array.of(1) } });
  const padded = message.length - 5; // the last byte before the numbers
  assertEquals(message[padded], 0);
  message[padded] = 1;
  assertThrows(() => decodeMessage(message, "no"), ProtocolError, "the padding is not zero");
});

Deno.test("Message readers name the field of the wrong kind", () => {
  const message = decodeMessage(
    encodeMessage("note", { a: "text", b: [0.5], z1: tensor }),
    "note",
  );
  const refused = (read: () => unknown, why: string) =>
    assertThrows(read, ProtocolError, `Cannot read note: ${why}`);
  refused(() => message.bytes("a"), "a is not a byte string");
  refused(() => message.bytes("missing"), "missing is not a byte string");
  refused(() => message.parts("b"), "b is not an array of byte strings");
  refused(() => message.integers("b"), "b is not an array of integers");
  refused(() => message.integer("a"), "a is not an integer");
  refused(() => message.number("a"), "a is not a number");
  refused(() => message.boolean("a"), "a is not a boolean");
  refused(() => message.text("b"), "b is not text");
  refused(() => message.text("a", "sgd", "adam"), "a is not sgd or adam");
  refused(() => message.tensor("a", [1]), "a is not a tensor");
  refused(() => message.tensor("z1", [3, 2]), "z1 has shape [2, 3], expected [3, 2]");
  refused(() => message.tensor("z1", [null]), "z1 has shape [2, 3], expected [any]");
});

Deno.test("Message.tensor() refuses NaN and infinity wherever they stand", () => {
  for (let length = 1; length <= 9; length++) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (let i = 0; i < length; i++) {
        const data = new Float32Array(length).fill(3e38);
        assertEquals(allFinite(data), true);
        data[i] = bad;
        const message = decodeMessage(encodeMessage("t", { x: { shape: [length], data } }), "t");
        assertThrows(
          () => message.tensor("x", [length]),
          ProtocolError,
          "Cannot read t: x holds NaN or infinity",
        );
      }
    }
  }
});

Deno.test("encodeMessage() refuses a tensor that is not its shape", () => {
  assertThrows(
    () => encodeMessage("t", { x: { shape: [2, 2], data: new Float32Array(3) } }),
    TypeError,
    "Cannot encode t: x has 3 numbers for shape [2,2]",
  );
});

Deno.test("decodeMessage() answers any damage with a ProtocolError", () => {
  const good = encodeMessage("note", { a: bytes, b: [bytes], c: 0.5, d: "text", z1: tensor });
  const read = (message: Uint8Array) => {
    try {
      const received = decodeMessage(message, "note");
      received.bytes("a");
      received.tensor("z1", [null, 3]);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  };
  const place = fc.nat({ max: good.length - 1 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(place, fc.nat({ max: 255 })), { maxLength: 4 }),
      fc.option(place, { nil: good.length }),
      (changes, end) => {
        const message = good.slice();
        for (const [at, byte] of changes) message[at] = byte;
        read(message.slice(0, end));
      },
    ),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 99 }), read), { numRuns: 1000 });
});
