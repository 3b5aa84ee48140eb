"""Independent oracle for tests/vectors/qfe.json: ePrint 2018/206 and its batch instance by the formulas, one group
operation a symbol, on the curve, pairing and encodings of py_ecc. Nothing is pushed into sums, and the decryption
equation is checked with the plain number that stands in the file.

Draws from SHAKE256 as lib/math/rng.ts documents.
Run: pip install py_ecc==8.0.0; python3 tests/vectors/qfe_oracle.py > tests/vectors/qfe.json (a minute)
"""
import hashlib
import json

from py_ecc.bls.point_compression import compress_G1, compress_G2
from py_ecc.optimized_bls12_381 import FQ12, G1, G2, curve_order as q, multiply, pairing

BASE = pairing(G2, G1)


class Rng:
    def __init__(self, seed):
        # Long enough for everything drawn below.
        self.stream = hashlib.shake_256(b"fe-leakage/rng/v1/%d" % seed).digest(1 << 16)
        self.at = 0

    def scalars(self, order, count):
        out = []
        while len(out) < count:
            for _ in range(count - len(out)):
                word = int.from_bytes(self.stream[self.at:self.at + 32], "big") % (1 << 255)
                self.at += 32
                if word < order:
                    out.append(word)
        return out

    def non_zero(self, count):
        return [s + 1 for s in self.scalars(q - 1, count)]


def one(k):
    return multiply(G1, k % q)


def two(k):
    return multiply(G2, k % q)


def hex1(p):
    return compress_G1(p).to_bytes(48, "big").hex()


def hex2(p):
    return b"".join(part.to_bytes(48, "big") for part in compress_G2(p)).hex()


def mask(rng):
    gamma, = rng.non_zero(1)
    a, b, c, d = rng.scalars(q, 4)
    over = pow(a * d - b * c, -1, q)
    dual = [[d * over, -c * over], [-b * over, a * over]]
    return gamma, [[a, b], [c, d]], dual


def times(matrix, u, v):
    return [row[0] * u + row[1] * v for row in matrix]


def single(F, x, y, seeds):
    n = len(x)
    rng = Rng(seeds["setup"])
    s, t = rng.non_zero(n), rng.non_zero(n)
    gamma, W, dual = mask(Rng(seeds["encrypt"]))
    pairs = [(i, j) for i in range(n) for j in range(n)]
    key = two(sum(F[i][j] * s[i] * t[j] for i, j in pairs))
    a = [[one(k) for k in times(dual, x[i], gamma * s[i])] for i in range(n)]
    b = [[two(k) for k in times(W, y[j], -t[j])] for j in range(n)]
    z = sum(F[i][j] * x[i] * y[j] for i, j in pairs)
    product = pairing(key, one(gamma))
    for i, j in pairs:
        for row in range(2):
            product *= pairing(b[j][row], a[i][row]) ** (F[i][j] % q)
    assert product == BASE ** (z % q)
    return {
        "F": F, "x": x, "y": y, "z": z, "seeds": seeds,
        "mpk": [hex1(one(k)) for k in s] + [hex2(two(k)) for k in t],
        "skF": [hex2(key)],
        "ctXY": [hex1(one(gamma))] + [hex1(a[i][r]) for r in range(2) for i in range(n)]
        + [hex2(b[j][r]) for r in range(2) for j in range(n)],
    }


def batch(u, c, seeds):
    B, columns = len(u), len(c)
    rng = Rng(seeds["setup"])
    s = [rng.non_zero(B) for _ in range(columns - 1)]
    t = [rng.non_zero(B) for _ in range(columns)]
    gamma, W, dual = mask(Rng(seeds["encrypt"]))
    a = [[[one(k) for k in times(dual, u[i][j], -s[j][i])] for i in range(B)] for j in range(columns - 1)]
    b = [[[two(k) for k in times(W, u[i][k], gamma * t[k][i])] for i in range(B)] for k in range(columns)]
    keys = [one(sum(s[j][i] * c[k] * t[k][i] for i in range(B) for k in range(columns))) for j in range(columns - 1)]
    gradient = [sum(c[k] * u[i][k] * u[i][j] for i in range(B) for k in range(columns)) for j in range(columns - 1)]
    for j, z in enumerate(gradient):
        product = pairing(two(gamma), keys[j])
        for i in range(B):
            for k in range(columns):
                for row in range(2):
                    product *= pairing(b[k][i][row], a[j][i][row]) ** (c[k] % q)
        assert product == BASE ** (z % q)
    return {
        "u": u, "c": c, "gradient": gradient, "seeds": seeds,
        "skC": [hex1(key) for key in keys],
        "ctU": [hex1(a[j][i][r]) for j in range(columns - 1) for r in range(2) for i in range(B)]
        + [hex2(two(gamma))] + [hex2(b[k][i][r]) for k in range(columns) for r in range(2) for i in range(B)],
    }


assert BASE != FQ12.one()
print(json.dumps({
    "source": "tests/vectors/qfe_oracle.py on py_ecc 8.0.0",
    "boundX": 255, "boundY": 20,
    "single": [
        single([[3, -1], [0, 2]], [255, -7], [-20, 12], {"setup": 1, "encrypt": 2}),
        single([[0, 0, 0], [5, 0, -9], [0, 0, 0]], [1, 200, -3], [0, 4, 20], {"setup": 3, "encrypt": 4}),
        single([[-1]], [0], [0], {"setup": 5, "encrypt": 6}),
    ],
    "batch": [
        batch([[3, -255, 8, 20], [-40, 17, 8, -20]], [5, -6, 7, -1], {"setup": 7, "encrypt": 8}),
        batch([[0, 1, 0]], [0, 1, -2], {"setup": 9, "encrypt": 10}),
    ],
}, indent=1))
