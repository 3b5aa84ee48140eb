import { assertEquals, assertThrows } from "@std/assert";
import { visitsOf, z1Of } from "lib/attack/training/view.ts";
import { named, Watch } from "lib/defences/watch.ts";

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

Deno.test("named() names rows by the orders of the epochs, and refuses orders that do not fit", () => {
  const watch = new Watch([0, 1, 2], 2);
  watch.add(part(0, [0, 1, 2], 0));
  watch.add(part(1, [0, 1, 2], 10));
  const view = watch.view(about);
  const nameless = { ...view, steps: view.steps.map((step) => ({ ...step, samples: null })) };
  const orders = [Uint32Array.of(2, 0, 1), Uint32Array.of(1, 2, 0)];
  assertEquals([...visitsOf(named(nameless, orders)).get(2)!], [{ step: 0, row: 0 }, {
    step: 1,
    row: 1,
  }]);
  assertThrows(
    () => named(nameless, [...orders, orders[0]]),
    TypeError,
    "6 rows, the orders have 9",
  );
});
