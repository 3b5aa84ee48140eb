/** How a recovery is judged: its metrics against the truth, and means over many of them.
 * @module */
import { exact, mse, psnr, ssim } from "./metrics.ts";
import type { Shape } from "./priors.ts";
import type { Recovery } from "./recovery.ts";

/** A recovery in numbers; null where there is no recovery to measure. */
export interface Score {
  readonly status: Recovery["status"];
  /** Of pixels scaled to [0, 1]. */
  readonly mse: number | null;
  /** In dB; Infinity for identical images. */
  readonly psnr: number | null;
  readonly ssim: number | null;
  /** Every pixel right after rounding. */
  readonly exact: boolean;
  readonly elapsedMs: number;
  /** From the attacker's side, see `Recovery`. */
  readonly consistent: boolean;
  readonly certified: boolean;
}

/** Measures a recovery against the true image. @throws {TypeError} lengths that differ. */
export function score(recovery: Recovery, xTrue: ArrayLike<number>, shape: Shape): Score {
  const { status, xHat, elapsedMs, consistent, certified } = recovery;
  const worth = { elapsedMs, consistent, certified };
  if (xHat === null) {
    return { status, mse: null, psnr: null, ssim: null, exact: false, ...worth };
  }
  return {
    status,
    mse: mse(xHat, xTrue),
    psnr: psnr(xHat, xTrue),
    ssim: ssim(xHat, xTrue, shape),
    exact: exact(xHat, xTrue),
    ...worth,
  };
}

/** Mean of one number over the recovered images; null if there are none. An infeasible solve has no
 * error and is not averaged in: state how many were recovered beside every mean. An identical image has no
 * finite PSNR and is left out of that mean: state how many are exact. */
export function meanScore(
  scores: readonly Score[],
  key: "mse" | "psnr" | "ssim" | "elapsedMs",
): number | null {
  const values = scores.filter((s) => s.mse !== null).map((s) => s[key] as number)
    .filter((value) => value !== Infinity);
  return values.length === 0 ? null : values.reduce((sum, v) => sum + v, 0) / values.length;
}
