import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProtocolError } from "lib/net/wire.ts";
import { checkGuard, clipRows } from "lib/protocol/mitig2/guard.ts";
import type { Seen } from "lib/protocol/mitig2/step.ts";
import { AUTHORS } from "lib/nn/optimizer.ts";
import { hidden, trainBoth } from "./fixtures.ts";

const setting = { ...AUTHORS, epochs: 1, batch: 50, learningRate: 1, pixelScale: 1 / 255 };

/** W1 after one step in which each dz1 is the server's choice. */
const after = async (value: number, clip?: number) => {
  const steer = ({ dz1 }: Seen) => dz1.fill(0).map((_, at) => at % hidden === 2 ? value : 0);
  const { model } = await trainBoth({ setting, clip }, { steer });
  return model.W1;
};

Deno.test("clipRows() shortens long rows to the clip, leaves others, and copies", () => {
  const dz1 = Float32Array.of(3, 4, 0.3, 0.4, 0, 0);
  const clipped = clipRows(dz1, 2, 1);
  [0.6, 0.8, 0.3, 0.4, 0, 0].forEach((value, at) => assertAlmostEquals(clipped[at], value, 1e-7));
  assertEquals(dz1[0], 3);
});

Deno.test("train() lets a server that steers move W1 as far as it likes, and no further than the clip", async () => {
  const [none, one, many] = [await after(0), await after(1, 1), await after(1e6, 1)];
  assertEquals(many, one);
  const free = await after(1e6);
  const moved = (W1: Float32Array) => Math.hypot(...W1.map((w, at) => w - none[at]));
  assert(moved(free) > 1e5 * moved(one) && moved(one) > 0, `${moved(free)} ${moved(one)}`);
  const honest = (await trainBoth({ setting, clip: 100 })).model.W1;
  assertEquals(honest, (await trainBoth({ setting })).model.W1); // a clip that nothing meets
});

Deno.test("train() adds noise of the given deviation to z1 of training and of classifying", async () => {
  const watched = async (noise?: number) => {
    const seen: Seen[] = [];
    const { model } = await trainBoth({ setting, noise }, { observe: (part) => seen.push(part) });
    return { z1: seen.flatMap(({ z1 }) => [...z1]), predictions: model.predictions };
  };
  const plain = await watched();
  let [squares, draws, changed] = [0, 0, 0];
  for (let again = 0; again < 8; again++) {
    const noisy = await watched(1000);
    plain.z1.forEach((z, at) => squares += (noisy.z1[at] - z) ** 2);
    draws += plain.z1.length;
    plain.predictions.forEach((c, i) => changed += Number(c !== noisy.predictions[i]));
  }
  assertEquals(draws, 8 * 250);
  const deviation = Math.sqrt(squares / draws); // the noise has no seed: its standard error is 16
  assert(deviation > 850 && deviation < 1150, `${deviation}`);
  assert(changed > 0); // of 160, and half are: each of the eight alone would miss once in many thousand
});

Deno.test("train() refuses a clip or noise of 0 or NaN, and a dz1 of another shape or with NaN", async () => {
  for (const value of [0, NaN, -1, Infinity]) {
    assertThrows(() => checkGuard({ clip: value }), RangeError, `clip = ${value}`);
    await assertRejects(() => trainBoth({ setting, clip: value }), RangeError, "clip");
    await assertRejects(() => trainBoth({ setting, noise: value }), RangeError, "noise");
  }
  for (
    const steer of [
      ({ dz1 }: Seen) => dz1.with(3, NaN),
      ({ dz1 }: Seen) => dz1.with(3, Infinity),
      ({ dz1 }: Seen) => dz1.subarray(hidden),
    ]
  ) {
    await assertRejects(() => trainBoth({ setting, clip: 1 }, { steer }), ProtocolError, "dz1");
  }
});
