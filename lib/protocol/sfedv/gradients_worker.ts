/** A Worker of gradients.ts.
 * @module */
import { startPairing } from "../../math/pairing/group.ts";
import { serveOrders } from "../../workers/actor.ts";
import { Batches, type GradientOrder } from "./gradients.ts";

const batches = startPairing().then((group) => new Batches(group));

serveOrders(batches, async (order: GradientOrder) => (await batches).obey(order));
