/** The layers of a Keras model in the order in which its input meets them.
 * @module */
import { shown } from "./tensor.ts";

type Fail = (why: string) => never;
type Json = Readonly<Record<string, unknown>>;

/** A layer of Keras as JSON. */
export interface Layer {
  readonly name: string;
  /** Keras' class: "Dense". */
  readonly kind: string;
  /** For messages: "layer dense_1 (Dense)". */
  readonly called: string;
  readonly config: Json;
  /** Names of the layers that it is given. */
  readonly from: readonly string[];
}

/** Models inside models: deeper are not made by hand. */
const MAX_DEPTH = 16;
const MODELS = new Set(["Sequential", "Functional", "Model"]);

const isMap = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Walks from the input until the layers end or part ways; what comes after its parting may be anything.
 * @param model `{ class_name, config }`.   @param fail refuses the file.
 * @returns the layers up to the first fork, models inside unpacked. */
export function layersInOrder(model: Json, fail: Fail, depth = 0): Layer[] {
  if (depth > MAX_DEPTH) fail(`models inside models, deeper than ${MAX_DEPTH}`);
  const { class_name: kind, config } = model;
  if (!MODELS.has(String(kind))) {
    fail(`it is a ${shown(String(kind))} model, expected Sequential or Functional`);
  }
  const list = Array.isArray(config) ? config : isMap(config) ? config.layers : null;
  if (!Array.isArray(list)) return fail("it has no list of layers");
  const entries = list.map((entry) => layerOf(entry, fail));
  const chain = kind === "Sequential" ? entries : chained(entries, config as Json, fail);
  return chain.flatMap((layer) =>
    MODELS.has(layer.kind)
      ? layersInOrder({ class_name: layer.kind, config: layer.config }, fail, depth + 1)
      : [layer]
  );
}

function layerOf(entry: unknown, fail: Fail): Layer {
  const { class_name: kind, config, inbound_nodes: nodes, name } = isMap(entry) ? entry : {};
  if (typeof kind !== "string" || !(isMap(config) || Array.isArray(config))) {
    return fail("a layer has no class or no config");
  }
  const own = isMap(config) ? config : { layers: config };
  const called = String(name ?? own.name ?? "");
  return {
    ...{ name: called, kind, called: `layer ${shown(called)} (${shown(kind)})` },
    ...{ config: own, from: sources(nodes) },
  };
}

/** The layers that a layer is given: Keras 2 has `[[["name", 0, 0, {}]]]`, Keras 3 `keras_history: ["name", 0, 0]`. */
function sources(nodes: unknown): string[] {
  const names = new Set<string>();
  const pending: unknown[] = [nodes];
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      const [name, node, tensor] = value;
      if (typeof name === "string" && Number.isInteger(node) && Number.isInteger(tensor)) {
        names.add(name);
      } else for (const inner of value) pending.push(inner);
    } else if (isMap(value)) pending.push(...Object.values(value));
  }
  return [...names];
}

/** The layers of a functional model, from its one input on, as long as one layer takes what one gives. */
function chained(layers: readonly Layer[], config: Json, fail: Fail): Layer[] {
  const stated = sources([config.input_layers]);
  const inputs = layers.filter(({ name, kind }) =>
    stated.length > 0 ? stated.includes(name) : kind === "InputLayer"
  );
  if (inputs.length !== 1) {
    const names = inputs.map(({ name }) => shown(name)).slice(0, 8).join(", ");
    fail(
      `it has ${inputs.length} inputs${
        names && ` (${names})`
      }, expected one: name an array by --tensor`,
    );
  }
  const users = new Map<string, Layer[]>();
  for (const layer of layers) {
    for (const name of layer.from) users.set(name, [...users.get(name) ?? [], layer]);
  }
  const chain = [inputs[0]];
  for (const seen = new Set([inputs[0].name]);;) {
    const next = users.get(chain.at(-1)!.name) ?? [];
    if (next.length !== 1 || next[0].from.length !== 1) {
      if (next.length > 0) chain.push(fork(next));
      return chain;
    }
    if (seen.has(next[0].name)) fail(`its layers go round in a circle at ${next[0].called}`);
    seen.add(next[0].name);
    chain.push(next[0]);
  }
}

/** Where a model parts ways: a layer that nobody can take, whose name says so. */
function fork(next: readonly Layer[]): Layer {
  const names = next.map(({ called }) => called).slice(0, 4).join(" and ");
  return { name: "", kind: "", called: `a fork to ${names}`, config: {}, from: [] };
}
