import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { parseNpy } from "lib/data/npy.ts";
import { npy, npyOf, payload, transposed } from "./weight_files.ts";

const values = [1.5, -2, 0, 4, 5, -0.25];
const good = npy(values, [2, 3]);

Deno.test("parseNpy() reads every real type in either byte order", () => {
  const whole = [1, 2, 0, 4, 100, 6];
  for (const type of ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]) {
    for (const order of ["<", ">"]) {
      const sent = type.startsWith("f")
        ? values
        : type.startsWith("i")
        ? [...whole.slice(1), -7]
        : whole;
      const { shape, values: read } = parseNpy("w", npy(sent, [2, 3], order + type));
      assertEquals([shape, [...read()]], [[2, 3], sent], order + type);
    }
  }
  assertEquals([...parseNpy("w", npy([0, 1, 1, 0], [2, 2], "|b1")).values()], [0, 1, 1, 0]);
});

Deno.test("parseNpy() puts Fortran order right, in two dimensions and three", () => {
  const columns = payload(transposed(values, 2, 3), "<f4");
  const matrix = parseNpy("w", npyOf(columns, { shape: "(2, 3)", fortran: true }));
  assertEquals([...matrix.values()], values);
  const cube = Float64Array.from({ length: 24 }, (_, k) => k); // [2, 3, 4]
  const first = cube.map((_, k) => (k % 2) * 12 + (Math.floor(k / 2) % 3) * 4 + Math.floor(k / 6));
  const turned = npyOf(payload(first, "<f4"), { shape: "(2, 3, 4)", fortran: true });
  assertEquals(parseNpy("w", turned).values(), cube);
});

Deno.test("parseNpy() reads headers of Python 2, of version 2, with double quotes", () => {
  const raw = payload(values, "<f4");
  const read = (
    options: Parameters<typeof npyOf>[1],
  ) => [...parseNpy("w", npyOf(raw, options)).values()];
  assertEquals(read({ shape: "(2L, 3L)" }), values);
  assertEquals(read({ shape: "(2, 3)", version: 2 }), values);
  assertEquals(read({ shape: "(6,)", descr: '"<f4"' }), values);
});

Deno.test("parseNpy() refuses what it cannot read, one fault at a time", () => {
  const refused = (bytes: Uint8Array, why: string) =>
    assertThrows(() => parseNpy("w.npy", bytes).values(), DataError, why);
  const raw = payload(values, "<f4");
  const with_ = (options: Partial<Parameters<typeof npyOf>[1]>) =>
    npyOf(raw, { shape: "(2, 3)", ...options });
  refused(new Uint8Array(20), "not a .npy file");
  refused(good.slice(0, 8), "truncated header");
  refused(good.slice(0, 60), "truncated header");
  refused(good.slice(0, -1), "truncated, shape [2, 3] takes 24 bytes, got 23");
  refused(Uint8Array.from([...good, 0]), "too long, shape [2, 3] takes 24 bytes, got 25");
  refused(with_({ version: 4 }), ".npy of version 4");
  refused(with_({ descr: "'|O'" }), "it holds Python objects");
  refused(with_({ descr: "'<c8'" }), "type <c8: expected real numbers");
  refused(with_({ descr: "'<f16'" }), "type <f16: expected real numbers");
  refused(with_({ descr: "'|V2'" }), "type |V2: expected real numbers"); // bfloat16, as ml_dtypes saves it
  refused(with_({ descr: "[('w', '<f4')]" }), "of records: expected real numbers");
  refused(with_({ descr: "'\x1b[31m\n<f4'" }), "type ?[31m?<f4");
  refused(with_({ shape: "(-2, 3)" }), "its shape is (-2, 3)");
  refused(with_({ shape: "(2.5, 3)" }), "its shape is (2.5, 3)");
  refused(with_({ shape: "(0, 3)" }), "holds no number");
  refused(
    with_({ shape: "(1000000000, 1000000000)" }),
    "truncated, shape [1000000000, 1000000000]",
  );
  refused(with_({ shape: `(${"9".repeat(400)}, 3)` }), "truncated");
  refused(with_({ shape: "[2, 3]" }), "no shape");
  for (const bad of [NaN, Infinity, -Infinity]) {
    refused(npy([1, 2, 3, 4, bad, 6], [2, 3]), `value [1, 1] is ${bad}`);
    refused(npy([1, 2, 3, 4, bad, 6], [1, 6], "<f2"), `value [0, 4] is ${bad}`);
  }
});

Deno.test("parseNpy() refuses a header that claims gigabytes before it allocates any", () => {
  const wide = npyOf(payload(values, "<f4"), { shape: "(2, 3)", version: 2 });
  new DataView(wide.buffer).setUint32(8, 2 ** 31, true);
  assertThrows(
    () => parseNpy("w.npy", wide),
    DataError,
    "a header of 2147483648 bytes is too large",
  );
});
