/** A Worker of parallel_first_layer.ts.
 * @module */
import { serveOrders } from "../workers/actor.ts";
import { startBackend } from "./backend.ts";
import { FirstLayer } from "./first_layer.ts";
import type { Answer, Order } from "./parallel_first_layer.ts";

let layer: FirstLayer;

function obey(order: Order): Answer | void {
  switch (order.do) {
    case "start":
      layer = new FirstLayer(order.parts);
      break;
    case "prepare":
      layer.prepare(order.indices);
      break;
    case "forward":
      return layer.forward();
    case "apply":
      return layer.apply(order.indices);
    case "backward":
      layer.backward(order.dz1);
      break;
    case "update":
      layer.update(order.divisor, order.learningRate);
      break;
    case "state":
      return layer.state();
    case "times":
      return layer.times();
  }
}

serveOrders(startBackend(), obey);
