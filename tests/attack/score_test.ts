import { assertAlmostEquals, assertEquals } from "@std/assert";
import { noRecovery, type Recovery } from "lib/attack/recovery.ts";
import { meanScore, score } from "lib/attack/score.ts";

const shape = [11, 11, 1] as const;
const xTrue = Uint8Array.from({ length: 121 }, (_, i) => (i * 37) % 256);

function recovery(off: number): Recovery {
  const xHat = Float64Array.from(xTrue);
  xHat[0] += off;
  const consistent = off < 0.5;
  const worth = { consistent, certified: consistent, certificate: null };
  return { status: "optimal", xHat, ...worth, elapsedMs: 10, objective: "tv" };
}

Deno.test("score() measures a recovery and tells an exact one", () => {
  const near = score(recovery(0.4), xTrue, shape);
  assertEquals([near.status, near.exact, near.certified], ["optimal", true, true]);
  assertEquals([near.consistent, score(recovery(1), xTrue, shape).consistent], [true, false]);
  assertEquals(near.elapsedMs, 10);
  assertAlmostEquals(near.mse!, (0.4 / 255) ** 2 / 121, 1e-12);
  assertEquals(score(recovery(1), xTrue, shape).exact, false);
});

Deno.test("meanScore() leaves out what was not recovered", () => {
  const none = noRecovery("infeasible", "tv", { elapsedMs: 99 });
  const scores = [recovery(1), none, recovery(2)].map((r) => score(r, xTrue, shape));
  assertEquals([scores[1].mse, scores[1].exact], [null, false]);
  assertAlmostEquals(meanScore(scores, "mse")!, (1 + 4) / 2 / 255 ** 2 / 121, 1e-12);
  assertEquals(meanScore(scores, "elapsedMs"), 10);
  assertEquals(meanScore([scores[1]], "mse"), null);
  // An exact image is no reason for an infinite mean.
  const mixed = [recovery(0), recovery(1)].map((r) => score(r, xTrue, shape));
  assertEquals(mixed[0].psnr, Infinity);
  assertEquals(meanScore(mixed, "psnr"), mixed[1].psnr);
  assertEquals(meanScore([mixed[0]], "psnr"), null);
});
