import { assertEquals, assertThrows } from "@std/assert";
import { drawMask, maskOf, times2 } from "lib/fe/qfe_mask.ts";
import { seededRng } from "lib/math/rng.ts";
import { scalarsRng } from "./schemes.ts";

const Q = 1_000_003n;

Deno.test("times2() by W and by its dual leaves inner products as they are", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { w, dual } = drawMask(Q, seededRng(seed));
    const [u, v] = [[3n, -7n], [BigInt(seed), 11n]];
    const [hiddenU, hiddenV] = [times2(dual, u[0], u[1], Q), times2(w, v[0], v[1], Q)];
    const dot = (hiddenU[0] * hiddenV[0] + hiddenU[1] * hiddenV[1]) % Q;
    assertEquals(dot, ((u[0] * v[0] + u[1] * v[1]) % Q + Q) % Q);
  }
});

Deno.test("maskOf() refuses γ = 0 and a singular W, drawMask() draws again", () => {
  assertThrows(() => maskOf(Q, 0n, [[1n, 0n], [0n, 1n]]), RangeError, "Cannot mask: γ or");
  assertThrows(() => maskOf(Q, Q, [[1n, 0n], [0n, 1n]]), RangeError, "Cannot mask: γ or");
  assertThrows(() => maskOf(Q, 1n, [[1n, 2n], [2n, 4n]]), RangeError, "determinant of W is 0");
  const q = 2n ** 255n - 19n; // scalars of 32 bytes
  const { gamma, w } = drawMask(q, scalarsRng(4n, 1n, 2n, 2n, 4n, 1n, 2n, 3n, 4n));
  assertEquals([gamma, w], [5n, [[1n, 2n], [3n, 4n]]]);
});
