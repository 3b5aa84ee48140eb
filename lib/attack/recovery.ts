/** What an attack hands back. Infeasible, out of time and aborted are outcomes, not exceptions.
 * @module */
import type { Objective } from "./priors.ts";

/** The outcome of one attack on one view. */
export interface Recovery {
  status: "optimal" | "infeasible" | "time-limit" | "aborted" | "error";
  /** [n] pixels in 0..255, not rounded; null unless the status is "optimal". */
  xHat: Float64Array | null;
  elapsedMs: number;
  objective: Objective | "least-squares";
  message?: string;
}

/** A recovery that recovered nothing, and why. */
export function noRecovery(
  status: Exclude<Recovery["status"], "optimal">,
  objective: Recovery["objective"],
  details: { elapsedMs: number; message?: string },
): Recovery {
  return { status, xHat: null, objective, ...details };
}
