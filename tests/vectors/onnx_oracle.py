"""Small models as PyTorch and ONNX save them, an image, and what their first layer makes of it.

    pip install numpy torch onnx onnxscript
    python tests/vectors/onnx_oracle.py > tests/vectors/onnx.json
"""
import base64, contextlib, json, os, sys, tempfile

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

torch.manual_seed(1)
rng = np.random.default_rng(1)
SHAPES = {"grey": (6, 6, 1), "colour": (6, 6, 3)}
IMAGES = {kind: rng.integers(0, 256, shape) for kind, shape in SHAPES.items()}
cases = []


def add(name, folder, kind, z1):
    files = {}
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), "rb") as handle:
            files[file] = base64.b64encode(handle.read()).decode()
    z1 = [float(f"{z:.7g}") for z in np.asarray(z1, dtype=float).ravel()]
    cases.append({"name": name, "images": kind, "files": files, "z1": z1})


def onnx_case(name, path, kind, output, shape=None):
    """Keeps the file as it is but for paths of the machine, and runs it up to its first layer."""
    model = onnx.load(path, load_external_data=False)
    del model.graph.value_info[:]
    for part in [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output]:
        del part.metadata_props[:]
    onnx.save(model, path)
    model = onnx.load(path)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    image = IMAGES[kind][None]
    x = image.reshape(shape) if shape else image.transpose(0, 3, 1, 2)
    elem = model.graph.input[0].type.tensor_type.elem_type
    x = x.astype(helper.tensor_dtype_to_np_dtype(elem))
    z1 = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})[0]
    add(name, os.path.dirname(path), kind, z1)


def torch_case(name, model, kind, output, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        height, width, channels = SHAPES[kind]
        x = torch.zeros(options.pop("batch", 1), channels, height, width)
        with contextlib.redirect_stdout(sys.stderr):
            torch.onnx.export(model.eval(), (x,), path, verbose=False, **options)
        onnx_case(name, path, kind, output(onnx.load(path, load_external_data=False)))


first = lambda op: lambda model: next(n for n in model.graph.node if n.op_type == op).output[0]


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(108, 7)
        self.register_buffer("mean", torch.tensor([0.5, 0.4, 0.3])[:, None, None])

    def forward(self, x):
        x = (x / 255 - self.mean) / 0.25
        return torch.relu(self.fc(x.view(x.size(0), -1)))


mlp = nn.Sequential(nn.Flatten(), nn.Linear(36, 40), nn.ReLU(), nn.Linear(40, 3))
torch_case("PyTorch, weights in a file beside it", mlp, "grey", first("Gemm"))
torch_case("PyTorch, a computed shape, a batch of any size", Normalised(), "colour", first("Gemm"),
           dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "batch"}})
torch_case("PyTorch, the same by the new exporter", Normalised(), "colour", first("Gemm"), batch=2,
           dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
conv = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))
torch_case("PyTorch, a convolution", conv, "colour", first("Conv"), dynamo=False)
torch_case("PyTorch, no bias", nn.Sequential(nn.Flatten(), nn.Linear(108, 5, bias=False), nn.ReLU()), "colour",
           first("MatMul"), dynamo=False)


def made_case(name, nodes, tensors, kind, inputs, output, typ=TensorProto.FLOAT):
    value = lambda n, t, s: helper.make_tensor_value_info(n, t, s)
    graph = helper.make_graph(nodes, "g", [value("x", typ, inputs)], [value(output, TensorProto.FLOAT, None)], tensors)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(model, path)
        onnx_case(name, path, kind, output, [s if isinstance(s, int) else 1 for s in inputs])


real = lambda *shape: rng.normal(size=shape).astype(np.float32)
typed = lambda name, array: helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel())
raw = lambda name, array: numpy_helper.from_array(array, name)
made_case("pixels of bytes, Keras' order, SAME_UPPER, a bias added", [
    helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
    helper.make_node("Mul", ["s", "f"], ["m"]),
    helper.make_node("Sub", ["one", "m"], ["n"]),
    helper.make_node("Transpose", ["n"], ["t"], perm=[0, 3, 1, 2]),
    helper.make_node("Conv", ["t", "w"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2]),
    helper.make_node("Add", ["b", "c"], ["y"]),
], [typed("w", real(3, 3, 3, 3)), typed("b", real(3, 1, 1)), raw("s", np.float32([0.5, 1, 2]) / 255),
    raw("one", np.float32(1))], "colour", ["batch", 6, 6, 3], "y", TensorProto.UINT8)
made_case("SAME_LOWER, padding of four kinds", [
    helper.make_node("Unsqueeze", ["x", "axis"], ["u"]),
    helper.make_node("Conv", ["u", "w"], ["y"], auto_pad="SAME_LOWER", strides=[3, 3]),
], [raw("w", real(2, 1, 4, 4)), raw("axis", np.int64([1]))], "grey", [1, 6, 6], "y")
made_case("pads apart", [
    helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[0, 1, 2, 1]),
], [raw("w", real(2, 1, 3, 3)), raw("b", real(2))], "grey", [1, 1, 6, 6], "y")
made_case("Gemm with everything", [
    helper.make_node("Constant", [], ["target"], value_ints=[0, -1]),
    helper.make_node("Reshape", ["x", "target"], ["r"]),
    helper.make_node("Transpose", ["r"], ["t"]),
    helper.make_node("Identity", ["w"], ["v"]),
    helper.make_node("Gemm", ["t", "v", "b"], ["y"], alpha=0.5, beta=2.0, transA=1),
], [raw("w", real(36, 40)), raw("b", real(1, 40))], "grey", [1, 6, 6], "y")
made_case("MatMul and Add", [
    helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
    helper.make_node("MatMul", ["x", "wt"], ["m"]),
    helper.make_node("Add", ["m", "b"], ["y"]),
], [raw("w", real(40, 36)), raw("b", real(40))], "grey", [1, 36], "y")

json.dump({
    "source": "tests/vectors/onnx_oracle.py",
    "versions": {"torch": torch.__version__, "onnx": onnx.__version__},
    "shapes": SHAPES,
    "images": {kind: image.ravel().tolist() for kind, image in IMAGES.items()},
    "cases": cases,
}, sys.stdout, indent=1)
print()
