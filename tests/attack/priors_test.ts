import { assertEquals, assertThrows } from "@std/assert";
import {
  adjacentPairs,
  checkedPriors,
  hasRules,
  neighbours,
  type Objective,
  pixelRules,
  type Shape,
} from "lib/attack/priors.ts";

const SHAPE: Shape = [4, 5, 1];
const pixels = Array.from({ length: 20 }, (_, p) => p);

Deno.test("checkedPriors() fills in the published threshold and no rule", () => {
  const priors = checkedPriors({ objective: "tv" });
  assertEquals(priors, {
    objective: "tv",
    period: null,
    threshold: 25,
    wrapEdges: false,
    border: false,
  });
});

Deno.test("checkedPriors() refuses an unknown objective and a period that is no positive integer", () => {
  const objective = "entropy" as Objective;
  assertThrows(() => checkedPriors({ objective }), TypeError, '"entropy"');
  for (const period of [0, -2, 1.5, NaN]) {
    assertThrows(() => checkedPriors({ objective: "sum", period }), RangeError, `${period}`);
  }
});

Deno.test("neighbours() stay inside the image", () => {
  assertEquals(neighbours(0, SHAPE), [1, 5]); // corner
  assertEquals(neighbours(5, SHAPE), [6, 10, 0]); // left edge
  assertEquals(neighbours(9, SHAPE), [8, 14, 4]); // right edge
  assertEquals(neighbours(7, SHAPE), [8, 6, 12, 2]); // inside
});

Deno.test("neighbours() with wrapEdges differ from the right ones on the left and right edges only", () => {
  const sorted = (list: number[]) => list.toSorted((a, b) => a - b);
  assertEquals(sorted(neighbours(5, SHAPE, true)), [0, 4, 6, 10]); // takes the end of the row above
  const differ = pixels.filter((p) =>
    `${sorted(neighbours(p, SHAPE))}` !== `${sorted(neighbours(p, SHAPE, true))}`
  );
  // All edge columns but pixel 0, which has no row above, and pixel 19, which has no row below.
  const edges = pixels.filter((p) => p % 5 === 0 || p % 5 === 4);
  assertEquals(differ, edges.filter((p) => p !== 0 && p !== 19));
});

Deno.test("neighbours() stay in their channel", () => {
  assertEquals(neighbours(4, [2, 2, 3]), [1, 10]); // pixel (0, 1), channel 1
  assertEquals(neighbours(4, [2, 2, 3], true), [7, 1, 10]);
});

Deno.test("pixelRules() chooses pixels with (i + j) mod period = 0, of every channel", () => {
  const centres = (shape: Shape, period?: number) =>
    pixelRules(shape, checkedPriors({ objective: "published", period })).map((r) => r.indices[0]);
  assertEquals(centres(SHAPE, 4), [0, 4, 8, 12, 16]);
  assertEquals(centres(SHAPE), []);
  assertEquals(centres([2, 2, 3], 2), [0, 1, 2, 9, 10, 11]);
});

Deno.test("pixelRules() has no rule for a pixel without neighbours", () => {
  assertEquals(pixelRules([1, 1, 1], checkedPriors({ objective: "sum", period: 1 })), []);
});

Deno.test("pixelRules() writes a neighbour rule as an inequality", () => {
  const [rule] = pixelRules(SHAPE, checkedPriors({ objective: "published", period: 4 })).slice(1);
  assertEquals(rule, { indices: [4, 3, 9], values: [1, -0.5, -0.5], bound: 25 });
});

Deno.test("pixelRules() with border sums the channels on the ring one inside the border, i + j odd", () => {
  const border = checkedPriors({ objective: "published", border: true });
  const shape: Shape = [5, 5, 3];
  const rules = pixelRules(shape, border);
  // Lines 1 and 3, rows and columns; the four pixels of the inner square with i + j odd, eight outside it.
  assertEquals(rules.length, 12);
  const middle = rules.find(({ indices }) => indices[0] === 3 * 7)!; // pixel (1, 2)
  assertEquals(middle.values.filter((value) => value === 1).length, 3);
  assertEquals([middle.indices.length, middle.bound], [15, 38.25]);
  assertEquals([hasRules(border), hasRules(checkedPriors({ objective: "tv" }))], [true, false]);
});

Deno.test("adjacentPairs() lists right and lower neighbours, channel by channel", () => {
  assertEquals(adjacentPairs([2, 2, 1]), [[0, 1], [0, 2], [1, 3], [2, 3]]);
  assertEquals(adjacentPairs([1, 2, 2]), [[0, 2], [1, 3]]);
  assertEquals(adjacentPairs([1, 1, 1]), []);
});
