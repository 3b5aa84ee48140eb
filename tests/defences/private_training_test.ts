import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { epsilonOf, type PrivateSetting, trainPrivately } from "lib/defences/private_training.ts";
import { dpSgdEpsilon, serverViewEpsilon } from "lib/privacy.ts";

/** Images of three classes: one bright pixel in the class's third, and noise. */
function bright(count: number, seed: number) {
  const rng = seededRng(seed);
  const x = rng.bytes(9 * count).map((value) => value >> 3);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 3);
  y.forEach((label, i) => x[9 * i + 3 * label + Math.floor(3 * uniform(rng))] = 200);
  return dataset({ name: "bright", x, y, shape: [3, 3, 1], classes: ["0", "1", "2"] });
}

const data = { train: bright(300, 1), test: bright(90, 2) };
const setting: PrivateSetting = {
  ...{ reader: "model", sigma: 0.3, noise: 0.5, clip: 1, batch: 50 },
  ...{ epochs: 6, learningRate: 4, scale: 5, units: 12 },
};

Deno.test("trainPrivately() learns for both readers, and much noise costs accuracy", async () => {
  for (const reader of ["model", "server"] as const) {
    const { accuracy, epsilon } = await trainPrivately(data, { ...setting, reader }, {
      insecureSeed: 1,
    });
    assert(accuracy > 0.8, `${reader}: ${accuracy}`);
    assert(epsilon > 0 && epsilon < Infinity);
    const drowned = await trainPrivately(data, { ...setting, reader, noise: 500 }, {
      insecureSeed: 1,
    });
    assert(drowned.accuracy < 0.8 && drowned.epsilon < epsilon);
  }
});

Deno.test("one image in the place of another moves the client's weights by at most two clips", async () => {
  const { train } = data;
  const other = dataset({ ...train, x: train.x.map((v, at) => at < 2691 ? v : 255 - v) }); // the last
  const clip = 0.01; // all are longer
  const once = { ...setting, sigma: 0.3, noise: 0, clip, batch: 300, epochs: 1, learningRate: 3 };
  for (const reader of ["model", "server"] as const) {
    const [a, b, unclipped] = await Promise.all([
      trainPrivately(data, { ...once, reader }, { insecureSeed: 3 }),
      trainPrivately({ ...data, train: other }, { ...once, reader }, { insecureSeed: 3 }),
      trainPrivately({ ...data, train: other }, { ...once, reader, clip: 1e5 }, {
        insecureSeed: 3,
      }),
    ]);
    const distance = (to: typeof b) => {
      let square = 0;
      for (const name of ["W1", "b1", "V", "c"] as const) {
        a.client[name].forEach((value, at) => square += (value - to.client[name][at]) ** 2);
      }
      return Math.sqrt(square);
    };
    const most = 2 * clip * 3 / 300;
    assert(distance(b) > 0 && distance(b) <= most * 1.0001, `${reader}: ${distance(b)} > ${most}`);
    assert(distance(unclipped) > most);
  }
});

Deno.test("trainPrivately() repeats with its seed, and stops with its signal", async () => {
  const [first, second] = [1, 1].map((insecureSeed) =>
    trainPrivately(data, { ...setting, epochs: 1 }, { insecureSeed })
  );
  assertEquals(await first, await second);
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(
    () => trainPrivately(data, setting, { insecureSeed: 1, signal }),
    Error,
    "enough",
  );
});

Deno.test("epsilonOf(): the sampled mechanism for the model, the Gaussian one for the server", () => {
  const model = { rate: 50 / 300, noise: 0.5, steps: 36, delta: 1e-5 };
  assertAlmostEquals(epsilonOf(setting, 300), dpSgdEpsilon(model), 1e-12);
  const server = { sigma: 0.3, noise: 0.5, visits: 6 };
  assertAlmostEquals(
    epsilonOf({ ...setting, reader: "server" }, 300),
    serverViewEpsilon(server),
    1e-12,
  );
  assertEquals(epsilonOf({ ...setting, noise: 0 }, 300), Infinity);
});
