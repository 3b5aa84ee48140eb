import { assertEquals, assertRejects } from "@std/assert";
import type { Scheme, TrainingView } from "lib/attack/training/view.ts";
import { namedBy } from "lib/protocol/recorded_names.ts";
import { serverNames } from "lib/audit/server_names.ts";

const orders = [[2, 0, 3, 1], [1, 3, 2, 0], [0, 2, 1, 3]].map((order) => Uint32Array.from(order));

/** Three epochs of four samples in batches of two; z1 of a sample moves a little at each. */
function view(scheme: Scheme): TrainingView {
  const steps = orders.flatMap((order, epoch) =>
    [order.subarray(0, 2), order.subarray(2)].map((names) => ({
      ...{ samples: null, labels: Uint8Array.from(names, (name) => name % 2) },
      z1: Float64Array.from(names, (name) => 10 * name + 0.1 * epoch),
      dz1: new Float64Array(names.length),
      ...{ rate: null, W1: null, dW1: null },
    }))
  );
  return { scheme, units: 1, classes: 2, shape: [1, 1, 1], inputScale: 1, steps };
}
const names = ({ steps }: TrainingView) => steps.map(({ samples }) => [...samples!]);

Deno.test("serverNames() leaves names that the server has as they are", async () => {
  const named = namedBy(view("mitig2"), orders);
  const options = { truth: null, count: 4, attack: "decoder" } as const;
  const { view: same, how } = await serverNames(named, options);
  assertEquals([same, how], [named, "by the client, which keeps the order"]);
});

Deno.test("serverNames() links MITIG2's visits by z1, and goes by the places of images where they are known", async () => {
  const nameless = view("mitig2"), truth = namedBy(nameless, orders);
  const options = { count: 4, attack: "decoder" } as const;
  const linked = await serverNames(nameless, { truth, ...options });
  assertEquals(names(linked.view), names(truth));
  const blind = await serverNames(nameless, { truth: null, ...options });
  assertEquals(names(blind.view), [[0, 1], [2, 3], [3, 2], [0, 1], [1, 0], [3, 2]]);
  assertEquals([blind.how, linked.how], Array(2).fill("by the nearest z1 of the visit before"));
  await assertRejects(
    () => serverNames(nameless, { truth, count: null, attack: "decoder" }),
    RangeError,
    "the record does not say how many samples an epoch has",
  );
});

Deno.test("serverNames() gives an attack on one visit the last whole one, and no name that joins two", async () => {
  const linked = view("mitig2");
  const nameless = view("mitig3"), truth = namedBy(nameless, orders);
  const options = { count: 4, attack: "align" } as const;
  const held = await serverNames(nameless, { truth, ...options });
  assertEquals(names(held.view), [[0, 2], [1, 3]]);
  assertEquals(held.view.steps.map(({ z1 }) => [...z1]), [[0.2, 20.2], [10.2, 30.2]]);
  const same = await serverNames(linked, { truth: namedBy(linked, orders), ...options });
  assertEquals(names(same.view), [[0, 2], [1, 3]]);
  const blind = await serverNames(nameless, { truth: null, ...options });
  assertEquals(names(blind.view), [[8, 9], [10, 11]]);
  const broken = { ...nameless, steps: nameless.steps.slice(0, 5) };
  const { view: whole } = await serverNames(broken, { truth: null, ...options });
  assertEquals(names(whole), [[4, 5], [6, 7]]);
});

Deno.test("serverNames() lets a decoder try mitig3 by the true names only, and says that they are none of its server's", async () => {
  const nameless = view("mitig3"), truth = namedBy(nameless, orders);
  const options = { count: 4, attack: "decoder" } as const;
  const { view: told, how } = await serverNames(nameless, { truth, ...options });
  assertEquals([told, how], [truth, "the true ones, which this server lacks: an upper bound"]);
  await assertRejects(
    () => serverNames(nameless, { truth: null, ...options }),
    TypeError,
    "its server cannot follow samples over visits; with --names it is tried as an upper bound",
  );
});
