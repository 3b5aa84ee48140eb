import { assertEquals, assertThrows } from "@std/assert";
import { visitsOf, z1Of } from "lib/attack/training/view.ts";
import { Watch } from "lib/defences/watch.ts";

const part = (step: number, names: number[], from: number) => ({
  ...{ step, names: Uint32Array.from(names) },
  z1: Float32Array.from({ length: 2 * names.length }, (_, i) => from + i),
  labels: Uint8Array.from(names, (name) => name % 2),
  dz1: new Float32Array(2 * names.length),
});
const about = { classes: 2, shape: [1, 1, 1], inputScale: 1 } as const;

Deno.test("Watch keeps the rows of the samples that it watches, the parts of a step joined", () => {
  const watch = new Watch([3, 5], 2);
  watch.add(part(0, [3, 4], 0));
  watch.add(part(0, [5], 10));
  watch.add(part(1, [4, 6], 20));
  watch.add(part(2, [5, 3], 30));
  const view = watch.view(about);
  assertEquals(view.steps.map(({ samples }) => [...samples!]), [[3, 5], [5, 3]]);
  assertEquals(visitsOf(view).get(3)!.map((at) => [...z1Of(view, at)]), [[0, 1], [32, 33]]);
  assertEquals([...view.steps[1].labels!], [1, 1]);
  assertThrows(() => new Watch([9], 2).view(about), TypeError, "no step");
});
