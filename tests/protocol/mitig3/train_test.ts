import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { Transcript } from "lib/net/transcript.ts";
import { classify, type EpochReport } from "lib/protocol/mitig3/client.ts";
import { trainNarrow } from "lib/protocol/mitig3/local.ts";
import type { Seen } from "lib/protocol/mitig3/server.ts";
import { NARROW_DESCENT } from "lib/protocol/mitig3/terms.ts";
import { data, setting, trainBoth, units } from "./fixtures.ts";

Deno.test("train() ends with the weights of trainNarrow(), to the last bit, and the server sees the same", async () => {
  for (const chosen of [setting, { ...NARROW_DESCENT, epochs: 2, batch: 7 }]) {
    const [here, there]: [Seen[], Seen[]] = [[], []];
    const common = { units, setting: chosen, insecureSeed: 2 };
    const local = await trainNarrow(data.train, {
      ...{ ...common, headRng: seededRng(3), observe: (part) => here.push(part) },
    });
    const { model } = await trainBoth({ setting: chosen }, { observe: (part) => there.push(part) });
    const { W1, b1, V, c, head } = model;
    assertEquals(W1, local.first.W1);
    assertEquals({ b1, V, c }, local.bottleneck.weights);
    assertEquals(head, local.head.weights);
    assertEquals(there, here);
    const { model: other } = await trainBoth({ setting: chosen, sigma: 0.6 });
    assertNotEquals(other.W1, W1);
  }
});

Deno.test("train() learns, reports every epoch and visit, and notes who sent what", async () => {
  const reports: EpochReport[] = [];
  const transcript = new Transcript();
  const longer = { ...setting, epochs: 30, learningRate: 0.03 };
  const onEpoch = (report: EpochReport) => reports.push(report);
  const { model, reason } = await trainBoth({
    ...{ setting: longer, sigma: 0.3, onEpoch, transcript },
  });
  assertEquals(reports.map(({ epoch }) => epoch), Array.from({ length: 30 }, (_, i) => i + 1));
  assertEquals(reports.map(({ visits }) => visits), Array.from({ length: 30 }, (_, i) => i + 1));
  assert(reports.every(({ clipped, longest }) => clipped >= 0 && clipped <= 1 && longest > 0));
  assert(reports.at(-1)!.loss < reports[0].loss / 2, `${reports.map(({ loss }) => loss)}`);
  assertEquals(reports.at(-1)!.testAccuracy, 1);
  assertEquals(model.predictions, data.test.y);
  assertEquals(model.visits, 30);
  const kinds = transcript.traffic.map(({ what, messages }) => [what, messages]);
  assertEquals(kinds, [
    ...[["train", 1], ["ready", 1], ["z", 30 * 7 * 2], ["dz", 30 * 7 * 2]],
    ...[["checkpoint", 30], ["saved", 30], ["finish", 1], ["finished", 1]],
  ]);
  assert(reason.includes("done"), reason);
  assertEquals(await classify(model, data.test.x), model.predictions);
});

Deno.test("serve() sees each image's code once an epoch, of length 1 plus noise, and its label", async () => {
  const seen: Seen[] = [];
  await trainBoth({ insecureNoNoise: true }, { observe: (part) => seen.push(part) });
  assertEquals(seen.length, 3 * 7 * 2);
  assertEquals([...new Set(seen.map(({ step }) => step))], Array.from({ length: 21 }, (_, i) => i));
  const lengths = seen.flatMap(({ z }) =>
    Array.from({ length: z.length / 3 }, (_, k) => Math.hypot(...z.subarray(3 * k, 3 * k + 3)))
  );
  assertEquals(lengths.length, 150);
  assert(lengths.every((length) => Math.abs(length - 1) < 1e-6));
  for (let epoch = 0; epoch < 3; epoch++) {
    const labels = seen.filter(({ step }) => Math.floor(step / 7) === epoch)
      .flatMap(({ labels }) => [...labels]);
    assertEquals(labels.toSorted(), [...data.train.y].toSorted());
  }
  const orders = [0, 1, 2].map((epoch) =>
    seen.slice(14 * epoch).flatMap((part) => [...part.labels])
  );
  assertNotEquals(orders[0].slice(0, 50), orders[1].slice(0, 50));
});

Deno.test("train() without noise, without a visit, or beyond reason is refused by name, and nothing is sent", async () => {
  const refused = (options: Parameters<typeof trainBoth>[0], text: string) =>
    assertRejects(() => trainBoth(options), RangeError, text);
  await refused({ sigma: 0 }, "sigma = 0 sends codes without noise; insecureNoNoise asks");
  await refused({ sigma: -1 }, "sigma = -1 is not positive");
  await refused({ sigma: NaN }, "sigma = NaN is not positive");
  await refused({ sigma: Infinity }, "sigma = Infinity is not positive");
  await refused({ sigma: 1, insecureNoNoise: true }, "sigma = 1 beside insecureNoNoise");
  await refused({ setting: { ...setting, epochs: 0 } }, "epochs = 0 is not a positive integer");
  await refused({ visits: 2 }, "visits = 2, expected an integer of at least 3");
  await refused({ visits: 3.5 }, "visits = 3.5");
  await refused({ units: 0 }, "units = 0 is not an integer in [1, 65536]");
  await refused({ width: 1025 }, "width = 1025 is not an integer in [1, 1024]");
  await refused({ insecureSeed: 0.5 }, "expected a safe integer");
  await assertRejects(() => trainNarrow(data.train, { sigma: 0 }), RangeError, "insecureNoNoise");
});

Deno.test("classify() refuses pixels of another size", async () => {
  const { model } = await trainBoth({ setting: { ...setting, epochs: 1 } });
  await assertRejects(() => classify(model, new Uint8Array(10)), TypeError, "rows of 9");
});
