/** A Worker of parallel_first_layer.ts: does what it is told, in turn.
 * @module */
import { startBackend } from "./backend.ts";
import { FirstLayer } from "./first_layer.ts";
import type { Answer, Order } from "./parallel_first_layer.ts";

const scope = self as unknown as Worker; // the types of this file are those of the main thread
let layer: FirstLayer;

function obey(order: Order): void {
  const answer = (value: Answer) => {
    // z1 is nobody else's; the state is the layer's own
    scope.postMessage(value, value instanceof Float32Array ? [value.buffer as ArrayBuffer] : []);
  };
  switch (order.do) {
    case "start":
      layer = new FirstLayer(order.parts);
      break;
    case "prepare":
      layer.prepare(order.indices);
      break;
    case "forward":
      answer(layer.forward());
      break;
    case "apply":
      answer(layer.apply(order.indices));
      break;
    case "backward":
      layer.backward(order.dz1);
      break;
    case "update":
      layer.update(order.divisor, order.learningRate);
      break;
    case "state":
      answer(layer.state());
      break;
    case "times":
      answer(layer.times());
  }
}

const started = startBackend();
scope.onmessage = async ({ data }: MessageEvent<Order>) => {
  await started; // messages that came meanwhile keep their order
  obey(data);
};
