/** How z1 moves between two visits of a sample: linear equations for its inner products with all samples.
 *
 *   z1_i(t) − z1_i(s) = −Σ_{s ≤ τ < t} rate(τ)·Σ_j dz1_j(τ)·⟨x_j, x_i⟩ = D·g_i
 *
 * because W1 moves by plain descent, W1 ← W1 − rate·dz1ᵀ·X, on dz1 that the server made itself. x is the layer's
 * input, inputScale·pixels; g_i is column i of G = X·Xᵀ; D `[units, samples]` holds what each sample added to W1 in
 * between. Visits one after the other stack. All samples that were met at the same steps share D: as many matrices as
 * batches where the order stays, as pairs of batches where it changes between two visits, up to one per sample beyond.
 * @module */
import { type TrainingView, visitsOf, z1Of } from "./view.ts";

/** Samples met at the same steps, and what their z1 say. */
export interface Moves {
  /** Places in `samples`. */
  readonly members: Uint32Array;
  /** `[equations, samples]`, equations = units · (visits − 1). */
  readonly D: Float64Array;
  /** `[members, equations]`: row k is D·g of member k. */
  readonly Y: Float64Array;
}

/** A training as equations for inner products. */
export interface Followed {
  /** The view's names, ascending. */
  readonly samples: Uint32Array;
  readonly groups: readonly Moves[];
  /** Places of samples met once only: nothing moves there, and none of `groups` holds them. */
  readonly unmoved: Uint32Array;
}

/** Refuses what no Gram matrix follows from.
 * @param what the attack, for messages.
 * @throws {TypeError} an unnamed step, or one that is not plain descent. */
export function checkFollowed({ steps }: TrainingView, what: string): void {
  for (const [at, { samples, rate }] of steps.entries()) {
    if (samples === null) {
      throw new TypeError(`Cannot ${what}: step ${at} does not name its samples, expected names`);
    }
    if (rate === null) {
      throw new TypeError(
        `Cannot ${what}: rate of step ${at} is null, expected that W1 moves by plain descent`,
      );
    }
  }
}

/** Reads a view as equations.
 * @param most use only the first so many visits of each sample.
 * @throws {TypeError} as {@linkcode checkFollowed}. */
export function movesOf(view: TrainingView, what: string, most?: number): Followed {
  checkFollowed(view, what);
  const { units, steps } = view;
  const met = visitsOf(view);
  const samples = Uint32Array.from(met.keys()).sort();
  const place = new Map(Array.from(samples, (name, at) => [name, at]));
  const visits = Array.from(samples, (name) => met.get(name)!.slice(0, most));
  const together = Map.groupBy(samples.keys(), (at) => visits[at].map(({ step }) => step).join());
  const unmoved = Uint32Array.from(samples.keys()).filter((at) => visits[at].length < 2);
  const moved = [...together.values()].filter(([first]) => visits[first].length > 1);
  const groups = moved.map((members): Moves => {
    const at = visits[members[0]].map(({ step }) => step);
    const equations = units * (at.length - 1);
    const D = new Float64Array(equations * samples.length);
    for (let k = 0; k + 1 < at.length; k++) {
      const block = D.subarray(k * units * samples.length, (k + 1) * units * samples.length);
      for (let step = at[k]; step < at[k + 1]; step++) {
        const { samples: names, dz1, rate } = steps[step];
        names!.forEach((name, row) => {
          const column = place.get(name)!;
          for (let u = 0; u < units; u++) {
            block[u * samples.length + column] -= rate! * dz1[row * units + u];
          }
        });
      }
    }
    const Y = new Float64Array(members.length * equations);
    members.forEach((member, row) => {
      const z1 = visits[member].map((visit) => z1Of(view, visit));
      for (let e = 0; e < equations; e++) {
        const [k, u] = [Math.floor(e / units), e % units];
        Y[row * equations + e] = z1[k + 1][u] - z1[k][u];
      }
    });
    return { members: Uint32Array.from(members), D, Y };
  });
  return { samples, groups, unmoved };
}

/** z1 of each sample's first visit: `Z` `[samples, units]`, and the view's names, ascending.
 * @throws {TypeError} a step without names. */
export function firstZ1(view: TrainingView): { samples: Uint32Array; Z: Float64Array } {
  const met = visitsOf(view);
  const samples = Uint32Array.from(met.keys()).sort();
  const Z = new Float64Array(samples.length * view.units);
  samples.forEach((name, at) => Z.set(z1Of(view, met.get(name)![0]), at * view.units));
  return { samples, Z };
}

/** (A + Aᵀ)/2 in place, A `[n, n]`. */
export function symmetrise(A: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      A[i * n + j] = A[j * n + i] = (A[i * n + j] + A[j * n + i]) / 2;
    }
  }
  return A;
}
