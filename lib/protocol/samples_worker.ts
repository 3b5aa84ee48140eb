/** A Worker of decryption.ts.
 * @module */
import type { Bounds } from "../fe/params.ts";
import { type PairingName, startPairing } from "../math/pairing/group.ts";
import { serveOrders } from "../workers/actor.ts";
import { Samples, type SamplesOrder } from "./samples.ts";

/** The first order: what the samples are encrypted under. A pairing group does not cross threads. */
export interface StartOrder {
  readonly do: "start";
  /** null: not function-hiding. */
  readonly fhipe: { readonly curve: PairingName; readonly bounds: Bounds } | null;
  readonly linesBytes: number;
  /** One shared cell, not 0 once nobody waits for an answer: a busy Worker outlives `terminate` until it yields. */
  readonly stopFlag: Int32Array;
}

let samples: Samples;

serveOrders(Promise.resolve(), async (order: StartOrder | SamplesOrder) => {
  if (order.do !== "start") return await samples.obey(order);
  const { fhipe, linesBytes, stopFlag } = order;
  const scheme = fhipe === null
    ? { name: "ipfe" } as const
    : { name: "fhipe", pp: { group: await startPairing(fhipe.curve), ...fhipe.bounds } } as const;
  const stop = new AbortController();
  const look = () => {
    if (Atomics.load(stopFlag, 0) !== 0) stop.abort(new Error("nobody waits"));
  };
  samples = new Samples(scheme, linesBytes, stop.signal, look);
  return undefined;
});
