"""HiGHS on the programs that programs.ts wrote: highs.py FOLDER highspy|scipy [simplex|ipm|hipdlp] [bare].

By its own interface, or through SciPy's linprog. Without a method HiGHS chooses; "bare" is without presolve. A turn is
one layer: its matrix is passed once (SciPy: once an image), then each image's row bounds; nothing of one solve is used
in the next. The protocol is driver.ts's.
"""
import hashlib
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

try:
    import numpy as np
    import scipy
    from scipy.optimize import linprog
    from scipy.sparse import csr_array
    import highspy
except ImportError as error:
    print(f"Python without {error.name}: pip install numpy scipy highspy", file=sys.stderr)
    sys.exit(3)

folder, door = Path(sys.argv[1]), sys.argv[2]
method = sys.argv[3] if len(sys.argv) > 3 else "choose"
bare = sys.argv[4:] == ["bare"]
setting = json.loads((folder / "setting.json").read_text())


def read(name, dtype=np.float64):
    return np.fromfile(folder / name, dtype)


def layer(k):
    names = ["values", "colCost", "colLower", "colUpper"]
    arrays = {name: read(f"{k}.{name}") for name in names}
    ints = {name: read(f"{k}.{name}", np.int32) for name in ["starts", "indices"]}
    images = range(setting["images"])
    bounds = [(read(f"{k}.lower.{i}"), read(f"{k}.upper.{i}")) for i in images]
    return {**arrays, **ints, "bounds": bounds}


def by_highspy(lp):
    """The interface keeps the matrix; each image changes its rows' bounds."""
    rows, columns = len(lp["starts"]) - 1, len(lp["colCost"])
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    if method != "choose":
        highs.setOptionValue("solver", method)
        highs.setOptionValue("run_crossover", "off")
    if bare:
        highs.setOptionValue("presolve", "off")
    points = []
    for image, (lower, upper) in enumerate(lp["bounds"]):
        if image == 0:
            model = highspy.HighsLp()
            model.num_col_, model.num_row_ = columns, rows
            model.col_cost_ = lp["colCost"]
            model.col_lower_, model.col_upper_ = lp["colLower"], lp["colUpper"]
            model.row_lower_, model.row_upper_ = lower, upper
            model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
            model.a_matrix_.start_ = lp["starts"]
            model.a_matrix_.index_ = lp["indices"]
            model.a_matrix_.value_ = lp["values"]
            highs.passModel(model)
        else:
            highs.clearSolver()
            highs.changeRowsBounds(rows, np.arange(rows, dtype=np.int32), lower, upper)
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS ended with {highs.getModelStatus()}")
        points.append(np.array(highs.getSolution().col_value))
    return points


def by_scipy(lp):
    rows, columns = len(lp["starts"]) - 1, len(lp["colCost"])
    A = csr_array((lp["values"], lp["indices"], lp["starts"]), shape=(rows, columns))
    columns_bounds = np.stack([lp["colLower"], lp["colUpper"]], axis=1)
    points = []
    for lower, upper in lp["bounds"]:
        equal = lower == upper
        A_eq, rules = A[equal], A[~equal]
        given = {"A_eq": A_eq, "b_eq": lower[equal], "bounds": columns_bounds}
        if rules.shape[0] > 0:
            given["A_ub"] = scipy.sparse.vstack([rules, -rules])
            given["b_ub"] = np.concatenate([upper[~equal], -lower[~equal]])
        given["options"] = {"presolve": not bare}
        found = linprog(lp["colCost"], method="highs-ipm" if method == "ipm" else "highs", **given)
        if found.status != 0:
            raise RuntimeError(f"linprog ended with: {found.message}")
        points.append(found.x)
    return points


def solved(lp, x, bounds):
    """Whether x keeps to every row, relative to its terms, and to its columns' bounds."""
    A = csr_array((lp["values"], lp["indices"], lp["starts"]))
    sums, sizes = A @ x, 1 + abs(A) @ abs(x)
    rows = np.maximum(bounds[0] - sums, sums - bounds[1]) / sizes
    columns = np.maximum(lp["colLower"] - x, x - lp["colUpper"]) / 255
    return max(rows.max(), columns.max()) < 1e-6


def result(lp, points):
    if setting["result"] == "digest":
        pixels = np.rint(points[0][: setting["pixels"]]).clip(0, 255).astype(np.uint8)
        return hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    return f"{sum(solved(lp, x, b) for x, b in zip(points, lp['bounds']))} solved"


solve = {"highspy": by_highspy, "scipy": by_scipy}[door]
layers = [layer(k) for k in range(setting["layers"])]
say = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # HiGHS greets there
package = f"SciPy {version('scipy')}" if door == "scipy" else f"highspy {version('highspy')}"
chosen = "defaults" if method == "choose" else method
presolve = ", no presolve" if bare else ""
print(f"ready HiGHS by {package}, {chosen}{presolve}", file=say, flush=True)
for turn, _ in enumerate(sys.stdin):
    lp = layers[turn % len(layers)]
    begin = time.perf_counter()
    points = solve(lp)
    elapsed = time.perf_counter() - begin
    print(f"done {1000 * elapsed} {result(lp, points)}", file=say, flush=True)
