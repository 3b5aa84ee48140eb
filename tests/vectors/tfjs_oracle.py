"""Small models of Keras as the tfjs converter saves them, an image, and what their first layer makes of it.

    pip install numpy tensorflow tf_keras tensorflow-hub && pip install --no-deps tensorflowjs
    python tests/vectors/tfjs_oracle.py > tests/vectors/tfjs.json

The converter asks for packages that only its other formats use: empty ones stand in for them.
"""
import base64, json, os, sys, tempfile, types

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # what the converter takes
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
for name in ["tensorflow_decision_forests", "jax", "jax.experimental", "jax.experimental.jax2tf"]:
    sys.modules[name] = types.ModuleType(name)
sys.modules["jax"].experimental = sys.modules["jax.experimental"]
sys.modules["jax.experimental"].jax2tf = sys.modules["jax.experimental.jax2tf"]

import numpy as np
import tf_keras as keras
import tensorflowjs as tfjs
from tensorflowjs.read_weights import read_weights

keras.utils.set_random_seed(1)
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


def keras_case(name, made, kind, shape=None, **options):
    """The first layer, before its activation, with the weights as they were saved."""
    model, layer = made
    with tempfile.TemporaryDirectory() as folder:
        tfjs.converters.save_keras_model(model, folder, **options)
        with open(os.path.join(folder, "model.json")) as handle:
            manifest = json.load(handle)["weightsManifest"]
        for weight in read_weights(manifest, folder, flatten=True):
            for known in layer.weights:
                if known.name.removesuffix(":0") == weight["name"]:
                    known.assign(weight["data"])
        x = IMAGES[kind][None].astype(np.float32)
        z1 = keras.Model(model.inputs, layer.output)(x.reshape(1, *shape) if shape else x).numpy()[0]
        add(name, folder, kind, z1.transpose(2, 0, 1) if z1.ndim == 3 else z1)


L = keras.layers


def dense():
    layer = L.Dense(40, bias_initializer="random_normal")
    return keras.Sequential([L.InputLayer((6, 6, 3)), L.Rescaling(1 / 127.5, offset=-1), L.Dropout(0.2), L.Flatten(),
                             layer, L.ReLU(), L.Dense(2)]), layer


def conv_same():
    x = keras.Input((6, 6, 3))
    layer = L.Conv2D(4, 3, strides=2, padding="same", bias_initializer="random_normal")
    y = layer(L.Rescaling([1 / 255, 1 / 128, 1 / 64], offset=[0, 1, -1])(x))
    left, right = L.ReLU()(y), L.Activation("tanh")(y)  # a fork behind the first layer
    return keras.Model(x, L.Dense(2)(L.Flatten()(L.Add()([left, right])))), layer


def permuted():
    layer = L.Conv2D(3, 3, use_bias=False)
    inner = keras.Sequential([L.InputLayer((6, 6, 1)), L.Permute((2, 1, 3)), L.Activation("relu")])
    return keras.Sequential([L.InputLayer((36,)), L.Reshape((6, 6, 1)), inner, layer, L.ReLU()]), layer


keras_case("scaled and flattened", dense(), "colour")
keras_case("a convolution with uneven zeros, in bytes", conv_same(), "colour", quantization_dtype_map={"uint8": "*"})
keras_case("a model in a model, in float16", permuted(), "grey", (36,), quantization_dtype_map={"float16": "*"})
keras_case("in 16 bits, three shards", dense(), "colour", quantization_dtype_map={"uint16": "*"},
           weight_shard_size_bytes=4000)

json.dump({
    "source": "tests/vectors/tfjs_oracle.py",
    "versions": {"tensorflowjs": tfjs.__version__, "tf_keras": keras.__version__},
    "shapes": SHAPES,
    "images": {kind: image.ravel().tolist() for kind, image in IMAGES.items()},
    "cases": cases,
}, sys.stdout, indent=1)
print()
