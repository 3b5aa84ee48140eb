/** Where the secrets of a MITIG3 client come from: its weights, the order of the images, and the noise.
 *
 * From the system's CSPRNG, unless an experiment names an `insecureSeed`. No generator is passed in, so that none can be
 * passed in by mistake: noise that repeats, or that somebody else can draw again, hides nothing. A visit is one pass over
 * all images. Each has a stream of its own, so that a training which goes on after an interruption draws no noise a second
 * time, whatever was sent before.
 * @module */
import { type Rng, secureRng, seededRng } from "../../math/rng.ts";

/** A client's generators. */
export interface Secrets {
  /** "csprng" or "insecureSeed=7": see `Rng.source`. */
  readonly source: string;
  /** Draws the first weights. */
  readonly weights: Rng;
  /** Draws the order and the noise of a visit. @param visit counted from 0. */
  visit(visit: number): Rng;
}

/** The generators of a client: the CSPRNG, or those of a seed that everybody may know.
 * @throws {RangeError} the seed is not a safe integer. */
export function secretsOf(insecureSeed?: number): Secrets {
  if (insecureSeed === undefined) {
    const rng = secureRng();
    return { source: rng.source, weights: rng, visit: () => rng };
  }
  const weights = seededRng(insecureSeed);
  const { source } = weights;
  return { source, weights, visit: (visit) => seededRng(insecureSeed, `visit ${visit}`) };
}
