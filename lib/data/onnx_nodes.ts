/** An ONNX graph as one walks it: who takes a value, what is constant, what a node's attributes are.
 * @module */
import type { AttributeProto, GraphProto, NodeProto } from "onnx-buf";
import { inputElements, permuted } from "./elements.ts";
import { onnxTensor } from "./onnx_tensor.ts";
import { shown, type Tensor } from "./tensor.ts";

/** A node, for messages: "node /fc1/Gemm (Gemm)". */
export const calledOf = ({ name, output, opType }: NodeProto): string =>
  `node ${shown(name || output[0] || "")} (${shown(opType)})`;

/** An attribute of a node. */
export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

/** One that is an integer. */
export const integer = (node: NodeProto, name: string, otherwise: number): number =>
  Number(attributeOf(node, name)?.i ?? otherwise);

/** One that is a real number. */
export const real = (node: NodeProto, name: string, otherwise: number): number =>
  attributeOf(node, name)?.f ?? otherwise;

/** One that is a list of integers. */
export const integers = (node: NodeProto, name: string): number[] | null =>
  attributeOf(node, name)?.ints.map(Number) ?? null;

/** The order of axes that a `Transpose` makes: backwards, where it does not say. */
export const axesOf = (node: NodeProto, rank: number): number[] =>
  integers(node, "perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);

/** Constants made of constants, one after another: longer chains are not made by an exporter. */
const MAX_CHAIN = 8;

/** The nodes of a graph by what they take and make. */
export class Nodes {
  readonly #users = new Map<string, NodeProto[]>();
  readonly #makers = new Map<string, NodeProto>();

  /** @param tensors the graph's initialisers. */
  constructor(
    /** The file, for messages. */
    readonly path: string,
    graph: GraphProto,
    readonly tensors: ReadonlyMap<string, Tensor>,
  ) {
    for (const node of graph.node) {
      for (const name of node.output) this.#makers.set(name, node);
      if (node.opType === "Shape") continue; // asks for sizes only
      for (const name of new Set(node.input)) {
        const known = this.#users.get(name);
        if (known === undefined) this.#users.set(name, [node]);
        else known.push(node);
      }
    }
  }

  /** The nodes that take a value. */
  usersOf(name: string): readonly NodeProto[] {
    return this.#users.get(name) ?? [];
  }

  /** A value that does not depend on the input; null where it does, or is computed in another way than read here. */
  constant(name: string | undefined, chain = 0): Tensor | null {
    if (name === undefined || name === "" || chain > MAX_CHAIN) return null;
    const maker = this.#makers.get(name);
    const stored = this.tensors.get(name);
    if (stored !== undefined || maker === undefined) return stored ?? null;
    if (maker.opType === "Constant") return constantOf(this.path, maker);
    if (maker.opType !== "Identity" && maker.opType !== "Transpose") return null;
    const from = this.constant(maker.input[0], chain + 1);
    return from === null || maker.opType === "Identity" ? from : transposed(maker, from);
  }
}

/** The value of a `Constant`. */
function constantOf(path: string, node: NodeProto): Tensor | null {
  const tensor = attributeOf(node, "value")?.t;
  if (tensor !== undefined) return onnxTensor(path, tensor);
  const [attribute] = node.attribute;
  if (attribute === undefined) return null;
  const { name, f, i, floats, ints } = attribute;
  const single = name === "value_float" ? f : name === "value_int" ? Number(i) : null;
  const values = single === null ? [...floats, ...ints.map(Number)] : [single];
  const shape = single === null ? [values.length] : [];
  return { name: node.output[0], shape, values: () => Float64Array.from(values) };
}

function transposed(node: NodeProto, from: Tensor): Tensor | null {
  const turned = permuted(inputElements(from.shape), axesOf(node, from.shape.length));
  if (turned === null) return null;
  const values = () => {
    const numbers = from.values();
    return Float64Array.from(turned.source, (at) => numbers[at]);
  };
  return { name: from.name, shape: turned.shape, values };
}
