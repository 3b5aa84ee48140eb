import { assert, assertEquals, assertRejects } from "@std/assert";
import { trainingView } from "lib/attack/training/view.ts";
import { type Dataset, dataset } from "lib/data/dataset.ts";
import { DEFENCES } from "lib/defences/defences.ts";
import { castOf, measureLeakage } from "lib/defences/measure.ts";
import { trainDefended } from "lib/defences/split.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { DESCENT } from "lib/nn/optimizer.ts";

/** Images of two classes, each a few bright rows and columns of its own. */
function crosses(count: number, seed: number): Dataset {
  const bytes = seededRng(seed).bytes(12 * count);
  const x = new Uint8Array(count * 144);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  for (let at = 0; at < x.length; at++) {
    const [i, p] = [Math.floor(at / 144), at % 144];
    const [row, column] = [Math.floor(p / 12), p % 12];
    x[at] = bytes[12 * i + row] / 4 + bytes[12 * i + column] / 4 +
      (column < 6 === (y[i] === 0) ? 90 : 0);
  }
  return dataset({ name: "crosses", x, y, shape: [12, 12, 1], classes: ["a", "b"] });
}

const data = { train: crosses(160, 1), test: crosses(20, 2) };
const cast = castOf({ victims: 40, known: 120 });

Deno.test("castOf() shares no sample between victims and known ones", () => {
  assertEquals([...cast.victims], Array.from({ length: 40 }, (_, i) => i));
  assert(cast.known.every((name) => !cast.victims.includes(name)));
});

Deno.test("measureLeakage() of MITIG2: below the floor, less with more known, part near 1, visits found again", async () => {
  const { view } = await trainDefended(data, {
    ...{ defence: DEFENCES.sigmoid, seeds: { client: 1, server: 2 }, hidden: 20 },
    ...{
      watched: [...cast.victims, ...cast.known],
      setting: { ...DESCENT, epochs: 2, batch: 20, learningRate: 0.2 },
    },
  });
  const { decoded, floor, part, relinked } = await measureLeakage(view, data.train, {
    ...cast,
    ks: [20, 120],
  });
  assertEquals(decoded.map(({ k }) => k), [20, 120]);
  assert(decoded[1].mse < decoded[0].mse && decoded[0].mse < floor, `${decoded[0].mse}, ${floor}`);
  assert(part > 0.9, `part ${part}`);
  assert(relinked > 0.7, `relinked ${relinked}`);
});

Deno.test("measureLeakage() of codes that tell nothing: at the floor, part near 0, nothing found again", async () => {
  const rng = seededRng(3);
  const { y } = data.train;
  const steps = [0, 1].map(() => ({
    samples: Uint32Array.from(y.keys()),
    z1: gaussian(rng, 160 * 5),
    labels: y,
    dz1: new Float64Array(160 * 5),
    ...{ rate: null, W1: null, dW1: null },
  }));
  const view = trainingView({
    ...{ scheme: "mitig3", units: 5, classes: 2, shape: [12, 12, 1], inputScale: 1, steps },
  });
  const { decoded, floor, part, relinked } = await measureLeakage(view, data.train, {
    ...cast,
    ks: [120],
  });
  assert(Math.abs(decoded[0].mse / floor - 1) < 0.05, `${decoded[0].mse}, ${floor}`);
  assert(Math.abs(part) < 0.15 && relinked < 0.1, `part ${part}, relinked ${relinked}`);
});

Deno.test("measureLeakage() refuses more known images than the cast has", async () => {
  const step = {
    z1: new Float64Array(160).fill(1),
    dz1: new Float64Array(160),
    labels: data.train.y,
  };
  const view = trainingView({
    ...{ scheme: "mitig2", units: 1, classes: 2, shape: [12, 12, 1], inputScale: 1 },
    steps: [{
      ...step,
      samples: Uint32Array.from({ length: 160 }, (_, i) => i),
      rate: null,
      W1: null,
      dW1: null,
    }],
  });
  await assertRejects(
    () => measureLeakage(view, data.train, { ...cast, ks: [121] }),
    RangeError,
    "121 known images, the cast has 120",
  );
});
