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
import { Kernel } from "../../math/memory32.ts";
import {
  again,
  assemble,
  type Code,
  f32x4,
  f64x2,
  i32,
  local,
  loop,
  v128,
} from "../../math/pairing/emit.ts";

/** Over-relaxation; 1.5 to 1.8 is customary, 1.8 takes a fifth more iterations here. */
const RELAXATION = 1.6;

/** Images in one step: the number of columns is a multiple of it. */
const LANES = 4;

/** What a kernel takes, in this order: places, and distances in bytes.
 *
 * - x, q, origin: `[n, width]`; the step over the pixels adds origin to x, the one over forms leaves it
 * - z, u: `[rows, width]`; end: where z ends; row: from one row of all these to the next
 * - price: two float64 by row and pair of columns; priceRow, pricePair: from one to the next
 * - bound: two float64 by form, the largest |form|
 * - term: by term its coefficient, two float64, and {@linkcode TERM_PIXEL} after it where the pixel's row is in x
 * - ends: by form where its terms end, int32
 * - sums: by pair of columns two float64 of Σ (x − z)² and two of Σ (change of z)², added to */
export const FIELDS = [
  ...["x", "q", "origin", "z", "u", "end", "row"] as const,
  ...["price", "priceRow", "pricePair", "bound", "term", "ends", "sums"] as const,
];

/** {@linkcode FIELDS} by name. */
export type Order = Record<typeof FIELDS[number], number>;

/** Bytes of a term. */
export const TERM = 32;

/** Bytes of a term before its pixel. */
export const TERM_PIXEL = 16;

/** Local variables: the fields, cursors, then floats, those of two columns and of the next two. */
const INTEGERS = [...FIELDS, "column", "atX", "atQ", "atZ", "atU", "cost", "sum", "at"];
const FLOATS = ["x0", "x1", "v0", "v1", "before", "next", "apart"];
const index = (name: string) => [...INTEGERS, ...FLOATS].indexOf(name);
const get = (name: string) => local.get(index(name));
const set = (name: string, ...value: Code[]): Code => [value, local.set(index(name))];
const advance = (name: string, by: Code): Code => set(name, get(name), by, i32.add);
const sum = (place: string, distance: string): Code => [get(place), get(distance), i32.add];
const PAIRS = [0, 1];
const [X, V] = [["x0", "x1"], ["v0", "v1"]];

/** Floats of a pair of columns, in and out. */
const load = (place: Code, pair: number): Code => [place, f64x2.loadFloats(8 * pair)];
const store = (place: Code, pair: number, value: Code): Code => [
  ...[place, value, f64x2.demote],
  f64x2.storeFloats(8 * pair),
];

/** A step over all rows and, within each, all columns: `body` by pair of columns. */
function step({ moving, body, nextRow = [] }: {
  moving: readonly string[];
  body: Code;
  nextRow?: Code;
}): Kernel {
  const rows = loop(
    [set("column", i32.const(0)), set("cost", get("price")), set("sum", get("sums"))],
    loop(
      [set("atZ", sum("z", "column")), set("atU", sum("u", "column"))],
      body,
      [advance("cost", get("pricePair")), advance("cost", get("pricePair"))],
      [advance("sum", i32.const(64)), advance("column", i32.const(4 * LANES))],
      [get("column"), get("row"), i32.less, again],
    ),
    [moving.map((name) => advance(name, get("row"))), advance("price", get("priceRow")), nextRow],
    [get("z"), get("end"), i32.less, again],
  );
  const locals = [
    ["i32", INTEGERS.length - FIELDS.length] as const,
    ["v128", FLOATS.length] as const,
  ];
  return new Kernel(() => assemble(FIELDS.length, locals, rows, "shared"));
}

/** A pair of columns of one row, from x: sets z and u, and v to the pull.
 * @param clipped the next z, from v.   @param measured adds to the sums. */
function copy(pair: number, clipped: Code, measured: boolean): Code {
  const [x, v] = [X[pair], V[pair]];
  const addSquare = (a: string, offset: number): Code => [
    [get("sum"), get("sum"), v128.load(offset)],
    set("apart", get(a), get("next"), v128.subFloat),
    [get("apart"), get("apart"), v128.multiplyFloat, v128.addFloat, v128.store(offset)],
  ];
  return [
    set("before", load(get("atZ"), pair)),
    [get(x), f64x2.const(RELAXATION), v128.multiplyFloat],
    [get("before"), f64x2.const(1 - RELAXATION), v128.multiplyFloat, v128.addFloat],
    [load(get("atU"), pair), v128.addFloat, local.set(index(v))],
    set("next", clipped),
    measured ? [addSquare(x, 32 * pair), addSquare("before", 32 * pair + 16)] : [],
    store(get("atZ"), pair, get("next")),
    store(get("atU"), pair, [get(v), get("next"), v128.subFloat]),
    set(v, get("next"), get("next"), v128.addFloat, get(v), v128.subFloat),
  ];
}

const price = (pair: number): Code => [
  pair === 0 ? get("cost") : sum("cost", "pricePair"),
  v128.load(0),
];

function pixelStep(measured: boolean): Kernel {
  const clipped = (pair: number): Code => [
    [get(V[pair]), price(pair), v128.subFloat],
    [f64x2.const(0), f64x2.most, f64x2.const(1), f64x2.least],
  ];
  return step({
    moving: ["x", "q", "origin", "z", "u"],
    body: [
      [set("atX", sum("x", "column")), set("atQ", sum("q", "column"))],
      [get("atX"), get("atX"), v128.load(0), sum("origin", "column"), v128.load(0)],
      [f32x4.add, v128.store(0)],
      PAIRS.map((pair) => [
        set(X[pair], load(get("atX"), pair)),
        copy(pair, clipped(pair), measured),
        store(get("atQ"), pair, get(V[pair])),
      ]),
    ],
  });
}

const within = (value: Code, limit: Code): Code => [
  [value, limit, f64x2.negate, f64x2.most],
  [limit, f64x2.least],
];

/** v moved towards 0 by its price. */
const shrunk = (pair: number): Code => [
  [get(V[pair]), within(get(V[pair]), price(pair)), v128.subFloat],
];

/** Where a term's pixel is in x or q. @param term a cursor, and how far behind it the term is. */
const pixelOf = (matrix: string, term: string, behind = 0): Code => [
  sum(matrix, "column"),
  [get(term), i32.load(behind + TERM_PIXEL), i32.add],
];

/** Over differences x_a − x_b without a bound: most of what there is. */
function differenceStep(measured: boolean): Kernel {
  const both = (matrix: string): Code => [
    set("atX", pixelOf(matrix, "term")),
    set("atQ", pixelOf(matrix, "term", TERM)),
  ];
  return step({
    moving: ["z", "u"],
    body: [
      both("x"),
      X.map((x, pair) => set(x, load(get("atX"), pair), load(get("atQ"), pair), v128.subFloat)),
      PAIRS.map((pair) => copy(pair, shrunk(pair), measured)),
      both("q"),
      V.map((v, pair) => [
        store(get("atX"), pair, [load(get("atX"), pair), get(v), v128.addFloat]),
        store(get("atQ"), pair, [load(get("atQ"), pair), get(v), v128.subFloat]),
      ]),
    ],
    nextRow: advance("term", i32.const(2 * TERM)),
  });
}

function formStep(measured: boolean): Kernel {
  /** Goes through the form's terms, `at` at each. */
  const overTerms = (body: Code): Code => [
    set("at", get("term")),
    loop(
      body,
      [advance("at", i32.const(TERM)), get("at"), get("ends"), i32.load(0), i32.less, again],
    ),
  ];
  const times = (value: Code): Code => [get("at"), v128.load(0), value, v128.multiplyFloat];
  const clipped = (pair: number): Code => within(shrunk(pair), [get("bound"), v128.load(0)]);
  return step({
    moving: ["z", "u"],
    body: [
      X.map((x) => set(x, f64x2.const(0))),
      overTerms([
        set("atX", pixelOf("x", "at")),
        X.map((x, pair) => set(x, get(x), times(load(get("atX"), pair)), v128.addFloat)),
      ]),
      PAIRS.map((pair) => copy(pair, clipped(pair), measured)),
      overTerms([
        set("atQ", pixelOf("q", "at")),
        V.map((v, pair) =>
          store(get("atQ"), pair, [load(get("atQ"), pair), times(get(v)), v128.addFloat])
        ),
      ]),
    ],
    nextRow: [
      set("term", get("ends"), i32.load(0)),
      [advance("ends", i32.const(4)), advance("bound", i32.const(16))],
    ],
  });
}

const both = (step: (measured: boolean) => ReturnType<typeof pixelStep>) => ({
  plain: step(false),
  measured: step(true),
});

/** The step over pixels; `measured` with sums. */
export const PIXELS = both(pixelStep);

/** The step over differences. */
export const DIFFERENCES = both(differenceStep);

/** The step over any forms. */
export const FORMS = both(formStep);
