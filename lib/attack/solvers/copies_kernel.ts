/** The step of `copies.ts` in WebAssembly with 128-bit SIMD: four images at a time, in float64 between matrices of
 * float32. Each image sees the same operations in the same order as if it were alone: its bits depend neither on the
 * others of its batch nor on the processor.
 *
 * A matrix has a row for each pixel or form, a column for each image. A row of copies z and disagreements u becomes
 *
 *     v = 1.6·x − 0.6·z + u      z ← v less its price, within bounds      u ← v − z      pull = z − u
 *
 * where x is the pixel or the form's value. A pixel's pull is its q, to which forms add theirs, Bᵀ·pull.
 * @module */
import {
  again,
  assemble,
  type Code,
  f32,
  i32,
  local,
  loop,
  v128,
} from "../../math/pairing/emit.ts";

/** Over-relaxation; 1.5 to 1.8 is customary, 1.8 takes a fifth more iterations here. */
const RELAXATION = 1.6;

/** Images in one step: what the number of columns is a multiple of. */
export const LANES = 4;

/** Addresses of the constants, two float64 each; what follows them is free. */
const [RELAX, REST, ONE, ZERO] = [0, 16, 32, 48];
const ORDER = 64;
export const FREE = 128;

/** What a kernel is told, an int32 each: addresses, and distances in bytes.
 *
 * - x, q, origin: `[n, width]`; the step over the pixels adds origin to x first, the one over forms has none
 * - z, u: `[rows, width]`; end: where z ends; row: from one row of all these to the next
 * - price: two float64 by row and column pair; priceRow, pricePair: from one to the next
 * - bound: two float64 by form
 * - term: by term its coefficient twice, in float64, and the offset of the pixel's row, int32; 32 bytes
 * - ends: by form an int32, the address where its terms end
 * - sums: by column pair two float64 of Σ (x − z)² and two of Σ (change of z)², added to */
const FIELDS = [
  ...["x", "q", "origin", "z", "u", "end", "row"] as const,
  ...["price", "priceRow", "pricePair", "bound", "term", "ends", "sums"] as const,
];

/** {@linkcode FIELDS} by name; those that a step does not need may be missing. */
export type Order = Partial<Record<typeof FIELDS[number], number>>;

/** Bytes of a term. */
export const TERM = 32;

/** Local variables: the address of the order, its fields, cursors; then floats, two images each. */
const INTEGERS = ["order", ...FIELDS, "column", "atX", "atQ", "atZ", "atU", "cost", "sum", "at"];
const FLOATS = ["value", "before", "v", "next", "share"];
const index = (name: string) => [...INTEGERS, ...FLOATS].indexOf(name);
const get = (name: string) => local.get(index(name));
const set = (name: string, ...value: Code[]): Code => [value, local.set(index(name))];
const advance = (name: string, by: Code): Code => set(name, get(name), by, i32.add);
const plus = (name: string, offset: string): Code => [get(name), get(offset), i32.add];
const HALVES = [0, 1];

const constant = (address: number): Code => [i32.const(address), v128.load(0)];

/** One image pair of a row, from `value`: sets z, u and `next`; `v` becomes the pull. */
function copy(half: number, { clip, measured }: { clip: Code; measured: boolean }): Code {
  const [two, sums] = [8 * half, 32 * half];
  const square = (a: string, offset: number): Code => [
    [get("sum"), get("sum"), v128.load(offset)],
    [get(a), get("next"), v128.subFloat, local.tee(index("share")), get("share")],
    [v128.multiplyFloat, v128.addFloat, v128.store(offset)],
  ];
  return [
    set("before", get("atZ"), f32.loadTwo(two)),
    [get("value"), constant(RELAX), v128.multiplyFloat],
    [get("before"), constant(REST), v128.multiplyFloat, v128.addFloat],
    [get("atU"), f32.loadTwo(two), v128.addFloat, local.set(index("v"))],
    set("next", clip),
    measured ? [square("value", sums), square("before", sums + 16)] : [],
    [get("atZ"), get("next"), f32.storeTwo(two)],
    [get("atU"), get("v"), get("next"), v128.subFloat, f32.storeTwo(two)],
    set("v", get("next"), get("next"), v128.addFloat, get("v"), v128.subFloat),
  ];
}

/** All rows, and in each all columns. */
function overRows(matrices: readonly string[], body: Code, after: Code): Code {
  return loop(
    [set("column", i32.const(0)), set("cost", get("price")), set("sum", get("sums"))],
    loop(
      [set("atZ", plus("z", "column")), set("atU", plus("u", "column"))],
      body,
      [advance("cost", get("pricePair")), advance("cost", get("pricePair"))],
      advance("sum", i32.const(64)),
      advance("column", i32.const(4 * LANES)),
      [get("column"), get("row"), i32.less, again],
    ),
    [matrices.map((name) => advance(name, get("row"))), advance("price", get("priceRow")), after],
    [get("z"), get("end"), i32.less, again],
  );
}

/** The price of an image pair. */
const price = (half: number): Code =>
  half === 0 ? [get("cost"), v128.load(0)] : [plus("cost", "pricePair"), v128.load(0)];

function pixels(measured: boolean): Code {
  const paid = (half: number): Code => [get("v"), price(half), v128.subFloat];
  const clip = (half: number): Code => [
    [paid(half), constant(ZERO), v128.mostFloat],
    [constant(ONE), v128.leastFloat],
  ];
  return overRows(["x", "q", "origin", "z", "u"], [
    set("atX", plus("x", "column")),
    [get("atX"), get("atX"), v128.load(0)],
    [plus("origin", "column"), v128.load(0), f32.addFour, v128.store(0)],
    set("atQ", plus("q", "column")),
    HALVES.map((half) => [
      set("value", get("atX"), f32.loadTwo(8 * half)),
      copy(half, { clip: clip(half), measured }),
      [get("atQ"), get("v"), f32.storeTwo(8 * half)],
    ]),
  ], []);
}

function forms(measured: boolean): Code {
  /** Goes through the terms of the form, `at` at each. */
  const overTerms = (body: Code): Code => [
    set("at", get("term")),
    loop(
      body,
      [advance("at", i32.const(TERM)), get("at"), get("ends"), i32.load(0), i32.less, again],
    ),
  ];
  const pixel = (
    matrix: string,
  ): Code => [plus(matrix, "column"), get("at"), i32.load(16), i32.add];
  const coefficient: Code = [get("at"), v128.load(0)];
  const within = (value: Code, limit: Code): Code => [
    [value, limit, v128.negateFloat, v128.mostFloat],
    [limit, v128.leastFloat],
  ];
  const shrunk = (half: number): Code => [
    [get("v"), within(get("v"), price(half)), v128.subFloat],
  ];
  const clip = (half: number): Code => within(shrunk(half), [get("bound"), v128.load(0)]);
  return overRows(
    ["z", "u"],
    HALVES.map((half) => [
      set("value", constant(ZERO)),
      overTerms([
        [get("value"), coefficient, pixel("x"), f32.loadTwo(8 * half), v128.multiplyFloat],
        [v128.addFloat, local.set(index("value"))],
      ]),
      copy(half, { clip: clip(half), measured }),
      overTerms([
        set("atQ", pixel("q")),
        [get("atQ"), get("atQ"), f32.loadTwo(8 * half), coefficient, get("v"), v128.multiplyFloat],
        [v128.addFloat, f32.storeTwo(8 * half)],
      ]),
    ]),
    [
      set("term", get("ends"), i32.load(0)),
      [advance("ends", i32.const(4)), advance("bound", i32.const(16))],
    ],
  );
}

const compile = (rows: Code) => {
  const fields = FIELDS.map((name, k) => set(name, get("order"), i32.load(4 * k)));
  const locals = [["i32", INTEGERS.length - 1], ["v128", FLOATS.length]] as const;
  return new WebAssembly.Module(assemble(1, locals, [fields, rows]));
};
const modules = [pixels, forms].map((step) => [compile(step(false)), compile(step(true))]);

/** The two steps over a memory, whose first {@linkcode FREE} bytes are the kernel's. With sums they are `measured`. */
export function copiesKernel(memory: WebAssembly.Memory) {
  const floats = new Float64Array(memory.buffer, 0, FREE / 8);
  floats.set([RELAXATION, RELAXATION, 1 - RELAXATION, 1 - RELAXATION, 1, 1, 0, 0]);
  const [overPixels, overForms] = modules.map((variants) =>
    variants.map((module) =>
      new WebAssembly.Instance(module, { env: { memory } }).exports.run as (at: number) => void
    )
  );
  const order = new Int32Array(memory.buffer, ORDER, FIELDS.length);
  const run = (steps: typeof overPixels) => (fields: Order, measured: boolean) => {
    FIELDS.forEach((name, k) => order[k] = fields[name] ?? 0);
    steps[measured ? 1 : 0](ORDER);
  };
  return { pixels: run(overPixels), forms: run(overForms) };
}
