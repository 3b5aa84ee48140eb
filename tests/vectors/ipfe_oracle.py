#!/usr/bin/env python3
"""Independent oracle for the IPFE vectors: P-256, secp256k1 and ristretto255 in affine textbook
arithmetic on Python integers (pow(x, -1, p), no library), written from SEC 1, SP 800-186, RFC 9380 and RFC 9496.
Shares no code with lib/. Run by hand: python3 ipfe_oracle.py > ipfe.json"""
import json
from hashlib import sha512

class Weierstrass:
    def __init__(self, name, p, a, b, g, q):
        self.name, self.p, self.a, self.b, self.g, self.q, self.zero = name, p, a, b, g, q, None
    def add(self, P, Q):
        p = self.p
        if P is None: return Q
        if Q is None: return P
        if P[0] == Q[0]:
            if (P[1] + Q[1]) % p == 0: return None
            m = (3 * P[0] * P[0] + self.a) * pow(2 * P[1], -1, p)
        else:
            m = (Q[1] - P[1]) * pow(Q[0] - P[0], -1, p)
        x = (m * m - P[0] - Q[0]) % p
        return (x, (m * (P[0] - x) - P[1]) % p)
    def encode(self, P):
        return bytes([2 + (P[1] & 1)]) + P[0].to_bytes(32, "big")

class Ristretto:
    """RFC 9496: edwards25519 points, encoded by section 4.3.2."""
    name = "ristretto255"
    p = 2**255 - 19
    q = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p
    i = pow(2, (p - 1) // 4, p)
    zero = (0, 1)
    def __init__(self):
        p = self.p
        y = 4 * pow(5, -1, p) % p
        x2 = (y * y - 1) * pow(self.d * y * y + 1, -1, p) % p
        x = pow(x2, (p + 3) // 8, p)
        if (x * x - x2) % p: x = x * self.i % p
        assert (x * x - x2) % p == 0
        self.g = (x if x % 2 == 0 else p - x, y)
    def add(self, P, Q):
        p = self.p
        (a, b), (c, e) = P, Q
        k = self.d * a * b * c * e % p
        return ((a * e + b * c) * pow(1 + k, -1, p) % p, (b * e + a * c) * pow(1 - k, -1, p) % p)
    def sqrt_ratio(self, u, v):
        p = self.p
        r = u * v**3 * pow(u * v**7, (p - 5) // 8, p) % p
        check = v * r * r % p
        correct, flipped = check == u % p, check == -u % p
        flipped_i = check == -u * self.i % p
        if flipped or flipped_i: r = r * self.i % p
        return correct or flipped, (p - r if r & 1 else r)
    def encode(self, P):
        p = self.p
        x0, y0 = P; z0 = 1; t0 = x0 * y0 % p
        u1 = (z0 + y0) * (z0 - y0) % p
        u2 = x0 * y0 % p
        _, inv = self.sqrt_ratio(1, u1 * u2 * u2 % p)
        den1, den2 = inv * u1 % p, inv * u2 % p
        z_inv = den1 * den2 * t0 % p
        _, inv_a_d = self.sqrt_ratio(1, (-1 - self.d) % p)
        if (t0 * z_inv % p) & 1:
            x, y, den = y0 * self.i % p, x0 * self.i % p, den1 * inv_a_d % p
        else:
            x, y, den = x0, y0, den2
        if (x * z_inv % p) & 1: y = -y % p
        s = den * (z0 - y) % p
        return (p - s if s & 1 else s).to_bytes(32, "little")

    def elligator(self, t):
        """RFC 9496, section 4.3.4, MAP."""
        p, d = self.p, self.d
        r = self.i * t * t % p
        u = (r + 1) * (1 - d * d) % p
        v = (-1 - r * d) * (r + d) % p
        was_square, s = self.sqrt_ratio(u, v)
        s_prime = s * t % p
        if s_prime % 2 == 0: s_prime = -s_prime % p
        if not was_square: s = s_prime
        c = -1 if was_square else r
        N = (c * (r - 1) * (d - 1)**2 - v) % p
        w0, w1 = 2 * s * v % p, N * self.sqrt_ad_minus_one() % p
        w2, w3 = (1 - s * s) % p, (1 + s * s) % p
        return (w0 * pow(w1, -1, p) % p, w2 * pow(w3, -1, p) % p)
    def sqrt_ad_minus_one(self):
        # RFC 9496, section 4.1: SQRT_AD_MINUS_ONE is this root, the odd one.
        r = self.sqrt_ratio((-self.d - 1) % self.p, 1)[1]
        return r if r & 1 else self.p - r
    def hash(self, message, dst):
        """RFC 9380, appendix B: hash_to_ristretto255 with expand_message_xmd and SHA-512."""
        dst += bytes([len(dst)])
        b0 = sha512(bytes(128) + message + (64).to_bytes(2, "big") + b"\0" + dst).digest()
        uniform = sha512(b0 + b"\1" + dst).digest()
        half = lambda b: (int.from_bytes(b, "little") & (2**255 - 1)) % self.p
        return self.add(self.elligator(half(uniform[:32])), self.elligator(half(uniform[32:])))

def mul(C, k, P):
    R = C.zero
    for bit in bin(k % C.q)[2:]:
        R = C.add(R, R)
        if bit == "1": R = C.add(R, P)
    return R

CURVES = [
    Ristretto(),
    Weierstrass("p256", 2**256 - 2**224 + 2**192 + 2**96 - 1, -3,
        0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
        (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
         0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5),
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551),
    Weierstrass("secp256k1", 2**256 - 2**32 - 977, 0, 7,
        (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,
         0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8),
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141),
]
X, Y, R = [3, -255, 0, 128], [-1000, 7, 999, 1], 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef
out = {"source": "made by tests/vectors/ipfe_oracle.py (textbook affine arithmetic on Python integers, shares no code "
       "with lib/), run by hand",
       "x": X, "y": Y, "z": sum(a * b for a, b in zip(X, Y)), "r": hex(R), "cases": []}
for C in CURVES:
    r = R % 2**252
    s = [(0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95 * (i + 1)) % C.q for i in range(4)]
    h = [mul(C, k, C.g) for k in s]
    ct = [C.add(mul(C, r, hi), mul(C, xi % C.q, C.g)) for hi, xi in zip(h, X)]
    out["cases"].append({"group": C.name, "r": hex(r), "s": [hex(k) for k in s], "h": [C.encode(P).hex() for P in h],
        "skY": hex(sum(a * b for a, b in zip(s, Y)) % C.q), "ct0": C.encode(mul(C, r, C.g)).hex(),
        "ct": [C.encode(P).hex() for P in ct]})
del out["r"]
E0 = CURVES[0]
base = out["cases"][0]
h = E0.hash(b"second generator h", b"fe-leakage/ipfe_full/v1")
r, s = int(base["r"], 16), [int(k, 16) for k in base["s"]]
t = [(k * k + 1) % E0.q for k in s]
hs = [E0.add(mul(E0, a, E0.g), mul(E0, b, h)) for a, b in zip(s, t)]
out["full"] = {"group": E0.name, "r": base["r"], "s": base["s"], "t": [hex(k) for k in t],
    "secondGenerator": E0.encode(h).hex(), "h": [E0.encode(P).hex() for P in hs],
    "skY": [hex(sum(a * b for a, b in zip(k, Y)) % E0.q) for k in (s, t)],
    "ct0": [E0.encode(mul(E0, r, P)).hex() for P in (E0.g, h)],
    "ct": [E0.encode(E0.add(mul(E0, r, P), mul(E0, x % E0.q, E0.g))).hex() for P, x in zip(hs, X)]}
print(json.dumps(out, indent=2))
