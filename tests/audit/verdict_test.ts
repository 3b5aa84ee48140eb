import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AttackFinding, Change } from "lib/audit/findings.ts";
import { verdictOf } from "lib/audit/verdict.ts";
import { finding } from "./fixtures.ts";

const about = { kind: "image", scheme: "cryptonn", count: 10 } as const;
const width = (units: number): Change => ({
  kind: "width",
  what: `keep the first layer at ${units} units or fewer`,
  trials: [
    { setting: "200 units", leakage: 1, stops: false },
    { setting: `${units} units`, leakage: 0, stops: true },
  ],
  cost: { accuracy: null, seconds: null, bytes: null, note: "" },
  note: "",
});
const scheme: Change = {
  ...width(1),
  kind: "scheme",
  what: "train under mitig3, σ 0.5",
  cost: { accuracy: { now: 0.9, then: 0.3 }, seconds: null, bytes: null, note: "" },
};
const leaking = (name: string, change: Change | null): AttackFinding =>
  finding({
    ...{ name, title: `Attack ${name}`, change, outcome: "recovered", changeNote: "" },
    counts: { attacked: 10, exact: 10, certified: 10 },
  });

Deno.test("advice is the narrowest width, and only where each attack on single samples has one", () => {
  const both = verdictOf([leaking("tv-sum", width(40)), leaking("tv", width(25))], [], about);
  assertStringIncludes(both.advice, "single samples: keep the first layer at 25 units");
  const one = verdictOf([leaking("tv-sum", width(40)), leaking("tv", null)], [], about);
  assert(!one.advice.includes("units"));
  assertStringIncludes(one.advice, "No change was found that stops attack tv-sum, attack tv.");
  const batch = verdictOf([leaking("tv-sum", width(40)), leaking("gradient", null)], [], about);
  assertStringIncludes(batch.advice, "40 units");
  assertStringIncludes(batch.advice, "No change was found that stops attack gradient.");
});

Deno.test("a scheme that stops all comes first, with its price", () => {
  const { advice } = verdictOf([leaking("tv", width(9)), leaking("gradient", scheme)], [], about);
  assertStringIncludes(
    advice,
    "What stopped all that was found, at a high price: train under mitig3",
  );
  assertStringIncludes(advice, "90 → 30 %");
});

Deno.test("the sentence says how many were tried, of how many, and what an upper bound is", () => {
  const of = (counts: AttackFinding["counts"], name = "tv") =>
    verdictOf([{ ...leaking(name, null), counts }], [], { ...about, count: 300 }).sentence;
  assertStringIncludes(
    of({ attacked: 100, exact: 100, certified: 90 }),
    "Every one of the 100 private images that were tried, of 300, is recovered exactly, 90 of them",
  );
  assertStringIncludes(
    of({ attacked: 300, exact: 7, certified: 7 }),
    "7 of 300 private images are",
  );
  assertStringIncludes(
    of({ attacked: 300, exact: 7, certified: 0 }, "decoder-named"),
    "upper bound",
  );
});

Deno.test("nothing found is a verdict, nothing tried is none", () => {
  const quiet = (outcome: AttackFinding["outcome"]) =>
    verdictOf([finding({ name: "tv", outcome, change: null, changeNote: "" })], [], about);
  assertEquals([quiet("nothing").leaks, quiet("nothing").decided], [false, true]);
  for (const outcome of ["failed", "out of time", "unmeasured"] as const) {
    assertEquals([quiet(outcome).leaks, quiet(outcome).decided], [false, false], outcome);
    assert(quiet(outcome).sentence.startsWith("Undecided"), outcome);
  }
});
