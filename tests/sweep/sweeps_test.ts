import { assert, assertEquals } from "@std/assert";
import { loadSweep, parseOnly, pointsOf, type Row, seedOf } from "lib/sweep/grid.ts";
import { runSweep } from "lib/sweep/runner.ts";
import { SweepStore } from "lib/sweep/store.ts";
import { permitted } from "../tools/fixtures.ts";

/** The rows of a few points, as a Worker computes them. */
async function rowsOf(name: string, only: string): Promise<Row[]> {
  const sweep = await loadSweep(name);
  using store = new SweepStore(":memory:");
  const points = pointsOf(sweep, parseOnly(sweep, only));
  await runSweep(sweep, points, { store, workers: 1 });
  return store.rows(sweep, points).map((stored) => {
    assert(stored.status === "done", JSON.stringify(stored));
    return stored.row;
  });
}

/** The same in this thread. */
async function rowsHere(name: string, only: string): Promise<Row[]> {
  const sweep = await loadSweep(name);
  const rows = [];
  for (const point of pointsOf(sweep, parseOnly(sweep, only))) {
    rows.push(await sweep.run(point, { seed: seedOf(sweep, point), stopped: () => false }));
  }
  return rows;
}

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

test("attack sweeps the published table: five widths × five densities × ten CIFAR-10 images", async () => {
  const sweep = await loadSweep("attack");
  const table = pointsOf(
    sweep,
    parseOnly(sweep, "dataset=cifar10-gray,objective=published,solver=fast"),
  );
  assertEquals(table.length, 250);
  const distinct = (name: string) => [...new Set(table.map((point) => point[name]))];
  assertEquals(distinct("hidden"), [350, 500, 750, 900, 1000]);
  assertEquals(distinct("period"), ["none", "16", "9", "4", "2"]);
});

test("attack gives a point the same row in any Worker, and infeasible programs no error", async () => {
  const only = "dataset=mnist,image=0,hidden=300,objective=tv-sum,objective=sum";
  const timeless = (rows: Row[]) => rows.map(({ elapsedMs: _, ...row }) => row);
  const [first, second] = [await rowsOf("attack", only), await rowsHere("attack", only)];
  assertEquals(timeless(second), timeless(first));
  const [sum, both] = first;
  assertEquals([sum.recovery, sum.exact, both.recovery, both.exact, both.certified], [
    ...["optimal", false],
    ...["optimal", true, true],
  ]);
  // The strokes of a digit break the published rule; at full rank nothing else satisfies the equations.
  const strict = "dataset=mnist,image=0,hidden=784,objective=published,period=2";
  const [infeasible] = await rowsHere("attack", strict);
  assertEquals([infeasible.recovery, infeasible.mse, infeasible.exact], [
    "infeasible",
    null,
    false,
  ]);
});

test("rates counts what a block of images gives, alike with either solver, and its own images in each draw", async () => {
  const sweep = await loadSweep("rates");
  const point = {
    ...{ dataset: "mnist", hidden: 350, objective: "tv-sum", period: "none", w1: "known" },
    ...{ solver: "batched", images: 2, draw: 0 },
  };
  const row = async (part: Partial<Record<keyof typeof point, string | number>>) => {
    const own = { ...point, ...part };
    return await sweep.run(own, { seed: seedOf(sweep, own), stopped: () => false });
  };
  const known = await row({});
  const { elapsedMs: _, mse, ...counts } = known;
  assert(Number(mse) < 1e-6);
  assertEquals(counts, {
    ...{ recovered: 2, exact: 2, certified: 2, certifiedWrong: 0, infeasible: 0, undecided: 0 },
  });
  assertEquals((await row({ solver: "fast" })).exact, 2);
  const strict = await row({ objective: "published", hidden: 600, period: "2" });
  assertEquals([strict.recovered, strict.mse], [0, null]); // strokes break the rule
  assertEquals(Number(strict.infeasible) + Number(strict.undecided), 2);
  const guessed = await row({ objective: "published", hidden: 100, w1: "guessed" });
  assertEquals([guessed.recovered, guessed.exact], [2, 0]); // few equations: some image fits a guess
  const other = await row({ objective: "published", hidden: 100, w1: "known", draw: 1 });
  const first = await row({ objective: "published", hidden: 100, w1: "known" });
  assert(other.mse !== first.mse);
  const draws = [0, 1].map((draw) => seedOf(sweep, { ...point, draw }));
  assertEquals(new Set(draws).size, 2);
  assertEquals(seedOf(sweep, { ...point, objective: "sum", solver: "fast" }), draws[0]); // pairs
});

test("cost measures real keys and ciphertexts of each scheme", async () => {
  const rows = await rowsOf("cost", "n=8,hidden=3");
  assertEquals(rows.length, 3);
  for (const { publicKeyBytes: _, ...row } of rows) {
    assertEquals(row.bytes, Number(row.ciphertextBytes) + Number(row.keyBytes));
    for (const [name, value] of Object.entries(row)) assert(Number(value) > 0, name);
  }
  assertEquals(rows.map(({ publicKeyBytes }) => Number(publicKeyBytes) > 0), [true, true, false]);
  // Of ipfe_full: one more mask of 32 bytes a ciphertext, one more scalar of 32 a key.
  const more = (name: string) => Number(rows[1][name]) - Number(rows[0][name]);
  assertEquals([more("ciphertextBytes"), more("keyBytes"), more("publicKeyBytes")], [32, 96, 0]);
});

test("qfe_cost measures real gradients, and bytes as the elements have them", async () => {
  const [few, more, twice] = [
    ...await rowsOf("qfe_cost", "n=4,n=5,batch=2"),
    ...await rowsOf("qfe_cost", "n=4,batch=4"),
  ].map((row) => {
    for (const [name, value] of Object.entries(row)) assert(Number(value) > 0, name);
    assertEquals(row.stepSeconds, Number(row.keySeconds) + Number(row.decryptSeconds));
    return row;
  });
  // Of a feature: two elements of G1 and of G2 a sample, one of G1 a step, whatever the batch.
  assertEquals(Number(more.ciphertextBytes) - Number(few.ciphertextBytes), 2 * (48 + 96));
  assertEquals(Number(more.keyBytes) - Number(few.keyBytes), 48);
  assert(Math.abs(Number(twice.keyBytes) - Number(few.keyBytes)) < 4);
});

test("training gives a point the same accuracy in any Worker", async () => {
  const only = "scheme=plain,hidden=30,batch=50,learningRate=0.005,epochs=4,dataset=mnist";
  const [[first], [second]] = [await rowsOf("training", only), await rowsHere("training", only)];
  assertEquals(second.accuracy, first.accuracy);
  assert(Number(first.accuracy) > 0.5 && Number(first.seconds) > 0, JSON.stringify(first));
});

test("training in float differs from mitig1 by its fixed point alone, and little at fine steps", async () => {
  const sweep = await loadSweep("training");
  const accuracy = async (scheme: string, scaleBits: number) => {
    const point = {
      ...{ scheme, dataset: "mnist", hidden: 30, batch: 50, learningRate: 1, scaleBits },
      ...{ epochs: 3, share: 0.25, run: 0 },
    };
    const row = await sweep.run(point, { seed: seedOf(sweep, point), stopped: () => false });
    return Number(row.accuracy);
  };
  const float = await accuracy("float", 0);
  assert(float > 0.8, `${float}`);
  assert(Math.abs(float - await accuracy("mitig1", 12)) < 0.01);
  assert(float - await accuracy("mitig1", 3) > 0.02);
});

test("leakage gives a point the same row in any Worker, and pairs defences by their seed", async () => {
  const sweep = await loadSweep("leakage");
  const point = {
    ...{ defence: "noise-1", dataset: "mnist", hidden: 10, epochs: 1, images: 300, run: 0 },
  };
  const run = (own: typeof point) =>
    Promise.resolve(sweep.run(own, { seed: seedOf(sweep, own), stopped: () => false }));
  const timeless = ({ secondsPerEpoch: _, ...row }: Row) => row;
  const [first, again] = [await run(point), await run(point)];
  assertEquals(timeless(again), timeless(first));
  assertEquals([first.k1000, first.k10000, first.bytesPerVisit], [null, null, 80]);
  const plain = await run({ ...point, defence: "sigmoid" });
  assert(Number(plain.k100) < Number(first.k100) && Number(plain.k100) < Number(plain.floor));
  assertEquals(seedOf(sweep, point), seedOf(sweep, { ...point, defence: "sigmoid" }));
});
