import { assert, assertEquals } from "@std/assert";
import { firstImages, poolImages } from "lib/data/dataset.ts";
import { ask, askAll, PACKED, UNIT } from "lib/study/active_server.ts";
import { SQUARES } from "./fixtures.ts";

const images = firstImages(poolImages(SQUARES, 6), 12); // 2 × 2 pixels

Deno.test("a server that chooses opens what it asks for; an authority with a rule refuses what its rule says", async () => {
  const asked = await askAll(images, { hidden: 4, batch: 6, mostShare: 0.7, insecureSeed: 1 });
  assertEquals(asked.freely.map(({ keys, exact }) => [keys, exact]), [
    ...[[1, 1], [2, 1], [1, 2], [4, 0], [8, 6]],
  ]);
  assertEquals(asked.limited.map(({ refused }) => refused !== null), [
    ...[true, true, false, false, true],
  ]);
  assertEquals([asked.limited[2].exact, asked.table("t").rows.length], [2, 5]);
});

Deno.test("ask() keeps what was refused apart from what was read", async () => {
  const refused = await ask(images, UNIT, { batch: 4, policy: { mostShare: 1 } });
  assert(refused.refused!.includes("would open entry 0 of every ciphertext"));
  assertEquals([refused.read, refused.exact], [0, 0]);
  const granted = await ask(images, PACKED, { batch: 4, policy: { mostShare: 1 } });
  assertEquals([granted.refused, granted.read], [null, 2]);
});
