import { assert, assertEquals, assertRejects } from "@std/assert";
import * as study from "lib/study/mitig1_keys.ts";
import { data, options } from "../protocol/mitig1/fixtures.ts";

const seeds = { client: 2, server: 3 };

Deno.test("what the real server opens is what the training in the clear has; outside its batch only under one key", async () => {
  const small = { ...options, epochs: 1, seeds };
  const one = await study.runCurious(data, { ...small, keysPer: "training", workers: 0 });
  const each = await study.runCurious(data, { ...small, keysPer: "batch", workers: 0 });
  assertEquals(one.view.steps, each.view.steps);
  const clear = await study.clearSpan(data, small);
  const real = await study.openAll(one, data, { workers: 0, scales: small.scales });
  assert(study.sameOpened(real, clear));
  assert(!study.sameOpened({ ...real, opened: real.opened.with(2, 1) }, clear));
  assertEquals(await study.opensOutside(one, 3), 3);
  assertEquals(await study.opensOutside(each, 3), 0);
  const whole = { ...one, ciphertexts: one.ciphertexts.slice(0, small.batch) };
  await assertRejects(() => study.opensOutside(whole, 1), RangeError, "one batch is all");
  const { rows } = await study.costTable([one, each], { epochs: 2, batch: small.batch, large: 9 });
  assertEquals(rows.map(([name]) => name), [
    ...["one master key (paper)", "a master key for each batch"],
    "fresh ciphertexts each step (computed)",
  ]);
});
