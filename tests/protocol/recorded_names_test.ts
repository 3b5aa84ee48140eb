import { assertEquals, assertThrows } from "@std/assert";
import { type TrainingView, visitsOf } from "lib/attack/training/view.ts";
import { DataError, dataset } from "lib/data/dataset.ts";
import { seal } from "lib/data/safetensors.ts";
import { seededRng } from "lib/math/rng.ts";
import { inProcess } from "lib/net/connection.ts";
import { DESCENT } from "lib/nn/optimizer.ts";
import * as mitig2 from "lib/protocol/mitig2/client.ts";
import * as mitig2Server from "lib/protocol/mitig2/server.ts";
import * as mitig3 from "lib/protocol/mitig3/client.ts";
import * as mitig3Server from "lib/protocol/mitig3/server.ts";
import { NARROW } from "lib/protocol/mitig3/terms.ts";
import { decodeNames, encodeNames, namedBy } from "lib/protocol/recorded_names.ts";
import { mitig2Recorder, mitig3Recorder } from "lib/protocol/recorder.ts";

const orders = [Uint32Array.of(2, 0, 1), Uint32Array.of(1, 2, 0)];

Deno.test("names come back from their file as they were", () => {
  const names = { shape: [4, 6, 3], orders } as const;
  assertEquals(decodeNames("f", encodeNames(names)), names);
  assertThrows(() => encodeNames({ shape: [1, 1, 1], orders: [] }), TypeError, "expected one");
  assertThrows(
    () => encodeNames({ shape: [1, 1, 1], orders: [orders[0], Uint32Array.of(0)] }),
    TypeError,
    "epochs of [3,1] images",
  );
});

Deno.test("decodeNames() refuses a damaged file, another kind, and an epoch without each image once", () => {
  const bytes = encodeNames({ shape: [1, 1, 1], orders });
  const damaged = bytes.slice();
  damaged[damaged.length - 1] ^= 1;
  const sealed = (data: number[], kind = "sample names 1") =>
    seal({ orders: { shape: [1, data.length], data: Float64Array.from(data) } }, {
      ...{ kind, shape: "[1,1,1]" },
    });
  const cases: [Uint8Array, string][] = [
    [damaged, "Cannot read f: its SHA-256 is not the one it was saved with"],
    [bytes.subarray(0, 20), "Cannot read f: truncated, the header ends at byte"],
    [bytes.subarray(0, bytes.length - 8), "Cannot read f: its SHA-256"],
    [sealed([0], "training view 1"), "it is training view 1, expected what --record-names wrote"],
    [sealed([0, 2, 2]), "epoch 0 has not each of 3 images once"],
    [sealed([0, 1, 3]), "epoch 0 has not each of 3 images once"],
  ];
  for (const [file, message] of cases) {
    assertThrows(() => decodeNames("f", file), DataError, message);
  }
});

/** Two steps an epoch of 3 samples: 2 rows, then 1; labels by name. */
function nameless(classOf: (name: number) => number): TrainingView {
  const rows = orders.map((order) => [order.subarray(0, 2), order.subarray(2)]).flat();
  return {
    ...{ scheme: "mitig2", units: 1, classes: 3, shape: [1, 1, 1], inputScale: 1 },
    steps: rows.map((names) => ({
      ...{ samples: null, labels: Uint8Array.from(names, classOf) },
      z1: Float64Array.from(names),
      dz1: new Float64Array(names.length),
      ...{ rate: null, W1: null, dW1: null },
    })),
  };
}

Deno.test("namedBy() names rows by the orders of the epochs, and refuses orders that do not fit", () => {
  const view = nameless((name) => name);
  assertEquals(visitsOf(namedBy(view, orders)).get(2), [{ step: 0, row: 0 }, { step: 2, row: 1 }]);
  const broken = { ...view, steps: view.steps.slice(0, 3) }; // the connection ended in the last epoch
  assertEquals([...namedBy(broken, orders).steps[2].samples!], [1, 2]);
  assertThrows(
    () => namedBy(view, [...orders, orders[0]]),
    TypeError,
    "6 rows, the orders have 9",
  );
  assertThrows(() => namedBy(view, [orders[0]]), TypeError, "6 rows, the orders have 3");
  assertThrows(() => namedBy(view, []), TypeError, "the orders have 0");
});

Deno.test("namedBy() refuses the names of another run: a sample would change its class", () => {
  const view = nameless((name) => name);
  assertThrows(
    () => namedBy(view, [orders[0], orders[0]]),
    RangeError,
    "sample 2 is of class 2 before step 2 and of 1 there: the names are not of this run",
  );
});

const x = seededRng(4).bytes(8 * 784);
const y = Uint8Array.from({ length: 8 }, (_, i) => i % 2);
const digits = dataset({ name: "noise", x, y, shape: [28, 28, 1], classes: ["0", "1"] });
const data = { train: digits, test: digits };

Deno.test("the clients of MITIG2 and mitig3 tell their own side the orders of what their servers see", async () => {
  const [ours, theirs] = inProcess();
  const two = mitig2Recorder();
  const served = mitig2Server.serve(theirs, { rng: seededRng(2), observe: two.observe });
  const orders2: Uint32Array[] = [];
  const { W1 } = await mitig2.train(ours, data, {
    setting: { ...DESCENT, epochs: 2, batch: 3, shuffle: true, learningRate: 1e-9 },
    ...{ hidden: 3, rng: seededRng(1), onOrder: (order) => orders2.push(order) },
  });
  ours.close();
  await served;
  const seen = two.view()!;
  assertEquals([seen.count, seen.steps[0].samples], [8, null]);
  for (const { z1, samples } of namedBy(seen, orders2).steps) {
    samples!.forEach((name, row) => {
      const image = digits.x.subarray(name * 784, (name + 1) * 784);
      const first = image.reduce((sum, v, p) => sum + v * W1[p], 0);
      assertEquals(Math.round(100 * first), Math.round(100 * z1[row * 3]));
    });
  }

  const [mine, its] = inProcess();
  const three = mitig3Recorder();
  const done = mitig3Server.serve(its, { rng: seededRng(2), observe: three.observe });
  const orders3: Uint32Array[] = [];
  await mitig3.train(mine, data, {
    setting: { ...NARROW, epochs: 2, batch: 4 },
    ...{ units: 3, insecureSeed: 1, onOrder: (order) => orders3.push(order) },
  });
  mine.close();
  await done;
  const named = namedBy(three.view()!, orders3);
  assertEquals(visitsOf(named).get(5)!.length, 2);
  for (const { samples, labels } of named.steps) {
    samples!.forEach((name, row) => assertEquals(labels![row], digits.y[name]));
  }
});
