import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Dataset, dataset, firstImages } from "lib/data/dataset.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { DESCENT } from "lib/nn/optimizer.ts";
import { alignVictims, linkAccuracy, linkVictims } from "lib/study/alignment.ts";
import { FROZEN, recordVisits, withNoise } from "lib/study/visits.ts";

const [side, coarse, classes, patternsEach] = [12, 5, 3, 12];
const n = side * side;

/** Images of 5 × 5 blocks, of three kinds: each kind's own mean and patterns, of all kinds more than blocks. */
function images(count: number, seed: number): Dataset {
  const blocks = coarse * coarse;
  const means = gaussian(seededRng(98), classes * blocks);
  const patterns = gaussian(seededRng(99), classes * patternsEach * blocks);
  const mixes = gaussian(seededRng(seed), count * patternsEach);
  const y = Uint8Array.from({ length: count }, (_, i) => i % classes);
  const small = Float64Array.from({ length: count * blocks }, (_, at) => {
    const [i, p] = [Math.floor(at / blocks), at % blocks];
    let value = 128 + 20 * means[y[i] * blocks + p];
    for (let k = 0; k < patternsEach; k++) {
      value += (2 + k) * mixes[i * patternsEach + k] *
        patterns[(y[i] * patternsEach + k) * blocks + p];
    }
    return Math.min(255, Math.max(0, value));
  });
  const block = (place: number) => Math.floor(place * coarse / side);
  const x = Uint8Array.from({ length: count * n }, (_, at) => {
    const [i, p] = [Math.floor(at / n), at % n];
    return small[i * blocks + block(Math.floor(p / side)) * coarse + block(p % side)];
  });
  return dataset({ name: "blocks", x, y, shape: [side, side, 1], classes: ["a", "b", "c"] });
}

const data = { train: images(3000, 1), test: images(3000, 2) };
const short = { ...DESCENT, epochs: 2, learningRate: 0.2 };

Deno.test("recordVisits() keeps the epochs asked for, with the image of each row", async () => {
  const options = { setting: short, hidden: 20, seed: 1 };
  const [second] = await recordVisits(firstImages(data.train, 900), { ...options, visits: [2] });
  assertEquals([second.visit, second.view.steps.length, second.order.length], [2, 9, 900]);
  assert(second.view.steps.every(({ samples }) => samples === null));
  const [first] = await recordVisits(firstImages(data.train, 900), {
    ...options,
    setting: FROZEN,
    visits: [1],
  });
  const [again] = await recordVisits(firstImages(data.train, 900), {
    ...options,
    setting: FROZEN,
    visits: [1],
  });
  assertEquals(first.view.steps[8].z1, again.view.steps[8].z1);
  const noisy = withNoise(first.view, 0.5, 3);
  let square = 0;
  noisy.steps[0].z1.forEach((value, at) => square += (value - first.view.steps[0].z1[at]) ** 2);
  assertAlmostEquals(Math.sqrt(square / noisy.steps[0].z1.length), 0.5, 0.05);
  assertEquals(withNoise(first.view, 0, 3), first.view);
});

Deno.test("alignVictims() draws below the floor from the real parties' visits, and has a row for each", async () => {
  const victims = [
    { name: "frozen", setting: FROZEN, hidden: 40, visits: [1], noises: [0, 0.5], seeds: [1] },
    { name: "trained", setting: short, hidden: 40, visits: [1, 2], seeds: [1, 2, 3] },
  ];
  const counts: [number, number][] = [];
  const found = await alignVictims(data, victims, {
    ...{ count: 3000, draw: 60, onProgress: (done, total) => counts.push([done, total]) },
  });
  assertEquals(counts.at(-1), [7, 7]);
  const frozen = found.of("frozen");
  assert(frozen.mse < 0.5 * frozen.floor.mse, `${frozen.mse}, floor ${frozen.floor.mse}`);
  assert(found.of("frozen", { noise: 0.5 }).mse > 1.5 * frozen.mse);
  assert(frozen.part > 0.5 && Math.abs(frozen.floor.part) < 1e-6);
  assertEquals(found.table("t").rows.map((row) => row.slice(0, 4)), [
    ...[["frozen", 40, 1, 0], ["frozen", 40, 1, 0.5]],
    ...[["trained", 40, 1, 0], ["trained", 40, 2, 0]],
    ["labels alone: class means", null, null, null],
  ]);
  assertEquals(found.figure("visits").name, "visits");
  assertEquals(found.grid("drawn", "t", frozen).name, "drawn");
  assertThrows(() => found.of("frozen", { visit: 2 }), RangeError, "no visit 2 of frozen");
});

Deno.test("linkVictims() counts right links by the truth, a guess within the class beside it", async () => {
  const victims = [{ name: "slow", setting: short, hidden: 20, visits: [1, 2], seeds: [1] }];
  const { rows, table } = await linkVictims(data, victims, { count: 300 });
  assertEquals([rows.length, rows[0].visit, rows[0].right.n], [1, 2, 300]);
  assertAlmostEquals(rows[0].chance, 0.01);
  assert(rows[0].right.rate > 0.1);
  assertEquals(table("t").rows[0].slice(0, 2), ["slow", "1 to 2"]);
  const names = [Uint32Array.of(0, 1, 2), Uint32Array.of(2, 0, 1)] as const;
  const orders = [Uint32Array.of(5, 6, 7), Uint32Array.of(7, 6, 5)] as const;
  assertAlmostEquals(linkAccuracy(names, orders).rate, 1 / 3);
});
