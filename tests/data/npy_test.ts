import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { parseNpy } from "lib/data/npy.ts";

/** A version 1.0 file with the given header fields and payload, as NumPy writes it. */
function npy(payload: ArrayBuffer, descr = "<f4", shape = "(2, 3)", fortran = "False"): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
  const header = new TextEncoder().encode(text.padEnd(117) + "\n");
  const magic = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0];
  return Uint8Array.from([...magic, ...header, ...new Uint8Array(payload)]);
}

const values = [1.5, -2, 0, 4, 5, -0.25];
const good = npy(Float32Array.from(values).buffer);

Deno.test("parseNpy() reads float32, float64 and integer matrices", () => {
  const expected = { rows: 2, columns: 3, values: Float64Array.from(values) };
  assertEquals(parseNpy("w", good), expected);
  assertEquals(parseNpy("w", npy(Float64Array.from(values).buffer, "<f8")), expected);
  const integers = parseNpy("w", npy(Int16Array.from([1, -2, 3, 4, 5, 6]).buffer, "<i2"));
  assertEquals(integers.values, Float64Array.from([1, -2, 3, 4, 5, 6]));
});

Deno.test("parseNpy() refuses what it cannot read, one fault at a time", () => {
  const refused = (bytes: Uint8Array, why: string) =>
    assertThrows(() => parseNpy("w.npy", bytes), DataError, why);
  const raw = Float32Array.from(values).buffer;
  refused(new Uint8Array(20), "not a .npy file");
  refused(good.slice(0, 60), "truncated header");
  refused(good.slice(0, -1), "truncated, expected");
  refused(Uint8Array.from([...good, 0]), "trailing bytes");
  refused(npy(raw, ">f4"), "type >f4 is not one of");
  refused(npy(raw, "|O"), "type |O is not one of");
  refused(npy(raw, "<f4", "(6,)"), "expected a matrix");
  refused(npy(raw, "<f4", "(0, 3)"), "expected a matrix");
  refused(npy(raw, "<f4", "(2, 3)", "True"), "C order");
  for (const bad of [NaN, Infinity]) {
    refused(npy(Float32Array.from([1, 2, 3, 4, bad, 6]).buffer), `value [1, 1] is ${bad}`);
  }
});
