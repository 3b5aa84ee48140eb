import { assertEquals, assertRejects } from "@std/assert";
import { Actor } from "lib/workers/actor.ts";
import type { AdderOrder } from "./adder_worker.ts";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const open = () =>
  new Actor<AdderOrder, number | Float64Array>(
    new URL("./adder_worker.ts", import.meta.url),
    "the sum",
  );

Deno.test({
  name: "Actor obeys in the order of its orders, also those sent before it is ready",
  ignore,
  async fn() {
    using actor = open();
    for (const number of [30, 1, 20]) actor.tell({ add: number });
    const first = actor.ask<Float64Array>("list");
    actor.tell({ add: 2 });
    const total = actor.ask<number>("total");
    assertEquals(await first, Float64Array.of(30, 1, 20));
    assertEquals(await total, 53);
  },
});

Deno.test({
  name: "Actor throws to who asked what the order threw, and goes on",
  ignore,
  async fn() {
    using actor = open();
    await assertRejects(() => actor.ask({ add: -1 }), Error, "-1 is negative");
    actor.tell({ add: 4 });
    assertEquals(await actor.ask("total"), 4);
  },
});

Deno.test({
  name: "Actor ends when an order that was only told throws",
  ignore,
  async fn() {
    using actor = open();
    actor.tell({ add: -2 });
    const reason = "Cannot go on with the sum: ";
    await assertRejects(() => actor.ask("total"), Error, reason);
    await assertRejects(() => actor.ask("total"), Error, "-2 is negative");
  },
});

Deno.test({
  name: "Actor refuses what is pending and what comes later once it is stopped",
  ignore,
  async fn() {
    const actor = open();
    const owed = actor.ask("total");
    actor.stop("enough");
    await assertRejects(() => owed, Error, "enough");
    await assertRejects(() => actor.ask("total"), Error, "enough");
  },
});
