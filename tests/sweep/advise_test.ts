import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { type Candidate, CANDIDATES, groupOf, RUNGS } from "lib/sweep/advise.ts";
import {
  compareResults,
  dominates,
  type Limits,
  meets,
  type Outcome,
  paretoSet,
  plannedEpochs,
  recommend,
  type Result,
  type Search,
  shortfall,
  successiveHalving,
  type Trial,
} from "lib/sweep/advise_search.ts";
import { adviceReport, adviceText } from "lib/sweep/advise_text.ts";

/** A synthetic configuration: where its learning curve ends, and what it costs. */
interface Made {
  readonly id: number;
  readonly group: string;
  readonly final: number;
  readonly secondsPerEpoch: number;
  readonly leakage: number;
}

const budgets = [1, 4, 16];
const LIMITS: Limits = { accuracy: 0.9, seconds: 100, leakage: 0.5 };

/** Learning curves that rise and never cross. */
const curve = ({ final, secondsPerEpoch, leakage }: Made, rung: number): Result => ({
  accuracy: final * (1 - 0.5 / budgets[rung]),
  seconds: secondsPerEpoch * budgets[rung],
  leakage,
});

/** A search that counts the epochs it trains. */
function searchOf(
  candidates: readonly Made[],
  limits: Limits,
  outcome: (made: Made, rung: number) => Outcome = (made, rung) => ({
    status: "done",
    result: curve(made, rung),
  }),
) {
  const counted = { epochs: 0 };
  const search: Search<Made> = {
    ...{ candidates, budgets, limits, groupOf: ({ group }: Made) => group },
    evaluate(some, rung) {
      counted.epochs += some.length * budgets[rung];
      return Promise.resolve(some.map((made) => outcome(made, rung)));
    },
    secondsAt: ({ secondsPerEpoch }, rung) => secondsPerEpoch * budgets[rung],
  };
  return { search, counted };
}

/** A trial of every candidate at the full budget. */
const grid = (candidates: readonly Made[]): Trial<Made>[] =>
  candidates.map((candidate) => ({
    ...{ candidate, rung: 2, status: "done", result: curve(candidate, 2) },
  }));

/** Groups of at least five; finals on a coarse scale, so that many tie. */
const made = fc.array(
  fc.record({
    leakage: fc.constantFrom(0, 0.2, 0.7),
    members: fc.array(
      fc.record({
        final: fc.integer({ min: 0, max: 20 }).map((k) => k / 20),
        secondsPerEpoch: fc.constantFrom(1, 3, 6, 7, 50, 1000),
      }),
      { minLength: 5, maxLength: 20 },
    ),
  }),
  { minLength: 1, maxLength: 4 },
).map((groups) =>
  groups.flatMap(({ leakage, members }, g) =>
    members.map((member, k): Made => ({
      ...{ id: 100 * g + k, group: `g${g}`, leakage, ...member },
    }))
  )
);

const limitsOf = fc.record({
  accuracy: fc.constantFrom(0.3, 0.6, 0.9),
  seconds: fc.constantFrom(10, 60, 100, 1e6),
  leakage: fc.constantFrom(0, 0.5, 1),
});

Deno.test("successiveHalving() recommends nothing worse than the full grid's best, for a third of its epochs", async () => {
  await fc.assert(
    fc.asyncProperty(made, limitsOf, async (candidates, limits) => {
      const { search, counted } = searchOf(candidates, limits);
      const trials = await successiveHalving(search);
      const full = candidates.length * budgets[2];
      assert(counted.epochs <= full / 3, `${counted.epochs} of ${full}`);
      assertEquals(plannedEpochs(search), { search: counted.epochs, grid: full });
      const [found, best] = [recommend(trials, limits)!, recommend(grid(candidates), limits)!];
      if (!best.meets) return; // the full grid has no answer either
      assertEquals(found.meets, best.meets);
      assert(compareResults(found.trial.result, best.trial.result) <= 0);
    }),
    { seed: 1 },
  );
});

Deno.test("successiveHalving() trains every group fully, and keeps one in four a round", async () => {
  const candidates = Array.from({ length: 32 }, (_, id): Made => ({
    ...{ id, group: `g${id % 2}`, final: id / 32, secondsPerEpoch: 1, leakage: 0 },
  }));
  const trials = await successiveHalving(searchOf(candidates, LIMITS).search);
  const ids = (rung: number) =>
    trials.filter((trial) => trial.rung === rung).map(({ candidate }) => candidate.id)
      .sort((a, b) => a - b);
  assertEquals(ids(0).length, 32);
  assertEquals(ids(1), [24, 25, 26, 27, 28, 29, 30, 31]);
  assertEquals(ids(2), [30, 31]);
});

Deno.test("successiveHalving() prefers what its full run can afford over what learns better", async () => {
  const candidates = Array.from({ length: 8 }, (_, id): Made => ({
    ...{ id, group: "", final: id === 0 ? 0.95 : 0.99, leakage: 0 },
    secondsPerEpoch: id === 0 ? 2 : 20,
  }));
  const trials = await successiveHalving(searchOf(candidates, LIMITS).search);
  assertEquals(recommend(trials, LIMITS)!.trial.candidate.id, 0);
  const dear = trials.find(({ candidate, rung }) => candidate.id > 0 && rung === 1);
  assert(dear !== undefined); // the second place goes to one that cannot be trained fully
});

Deno.test("successiveHalving() keeps failed trials as such, NaN among them, and goes on without them", async () => {
  const candidates = Array.from({ length: 16 }, (_, id): Made => ({
    ...{ id, group: "", final: 0.9 + id / 1000, secondsPerEpoch: 1, leakage: 0 },
  }));
  const { search } = searchOf(candidates, LIMITS, (made, rung) => {
    if (made.id === 15) return { status: "failed", error: "weight outgrows its bound" };
    const result = curve(made, rung);
    const accuracy = made.id === 14 && rung === 1 ? NaN : result.accuracy;
    return { status: "done", result: { ...result, accuracy } };
  });
  const trials = await successiveHalving(search);
  const failed = trials.filter((trial) => trial.status === "failed");
  assertEquals(failed.map(({ candidate, rung, error }) => [candidate.id, rung, error]), [
    [15, 0, "weight outgrows its bound"],
    [14, 1, "accuracy is NaN"],
  ]);
  assertEquals(trials.filter(({ rung }) => rung === 0).length, 16);
  assertEquals(trials.filter(({ rung }) => rung === 2).map((t) => t.candidate.id), [13]);
  assertEquals(recommend(trials, LIMITS)!.trial.candidate.id, 13);

  const none = searchOf(candidates, LIMITS, () => ({ status: "failed", error: "no memory" }));
  const dead = await successiveHalving(none.search);
  assertEquals([dead.length, none.counted.epochs, recommend(dead, LIMITS)], [16, 16, null]);
});

Deno.test("successiveHalving() refuses a search over a third of the grid, no candidates and odd budgets", async () => {
  const four = Array.from({ length: 4 }, (_, id): Made => ({
    ...{ id, group: "", final: 1, secondsPerEpoch: 1, leakage: 0 },
  }));
  const refused = (search: Partial<Search<Made>>, why: string) =>
    assertRejects(
      () => successiveHalving({ ...searchOf(four, LIMITS).search, ...search }),
      RangeError,
      why,
    );
  await refused({}, "24 of 64 epochs is over a third");
  await refused({ candidates: [] }, "0 candidates");
  await refused({ budgets: [] }, "budgets ");
  await refused({ budgets: [4, 4] }, "budgets 4,4");
});

Deno.test("paretoSet() keeps what nothing dominates, ties included, and no failure", () => {
  const done = (id: number, accuracy: number, seconds: number, leakage: number): Trial<number> => ({
    ...{ candidate: id, rung: 0, status: "done", result: { accuracy, seconds, leakage } },
  });
  const trials = [
    done(1, 0.8, 10, 0),
    done(2, 0.9, 20, 0),
    done(3, 0.9, 20, 0.1), // dominated by 2
    done(4, 0.7, 10, 0), // dominated by 1
    done(5, 0.8, 10, 0), // equal to 1
    done(6, 0.95, 5, 0.9),
    { candidate: 7, rung: 0, status: "failed", error: "no" } as const,
  ];
  assertEquals(paretoSet(trials).map(({ candidate }) => candidate), [6, 2, 1, 5]);
  assert(!dominates({ ...LIMITS }, { ...LIMITS }));
});

Deno.test("meets() is kept limits, all of them", () => {
  const result = (accuracy: number, leakage: number): Result => ({
    ...{ accuracy, seconds: 10, leakage },
  });
  assertEquals(meets(result(0.95, 0.4), LIMITS), true);
  assertEquals(meets(result(0.95, 0.6), LIMITS), false);
  assertEquals(meets(result(0.8, 0), LIMITS), false);
  assertEquals(shortfall(result(0.95, 0.4), LIMITS), 0);
});

Deno.test("recommend() takes the most accurate, then the fastest, then what is known to leak least; else the closest", () => {
  type Numbers = [accuracy: number, seconds: number, leakage: number];
  const trials = (results: readonly Numbers[]): Trial<number>[] =>
    results.map(([accuracy, seconds, leakage], candidate) => ({
      ...{ candidate, rung: 0, status: "done", result: { accuracy, seconds, leakage } },
    }));
  const pick = (...results: Numbers[]) => recommend(trials(results), LIMITS)?.trial.candidate;
  assertEquals(pick([0.91, 50, 0.1], [0.99, 50, 0.4]), 1); // below the limit more leakage costs nothing
  assertEquals(pick([0.92, 50, 0.4], [0.92, 50, 0.1]), 1);
  assertEquals(pick([0.99, 50, 0.6], [0.92, 50, 0.2]), 1); // what breaks the limit comes last
  assertEquals(pick([0.91, 50, 0.1], [0.92, 90, 0.1]), 1);
  assertEquals(pick([0.92, 50, 0.1], [0.92, 40, 0.1]), 1);
  assertEquals(pick([0.89, 1, 0], [0.9, 100, 0.5]), 1); // limits are inclusive
  const error = { accuracy: 0.8, seconds: 1, leakage: 0 }; // twice the error: one doubling
  const slow = { accuracy: 0.99, seconds: 400, leakage: 1 }; // two of time, one of leakage
  assertEquals([shortfall(slow, LIMITS), meets(error, LIMITS)], [3, false]);
  assertAlmostEquals(shortfall(error, LIMITS), 1);
  assertEquals(pick([0.99, 400, 1], [0.8, 1, 0]), 1);
  assertEquals(recommend(trials([[0.8, 1, 0]]), LIMITS)!.meets, false);
});

Deno.test("the grid of advise has groups that halving takes, and trainings of a third at most", () => {
  const budgets = RUNGS.map(({ epochs, share }) => epochs * share);
  const { search, grid } = plannedEpochs({ candidates: CANDIDATES, groupOf, budgets });
  assert(search <= grid / 3);
  // CryptoNN and MITIG1 share their trainings; at worst only those of the first round.
  const part = (scheme: string) =>
    plannedEpochs({ candidates: CANDIDATES.filter((c) => c.scheme === scheme), groupOf, budgets });
  const [shared, own, narrow] = [part("mitig1"), part("mitig2"), part("mitig3")];
  const first = CANDIDATES.filter((c) => c.scheme === "mitig1").length * budgets[0];
  const worst = 2 * shared.search - first + own.search + narrow.search;
  assert(worst <= (shared.grid + own.grid + narrow.grid) / 3, `${worst}`);
});

Deno.test("adviceText() and adviceReport() say what is reached, what is not, and what failed", () => {
  const candidate = (scheme: Candidate["scheme"], sigma = 0): Candidate => ({
    ...{ scheme, hidden: 30, batch: 50, learningRate: 1, sigma },
    scaleBits: scheme === "mitig1" || scheme === "cryptonn" ? 10 : 0,
  });
  const done = (candidate: Candidate, result: Result): Trial<Candidate> => ({
    ...{ candidate, rung: 2, status: "done", result },
  });
  const trials: Trial<Candidate>[] = [
    done(candidate("cryptonn"), { accuracy: 0.93, seconds: 86_400 * 3, leakage: 1 }),
    { candidate: candidate("mitig1"), rung: 0, status: "failed", error: "weight 9 over ±8" },
    done(candidate("mitig2"), { accuracy: 0.95, seconds: 12.34, leakage: 0.97 }),
    done(candidate("mitig3", 0.7), { accuracy: 0.92, seconds: 12.34, leakage: 0.01 }),
  ];
  const advice = { trials, epochs: { search: 30, grid: 100 } };
  const text = adviceText(advice, LIMITS);
  for (
    const line of [
      "Recommended: mitig3 with 30 hidden units, batch 50, learning rate 1, noise 0.7, 12 epochs of all images",
      "accuracy 92.0 %, 12.3 s (measured), leakage 0.01",
      "Why: 1 of 3 runs keep every limit (mitig3); of these it is the most accurate, then the fastest.",
      "Leakage is measured by a decoder from z1 of all visits and the label",
      "cryptonn: no run keeps the limit on seconds (best 3 days) or leakage (best 1.00); the closest is",
      "mitig2: no run keeps the limit on leakage (best 0.97)",
      "mitig1: every run failed",
      "1 of 4 runs failed:\n  weight 9 over ±8",
      "30 epochs of the full grid's 100 (30.0 %)",
      "bounds nothing: another may do better",
      "A linear model has other choices, quadratic functional\nencryption (QFE) and homomorphic encryption (CKKS): notebook 07",
    ]
  ) assert(text.includes(line), `${line}\nin\n${text}`);
  const open = adviceText(advice, { ...LIMITS, leakage: 1 });
  assert(open.includes("Why: 2 of 3 runs keep every limit (mitig2, mitig3); of these"), open);
  const strict = { ...LIMITS, accuracy: 0.99, seconds: 300 };
  assert(adviceText(advice, strict).includes("No scheme reaches accuracy at least 99.0 %, 5 min"));
  const report = adviceReport(advice, strict);
  assertEquals(report.recommendation!.keepsLimits, false);
  assertEquals(report.failed[0].error, "weight 9 over ±8");
  assertEquals(
    report.pareto.map(({ scheme, secondsAre, leakage }) => [scheme, secondsAre, leakage]),
    [["mitig2", "measured", 0.97], ["mitig3", "measured", 0.01]],
  );
});
