import { assertEquals } from "@std/assert";
import { solution } from "lib/attack/recovery.ts";
import { serverView } from "lib/attack/view.ts";

const view = serverView({
  W1: [1, 1, 0, 0, 0, 300],
  z1: [101, 0],
  shape: [1, 3, 1],
  scaleBits: 0,
});
const details = { objective: "published", elapsedMs: 0 } as const;
const solved = (point: number[]) =>
  solution(view, [], { point: Float64Array.from(point), rank: 2 }, details)?.status ?? null;

Deno.test("solution() accepts an equation of black pixels that are black up to rounding", () => {
  assertEquals(solved([50.5, 50.5, 1e-15]), "optimal");
  assertEquals(solved([50.5, 50.5, -1e-14]), "optimal");
});

Deno.test("solution() is null for a point off an equation, and off the range", () => {
  assertEquals(solved([50.5, 50.5, 1e-6]), null);
  assertEquals(solved([50.5, 50.6, 0]), null);
  assertEquals(solved([-50.5, 151.5, 0]), null);
  assertEquals(solved([50.5, NaN, 0]), null);
  // -2e-6 is inside the tolerance, but black leaves the equation open.
  const below = serverView({ W1: [-1e6, 0], z1: [2], shape: [1, 2, 1], scaleBits: 0 });
  assertEquals(
    solution(below, [], { point: Float64Array.of(-2e-6, 13.5), rank: 1 }, details),
    null,
  );
});
