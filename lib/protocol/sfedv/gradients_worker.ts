/** A Worker of gradients.ts.
 * @module */
import { type BatchCiphertext, joinColumns } from "../../fe/qfe_batch.ts";
import { decodeBatchCiphertext } from "../../fe/qfe_gradient_encoding.ts";
import { startPairing } from "../../math/pairing/group.ts";
import { serveOrders } from "../../workers/actor.ts";
import { type GradientOrder, openShare } from "./gradients.ts";

const batches = new Map<number, BatchCiphertext>();
const starting = startPairing();

serveOrders(starting, async (order: GradientOrder) => {
  const group = await starting;
  if (order.do === "open") return openShare(batches.get(order.batch)!, order);
  const parts = order.parts.map((bytes) => decodeBatchCiphertext(group, bytes));
  batches.set(order.batch, joinColumns(parts));
  return new Float64Array(0);
});
