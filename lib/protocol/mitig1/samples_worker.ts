/** A Worker of decryption.ts.
 * @module */
import type { FhipeParams } from "../../fe/fhipe.ts";
import { type PairingName, startPairing } from "../../math/pairing/group.ts";
import { serveOrders } from "../../workers/actor.ts";
import { Samples, type SamplesOrder } from "./samples.ts";

/** The first order: what the samples are encrypted under. A pairing group does not cross threads. */
export interface StartOrder {
  readonly do: "start";
  readonly curve: PairingName;
  readonly bounds: Omit<FhipeParams, "group">;
  readonly budgetBytes: number;
  /** One shared cell, not 0 once nobody waits for an answer: a busy Worker outlives `terminate` until it yields. */
  readonly stopFlag: Int32Array;
}

let samples: Samples;

serveOrders(Promise.resolve(), async (order: StartOrder | SamplesOrder) => {
  if (order.do !== "start") return await samples.obey(order);
  const group = await startPairing(order.curve);
  const stop = new AbortController();
  const look = () => {
    if (Atomics.load(order.stopFlag, 0) !== 0) stop.abort(new Error("nobody waits"));
  };
  samples = new Samples({ group, ...order.bounds }, order.budgetBytes, stop.signal, look);
  return undefined;
});
