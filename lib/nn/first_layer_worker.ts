/** A Worker of parallel_first_layer.ts.
 * @module */
import { serveOrders } from "../workers/actor.ts";
import { LocalFirstLayer } from "./first_layer.ts";
import type { Call } from "./parallel_first_layer.ts";

let layer: LocalFirstLayer;

function obey(call: Call): unknown {
  switch (call[0]) {
    case "open":
      layer = new LocalFirstLayer(call[1]);
      return;
    case "forward":
      layer.forward(call[1]);
      return;
    case "apply":
      layer.apply(call[1], call[2]);
      return;
  }
  const [method, ...args] = call;
  return (layer[method] as (...args: unknown[]) => unknown).apply(layer, args);
}

serveOrders(Promise.resolve(), (calls: Call[]) => calls.map(obey).at(-1)); // the last is what is asked
