#!/usr/bin/env python3
"""Oracle for tests/vectors/privacy.json, from code that shares nothing with lib/:
- erfcx, δ of the Gaussian mechanism (Balle and Wang, arXiv 1805.06830, theorem 8) and Rényi divergences of the sampled
  Gaussian by their integral, with mpmath at 60 digits;
- ε of the Gaussian mechanism and of DP-SGD by Google's dp-accounting (by Rényi divergences at its default orders, and by
  privacy loss distributions, which is nearly exact).
Run: pip install dp-accounting==0.6.0 mpmath==1.4.1; python3 privacy_oracle.py > privacy.json"""
import json

import dp_accounting
from dp_accounting import gaussian_mechanism
from dp_accounting.pld import pld_privacy_accountant
from dp_accounting.rdp import rdp_privacy_accountant
from mpmath import erfc, exp, log, mp, mpf, pi, quad, sqrt

mp.dps = 60
Phi = lambda t: erfc(-t / sqrt(mpf(2))) / 2


def delta(epsilon, ratio):
    e, s = mpf(epsilon), mpf(ratio)
    return Phi(s / 2 - e / s) - exp(e) * Phi(-s / 2 - e / s)


def event(rate, noise, steps):
    gaussian = dp_accounting.GaussianDpEvent(noise)
    return dp_accounting.SelfComposedDpEvent(dp_accounting.PoissonSampledDpEvent(rate, gaussian), steps)


def by(accountant, run, target):
    return accountant.compose(event(*run)).get_epsilon(target)


def divergence(q, sigma, order):
    q, s, a = mpf(q), mpf(sigma), mpf(order)
    density = lambda z: exp(-z * z / (2 * s * s)) / (s * sqrt(2 * pi))
    value = lambda z: density(z) * (1 - q + q * exp((2 * z - 1) / (2 * s * s))) ** a
    ends = [k * s for k in range(-24, 25, 2)] + [a + k * s for k in range(-24, 25, 2)]
    return float(log(quad(value, sorted(ends))) / (a - 1))


RUNS = [  # rate, noise, steps, δ; the first is the tutorial of TensorFlow Privacy
    (250 / 60000, 1.3, 15 * 240, 1e-5),
    (250 / 60000, 1.1, 60 * 240, 1e-5),
    (0.01, 0.7, 500, 1e-5),
    (0.01, 0.55, 500, 1e-5),
    (0.05, 1.2, 400, 1e-5),
    (0.001, 4, 10000, 1e-6),
    (1, 5, 10, 1e-5),
]
print(json.dumps({
    "source": "dp-accounting 0.6.0, mpmath 1.4.1",
    "erfcx": [[x, float(exp(mpf(x) ** 2) * erfc(mpf(x)))] for x in
              [0, 1e-9, 0.1, 0.5, 1, 1.25, 1.499999, 1.5, 1.75, 2, 3, 5, 10, 26, 30, 100, 1e8]],
    "delta": [[e, s, float(delta(e, s))] for s in [0.01, 0.1, 0.5, 1, 2, 4, 9] for e in [0, 0.01, 0.5, 1, 8, 40, 90]
              if delta(e, s) > 1e-300],
    "epsilon": [[sigma, d, float(gaussian_mechanism.get_epsilon_gaussian(sigma, d))]
                for sigma in [0.1, 0.25, 0.5, 1, 3, 10, 1000] for d in [0.1, 1e-3, 1e-5, 1e-10]],
    "divergence": [[q, s, a, divergence(q, s, a)] for q in [0.0001, 0.01, 0.1, 0.5, 1] for s in [0.4, 1, 2.5, 10]
                   for a in [1.25, 2, 3.7, 32, 256]],
    "dpSgd": [[*run, float(by(rdp_privacy_accountant.RdpAccountant(), run[:3], run[3])),
               float(by(pld_privacy_accountant.PLDAccountant(), run[:3], run[3]))] for run in RUNS],
}, separators=(",", ":")))
