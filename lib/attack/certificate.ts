/** Proof of a reconstruction without the truth.
 *
 * W1, z1 and pixels are integers, so an attacker can round its x̂ and put it back: W1·round(x̂) = z1.
 * A wrong x̂ rounds to an image that is off by about ‖W1_i‖/√12 in equation i, and would have to hit
 * all of them by chance: about Π 1/‖W1_i‖, or 10⁻¹⁰⁰⁰ at 300 units of 8-bit weights. With one or two
 * equations the certificate says little.
 * @module */
import type { ServerView } from "./view.ts";

/** Whether the rounded recovery is an image that satisfies every equation exactly.
 * @throws {TypeError} xHat has the wrong length. */
export function certified(view: ServerView, xHat: ArrayLike<number>): boolean {
  const { W1, z1, hidden, n, pixelRange: [low, high] } = view;
  if (xHat.length !== n) {
    throw new TypeError(`Cannot certify: ${xHat.length} pixels, expected ${n}`);
  }
  const x = new Float64Array(n);
  for (let p = 0; p < n; p++) {
    x[p] = Math.round(xHat[p]);
    if (!(x[p] >= low && x[p] <= high)) return false;
  }
  for (let row = 0; row < hidden; row++) {
    let sum = 0;
    for (let p = 0; p < n; p++) sum += W1[row * n + p] * x[p];
    if (sum !== z1[row]) return false;
  }
  return true;
}
