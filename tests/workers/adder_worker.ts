/** A Worker for the actor's tests: adds up numbers, slowly for larger ones; fails on a negative one. */
import { serveOrders } from "lib/workers/actor.ts";

export type AdderOrder = { add: number } | "total" | "list";

const added: number[] = [];

async function obey(order: AdderOrder): Promise<number | Float64Array | undefined> {
  if (order === "total") return added.reduce((a, b) => a + b, 0);
  if (order === "list") return Float64Array.from(added);
  await new Promise((resolve) => setTimeout(resolve, order.add));
  if (order.add < 0) throw new Error(`${order.add} is negative (expected in this test's output)`);
  added.push(order.add);
  return undefined;
}

serveOrders(new Promise((resolve) => setTimeout(resolve, 10)), obey);
