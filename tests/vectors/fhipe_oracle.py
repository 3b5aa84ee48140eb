"""Independent oracle for tests/vectors/fhipe.json: plain Python, no library of ours, no curve library.

Draws from SHAKE256 as lib/math/rng.ts documents, inverts B by elimination where we solve triangles, and
multiplies points by affine double-and-add. Run: python3 tests/vectors/fhipe_oracle.py > tests/vectors/fhipe.json
"""
import hashlib
import json

P = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
Q = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
# Generators of the IETF draft on pairing-friendly curves, section 4.2.1.
G1 = (0x17F1D3A73197D7942695638C4FA9AC0FC3688C4F9774B905A14E3A3F171BAC586C55E83FF97A1AEFFB3AF00ADB22C6BB,
      0x08B3F481E3AAA0F1A09E30ED741D8AE4FCF5E095D5D00AF600DB18CB2C04B3EDD03CC744A2888AE40CAA232946C5E7E1)
G2 = ((0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
       0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E),
      (0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
       0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE))


class Fp:
    def __init__(self, a): self.a = a % P
    def __add__(self, o): return Fp(self.a + o.a)
    def __sub__(self, o): return Fp(self.a - o.a)
    def __mul__(self, o): return Fp(self.a * o.a)
    def __eq__(self, o): return self.a == o.a
    def inv(self): return Fp(pow(self.a, -1, P))
    def large(self): return self.a > (P - 1) // 2
    def bytes(self): return self.a.to_bytes(48, "big")


class Fp2:
    def __init__(self, a, b): self.a, self.b = a % P, b % P
    def __add__(self, o): return Fp2(self.a + o.a, self.b + o.b)
    def __sub__(self, o): return Fp2(self.a - o.a, self.b - o.b)
    def __mul__(self, o): return Fp2(self.a * o.a - self.b * o.b, self.a * o.b + self.b * o.a)
    def __eq__(self, o): return self.a == o.a and self.b == o.b
    def inv(self):
        n = pow(self.a * self.a + self.b * self.b, -1, P)
        return Fp2(self.a * n, -self.b * n)
    def large(self): return self.b > (P - 1) // 2 if self.b else self.a > (P - 1) // 2
    def bytes(self): return self.b.to_bytes(48, "big") + self.a.to_bytes(48, "big")


def add(p, q):
    if p is None: return q
    if q is None: return p
    (x1, y1), (x2, y2) = p, q
    if x1 == x2:
        if not y1 == y2: return None
        xx = x1 * x1
        slope = (xx + xx + xx) * (y1 + y1).inv()
    else:
        slope = (y2 - y1) * (x2 - x1).inv()
    x3 = slope * slope - x1 - x2
    return x3, slope * (x1 - x3) - y1


def multiply(k, p):
    out = None
    while k:
        if k & 1: out = add(out, p)
        p = add(p, p)
        k >>= 1
    return out


def compress(p):
    x, y = p
    data = bytearray(x.bytes())
    data[0] |= 0x80 | (0x20 if y.large() else 0)
    return bytes(data).hex()


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
                if word < order: out.append(word)
        return out
    def non_zero(self, order, count): return [s + 1 for s in self.scalars(order - 1, count)]


def inverse_and_det(matrix):
    n = len(matrix)
    rows = [row[:] + [int(i == j) for j in range(n)] for i, row in enumerate(matrix)]
    det = 1
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k] % Q)
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], rows[k]
            det = -det
        det = det * rows[k][k] % Q
        scale = pow(rows[k][k], -1, Q)
        rows[k] = [v * scale % Q for v in rows[k]]
        for i in range(n):
            if i != k:
                factor = rows[i][k]
                rows[i] = [(v - factor * w) % Q for v, w in zip(rows[i], rows[k])]
    return [row[n:] for row in rows], det


def case(x, y, seeds):
    n = len(x)
    N = n + 2
    rng = Rng(seeds["setup"])
    diagonal = rng.non_zero(Q, N)
    lower = [rng.scalars(Q, i) for i in range(N)]
    upper = [[diagonal[i]] + rng.scalars(Q, N - 1 - i) for i in range(N)]
    L = [lower[i] + [1] + [0] * (N - i - 1) for i in range(N)]
    U = [[0] * i + upper[i] for i in range(N)]
    B = [[sum(L[i][k] * U[k][j] for k in range(N)) % Q for j in range(N)] for i in range(N)]
    inverse, det = inverse_and_det(B)
    dual = [[det * inverse[j][i] % Q for j in range(N)] for i in range(N)]
    times = lambda v, M: [sum(v[i] * M[i][j] for i in range(N)) % Q for j in range(N)]
    alpha, = Rng(seeds["keyDerive"]).non_zero(Q, 1)
    beta, = Rng(seeds["encrypt"]).non_zero(Q, 1)
    g1 = (Fp(G1[0]), Fp(G1[1]))
    g2 = (Fp2(*G2[0]), Fp2(*G2[1]))
    key = [det] + times(y + [0, 1], B)
    ct = [1] + times(x + [1, 0], dual)
    return {
        "x": x, "y": y, "z": sum(a * b for a, b in zip(x, y)), "seeds": seeds,
        "msk": "".join(s.to_bytes(32, "big").hex() for row in lower + upper for s in row),
        "skY": [compress(multiply(alpha * s % Q, g1)) for s in key],
        "ctX": [compress(multiply(beta * s % Q, g2)) for s in ct],
    }


print(json.dumps({
    "source": "tests/vectors/fhipe_oracle.py, plain Python; checked against the noble, mcl and simd backends",
    "boundX": 255, "boundY": 1000,
    "cases": [
        case([3, -255, 200], [-1000, 7, 42], {"setup": 1, "keyDerive": 2, "encrypt": 3}),
        case([0, 0], [0, 0], {"setup": 4, "keyDerive": 5, "encrypt": 6}),
        case([1], [-1], {"setup": 7, "keyDerive": 8, "encrypt": 9}),
    ],
}, indent=1))
