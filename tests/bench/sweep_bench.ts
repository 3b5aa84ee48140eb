/** Sweeps: two Workers against one, two worker processes over Redis against one, what a point costs beside
 * its work, and the notebook's queries on 100 000 rows. Rows are compared before anything is timed. What needs
 * a Redis server is left out where there is none.
 * Run: deno bench -A tests/bench/sweep_bench.ts
 * @module */
import { sweep as attack } from "lib/sweep/attack.ts";
import { type Point, pointsOf, type Sweep, type Value } from "lib/sweep/grid.ts";
import { runOnRedis } from "lib/sweep/queue.ts";
import { runSweep } from "lib/sweep/runner.ts";
import { SweepStore } from "lib/sweep/store.ts";
import { smallestWidth, summarize } from "lib/sweep/summary.ts";
import { start } from "../sweep/processes.ts";
import { hasRedis, startRedis } from "../sweep/redis_server.ts";
import { sweep as work } from "../sweep/work.ts";

/** About 30 ms of one core each. */
const busy = pointsOf(work, { rounds: [20_000] });
const idle = pointsOf(work, { rounds: [0], index: Array.from({ length: 1000 }, (_, i) => i) });
const numbers = (length: number) => Array.from({ length }, (_, i) => i);

/** Runs points into a store of their own and gives their rows. */
async function rowsOf(sweep: Sweep, points: Point[], run: (store: SweepStore) => Promise<void>) {
  using store = new SweepStore(":memory:");
  await run(store);
  const rows = store.rows(sweep, points);
  if (rows.length !== points.length || rows.some(({ status }) => status !== "done")) {
    throw new Error("Cannot time: a row is missing or failed");
  }
  return JSON.stringify(rows.map((stored) => stored.status === "done" && stored.row));
}

const local = (points: Point[], workers: number) =>
  rowsOf(work, points, (store) => runSweep(work, points, { store, workers }));
const reference = await local(busy, 1);
if (await local(busy, 2) !== reference) throw new Error("Cannot time: two Workers give other rows");

const scaling = {
  group: `${busy.length} points of one core's work, this machine`,
  n: 3,
  warmup: 0,
};
Deno.bench({ ...scaling, name: "1 Worker", baseline: true }, async () => {
  await local(busy, 1);
});
Deno.bench({ ...scaling, name: "2 Workers" }, async () => {
  await local(busy, 2);
});

const overhead = { group: "1000 points of no work (over 1000: the cost of a point)", n: 3 };
Deno.bench({ ...overhead, name: "this machine, 1 Worker" }, async () => {
  await local(idle, 1);
});

/** With so many worker processes, started and warm. */
async function withWorkers<T>(
  { count, url }: { count: number; url: string },
  body: () => Promise<T>,
): Promise<T> {
  const workers = numbers(count).map(() => start("worker", { url, workers: 1 }));
  await Promise.all(workers.map((worker) => worker.rows(1)));
  await remote(url, busy.slice(0, 20));
  try {
    return await body();
  } finally {
    await Promise.all(workers.map((worker) => worker.kill("SIGKILL")));
  }
}

const remote = (url: string, points: Point[]) =>
  rowsOf(work, points, (store) => runOnRedis(work, points, { store, url }));

if (hasRedis) {
  const redis = await startRedis();
  const { url } = redis;
  addEventListener("unload", () => redis.killNow());
  if (await withWorkers({ count: 2, url }, () => remote(url, busy)) !== reference) {
    throw new Error("Cannot time: workers over Redis give other rows");
  }
  const group = `${busy.length} points of one core's work, over Redis`;
  for (const count of [1, 2]) {
    const name = `${count} worker process${count > 1 ? "es" : ""}`;
    Deno.bench({ group, n: 3, warmup: 0, name, baseline: count === 1 }, async (b) => {
      await withWorkers({ count, url }, async () => {
        b.start();
        await remote(url, busy);
        b.end();
      });
    });
  }
  Deno.bench({ ...overhead, name: "over Redis, 1 worker process" }, async (b) => {
    await withWorkers({ count: 1, url }, async () => {
      b.start();
      await remote(url, idle);
      b.end();
    });
  });
}

// Rows like those of the attack: 4 objectives × 25 widths × 1000 images.
const path = await Deno.makeTempFile({ suffix: ".sqlite" });
await Deno.remove(path);
const store = new SweepStore(path);
const many = pointsOf(attack, {
  ...{ dataset: ["mnist"], objective: ["sum", "tv", "tv-sum", "reweighted"], period: ["none"] },
  ...{ hidden: numbers(25).map((k) => 20 * (k + 1)), image: numbers(1000) },
});
for (const point of many) {
  const [hidden, image] = [Number(point.hidden), Number(point.image)];
  const exact = hidden > 200 + image / 10;
  store.add(attack, point, {
    ...{ status: "done", attempts: 1, startedAt: "2026-01-01T00:00:00.000Z", pointMs: 1 },
    row: {
      ...{ recovery: "optimal", mse: exact ? 0 : 1 / (hidden + image), psnr: null, ssim: 0.5 },
      ...{ exact, consistent: exact, certified: exact, elapsedMs: 1 },
    },
  });
}

/** What notebook 04 takes for its figures. */
function figureRows() {
  type Names = "dataset" | "objective" | "hidden" | "mse" | "exact";
  return store.rows(attack).flatMap((stored) =>
    stored.status === "done" ? [{ ...stored.point, ...stored.row } as Record<Names, Value>] : []
  );
}
const figures = figureRows();

/** What a heat map and curves with bands take. */
function curves() {
  return summarize(figures, { by: ["dataset", "objective", "hidden"], value: "mse" });
}
function widths() {
  const shares = summarize(figures, { by: ["objective", "hidden"], value: "exact" });
  return [...Map.groupBy(shares, ({ objective }) => objective).values()].map((group) =>
    smallestWidth(group.map(({ hidden, mean }) => ({ hidden, rate: mean! })), 1)
  );
}
const [cells, smallest] = [curves(), widths()];
if (cells.length !== 100 || cells.some(({ measured }) => measured !== 1000)) {
  throw new Error("Cannot time: the groups are not 100 of 1000 rows");
}
if (smallest.length !== 4 || smallest.some((hidden) => hidden !== 300)) {
  throw new Error(`Cannot time: the smallest exact widths are ${JSON.stringify(smallest)}`);
}

const queries = { group: `queries on ${many.length} stored rows`, n: 5 };
Deno.bench(
  { ...queries, name: "the rows of the notebook's figures, checked", baseline: true },
  () => {
    figureRows();
  },
);
Deno.bench({ ...queries, name: "of these, mean and band of each objective and width" }, () => {
  curves();
});
Deno.bench({ ...queries, name: "of these, smallest exact width of each objective" }, () => {
  widths();
});
addEventListener("unload", () => {
  store[Symbol.dispose]();
  for (const suffix of ["", ".lock"]) Deno.removeSync(path + suffix);
});
