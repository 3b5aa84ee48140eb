/** What noisy numbers can tell of a sample, whoever reads them: bits through a noisy channel, and (ε, δ) of
 * differential privacy, for the codes of mitig3 and for DP-SGD.
 *
 * A mechanism is (ε, δ)-private when, for any two data sets that differ in one sample and any set of outcomes,
 * P(outcome on one) ≤ exp(ε)·P(outcome on the other) + δ. The Gaussian mechanism adds N(0, σ²) to each number of an
 * answer that one sample moves by at most `sensitivity`; only their quotient counts. Its ε here is exact, not the
 * textbook's bound, and T answers with independent noise are one with σ/√T. A step of DP-SGD sees a random part of
 * the samples, which makes it more private; its accounting is in Rényi divergences, an upper bound on ε.
 * @see B. Balle, Y.-X. Wang, "Improving the Gaussian Mechanism for Differential Privacy", ICML 2018, arXiv 1805.06830,
 * theorem 8.  I. Mironov, K. Talwar, L. Zhang, "Rényi Differential Privacy of the Sampled Gaussian Mechanism",
 * arXiv 1908.10530.  C. L. Canonne, G. Kamath, T. Steinke, "The Discrete Gaussian for Differential Privacy",
 * arXiv 2004.00010, proposition 12.
 * @module */
import { erfcx, normalTail } from "./math/erfcx.ts";

/** The most by which one sample moves its own code: codes lie on the unit sphere. */
export const CODE_SENSITIVITY = 2;

/** What an accounting takes, and what it must be. */
const RANGES: Record<string, readonly [fits: (value: number) => boolean, expected: string]> = {
  units: [(value) => Number.isSafeInteger(value) && value > 0, "a positive integer"],
  visits: [(value) => Number.isSafeInteger(value) && value > 0, "a positive integer"],
  steps: [(value) => Number.isSafeInteger(value) && value > 0, "a positive integer"],
  sigma: [(value) => value > 0 && value < Infinity, "positive: without noise there is no bound"],
  noise: [(value) => value > 0 && value < Infinity, "positive: without noise there is no bound"],
  sensitivity: [(value) => value > 0 && value < Infinity, "positive"],
  delta: [(value) => value > 0 && value < 1, "between 0 and 1, both excluded"],
  rate: [(value) => value > 0 && value <= 1, "above 0 and at most 1"],
  order: [(value) => value > 1 && value < Infinity, "above 1"],
  epsilon: [(value) => value >= 0 && value < Infinity, "0 or above"],
};

/** @throws {RangeError} a value outside its range, by name. */
function check(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    const [fits, expected] = RANGES[name];
    if (!fits(value)) {
      throw new RangeError(`Cannot account: ${name} = ${value}, expected ${expected}`);
    }
  }
}

/** The most information, in bits, that one noisy code has of the noise-free one, and so of the image: the capacity of
 * `units` Gaussian channels among which a power of 1 is shared, (r/2)·log₂(1 + 1/(r·σ²)).
 * @param units r, numbers of a code.   @param sigma standard deviation of the noise on each.
 * @throws {RangeError} units that is no positive integer, sigma that is not positive.
 * @see C. E. Shannon, "Communication in the Presence of Noise", 1949. */
export function capacityBits(units: number, sigma: number): number {
  check({ units, sigma });
  return units / 2 * Math.log2(1 + 1 / (units * sigma ** 2));
}

/** The least δ for which the Gaussian mechanism is (ε, δ)-private:
 * Φ(s/2 − ε/s) − exp(ε)·Φ(−s/2 − ε/s) with s = sensitivity/σ. Far in the tail the two nearly cancel: there it is
 * ½·exp(−t²/2)·(erfcx(t/√2) − erfcx((t + s)/√2)) with t = ε/s − s/2.
 * @param ratio s.   @throws {RangeError} epsilon < 0, ratio that is not positive. */
export function gaussianDelta(epsilon: number, ratio: number): number {
  check({ epsilon, sensitivity: ratio });
  const t = epsilon / ratio - ratio / 2;
  const height = 0.5 * Math.exp(-t * t / 2);
  const beyond = erfcx((t + ratio) * Math.SQRT1_2);
  if (t < 0) return normalTail(t) - height * beyond;
  return height * (erfcx(t * Math.SQRT1_2) - beyond);
}

/** The least ε for which a Gaussian mechanism is (ε, δ)-private; 0 where δ alone covers it.
 * @param options.sigma standard deviation of the noise.   @param options.sensitivity in the 2-norm.
 * @throws {RangeError} sigma or sensitivity that is not positive, delta outside (0, 1). */
export function gaussianEpsilon(
  { sigma, sensitivity, delta }: { sigma: number; sensitivity: number; delta: number },
): number {
  check({ sigma, sensitivity, delta });
  const ratio = sensitivity / sigma;
  if (gaussianDelta(0, ratio) <= delta) return 0;
  const enough = ratio ** 2 / 2 + ratio * Math.sqrt(-2 * Math.log(delta));
  return least((epsilon) => gaussianDelta(epsilon, ratio) <= delta, 0, enough);
}

/** ε of all codes of one sample that a server of mitig3 has after T visits, each with fresh noise, for two images of
 * the same label: a Gaussian mechanism of sensitivity 2. What the sample did to other samples' codes through the
 * weights is not in it.
 * @throws {RangeError} sigma that is not positive, visits that is no positive integer, delta outside (0, 1). */
export function releasedCodesEpsilon(
  { sigma, visits, delta = 1e-5 }: { sigma: number; visits: number; delta?: number },
): number {
  check({ sigma, visits, delta });
  const sensitivity = CODE_SENSITIVITY;
  return gaussianEpsilon({ sigma: sigma / Math.sqrt(visits), sensitivity, delta });
}

/** ε of all that a server of mitig3 has at the end, whatever it sends, where the client also clips and disturbs the
 * gradients of its weights (nn/dp_sgd.ts): for two images of the same label, one in the place of the other, met at
 * exactly T visits whose batches the server knows. Each visit shows the code, sensitivity 2, and all that the weights do
 * later, sensitivity 2·clip: one Gaussian mechanism of sensitivity 2·√(T·(1/σ² + 1/noise²)) and noise 1. Since the server
 * knows the batches, their being drawn at random makes nothing more private.
 * @param options.noise standard deviation of the noise on the sum of clipped gradients, divided by the clip.
 * @throws {RangeError} as {@linkcode releasedCodesEpsilon}, noise that is not positive. */
export function serverViewEpsilon(
  { sigma, noise, visits, delta = 1e-5 }: {
    sigma: number;
    noise: number;
    visits: number;
    delta?: number;
  },
): number {
  check({ sigma, noise, visits, delta });
  const sensitivity = CODE_SENSITIVITY * Math.sqrt(visits * (1 / sigma ** 2 + 1 / noise ** 2));
  return gaussianEpsilon({ sigma: 1, sensitivity, delta });
}

/** Steps of the quadrature in the narrower of the two lengths of its integrand, σ and σ². */
const POINTS = 16;

/** Rényi divergence of order α of one step that takes each sample with probability `rate` and adds
 * N(0, noise²) to a sum that one sample moves by at most 1:
 * 1/(α − 1)·log E[(1 − q + q·exp((2z − 1)/(2σ²)))^α], z ~ N(0, σ²).
 * The trapezoid rule converges exponentially here, for every real order; logarithms keep it from overflowing.
 * @throws {RangeError} rate outside (0, 1], noise that is not positive, order that is not above 1. */
export function sampledGaussianRdp(
  { rate, noise, order }: { rate: number; noise: number; order: number },
): number {
  check({ rate, noise, order });
  const step = Math.min(noise, noise ** 2) / POINTS;
  const end = order + 14 * noise;
  const logs: number[] = [];
  for (let z = -14 * noise; z < end; z += step) {
    const exponent = (2 * z - 1) / (2 * noise ** 2);
    const mixture = exponent > 30
      ? exponent + Math.log(rate) + Math.log1p((1 - rate) / rate * Math.exp(-exponent))
      : Math.log1p(rate * Math.expm1(exponent));
    logs.push(order * mixture - z * z / (2 * noise ** 2));
  }
  const top = logs.reduce((most, value) => Math.max(most, value), -Infinity);
  const sum = logs.reduce((total, value) => total + Math.exp(value - top), 0);
  const integral = top + Math.log(sum * step / (noise * Math.sqrt(2 * Math.PI)));
  return Math.max(0, integral) / (order - 1);
}

/** The orders that are tried: every tenth up to 12, whole ones up to 64, then powers of two. */
const ORDERS: readonly number[] = [
  ...Array.from({ length: 109 }, (_, k) => (11 + k) / 10),
  ...Array.from({ length: 52 }, (_, k) => 12 + k),
  ...[64, 128, 256, 512],
];

/** The least ε, over the orders, that a mechanism with these Rényi divergences has at δ:
 * D_α + log(1 − 1/α) − log(δ·α)/(α − 1). */
export function epsilonOfRdp(divergence: (order: number) => number, delta: number): number {
  check({ delta });
  const each = ORDERS.map((order) =>
    divergence(order) + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1)
  );
  return Math.max(0, Math.min(...each));
}

/** How a training with DP-SGD draws and disturbs. */
export interface SampledSteps {
  /** Probability with which each step takes each sample, independently: B/N. */
  readonly rate: number;
  /** Standard deviation of the noise on the sum of clipped gradients, divided by the clip. */
  readonly noise: number;
  readonly steps: number;
}

/** ε of a training with DP-SGD, for data sets of which one has one sample more.
 * @throws {RangeError} rate outside (0, 1], noise that is not positive, steps that is no positive integer, delta
 * outside (0, 1). */
export function dpSgdEpsilon({ rate, noise, steps, delta }: SampledSteps & { delta: number }) {
  check({ rate, noise, steps, delta });
  return epsilonOfRdp((order) => steps * sampledGaussianRdp({ rate, noise, order }), delta);
}

/** The least noise with which that training is (ε, δ)-private, to 5 digits and never below.
 * @throws {RangeError} as {@linkcode dpSgdEpsilon}; epsilon that is not positive or not to be had with noise below
 * 1000. */
export function dpSgdNoise(
  { epsilon, ...run }: Omit<SampledSteps, "noise"> & { epsilon: number; delta: number },
): number {
  const fits = (noise: number) => dpSgdEpsilon({ ...run, noise }) <= epsilon;
  check({ epsilon });
  if (epsilon === 0 || !fits(1000)) {
    throw new RangeError(`Cannot account: epsilon = ${epsilon} is out of reach at noise 1000`);
  }
  return least(fits, 0.1, 1000, 1e-5);
}

/** The least value in (low, high] for which `fits`, which holds from some value on, to a relative tolerance; `high`
 * is known to fit, and so does what is returned. */
function least(fits: (value: number) => boolean, low: number, high: number, tolerance = 0): number {
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high || high - low < tolerance * high) return high;
    if (fits(middle)) high = middle;
    else low = middle;
  }
}
