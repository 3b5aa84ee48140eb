"""The peer of epoch.ts: the same epoch in NumPy, in one process, on all cores.

Argument: a folder with x.u8, y.u8, order.u32, W1.f32, W2.f32 and setting.json, all raw and row-major.
Every line on stdin trains one epoch from these weights: "done MILLISECONDS NORM", the norm of W1.
float32 throughout, arrays reused, the optimizer in place: as fast as we could write it in plain NumPy.
"""
import json
import sys
import time

try:
    import numpy as np
except ImportError as error:
    print(f"NumPy is not here: {error}", file=sys.stderr)
    sys.exit(3)

folder = sys.argv[1]


def read(name, kind):
    return np.fromfile(f"{folder}/{name}", dtype=kind)


with open(f"{folder}/setting.json") as file:
    setting = json.load(file)
n, hidden, classes = setting["n"], setting["hidden"], setting["classes"]
batch, rate0, epochs = setting["batch"], setting["learningRate"], setting["epochs"]
x = read("x.u8", np.uint8).reshape(-1, n)
y, order = read("y.u8", np.uint8), read("order.u32", np.uint32)
one_hot = np.eye(classes, dtype=np.float32)


class Adam:
    """Kingma and Ba, algorithm 1, with the two corrections taken into the rate and epsilon."""

    def __init__(self, weights):
        self.weights, self.steps = weights, 0
        self.m, self.v = np.zeros_like(weights), np.zeros_like(weights)
        self.a, self.b = np.empty_like(weights), np.empty_like(weights)

    def step(self, g, rate):
        self.steps += 1
        root = np.sqrt(1 - 0.999**self.steps)
        a, b = self.a, self.b
        np.multiply(g, np.float32(0.1), out=a)
        self.m *= np.float32(0.9)
        self.m += a
        np.multiply(g, g, out=a)
        a *= np.float32(0.001)
        self.v *= np.float32(0.999)
        self.v += a
        np.sqrt(self.v, out=b)
        b += np.float32(1e-8 * root)
        np.divide(self.m, b, out=a)
        a *= np.float32(rate * root / (1 - 0.9**self.steps))
        self.weights -= a


def epoch():
    W1 = read("W1.f32", np.float32).reshape(hidden, n)  # for pixels in 0..1
    W2 = read("W2.f32", np.float32).reshape(classes, hidden)
    b1, b2 = np.zeros(hidden, np.float32), np.zeros(classes, np.float32)
    optimizers = [Adam(weights) for weights in (W1, b1, W2, b2)]
    per_epoch = -(-len(order) // batch)
    scale = np.float32(1 / 255)
    for k in range(per_epoch):
        part = order[k * batch:(k + 1) * batch]
        m = np.float32(len(part))
        X = x[part] * scale
        A1 = X @ W1.T
        A1 += b1
        np.negative(A1, out=A1)
        np.exp(A1, out=A1)
        A1 += 1
        np.reciprocal(A1, out=A1)
        A2 = A1 @ W2.T
        A2 += b2
        A2 -= A2.max(axis=1, keepdims=True)
        np.exp(A2, out=A2)
        A2 /= A2.sum(axis=1, keepdims=True)
        A2 -= one_hot[y[part]]  # dZ2
        A2 /= m
        dZ1 = A2 @ W2
        dZ1 *= A1
        dZ1 *= 1 - A1
        rate = rate0 * (1 - k / (epochs * per_epoch))
        gradients = (dZ1.T @ X, dZ1.sum(axis=0), A2.T @ A1, A2.sum(axis=0))
        for optimizer, gradient in zip(optimizers, gradients):
            optimizer.step(gradient, rate)
    return W1


epoch()  # the first is slower
libraries = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
library = f"{libraries.get('name', 'its BLAS')} {libraries.get('version', '')}".strip()
print(f"ready NumPy {np.__version__} with {library}", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    W1 = epoch()
    elapsed = 1000 * (time.perf_counter() - start)
    print(f"done {elapsed:.3f} {np.linalg.norm(W1.astype(np.float64)):.9g}", flush=True)
