import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeSafetensors, encodeSafetensors } from "lib/data/safetensors.ts";
import vector from "../vectors/safetensors.json" with { type: "json" };

const tensors = {
  W1: { shape: [2, 3], data: Float32Array.from([1, -2, 3.5, 0, -0, 1e38]) },
  b1: { shape: [2], data: Float32Array.from([0.1, -7]) },
};

/** A file with a header as it stands and the given number of data bytes. */
function fileOf(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setUint32(0, json.length, true);
  file.set(json, 8);
  return file;
}

const f32 = (begin: number, end: number, ...shape: number[]) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

Deno.test("decodeSafetensors() reads what Python's safetensors wrote", () => {
  const { tensors, metadata } = decodeSafetensors(Uint8Array.fromHex(vector.file));
  assertEquals(metadata, vector.metadata);
  assertEquals(Object.keys(tensors).sort(), ["W1", "b1", "step"]);
  for (const [name, { shape, data }] of Object.entries(vector.tensors)) {
    assertEquals(tensors[name], { shape, data: Float32Array.from(data) });
  }
});

Deno.test("encodeSafetensors() writes the documented bytes", () => {
  const file = encodeSafetensors({ b: { shape: [1], data: Float32Array.of(1) } }, { k: "v" });
  const json = '{"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
  assertEquals(new DataView(file.buffer).getBigUint64(0, true), BigInt(padded.length));
  assertEquals(new TextDecoder().decode(file.subarray(8, -4)), padded);
  assertEquals([...file.subarray(-4)], [0, 0, 0x80, 0x3f]);
});

Deno.test("decodeSafetensors() returns what encodeSafetensors() took", () =>
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ maxLength: 9 }).filter((name) => !name.startsWith("__")),
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 9 }),
      ),
      fc.dictionary(
        fc.string({ maxLength: 5 }).filter((key) => !key.startsWith("__")),
        fc.string(),
      ),
      (arrays, metadata) => {
        const sent = Object.fromEntries(
          Object.entries(arrays).map((
            [name, x],
          ) => [name, { shape: [x.length, 1], data: Float32Array.from(x) }]),
        );
        const shifted = new Uint8Array([0, ...encodeSafetensors(sent, metadata)]).subarray(1);
        assertEquals(decodeSafetensors(shifted).tensors, sent);
        assertEquals({ ...decodeSafetensors(shifted).metadata }, { ...metadata });
      },
    ),
    { seed: 1 },
  ));

Deno.test("decodeSafetensors() refuses what is not the format, one fault at a time", () => {
  const refused = (file: Uint8Array, why: string) =>
    assertThrows(() => decodeSafetensors(file), RangeError, `Cannot read safetensors: ${why}`);
  const good = encodeSafetensors(tensors);
  refused(good.subarray(0, 7), "truncated, 7 bytes");
  refused(good.subarray(0, 20), "truncated, the header ends at byte");
  refused(good.subarray(0, -1), "truncated, b1 ends at byte");
  refused(Uint8Array.from([...good, 0]), "1 bytes too many");
  refused(new Uint8Array(8).fill(255), "a header of 18446744073709551615 bytes is too large");
  refused(fileOf("{"), "the header is not JSON");
  refused(fileOf("[]"), "the header is not a map");
  refused(fileOf({ __metadata__: { epoch: 3 } }), "the metadata are not a map of text");
  refused(fileOf({ x: { dtype: "F32", shape: [1] } }, 4), "x has no shape and offsets");
  refused(fileOf({ x: f32(0, 4, -1) }, 4), "x has no shape and offsets");
  refused(fileOf({ x: f32(0, 4, 0.5) }, 4), "x has no shape and offsets");
  refused(fileOf({ x: f32(0, 8, 1) }, 8), "x has bytes 0 to 8 for shape [1]");
  refused(fileOf({ x: f32(4, 0, 1) }, 4), "x has bytes 4 to 0 for shape [1]");
  refused(fileOf({ x: f32(0, 4, 1), y: f32(0, 4, 1) }, 8), "y begins at byte 0");
  refused(fileOf({ x: f32(0, 4, 1), y: f32(8, 12, 1) }, 12), "y begins at byte 8");
  refused(fileOf({ x: f32(4, 8, 1) }, 8), "x begins at byte 4");
  refused(fileOf({ x: f32(0, 2 ** 40, 2 ** 38) }, 8), "truncated, x ends at byte");
  for (const bad of [NaN, Infinity]) {
    const file = good.slice();
    new DataView(file.buffer).setFloat32(file.length - 4, bad, true);
    refused(file, "b1 holds NaN or infinity");
  }
  assertThrows(
    () => decodeSafetensors(Uint8Array.fromHex(vector.double)),
    TypeError,
    "Cannot read W1: dtype F64, expected F32",
  );
});

Deno.test("decodeSafetensors() answers any damage with a RangeError or a TypeError", () => {
  const good = encodeSafetensors(tensors, { epoch: "3" });
  const place = fc.nat({ max: good.length - 1 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(place, fc.nat({ max: 255 })), { maxLength: 4 }),
      fc.option(place, { nil: good.length }),
      (changes, end) => {
        const file = good.slice();
        for (const [at, byte] of changes) file[at] = byte;
        try {
          decodeSafetensors(file.subarray(0, end));
        } catch (error) {
          const { name, message } = error as Error;
          assertEquals(["RangeError", "TypeError"].includes(name), true);
          assertEquals(message.startsWith("Cannot read"), true, message);
        }
      },
    ),
    { seed: 1, numRuns: 3000 },
  );
});

Deno.test("encodeSafetensors() refuses what nobody could read back", () => {
  const one = (data: Float32Array, shape = [1]) => ({ W1: { shape, data } });
  assertThrows(
    () => encodeSafetensors(one(new Float32Array(3), [2, 2])),
    TypeError,
    "Cannot write W1: 3 numbers for shape [2, 2]",
  );
  assertThrows(
    () => encodeSafetensors(one(Float32Array.of(NaN))),
    RangeError,
    "Cannot write W1: it holds NaN or infinity",
  );
  assertThrows(
    () => encodeSafetensors({ __metadata__: { shape: [1], data: new Float32Array(1) } }),
    TypeError,
    "Cannot write __metadata__",
  );
});
