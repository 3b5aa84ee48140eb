import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { attack, attackEach } from "lib/attack/attack.ts";
import { type Objective, OBJECTIVES, type Priors } from "lib/attack/priors.ts";
import { narrowView } from "lib/attack/view.ts";
import { fitGaussian } from "lib/attack/solvers/gaussian.ts";
import { byHighs, byStructure, plain, plantedView, SQUARE, SQUARE_SHAPE } from "./fixtures.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const view = plantedView(SQUARE, { hidden: 30 });
const contradictory = plantedView(SQUARE, { hidden: 30, weightSeed: 2 });

Deno.test({
  name: "attackEach() gives what solveExact() gives, in order, for any number of Workers",
  ignore,
  async fn() {
    const jobs = [view, contradictory].flatMap((view) =>
      OBJECTIVES.map((objective) => ({ view, priors: plain(objective) }))
    );
    for (const [solver, solve] of [["highs", byHighs], ["fast", byStructure]] as const) {
      const expected = await Promise.all(jobs.map(({ view, priors }) => solve(view, priors)));
      for (const workers of [0, 1, 3]) {
        const recoveries = await attackEach(jobs, { workers, solver });
        const plainly = (list: typeof recoveries) =>
          list.map(({ status, objective, xHat }) => ({ status, objective, xHat }));
        assertEquals(plainly(recoveries), plainly(expected));
      }
    }
  },
});

Deno.test({
  name: "attackEach() rejects promptly with the signal's reason when aborted",
  ignore,
  async fn() {
    const wide = plantedView(new Uint8Array(784).map((_, p) => (p * 37) % 256), {
      hidden: 500,
      shape: [28, 28, 1],
    });
    const signal = AbortSignal.timeout(100);
    const start = performance.now();
    const jobs = [1, 2, 3].map(() => ({ view: wide, priors: plain("tv") }));
    await assertRejects(
      () => attackEach(jobs, { workers: 2, signal }),
      DOMException,
      "due to timeout",
    );
    assertLess(performance.now() - start, 5000);
  },
});

Deno.test({
  name: "attackEach() turns a job that throws in its Worker into an error and solves the others",
  ignore,
  async fn() {
    const broken = {
      view: { ...view, shape: null } as unknown as typeof view,
      priors: plain("tv"),
    };
    const [bad, good] = await attackEach([broken, { view, priors: plain("tv") }], { workers: 1 });
    assertEquals([bad.status, bad.xHat, good.status], ["error", null, "optimal"]);
    assertStringIncludes(bad.message!, "null");
  },
});

Deno.test({
  name: "attackEach() sends Workers a W1 that lies within a larger buffer as it is",
  ignore,
  async fn() {
    const larger = Float64Array.of(...new Array(64).fill(7), ...view.W1, 9, 9);
    const z1 = Float64Array.of(5, ...view.z1).subarray(1);
    const within = { ...view, W1: larger.subarray(64, 64 + view.W1.length), z1 };
    const priors = plain("tv-sum");
    const jobs = [within, narrowView(view, 12), view].map((view) => ({ view, priors }));
    const found = await attackEach(jobs, { workers: 1 });
    const expected = await attackEach(jobs, { workers: 0 });
    assertEquals(found.map(({ xHat }) => xHat), expected.map(({ xHat }) => xHat));
    assertEquals(found[0].xHat, found[2].xHat);
    assertEquals(found.map(({ certified }) => certified), [true, false, true]);
  },
});

Deno.test("attackEach() refuses a time limit that is not positive and takes no jobs for an answer", async () => {
  await assertRejects(() => attackEach([], { timeLimitS: -1 }), RangeError, "time limit -1 s");
  assertEquals(await attackEach([] as { view: typeof view; priors: Priors }[]), []);
});

Deno.test("attack() runs each objective and each solver behind one door", async () => {
  const views = [SQUARE, SQUARE.map((x) => x / 2)].map((image) =>
    plantedView(image, { hidden: 40 })
  );
  for (const solver of ["fast", "highs", "batched"] as const) {
    for (const objective of ["tv", "tv-sum"] as const) {
      const found = await attack(views, { objective, solver });
      assertEquals(found.map((r) => [r.objective, r.status, r.certified]), [
        [objective, "optimal", true],
        [objective, "optimal", true],
      ]);
    }
  }
  const ruled = await attack([plantedView(SQUARE, { hidden: 64 })], {
    objective: "published",
    period: 2,
  });
  assertEquals(ruled[0].status, "infeasible");
  const [x, shape] = [[...SQUARE, ...SQUARE.toReversed()], SQUARE_SHAPE];
  const images = { x, count: 2, n: 64, shape };
  for (const objective of ["least-squares", "gaussian"] as const) {
    let seen = 0;
    const [first, second] = await attack(views, {
      objective,
      prior: fitGaussian(images),
      onProgress: (done) => seen = done,
    });
    assertEquals([first.objective, second.status, seen], [objective, "optimal", 2]);
    assert(second.elapsedMs > 0);
  }
});

Deno.test("attack() stops between images, and ends them when told to", async () => {
  const views = [1, 2, 3].map(() => view);
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  const options = { signal: stop.signal, onProgress, workers: 0 };
  await assertRejects(
    () => attack(views, { objective: "least-squares", ...options }),
    DOMException,
    "aborted",
  );
  for (const solver of ["fast", "batched"] as const) {
    const told = await attack([contradictory], { objective: "tv", solver, stopped: () => true });
    assertEquals([solver, told[0].status], [solver, "aborted"]);
  }
});

Deno.test("attack() refuses an unknown objective, a period of 0, and a Gaussian without a prior", async () => {
  const objective = "entropy" as Objective;
  await assertRejects(() => attack([view], { objective }), TypeError, '"entropy"');
  const period = 0;
  await assertRejects(() => attack([view], { objective: "tv", period }), RangeError, "period 0");
  await assertRejects(() => attack([view], { objective: "gaussian" }), TypeError, "no prior");
});

Deno.test("attack() takes rows of a table behind one door", async () => {
  const shape = [1, 40, 1] as const; // few columns are not 0: sparse, as one-hot columns are
  const row = Uint8Array.from({ length: 40 }, (_, j) => j % 9 === 0 ? 255 : 0);
  const views = [row, row.toReversed()].map((x) => plantedView(x, { hidden: 30, shape }));
  const x = Float64Array.from(
    { length: 400 },
    (_, at) => 128 + 100 * Math.sin(at * at + Math.floor(at / 40)),
  );
  const prior = fitGaussian({ x, count: 10, n: 40, shape }, 10, { stationary: false });
  const objectives = ["published", "sum", "tv", "tv-sum", "gaussian", "least-squares"] as const;
  for (const objective of objectives) {
    const found = await attack(views, { objective, prior, workers: 0 });
    assertEquals(found.map(({ status }) => status), ["optimal", "optimal"], objective);
    const consistent = found.map((recovery) => recovery.consistent);
    assertEquals(consistent, found.map(({ certified }) => certified), objective);
    if (objective === "sum") assertEquals([...found[0].xHat!].map(Math.round), [...row]);
  }
  for (const solver of ["highs", "batched"] as const) {
    const [{ xHat, certified }] = await attack(views, { objective: "sum", solver, workers: 0 });
    assertEquals([[...xHat!].map(Math.round), certified], [[...row], true], solver);
  }
  const wide = plantedView(row, { hidden: 50, shape });
  for (const objective of objectives) {
    const [{ certified }] = await attack([wide], { objective, prior, workers: 0 });
    assert(certified, objective);
  }
});
