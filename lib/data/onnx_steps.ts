/** Nodes of an ONNX graph that only reorder their input, or scale and shift it by constants.
 * @see https://onnx.ai/onnx/operators/
 * @module */
import { type NodeProto, TensorProto_DataType as Type } from "onnx-buf";
import { type Elements, permuted, reshaped, scalar, scaled } from "./elements.ts";
import { axesOf, calledOf, integer, integers, type Nodes } from "./onnx_nodes.ts";
import { countOf, shapeText } from "./tensor.ts";

/** What to do about a graph that is not read. */
export const WAY_OUT = "name the array by --tensor to take it by itself";

const REALS: readonly number[] = [Type.FLOAT, Type.DOUBLE, Type.FLOAT16, Type.BFLOAT16];

/** A node, the value that it is given, and where it stands. */
interface At {
  readonly node: NodeProto;
  /** The value's name. */
  readonly name: string;
  readonly given: Elements;
  readonly nodes: Nodes;
  /** The batch's size where it is fixed; `given` is one of it. */
  readonly batch: number | null;
}

type Step = (at: At, fail: (why: string) => never) => Elements | null;

const STEPS: Readonly<Record<string, Step>> = {
  Identity: ({ given }) => given,
  Dropout: ({ given }) => given,
  Cast({ node, given }, fail) {
    const whole = given.scale.every(Number.isInteger) && given.offset.every(Number.isInteger);
    if (whole || REALS.includes(integer(node, "to", Type.FLOAT))) return given;
    return fail(`${calledOf(node)} rounds its input: ${WAY_OUT}`);
  },
  Flatten({ node, given }) {
    const rank = given.shape.length;
    const axis = (integer(node, "axis", 1) + rank) % rank;
    return reshaped(given, [countOf(given.shape.slice(0, axis)), -1]);
  },
  Reshape({ node, given, nodes, batch }) {
    const target = nodes.constant(node.input[1])?.values();
    // a computed shape is x.view(x.size(0), -1) and its kin
    const shape = target === undefined ? [1, -1] : [...target];
    if (shape[0] === batch) shape[0] = 1;
    return reshaped(given, shape.map((size, k) => size === 0 ? given.shape[k] ?? 0 : size));
  },
  Transpose: ({ node, given }) => permuted(given, axesOf(node, given.shape.length)),
  Squeeze({ node, given, nodes }) {
    const rank = given.shape.length;
    const axes = given.shape.flatMap((size, k) => size === 1 && k > 0 ? [k] : []);
    const gone = (axesGiven(node, nodes) ?? axes).map((axis) => (axis + rank) % rank);
    return reshaped(given, given.shape.filter((_, k) => !gone.includes(k)));
  },
  Unsqueeze({ node, given, nodes }) {
    const axes = axesGiven(node, nodes) ?? [];
    const rank = given.shape.length + axes.length;
    const shape = [...given.shape];
    const places = axes.map((axis) => (axis + rank) % rank).sort((a, b) => a - b);
    for (const place of places) shape.splice(place, 0, 1);
    return reshaped(given, shape);
  },
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  BatchNormalization: ({ node }, fail) =>
    fail(
      `${
        calledOf(node)
      } stands before its first weights, and in training depends on the whole batch: ${WAY_OUT}`,
    ),
};

/** Axes as an attribute, as opsets before 13 have them, or as an input. */
const axesGiven = (node: NodeProto, nodes: Nodes): readonly number[] | null =>
  integers(node, "axes") ?? (nodes.constant(node.input[1])?.values() as number[] | undefined) ??
    null;

/** x + c, x − c, c − x, x · c, x / c. */
function arithmetic({ node, name, given, nodes }: At, fail: (why: string) => never) {
  const { opType, input: [left, right] } = node;
  const isSecond = right === name;
  const constant = nodes.constant(isSecond ? left : right);
  if (constant === null || opType === "Div" && isSecond) {
    return fail(`${calledOf(node)} is not linear by a constant: ${WAY_OUT}`);
  }
  const values = constant.values();
  const times = (factor: number) => ({
    shape: constant.shape,
    values: values.map((c) => c * factor),
  });
  const inverse = { shape: constant.shape, values: values.map((c) => 1 / c) };
  const made = opType === "Mul"
    ? scaled(given, times(1), scalar(0))
    : opType === "Div"
    ? scaled(given, inverse, scalar(0))
    : opType === "Add"
    ? scaled(given, scalar(1), times(1))
    : isSecond
    ? scaled(given, scalar(-1), times(1))
    : scaled(given, scalar(1), times(-1));
  const [to, from] = [shapeText(given.shape), shapeText(constant.shape)];
  return made ?? fail(`${calledOf(node)} takes ${from} beside ${to}, which would add axes`);
}

/** What a node without weights makes of its input.
 * @param fail refuses the file: a node that is not linear, not read, or does not fit. */
export function stepped(at: At, fail: (why: string) => never): Elements {
  const { node, given } = at;
  const called = calledOf(node);
  if (!Object.hasOwn(STEPS, node.opType)) {
    fail(`${called} stands before its first weights and is not read: ${WAY_OUT}`);
  }
  return STEPS[node.opType](at, fail) ??
    fail(`${called} does not fit its input ${shapeText(given.shape)}`);
}
