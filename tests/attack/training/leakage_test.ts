import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  classMeans,
  fromLabels,
  gramCorrelation,
  gramOf,
  meanMse,
  part,
  share,
} from "lib/attack/training/leakage.ts";

const y = Uint8Array.of(0, 0, 1, 1, 0, 1);
const x = Uint8Array.of(255, 0, 0, 200, 9, 0, 0, 255, 30, 8, 240, 0, 220, 50, 0, 0, 200, 255);

Deno.test("the labels alone give class means, whose part is 0", () => {
  const means = classMeans({ x, y }, 2);
  assertEquals(means[0], (255 + 200 + 220) / 3);
  const X = fromLabels(y, means, 3);
  const [G, truth] = [gramOf(X, 6), gramOf(x, 6)];
  assertAlmostEquals(part(G, truth, y), 0, 1e-9);
  assertAlmostEquals(part(truth, truth, y), 1, 1e-12);
  assertEquals(gramCorrelation(G, truth) > 0.9, true); // blocks of classes show
  const floor = meanMse(X, x);
  assertEquals([share(floor, floor), share(0, floor), share(2 * floor, floor)], [0, 1, 0]);
});

Deno.test("a class without an image and lengths that differ are refused", () => {
  assertThrows(() => classMeans({ x, y }, 3), RangeError, "class 2");
  assertThrows(() => meanMse([1, 2], [1]), TypeError, "2 and 1 pixels");
});
