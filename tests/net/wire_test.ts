import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { encode } from "cborg";
import fc from "fast-check";
import { decodeMessage, encodeMessage, MAX_MESSAGE_BYTES, ProtocolError } from "lib/net/wire.ts";

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
  const head = encode({ v: 3, type: "t", tensors: [["x", "f4", 2]] });
  const padding = new Uint8Array(3 - (head.length + 3) % 4);
  const data = new Uint8Array(Float32Array.from([1, -2]).buffer);
  assertEquals([...data], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  assertEquals(
    encodeMessage("t", { x: { shape: [2], data: Float32Array.from([1, -2]) } }),
    framed(head, Uint8Array.from([...padding, ...data])),
  );
  assertEquals(encodeMessage("t", { n: 1 }), framed(encode({ v: 3, type: "t", n: 1 })));
});

Deno.test("decodeMessage() copies no tensor of an aligned message, and reads any other all the same", () => {
  const message = encodeMessage("note", { z1: tensor });
  assertStrictEquals(decodeMessage(message, "note").tensor("z1", [2, 3]).buffer, message.buffer);
  const shifted = new Uint8Array(message.length + 1).subarray(1);
  shifted.set(message);
  assertEquals(decodeMessage(shifted, "note").tensor("z1", [2, 3]), tensor.data);
});

Deno.test("encodeMessage() and decodeMessage() keep int32 to the bit, and neither kind is read as the other", () => {
  const data = Int32Array.from([2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, -1]);
  const message = decodeMessage(
    encodeMessage("t", { rows: { shape: [2, 2], data }, z1: tensor }),
    "t",
  );
  assertEquals(message.int32("rows", [null, 2]), data);
  assertEquals(message.tensor("z1", [2, 3]), tensor.data);
  const refused = (read: () => unknown, why: string) =>
    assertThrows(read, ProtocolError, `Cannot read t: ${why}`);
  refused(() => message.tensor("rows", [2, 2]), "rows is not of float32");
  refused(() => message.int32("z1", [2, 3]), "z1 is not of int32");
  refused(() => message.int32("rows", [4]), "rows has shape [2, 2], expected [4]");
  refused(() => message.int32("missing", [1]), "missing is not a tensor");
});

Deno.test("encodeMessage() and decodeMessage() keep any tensors, in any order", () =>
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ maxLength: 9 }).filter((name) => !["v", "type", "tensors"].includes(name)),
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
          minLength: 1,
          maxLength: 9,
        }),
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
    ),
    { seed: 1 },
  ));

Deno.test("decodeMessage() refuses malformed and foreign messages, one fault at a time", () => {
  const refused = (message: Uint8Array, why: string) =>
    assertThrows(() => decodeMessage(message, "note"), ProtocolError, `Cannot read note: ${why}`);
  const good = encodeMessage("note", { a: bytes });
  refused(good.slice(0, -1), "truncated: a head of");
  refused(Uint8Array.from([...good, 0]), "1 bytes too many");
  refused(new Uint8Array(), "0 bytes are no message");
  refused(framed(encode([1, 2])), "not a map");
  refused(framed(encode({ v: 1, type: "note" })), "version 1, this is version 3");
  refused(framed(encode({ v: new Uint8Array(9), type: "note" })), "version none, this is");
  refused(encodeMessage("other"), 'got "other"');
  refused(new Uint8Array(MAX_MESSAGE_BYTES + 1), "268435457 bytes exceed the limit");
});

/** A message of version 3 and type "note" with one more field, whose value is given encoded, in hexadecimal. */
function noteWith(key: string, value: string): Uint8Array {
  const head = `a3` + `6176` + `03` + key + value + `6474797065` + `646e6f7465`;
  return long(Uint8Array.fromHex(head));
}
/** As `framed`, for heads of any length. */
function long(head: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(4 + head.length);
  new DataView(message.buffer).setUint32(0, head.length, true);
  message.set(head, 4);
  return message;
}
/** The key that stands between the other two in the one order. */
const X = "6178";

/** What becomes of a message: the text of its refusal, or "taken". */
function outcome(message: Uint8Array): string {
  try {
    decodeMessage(message, "note");
    return "taken";
  } catch (error) {
    assertInstanceOf(error, ProtocolError);
    return error.message;
  }
}

Deno.test("decodeMessage() takes one encoding of a message and no other", () => {
  assertEquals(decodeMessage(noteWith(X, "05"), "note").integer("x"), 5);
  assertEquals(decodeMessage(noteWith(X, "f93e00"), "note").number("x"), 1.5);
  const another: Record<string, [value: string, key?: string]> = {
    "5.0 for 5, in 16 bits": ["f94500"],
    "5.0 for 5, in 64 bits": ["fb4014000000000000"],
    "-0": ["f98000"],
    "-0 in 64 bits": ["fb8000000000000000"],
    "1.5 in 32 bits": ["fa3fc00000"],
    "1.5 in 64 bits": ["fb3ff8000000000000"],
    "5 in one byte more": ["1805"],
    "5 in eight bytes more": ["1b0000000000000005"],
    "-1 in one byte more": ["3800"],
    "the length of a byte string in one byte more": ["580101"],
    "the length of an array in four bytes more": ["9a0000000101"],
    "text that is no UTF-8": ["61ff"],
    "text that encodes half a character": ["63eda080"],
    "text whose UTF-8 is too long": ["62c0af"],
    "a key that is no UTF-8": ["05", "61ff"],
    "a key whose length takes one byte more": ["05", "780161"],
    "keys out of order": ["05", "657a7a7a7a7a"],
  };
  for (const [what, [value, key = X]] of Object.entries(another)) {
    assertStringIncludes(outcome(noteWith(key, value)), "not in its one encoding", what);
  }
  const heads = {
    "a field twice": "a4" + "617603" + "617805" + "617805" + "6474797065646e6f7465",
    "the version twice": "a3" + "617603" + "617603" + "6474797065646e6f7465",
    "the type twice": "a3" + "617603" + "6474797065646e6f7465" + "6474797065646e6f7465",
  };
  for (const [what, head] of Object.entries(heads)) {
    const told = outcome(long(Uint8Array.fromHex(head)));
    assertStringIncludes(told, "not in its one encoding", what);
  }
});

Deno.test("decodeMessage() refuses what no message has in it, one fault at a time", () => {
  const foreign: Record<string, [why: string, value: string]> = {
    "NaN": ["CBOR decode error: NaN values are not supported", "f97e00"],
    "infinity": ["CBOR decode error: Infinity values are not supported", "f97c00"],
    "an integer past 2^53": [
      "CBOR decode error: integers outside of the safe integer range",
      "1b0020000000000001",
    ],
    "a map": ["a map in the map", "a0"],
    "a map in a list": ["a map in the map", "81a0"],
    "null": ["a value that is no number, string or boolean", "f6"],
    "undefined": ["a value that is no number, string or boolean", "f7"],
    "a simple value": ["a value that is no number, string or boolean", "e0"],
    "a simple value in one byte more": ["a value that is no number, string or boolean", "f8ff"],
    "a date": ["a tag", "c11a514b67b0"],
    "an integer as long as it likes": ["a tag", "c243010000"],
    "lists in lists in lists": ["arrays are nested too deep", "818180"],
    "an indefinite array": ["an item has no definite length", "9f05ff"],
    "an indefinite byte string": ["an item has no definite length", "5f4101ff"],
    "an indefinite text": ["an item has no definite length", "7f6161ff"],
    "a length of no known form": ["an item has no definite length", "5c05"],
    "the end of nothing": ["an item has no definite length", "ff"],
    "a byte string that is longer than the head": [
      "CBOR decode error: not enough data for type",
      "5affffffff",
    ],
    "an array that is longer than the head": ["the map ends too early", "9b001fffffffffffff"],
  };
  for (const [what, [why, value]] of Object.entries(foreign)) {
    assertStringIncludes(outcome(noteWith(X, value)), `Cannot read note: ${why}`, what);
  }
  const heads: Record<string, [why: string, head: string]> = {
    "an indefinite map": ["an item has no definite length", "bf617603ff"],
    "a map with bytes behind it": ["CBOR decode error: too many terminals", "a161760300"],
    "a map that is cut": [
      "CBOR decode error: not enough data for type",
      "a26176036474797065646e6f74",
    ],
    "a map with a number for a key": ["CBOR decode error: non-string keys not supported", "a20102"],
    "no version": ["version none, this", "a16474797065646e6f7465"],
    "no type": ['got "none"', "a1617603"],
    "no head": ["the map ends too early", ""],
  };
  for (const [what, [why, head]] of Object.entries(heads)) {
    const read = outcome(long(Uint8Array.fromHex(head)));
    assertStringIncludes(read, `Cannot read note: ${why}`, what);
  }
  const version = long(Uint8Array.fromHex("a26176fb40080000000000006474797065646e6f7465"));
  assertThrows(() => decodeMessage(version, "note"), ProtocolError, "not in its one encoding");
});

Deno.test("decodeMessage() bounds what becomes of a message before it builds it", () => {
  const many = (item: string, count: number, key = X) => {
    const [front, back] = ["a3617603" + key + "9a", "6474797065646e6f7465"].map(Uint8Array.fromHex);
    const items = Uint8Array.fromHex(item.repeat(1000));
    const head = new Uint8Array(front.length + 4 + items.length * count / 1000 + back.length);
    head.set(front);
    new DataView(head.buffer).setUint32(front.length, count);
    for (let at = front.length + 4, i = 0; i < count; i += 1000, at += items.length) {
      head.set(items, at);
    }
    head.set(back, head.length - back.length);
    return long(head);
  };
  assertEquals(decodeMessage(many("40", 100_000), "note").parts("x").length, 100_000);
  const heap = () => Deno.memoryUsage().heapTotal; // of this file: tests beside it share the process
  const before = heap();
  let took = 0;
  for (const item of ["80", "40", "60", "00", "8100", "f5"]) { // the empty array, byte string, text …
    const message = many(item, 16_000_000);
    const start = performance.now();
    assertThrows(() => decodeMessage(message, "note"), ProtocolError, "more than 131072 items");
    took += performance.now() - start;
  }
  assertLess(took, 3000); // all six 0.3 s; built, they take 20 s, and 240 MB are left of them
  assertThrows(() => decodeMessage(many("a0", 16_000_000), "note"), ProtocolError, "a map in");
  assertThrows(() => decodeMessage(many("f6", 16_000_000), "note"), ProtocolError, "a value that");
  assertLess(heap() - before, 100 * 2 ** 20);
  const deep = new Uint8Array(31_000_000).fill(0x81);
  assertThrows(() => decodeMessage(long(deep), "note"), ProtocolError, "not a map");
  const type = "x".repeat(30_000_000);
  const error = assertThrows(
    () => decodeMessage(encodeMessage(type), "note"),
    ProtocolError,
    'got "none"',
  );
  assertLess(error.message.length, 100);
  const rude = encodeMessage("\u001b[2J\n2026 all is well\u202e\u0085");
  const { message } = assertThrows(() => decodeMessage(rude, "note"), ProtocolError, "got ");
  assertEquals(/[\p{Cc}\p{Cf}]/u.test(message), false, message);
});

Deno.test("decodeMessage() refuses tensors that do not fit, one fault at a time", () => {
  const refused = (message: Uint8Array, why: string) =>
    assertThrows(() => decodeMessage(message, "note"), ProtocolError, `Cannot read note: ${why}`);
  const listing = (tensors: unknown, data = new Uint8Array(8)) => {
    const head = encode({ v: 3, type: "note", tensors });
    return framed(head, Uint8Array.from([...new Uint8Array(3 - (head.length + 3) % 4), ...data]));
  };
  assertEquals(decodeMessage(listing([["x", "f4", 2]]), "note").tensor("x", [2]).length, 2);
  refused(listing([["x", "f4", 3]]), "truncated: x ends at byte");
  refused(listing([["x", "f4", 1]]), "4 bytes too many");
  refused(listing([["x", "f4", 2]], new Uint8Array(9)), "1 bytes too many");
  refused(listing([["x", "f4", 1], ["x", "f4", 1]]), "a tensor is not");
  refused(listing([["x", "f4", 0]]), "a tensor is not");
  refused(listing([["x", "f4", -2]]), "a tensor is not");
  refused(listing([["x", "f4", 0.5]]), "a tensor is not");
  refused(listing([["x", "f4", 2 ** 52, 2 ** 52]]), "truncated");
  refused(listing([[7, "f4", 2]]), "a tensor is not");
  refused(listing([["x", 2]]), "a tensor is not");
  refused(listing([["x", "f8", 1]]), "a tensor is not");
  refused(listing([["x", "valueOf", 1]]), "a tensor is not");
  refused(listing([["x", 4, 2]]), "a tensor is not");
  refused(listing("x"), "tensors is not a list");
  refused(listing([]), "tensors is not a list");
  const message = encodeMessage("not", { x: { shape: [1], data: Float32Array.of(1) } });
  const padded = message.length - 5; // the last byte before the numbers
  assertEquals(message[padded], 0);
  message[padded] = 1;
  assertThrows(() => decodeMessage(message, "not"), ProtocolError, "the padding is not zero");
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
    { seed: 1, numRuns: 3000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 99 }), read), { seed: 1, numRuns: 1000 });
});
