import { assertAlmostEquals, assertEquals } from "@std/assert";
import { gapBeside, placeLevels } from "lib/plot/levels.ts";

const place = (...ys: number[]) =>
  placeLevels(ys.map((y) => ({ y, label: "paper" })), {
    range: [0, 100],
    log: false,
    plotHeight: 200,
  });

Deno.test("placeLevels() moves a label down where it would meet its upper neighbour", () => {
  assertEquals(place(50, 90, 91).map(({ y, middle, down }) => [y, middle, down]), [
    [91, 18, 0],
    [90, 38, 18],
    [50, 100, 0],
  ]);
});

Deno.test("placeLevels() reads positions as exponents on a log axis", () => {
  const [level] = placeLevels([{ y: 0.01, label: "a" }], {
    range: [-4, 0],
    log: true,
    plotHeight: 200,
  });
  assertAlmostEquals(level.at, -2);
  assertAlmostEquals(level.middle, 100);
});

Deno.test("gapBeside() finds the first gap that is high enough", () => {
  assertEquals(gapBeside([], 100), 0);
  assertEquals(gapBeside(place(10), 100), 0);
  assertEquals(gapBeside(place(90, 20), 100), 34);
  assertEquals(gapBeside(place(90, 60), 100), 94);
});
