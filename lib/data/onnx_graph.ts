/** The first layer with weights of an ONNX graph.
 *
 * Nodes are walked from the graph's input. Those that reorder or scale by constants are taken into the first `Gemm`,
 * `MatMul` or `Conv`; any other before it is refused by name.
 * @see https://onnx.ai/onnx/operators/
 * @module */
import type { GraphProto, NodeProto, ValueInfoProto } from "onnx-buf";
import { refusal } from "./dataset.ts";
import { broadcast, type Elements, inputElements, permuted, reshaped } from "./elements.ts";
import { type FoundLayer, type Padding, samePadding } from "./found_layer.ts";
import type { InputSizes } from "./input_order.ts";
import { attributeOf, calledOf, integer, integers, Nodes, real } from "./onnx_nodes.ts";
import { stepped, WAY_OUT } from "./onnx_steps.ts";
import { shapeText, shown, type Tensor } from "./tensor.ts";
import type { Structure } from "./weights_file.ts";

type Fail = (why: string) => never;

/** What a graph says of its first layer.
 * @param tensors its constants.
 * @throws {DataError} not here, but where the first layer is asked for. */
export function onnxStructure(
  path: string,
  graph: GraphProto,
  tensors: readonly Tensor[],
): Structure {
  const constants = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const fail: Fail = refusal(`Cannot use ${path}`);
  const sizes = inputs.length === 1 ? sizesOf(inputs[0]) : null;
  const batched = sizes === null || sizes.length > 1;
  const input = sizes === null ? [null, null, null] : batched ? sizes.slice(1) : sizes;
  return {
    input,
    usual: input.length === 3 ? "channels-first" : null,
    first(known) {
      if (inputs.length !== 1) {
        const names = inputs.map(({ name }) => shown(name)).slice(0, 8).join(", ");
        fail(`it has ${inputs.length} inputs (${names}), expected one: ${WAY_OUT}`);
      }
      const nodes = new Nodes(path, graph, constants);
      const given = inputElements(batched ? [1, ...known] : known);
      return walk(nodes, inputs[0].name, given, batched ? sizes?.[0] ?? null : null, fail);
    },
  };
}

/** Sizes of an input; null where its rank is not known, and for each size that is not. */
function sizesOf({ type }: ValueInfoProto): InputSizes | null {
  const dims = type?.value.case === "tensorType" ? type.value.value.shape?.dim : undefined;
  if (dims === undefined || dims.length === 0) return null;
  return dims.map(({ value }) =>
    value.case === "dimValue" && value.value > 0n ? Number(value.value) : null
  );
}

/** The layer that a value meets first. @param batch the batch's size where it is fixed. */
function walk(
  nodes: Nodes,
  name: string,
  given: Elements,
  batch: number | null,
  fail: Fail,
): FoundLayer {
  for (const seen = new Set<NodeProto>();;) {
    const users = nodes.usersOf(name);
    if (users.length === 0) fail(`its input reaches no Gemm, MatMul or Conv: ${WAY_OUT}`);
    if (users.length > 1) {
      const names = users.slice(0, 4).map(calledOf).join(" and ");
      fail(`its input goes to ${names}, which of them is not clear: ${WAY_OUT}`);
    }
    const [node] = users;
    if (seen.has(node)) fail(`its graph goes round in a circle at ${calledOf(node)}`);
    seen.add(node);
    const linear = node.input[0] === name ? LAYERS[node.opType] : undefined;
    if (linear !== undefined) return linear({ node, given, nodes }, fail);
    given = stepped({ node, name, given, nodes, batch }, fail);
    name = node.output[0];
  }
}

interface At {
  readonly node: NodeProto;
  readonly given: Elements;
  readonly nodes: Nodes;
}

const LAYERS: Readonly<Record<string, ((at: At, fail: Fail) => FoundLayer) | undefined>> = {
  Gemm({ node, given, nodes }, fail) {
    const turned = integer(node, "transA", 0) === 0 ? given : permuted(given, [1, 0]) ?? given;
    const orientation = integer(node, "transB", 0) === 0 ? "in-hidden" : "hidden-in";
    const layer = dense({ node, given: turned, nodes }, orientation, fail);
    const beta = real(node, "beta", 1);
    const bias = layer.bias === null ? null : Float64Array.from(layer.bias, (b) => beta * b);
    return { ...layer, factor: real(node, "alpha", 1), bias };
  },
  MatMul: (at, fail) => dense(at, "in-hidden", fail),
  Conv: convolution,
};

/** The stored weights that a node takes. */
function weightsOf({ node, nodes }: At, rank: number, fail: Fail): Tensor {
  const called = calledOf(node);
  const weights = nodes.constant(node.input[1]) ??
    fail(`the weights of ${called} are computed, not stored: save the model without quantisation`);
  if (weights.shape.length === 0) weights.values(); // says why it cannot be read
  if (weights.shape.length !== rank) {
    const axes = rank === 2 ? "a matrix" : "square filters in two dimensions";
    fail(`${called} has weights ${shapeText(weights.shape)}, expected ${axes}`);
  }
  return weights;
}

/** The bias: the node's own, or what is added right after it; null where there is none, or where what is added is no
 * number a unit.
 * @param shape what it is broadcast to; as many numbers as the layer has units. */
function biasOf({ node, nodes }: At, shape: readonly number[]): Float64Array | null {
  const own = nodes.constant(node.input[2]);
  // of a convolution it is one axis, which is that of the filters
  if (own !== null && node.opType === "Conv") return own.values();
  const [next, ...more] = nodes.usersOf(node.output[0]);
  const added = next?.opType === "Add" && more.length === 0
    ? nodes.constant(next.input.find((name) => name !== node.output[0]))
    : null;
  const bias = own ?? added;
  return bias === null ? null : broadcast({ shape: bias.shape, values: bias.values() }, shape);
}

function dense(at: At, orientation: FoundLayer["orientation"], fail: Fail): FoundLayer {
  const { node, given } = at;
  const called = calledOf(node);
  const weights = weightsOf(at, 2, fail);
  const [rows, columns] = weights.shape;
  const [hidden, inputs] = orientation === "hidden-in" ? [rows, columns] : [columns, rows];
  const input = given.shape.at(-1) === inputs ? reshaped(given, [inputs]) : null;
  return {
    ...{ called, weights, orientation, factor: 1, bias: biasOf(at, [1, hidden]) },
    input: input ?? fail(
      `${called} has weights ${shapeText(weights.shape)} and is given ${shapeText(given.shape)}`,
    ),
    convolution: null,
  };
}

function convolution(at: At, fail: Fail): FoundLayer {
  const { node, given } = at;
  const called = calledOf(node);
  const weights = weightsOf(at, 4, fail);
  const [filters, depth, down, across] = weights.shape;
  const [, channels, height, width] = given.shape;
  if (given.shape.length !== 4) {
    fail(`${called} is given ${shapeText(given.shape)}, expected [1, channels, height, width]`);
  }
  if (integer(node, "group", 1) !== 1) fail(`${called} has groups, which are not read: ${WAY_OUT}`);
  if (depth !== channels) {
    fail(`${called} has filters over ${depth} channels and is given ${channels}`);
  }
  if (integers(node, "dilations")?.some((size) => size !== 1)) {
    fail(`${called} is dilated, which is not read: ${WAY_OUT}`);
  }
  const [stride, other = stride] = integers(node, "strides") ?? [1];
  if (stride !== other || !(stride >= 1)) {
    fail(`${called} has strides ${stride} × ${other}, only equal ones are read`);
  }
  const bias = biasOf(at, [1, filters, 1, 1]);
  if (bias !== null && bias.length !== filters) {
    fail(`${called} has a bias of ${bias.length} numbers, expected ${filters}`);
  }
  const padding = paddingOf(node, [height, width], [down, across], stride);
  if (!padding.every((zeros) => Number.isSafeInteger(zeros) && zeros >= 0)) {
    fail(`${called} has pads ${padding.join(", ")}`);
  }
  return {
    ...{ called, weights, orientation: "hidden-in", factor: 1, bias },
    input: reshaped(permuted(given, [0, 2, 3, 1])!, [height, width, channels])!,
    convolution: { stride, padding },
  };
}

function paddingOf(
  node: NodeProto,
  [height, width]: readonly [number, number],
  [down, across]: readonly [number, number],
  stride: number,
): Padding {
  const auto = new TextDecoder().decode(attributeOf(node, "auto_pad")?.s);
  if (auto === "VALID") return [0, 0, 0, 0];
  if (!auto.startsWith("SAME")) {
    const [top, left, bottom, right] = integers(node, "pads") ?? [0, 0, 0, 0];
    return [top, left, bottom, right];
  }
  const same = (size: number, kernel: number) => {
    const [before, after] = samePadding(size, kernel, stride);
    return auto === "SAME_LOWER" ? [after, before] : [before, after];
  };
  const [[top, bottom], [left, right]] = [same(height, down), same(width, across)];
  return [top, left, bottom, right];
}
