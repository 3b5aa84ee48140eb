import { assert, assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import {
  capacityBits,
  dpSgdEpsilon,
  dpSgdNoise,
  epsilonOfRdp,
  gaussianDelta,
  gaussianEpsilon,
  releasedCodesEpsilon,
  sampledGaussianRdp,
  serverViewEpsilon,
} from "lib/privacy.ts";
import vectors from "./vectors/privacy.json" with { type: "json" };

const near = (got: number, expected: number, relative: number, what: string) =>
  assert(Math.abs(got / expected - 1) <= relative, `${what}: ${got}, expected ${expected}`);

Deno.test("capacityBits() of ten units at the three noises of mitig3", () => {
  const bits = [0.5, 0.7, 1].map((sigma) => capacityBits(10, sigma));
  assertEquals(bits.map((value) => value.toFixed(2)), ["2.43", "1.34", "0.69"]);
});

Deno.test("gaussianDelta() agrees with theorem 8 of Balle and Wang at 60 digits, to its far tail", () => {
  for (const [epsilon, ratio, delta] of vectors.delta) {
    near(gaussianDelta(epsilon, ratio), delta, 1e-10, `δ at ε ${epsilon}, s ${ratio}`);
  }
});

Deno.test("gaussianEpsilon() agrees with dp-accounting, and inverts gaussianDelta()", () => {
  for (const [sigma, delta, expected] of vectors.epsilon) {
    const epsilon = gaussianEpsilon({ sigma, sensitivity: 1, delta });
    assertAlmostEquals(epsilon, expected, 1e-6 * expected + 1e-9, `σ ${sigma}, δ ${delta}`);
    if (epsilon > 0) near(gaussianDelta(epsilon, 1 / sigma), delta, 1e-9, `σ ${sigma}, δ ${delta}`);
  }
});

Deno.test("the released codes of mitig3: five visits are one with √5 less noise", () => {
  const each = [0.5, 0.7, 1].flatMap((sigma) =>
    [1, 5].map((visits) => Math.round(releasedCodesEpsilon({ sigma, visits })))
  );
  assertEquals(each, [24, 77, 16, 47, 10, 28]);
});

Deno.test("serverViewEpsilon() is that of the codes where the gradients say nothing, and is symmetric", () => {
  const codes = { sigma: 0.7, visits: 5 };
  const alone = releasedCodesEpsilon(codes);
  assertAlmostEquals(serverViewEpsilon({ ...codes, noise: 1e9 }), alone, 1e-9);
  assertAlmostEquals(
    serverViewEpsilon({ sigma: 0.7, noise: 3, visits: 5 }),
    serverViewEpsilon({ sigma: 3, noise: 0.7, visits: 5 }),
    1e-9,
  );
  // Two mechanisms of equal noise are one with √2 less.
  assertAlmostEquals(
    serverViewEpsilon({ sigma: 2, noise: 2, visits: 3 }),
    releasedCodesEpsilon({ sigma: 2, visits: 6 }),
    1e-9,
  );
});

Deno.test("sampledGaussianRdp() agrees with its integral at 60 digits", () => {
  for (const [rate, noise, order, expected] of vectors.divergence) {
    const got = sampledGaussianRdp({ rate, noise, order });
    assertAlmostEquals(got, expected, 1e-11 * expected + 1e-13, `q ${rate} σ ${noise} α ${order}`);
  }
});

Deno.test("dpSgdEpsilon() is dp-accounting's, and above what privacy loss distributions give", () => {
  for (const [rate, noise, steps, delta, renyi, distributions] of vectors.dpSgd) {
    const epsilon = dpSgdEpsilon({ rate, noise, steps, delta });
    near(epsilon, renyi, 2e-3, `q ${rate} σ ${noise}`);
    assertGreater(epsilon, distributions);
    assertGreater(1.25 * distributions, epsilon);
  }
});

// The conversion of that time: D_α + log(1/δ)/(α − 1).
Deno.test("the divergences give the table of TensorFlow Privacy's tutorial (tutorials/README.md)", () => {
  const orders = Array.from({ length: 99 }, (_, k) => (11 + k) / 10);
  for (let order = 12; order < 64; order++) orders.push(order);
  for (const [noise, epochs, published] of [[1.12, 60, 2.92], [0.6, 30, 9.74], [1.2, 10, 1.2]]) {
    const steps = epochs * Math.floor(60_000 / 256);
    const each = orders.map((order) =>
      steps * sampledGaussianRdp({ rate: 256 / 60_000, noise, order }) -
      Math.log(1e-5) / (order - 1)
    );
    assertAlmostEquals(Math.min(...each), published, 0.01);
  }
});

Deno.test("epsilonOfRdp() of a Gaussian mechanism is just above the exact ε", () => {
  const exact = gaussianEpsilon({ sigma: 3, sensitivity: 1, delta: 1e-5 });
  const bound = epsilonOfRdp((order) => order / 18, 1e-5);
  assertGreater(bound, exact);
  assertGreater(1.12 * exact, bound);
});

Deno.test("dpSgdNoise() is the least noise that meets ε", () => {
  const run = { rate: 0.02, steps: 300, delta: 1e-5 };
  const noise = dpSgdNoise({ ...run, epsilon: 8 });
  assert(dpSgdEpsilon({ ...run, noise }) <= 8);
  assertGreater(dpSgdEpsilon({ ...run, noise: noise * 0.9999 }), 8);
});

Deno.test("more visits, less noise and a smaller δ never lower ε", () => {
  const codes = { sigma: 0.7, visits: 5, delta: 1e-5 };
  const epsilon = releasedCodesEpsilon(codes);
  assertGreater(releasedCodesEpsilon({ ...codes, visits: 6 }), epsilon);
  assertGreater(releasedCodesEpsilon({ ...codes, sigma: 0.6 }), epsilon);
  assertGreater(releasedCodesEpsilon({ ...codes, delta: 1e-6 }), epsilon);
  assertEquals(gaussianEpsilon({ sigma: 1e6, sensitivity: 1, delta: 1e-3 }), 0);
});

Deno.test("what cannot be accounted is refused by name", () => {
  const refused = (of: () => unknown, message: string) =>
    assertThrows(of, RangeError, `Cannot account: ${message}`);
  refused(
    () => capacityBits(10, 0),
    "sigma = 0, expected positive: without noise there is no bound",
  );
  refused(() => capacityBits(2.5, 1), "units = 2.5, expected a positive integer");
  refused(() => releasedCodesEpsilon({ sigma: 0.7, visits: 0 }), "visits = 0");
  for (const delta of [0, 1, -0.1, NaN]) {
    refused(() => releasedCodesEpsilon({ sigma: 0.7, visits: 5, delta }), `delta = ${delta}`);
    refused(() => dpSgdEpsilon({ rate: 0.1, noise: 1, steps: 1, delta }), `delta = ${delta}`);
  }
  refused(() => gaussianEpsilon({ sigma: NaN, sensitivity: 1, delta: 0.1 }), "sigma = NaN");
  refused(() => gaussianDelta(-1, 1), "epsilon = -1");
  refused(() => dpSgdEpsilon({ rate: 1.1, noise: 1, steps: 1, delta: 0.1 }), "rate = 1.1");
  refused(() => dpSgdEpsilon({ rate: 0.1, noise: 0, steps: 1, delta: 0.1 }), "noise = 0");
  refused(() => dpSgdEpsilon({ rate: 0.1, noise: 1, steps: 0, delta: 0.1 }), "steps = 0");
  refused(
    () => sampledGaussianRdp({ rate: 0.1, noise: 1, order: 1 }),
    "order = 1, expected above 1",
  );
  refused(
    () => dpSgdNoise({ rate: 1, steps: 1e6, delta: 1e-5, epsilon: 0.1 }),
    "epsilon = 0.1 is out of reach",
  );
});
