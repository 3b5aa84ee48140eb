"""Known answers for tests/attack: optima by SciPy and SSIM by scikit-image, written apart from lib/.

Run by hand: python -m venv v && v/bin/pip install scipy scikit-image && v/bin/python oracle.py > oracle.json
"""
import json
import numpy as np
import scipy
import skimage
from scipy.optimize import linprog
from skimage.metrics import structural_similarity

H, W, HIDDEN = 5, 4, 8
N = H * W
X = [0, 0, 0, 0, 0, 200, 210, 0, 0, 90, 255, 0, 0, 0, 40, 0, 0, 0, 0, 0]
W1 = np.round(np.random.default_rng(7).standard_normal((HIDDEN, N)) * 16).astype(int)
Z1 = W1 @ np.array(X)
PAIRS = [(p, p + 1) for p in range(N) if p % W + 1 < W] + [(p, p + W) for p in range(N - W)]


def optimum(objective, period):
    m = len(PAIRS) if objective in ("tv", "tv-sum") else 0
    cost = np.concatenate([np.full(N, {"sum": 1, "tv-sum": 0.5}.get(objective, 0)), np.ones(2 * m)])
    a_eq = np.zeros((HIDDEN + m, N + 2 * m))
    a_eq[:HIDDEN, :N] = W1
    for e, (a, b) in enumerate(PAIRS[:m]):
        a_eq[HIDDEN + e, [a, b, N + 2 * e, N + 2 * e + 1]] = [1, -1, -1, 1]
    rules = []
    for p in range(N if period else 0):
        i, j = divmod(p, W)
        if (i + j) % period == 0:
            around = [(p + 1, j + 1 < W), (p - 1, j > 0), (p + W, i + 1 < H), (p - W, i > 0)]
            inside = [q for q, exists in around if exists]
            row = np.zeros(N + 2 * m)
            row[p], row[inside] = 1, -1 / len(inside)
            rules += [row, -row]
    result = linprog(
        cost,
        A_ub=np.array(rules) if rules else None,
        b_ub=np.full(len(rules), 25) if rules else None,
        A_eq=a_eq,
        b_eq=np.concatenate([Z1, np.zeros(m)]),
        bounds=[(0, 255)] * N + [(0, None)] * (2 * m),
        method="highs-ds",
    )
    status = {0: "optimal", 2: "infeasible"}[result.status]
    return {"objective": objective, "period": period, "status": status, "value": result.fun}


def ssim(a, b, **options):
    return structural_similarity(
        a / 255, b / 255, data_range=1, gaussian_weights=True, use_sample_covariance=False, **options
    )


i, j = np.indices((16, 15))
A = (7 * i + 11 * j) % 256
B = np.clip(A + (5 * i + 3 * j) % 29 - 9, 0, 255)
C, D = np.stack([A, B, 255 - A], -1), np.stack([B, B, A], -1)

print(json.dumps({
    "source": f"oracle.py: scipy {scipy.__version__} linprog(method='highs-ds'), "
    f"scikit-image {skimage.__version__} structural_similarity",
    "shape": [H, W, 1],
    "xTrue": X,
    "W1": W1.ravel().tolist(),
    "z1": Z1.tolist(),
    "optima": [optimum(o, t) for o in ("published", "sum", "tv", "tv-sum") for t in (None, 2, 4, 9)],
    "ssim": {"gray": ssim(A, B), "colour": ssim(C, D, channel_axis=-1)},
}))
