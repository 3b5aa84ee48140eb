/** Reweighted total variation + sum: the same program again and again, with weights that learn.
 *
 * A term that came out large is real and should cost little; one near zero should be pressed to zero.
 * So solve, give each term the weight base · ε / (|term| + ε), and solve again. Candès, Wakin, Boyd,
 * "Enhancing Sparsity by Reweighted ℓ1 Minimization", 2008; their weight is 1 / (|term| + ε), the
 * factor ε only keeps it in (0, base]. ε falls from 60 pixel values by 0.6 a round, which is measured:
 * with an ε that stays, anywhere in 5..120, fewer digits come out exact.
 * @module */
import { pixelRules, type Priors } from "./priors.ts";
import { type Recovery, recovery } from "./recovery.ts";
import { refine } from "./refine.ts";
import { objectiveTerms, type Terms } from "./terms.ts";
import type { ServerView } from "./view.ts";

/** Solves after the first one. */
export const REWEIGHTINGS = 5;

/** The terms `base` with the weights of the next round.
 * @param xHat what this round gave, in 0..255.   @param round 0 for the first. */
export function reweigh(base: Terms, xHat: ArrayLike<number>, round: number): Terms {
  const epsilon = 60 * 0.6 ** round;
  const factor = (term: number) => epsilon / (Math.abs(term) + epsilon);
  return {
    pixelWeights: base.pixelWeights.map((weight, p) => weight * factor(xHat[p])),
    pairs: base.pairs,
    pairWeights: base.pairWeights.map((weight, e) => {
      const [a, b] = base.pairs[e];
      return weight * factor(xHat[a] - xHat[b]);
    }),
  };
}

/** Runs a solver once, or for "reweighted" again and again until whole pixel values fit or the rounds are over.
 * @returns the last recovery, with the time of all; a later round that fails leaves the one before. */
export async function solveRounds(
  view: ServerView,
  priors: Priors,
  solve: (terms: Terms) => Recovery | Promise<Recovery>,
): Promise<Recovery> {
  const start = performance.now();
  const base = objectiveTerms(view, priors);
  let last = await solve(base);
  if (priors.objective !== "reweighted") return last;
  const rules = pixelRules(view.shape, priors);
  for (let round = 0; round <= REWEIGHTINGS; round++) {
    const { xHat, objective, elapsedMs } = last;
    if (xHat === null) break;
    const refined = refine(view, xHat, rules);
    if (refined !== null) {
      last = recovery(view, refined, { objective, elapsedMs });
      break;
    }
    if (round === REWEIGHTINGS) break;
    const next = await solve(reweigh(base, xHat, round));
    if (next.status === "error" || next.status === "undecided") break;
    last = next;
  }
  return { ...last, elapsedMs: performance.now() - start };
}
