"""HiGHS on the programs that programs.ts wrote: highs.py FOLDER highspy|scipy [simplex|ipm|hipdlp] [bare].

By its own interface, or through SciPy's linprog. Without a method HiGHS chooses; "bare" is without presolve. A turn is
the first image behind one layer. Where the row has more images, the time is said times their number: HiGHS prepares
nothing that they could share, and passing the matrix is nothing beside the solve. The protocol is driver.ts's.
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
    return {**arrays, **ints, "lower": read(f"{k}.lower"), "upper": read(f"{k}.upper")}


def by_highspy(lp):
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(lp["colCost"]), len(lp["lower"])
    model.col_cost_ = lp["colCost"]
    model.col_lower_, model.col_upper_ = lp["colLower"], lp["colUpper"]
    model.row_lower_, model.row_upper_ = lp["lower"], lp["upper"]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = lp["starts"]
    model.a_matrix_.index_ = lp["indices"]
    model.a_matrix_.value_ = lp["values"]
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    if method != "choose":
        highs.setOptionValue("solver", method)
        highs.setOptionValue("run_crossover", "off")
    if bare:
        highs.setOptionValue("presolve", "off")
    highs.passModel(model)
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS ended with {highs.getModelStatus()}")
    return np.array(highs.getSolution().col_value)


def by_scipy(lp):
    A = csr_array((lp["values"], lp["indices"], lp["starts"]), shape=(len(lp["lower"]), len(lp["colCost"])))
    equal = lp["lower"] == lp["upper"]
    rules, upper, lower = A[~equal], lp["upper"][~equal], lp["lower"][~equal]
    given = {"A_eq": A[equal], "b_eq": lp["lower"][equal]}
    if rules.shape[0] > 0:
        given["A_ub"] = scipy.sparse.vstack([rules, -rules])
        given["b_ub"] = np.concatenate([upper, -lower])
    given["bounds"] = np.stack([lp["colLower"], lp["colUpper"]], axis=1)
    given["options"] = {"presolve": not bare}
    found = linprog(lp["colCost"], method="highs-ipm" if method == "ipm" else "highs", **given)
    if found.status != 0:
        raise RuntimeError(f"linprog ended with: {found.message}")
    return found.x


def solves(lp, x):
    """Whether x keeps to every row, relative to its terms, and to its columns' bounds."""
    A = csr_array((lp["values"], lp["indices"], lp["starts"]))
    sums, sizes = A @ x, 1 + abs(A) @ abs(x)
    rows = np.maximum(lp["lower"] - sums, sums - lp["upper"]) / sizes
    columns = np.maximum(lp["colLower"] - x, x - lp["colUpper"]) / 255
    return max(rows.max(), columns.max()) < 1e-6


def result(lp, x):
    if setting["result"] == "digest":
        pixels = np.rint(x[: setting["pixels"]]).clip(0, 255).astype(np.uint8)
        return hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    return "solved" if solves(lp, x) else "unsolved"


solve = {"highspy": by_highspy, "scipy": by_scipy}[door]
layers = [layer(k) for k in range(setting["layers"])]
say = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # HiGHS greets there
package = f"SciPy {version('scipy')}" if door == "scipy" else f"highspy {version('highspy')}"
chosen = "defaults" if method == "choose" else method
presolve = ", no presolve" if bare else ""
times = f", one image times {setting['images']}" if setting["images"] > 1 else ""
print(f"ready HiGHS by {package}, {chosen}{presolve}{times}", file=say, flush=True)
for turn, _ in enumerate(sys.stdin):
    lp = layers[turn % len(layers)]
    begin = time.perf_counter()
    x = solve(lp)
    elapsed = setting["images"] * (time.perf_counter() - begin)
    print(f"done {1000 * elapsed} {result(lp, x)}", file=say, flush=True)
