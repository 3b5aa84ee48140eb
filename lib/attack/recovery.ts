/** What an attack hands back. Infeasible, out of time and aborted are outcomes, not exceptions.
 * @module */
import { certified } from "./certificate.ts";
import type { Objective } from "./priors.ts";
import type { ServerView } from "./view.ts";

/** The outcome of one attack on one view. */
export interface Recovery {
  status: "optimal" | "infeasible" | "time-limit" | "aborted" | "error";
  /** [n] pixels in 0..255, not rounded; null unless the status is "optimal". */
  xHat: Float64Array | null;
  /** The rounded xHat satisfies every equation exactly: proof that it is the image, without the truth. */
  certified: boolean;
  elapsedMs: number;
  objective: Objective | "least-squares" | "gaussian";
  message?: string;
}

/** A recovery from a solver's point: clipped to the pixel range, certified if it can be. */
export function recovery(
  view: ServerView,
  point: Float64Array,
  details: { objective: Recovery["objective"]; elapsedMs: number },
): Recovery {
  const [low, high] = view.pixelRange;
  const xHat = point.slice(0, view.n).map((value) => Math.min(high, Math.max(low, value)));
  return { status: "optimal", xHat, certified: certified(view, xHat), ...details };
}

/** A recovery that recovered nothing, and why. */
export function noRecovery(
  status: Exclude<Recovery["status"], "optimal">,
  objective: Recovery["objective"],
  details: { elapsedMs: number; message?: string },
): Recovery {
  return { status, xHat: null, certified: false, objective, ...details };
}
