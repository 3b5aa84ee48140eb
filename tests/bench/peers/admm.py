"""The recipe of lib/attack/solvers/admm.ts on NumPy: admm.py FOLDER.

min TV(x) + sum(x) / 2 subject to W1 @ x = z1, 0 <= x <= 1, for many images at once. An image is a column, so that
forms are differences of contiguous rows; what an iteration writes lies in the same arrays throughout. A turn prepares
the layer and recovers all images. The protocol is driver.ts's.
"""
import json
import sys
import time
from pathlib import Path

try:
    import numpy as np
    import scipy
    from scipy.linalg import cholesky_banded, cho_solve_banded, solve_triangular
except ImportError as error:
    print(f"Python without {error.name}: pip install numpy scipy", file=sys.stderr)
    sys.exit(3)

RHO, RELAXATION, TOLERANCE, LOOK, LIMIT, SIDE = 25, 1.6, 2e-5, 10, 3000, 28
folder = Path(sys.argv[1])
setting = json.loads((folder / "setting.json").read_text())
n, count = setting["n"], setting["count"]
W1 = np.fromfile(folder / "W1.f64").reshape(-1, n)
truth = np.fromfile(folder / "images.f64").reshape(count, n)
z1 = W1 @ truth.T  # what the server has: integers, exactly


def prepare():
    """P and N of x = P q + N b, the rows' lengths."""
    lengths = np.linalg.norm(W1, axis=1)
    A = W1 / lengths[:, None]
    band = np.zeros((SIDE + 1, n))  # I + BᵀB, lower form
    grid = np.arange(n).reshape(SIDE, SIDE)
    band[0] = 1
    for apart, low in ((1, grid[:, :-1]), (SIDE, grid[:-1])):
        low = low.ravel()
        band[0, low] += 1
        band[0, low + apart] += 1
        band[apart, low] = -1
    factor = (cholesky_banded(band, lower=True), True)
    inverse = cho_solve_banded(factor, np.eye(n), overwrite_b=True, check_finite=False)
    AQ = A @ inverse
    L = np.linalg.cholesky(AQ @ A.T)
    V = solve_triangular(L, AQ, lower=True, check_finite=False)
    P = (inverse - V.T @ V).astype(np.float32)
    return A, P, L, V, lengths


def update(value, z, u, pull, scratch, clip):
    """Copies z and disagreements u from the pixels or forms; leaves z - u in pull and the clipped part in scratch."""
    np.multiply(z, np.float32(1 - RELAXATION), out=scratch)
    scratch += u
    np.multiply(value, np.float32(RELAXATION), out=pull)
    pull += scratch  # v
    clip(pull, u)  # u = v - next z
    np.subtract(pull, u, out=z)
    np.subtract(z, u, out=pull)


def recover():
    A, P, L, V, lengths = prepare()
    white = 255
    B = z1 / lengths[:, None] / white
    origin = (V.T @ solve_triangular(L, B, lower=True, check_finite=False)).astype(np.float32)
    running = np.arange(count)
    found = np.full((count, n), np.nan)
    price = np.float32(1 / RHO)
    cost = np.float32(0.5 / RHO)

    def clip_pixels(v, u):
        np.subtract(v, cost, out=u)
        np.clip(u, 0, 1, out=u)
        np.subtract(v, u, out=u)

    def clip_forms(v, u):
        np.clip(v, -price, price, out=u)

    f32 = np.float32
    z = [np.full((n, count), 0.5, f32), *(np.zeros((n, count), f32) for _ in range(2))]
    u = [np.zeros((n, count), f32) for _ in range(3)]
    q = z[0].copy()
    # Differences to the right and below; where there is none both lie at 0 for good.
    for iteration in range(1, LIMIT + 1):
        m = len(running)
        if iteration == 1 or pull.shape[1] != m:
            x, pull, scratch = (np.empty((n, m), f32) for _ in range(3))
            forms = [np.zeros((n, m), f32) for _ in range(2)]
            grids = [f.reshape(SIDE, SIDE, m) for f in forms]
        np.matmul(P, q, out=x)
        x += origin
        image = x.reshape(SIDE, SIDE, m)
        np.subtract(image[:, :-1], image[:, 1:], out=grids[0][:, :-1])
        np.subtract(image[:-1], image[1:], out=grids[1][:-1])
        look = iteration % LOOK == 0
        before = [part.copy() for part in z] if look else None
        update(x, z[0], u[0], q, scratch, clip_pixels)
        pulled = q.reshape(SIDE, SIDE, m)
        update(forms[0], z[1], u[1], pull, scratch, clip_forms)
        right = pull.reshape(SIDE, SIDE, m)
        pulled[:, :-1] += right[:, :-1]
        pulled[:, 1:] -= right[:, :-1]
        update(forms[1], z[2], u[2], pull, scratch, clip_forms)
        below = pull.reshape(SIDE, SIDE, m)
        pulled[:-1] += below[:-1]
        pulled[1:] -= below[:-1]
        if not look:
            continue
        rounded = np.rint(white * x.astype(np.float64))
        done = (rounded >= 0).all(0) & (rounded <= white).all(0)
        done &= W1[0] @ rounded == z1[0, running]
        if done.any():
            some = np.flatnonzero(done)
            done[some] = (W1 @ rounded[:, some] == z1[:, running[some]]).all(0)
            found[running[done]] = rounded[:, done].T
        size = n + 2 * SIDE * (SIDE - 1)
        primal = sum(np.square(a - b).sum(0) for a, b in zip((x, *forms), z))
        dual = sum(np.square(a - b).sum(0) for a, b in zip(z, before))
        still = ~done & (np.maximum(primal, dual) < size * TOLERANCE**2)
        for k in np.flatnonzero(still):
            point = x[:, k].astype(np.float64)
            rest = solve_triangular(L, B[:, running[k]] - A @ point, lower=True)
            found[running[k]] = np.clip(white * (point + V.T @ rest), 0, white)
        keep = ~(done | still)
        if not keep.any():
            break
        if not keep.all():
            running = running[keep]
            origin, q = origin[:, keep], q[:, keep]
            z, u = [a[:, keep] for a in z], [a[:, keep] for a in u]
    return found


exact = (recover() == truth).all(1).sum()
if exact < 0.9 * count:
    sys.exit(f"only {exact} of {count} digits came back")
print(f"ready the same recipe, NumPy {np.__version__}, SciPy {scipy.__version__}", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    found = recover()
    elapsed = 1000 * (time.perf_counter() - start)
    print(f"done {elapsed:.3f} {found.mean():.6f}", flush=True)
