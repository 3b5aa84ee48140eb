/** Where weights, orders and noise come from: the system's CSPRNG, whatever else is at hand. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { gaussian, secureRng, seededRng } from "lib/math/rng.ts";
import type { ClientOptions } from "lib/protocol/mitig3/client.ts";
import { secretsOf } from "lib/protocol/mitig3/secrets.ts";
import type { Seen } from "lib/protocol/mitig3/server.ts";
import { data, setting, trainBoth } from "./fixtures.ts";

/** What the server sees while the system's generator is `fill`. */
async function seenWith(
  options: ClientOptions,
  fill: (bytes: Uint8Array) => void,
): Promise<{ seen: Seen[]; bytes: number }> {
  const original = crypto.getRandomValues;
  let bytes = 0;
  const seen: Seen[] = [];
  crypto.getRandomValues = (<T extends ArrayBufferView>(array: T) => {
    const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes += view.length;
    fill(view);
    return array;
  }) as typeof original;
  try {
    const one = { ...setting, epochs: 1 };
    const observe = (part: Seen) => seen.push(part);
    await trainBoth({ setting: one, insecureSeed: undefined, ...options }, { observe });
  } finally {
    crypto.getRandomValues = original;
  }
  return { seen, bytes };
}

Deno.test("train() draws weights, orders and noise from crypto.getRandomValues, and from nothing else", async () => {
  const same = await seenWith({}, (view) => view.fill(7));
  assertEquals((await seenWith({}, (view) => view.fill(7))).seen, same.seen); // so it is all that matters
  assertNotEquals((await seenWith({}, (view) => view.fill(8))).seen, same.seen);
  const numbers = 6 * 9 + 3 * 6 + 50 * 3; // W1, V and one number of noise for each of a code, 8 bytes each
  assert(same.bytes >= 8 * numbers + 32, `${same.bytes}`);
  let next = 0;
  const counted = (view: Uint8Array) => view.forEach((_, i) => view[i] = ++next * 151);
  const noise = await seenWith({}, counted);
  next = 0;
  const none = await seenWith({ insecureNoNoise: true }, counted);
  assert(noise.bytes >= none.bytes + 8 * 50 * 3, `${noise.bytes} and ${none.bytes}`);
});

Deno.test("train() takes no generator from outside: only insecureSeed gives a run that repeats", async () => {
  const rng = seededRng(1);
  const smuggled = { rng, noise: rng, insecureseed: 1 } as ClientOptions;
  const runs = [];
  for (let k = 0; k < 2; k++) {
    const seen: Seen[] = [];
    const options = { setting: { ...setting, epochs: 1 }, insecureSeed: undefined, ...smuggled };
    await trainBoth(options, { observe: (part) => seen.push(part) });
    runs.push(seen[0].z);
  }
  assertNotEquals(runs[0], runs[1]);
  const seeded = await seenWith({ insecureSeed: 4 }, (view) => view.fill(1));
  const again = await seenWith({ insecureSeed: 4 }, (view) => view.fill(2));
  assertEquals(again.seen, seeded.seen);
  assertEquals(seeded.bytes, 16); // the session's key, which is never from a seed
});

Deno.test("secretsOf() names its source, and gives every visit a stream of its own", () => {
  assertEquals(secretsOf().source, "csprng");
  const seeded = secretsOf(3);
  assertEquals(seeded.source, "insecureSeed=3");
  const streams = [seeded.weights, seeded.visit(0), seeded.visit(1)].map((rng) => rng.bytes(32));
  assertEquals(new Set(streams.map((bytes) => bytes.toHex())).size, 3);
  assertEquals(secretsOf(3).visit(1).bytes(32), streams[2]);
  assertNotEquals(secretsOf(4).visit(1).bytes(32), streams[2]);
  assertEquals(seededRng(3).bytes(32), streams[0]);
});

Deno.test("codes minus codes without noise are σ times N(0, 1), and no number of it comes twice", async () => {
  const [seen, clean]: [Seen[], Seen[]] = [[], []];
  const still = { setting: { ...setting, epochs: 8, learningRate: 1e-30 }, insecureSeed: 9 };
  await trainBoth({ ...still, sigma: 0.7 }, { observe: (part) => seen.push(part) });
  await trainBoth({ ...still, insecureNoNoise: true }, { observe: (part) => clean.push(part) });
  const noise = seen.flatMap(({ z }, k) => [...z].map((value, i) => (value - clean[k].z[i]) / 0.7));
  assertEquals(noise.length, 8 * 50 * 3);
  const moment = (power: number) => noise.reduce((sum, x) => sum + x ** power, 0) / noise.length;
  assertAlmostEquals(moment(1), 0, 0.1); // standard errors: 0.03, 0.04, 0.28
  assertAlmostEquals(moment(2), 1, 0.15);
  assertAlmostEquals(moment(4), 3, 1);
  assertEquals(new Set(noise.map((value) => value.toFixed(6))).size, noise.length);
  assertEquals(data.train.count, 50);
});

Deno.test("gaussian() from the CSPRNG is fast enough for all noise of a training: 60,000 · 10 · 5 numbers", () => {
  const start = performance.now();
  for (let k = 0; k < 600; k++) gaussian(secureRng(), 500); // a tenth of it, in the sizes that are drawn
  const seconds = (performance.now() - start) / 1000;
  assert(seconds < 1, `${seconds} s`); // 0.02 s on an idle core
});
