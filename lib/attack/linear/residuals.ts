/** The samples of a batch where the residuals ⟨c, u_i⟩ are visible besides the gradients, as in FedV: by linear algebra,
 * at any batch size.
 *
 * - n + 1 visits: each sample's residuals are as many equations in its n features and its label.
 * - B visits: g_t = Σ_i r_ti·u_i is one equation a visit in the B values of a column, whatever n is.
 *
 * Both are solved modulo a prime (`math/solve_mod.ts`), so exactly.
 * @see R. Xu et al., "FedV: Privacy-Preserving Federated Learning over Vertically Partitioned Data", arXiv 2103.03918.
 * @module */
import { solveMod } from "../../math/solve_mod.ts";
import { P } from "../../math/rank_mod.ts";
import { type BatchRecovery, contradiction, type FoundSample, outcome } from "./recovery.ts";
import { type Integers, type LinearBatch, type LinearView, linearView } from "./view.ts";

/** Recovers each batch of a view from residuals and gradients.
 * @returns one outcome a batch, its samples in the order of the residuals.   @throws as `linearView`. {TypeError} a visit
 * without residuals. {RangeError} bounds beyond half the prime 2 097 143. */
export function fromResiduals(view: LinearView): BatchRecovery[] {
  const { batches, bound, label, one } = linearView(view);
  const most = Math.max(bound, label, one);
  if (2 * most >= P) {
    throw new RangeError(`Cannot solve: entries up to ${most} do not fit modulo ${P}`);
  }
  return batches.map((batch, b) => {
    const blind = batch.visits.findIndex(({ residuals }) => residuals === null);
    if (blind >= 0) {
      throw new TypeError(`Cannot solve: visit ${blind} of batch ${b} shows no residuals`);
    }
    const samples = bySample(view, batch) ?? byColumn(view, batch);
    if (samples === null) {
      const needed = Math.min(batch.size, view.n + 1);
      const why = `${batch.visits.length} visits do not determine it, ${needed} may`;
      return outcome("failed", why);
    }
    const wrong = contradiction(view, batch, samples);
    return wrong === null
      ? outcome("recovered", null, samples)
      : outcome("failed", `what was found has ${wrong}`);
  });
}

const signed = (value: number) => value > P / 2 ? value - P : value;

/** r_t − c_t,n·one = Σ_j c_tj·x_j + c_ty·y for each sample; null where the visits are too few. */
function bySample({ n, one }: LinearView, { size, visits }: LinearBatch): FoundSample[] | null {
  const A = visits.flatMap(({ c }) => [...Array.from(c).slice(0, n), c[n + 1]]);
  const B = visits.flatMap(({ c, residuals }) => Array.from(residuals!, (r) => r - c[n] * one));
  const { rank, X } = solveMod(A, B, { n: n + 1, k: size });
  if (rank <= n) return null;
  const value = (k: number, i: number) => signed(X[k * size + i]);
  return Array.from({ length: size }, (_, i) => ({
    x: Array.from({ length: n }, (_, j) => value(j, i)),
    y: value(n, i),
  }));
}

/** g_tj = Σ_i r_ti·u_ij for each column; null where the visits are too few. */
function byColumn({ n, one }: LinearView, { size, visits }: LinearBatch): FoundSample[] | null {
  const R = visits.flatMap(({ residuals }) => Array.from(residuals!));
  const G = visits.flatMap(({ gradient }) => Array.from(gradient).slice(0, n));
  const { rank, X } = solveMod(R, G, { n: size, k: n });
  if (rank < size) return null;
  const [{ c, residuals }] = visits;
  return Array.from({ length: size }, (_, i) => {
    const x = Array.from(X.subarray(i * n, (i + 1) * n), signed);
    return { x, y: (residuals![i] - dot(c, x) - c[n] * one) / c[n + 1] };
  });
}

function dot(c: Integers, x: readonly number[]): number {
  return x.reduce((sum, value, j) => sum + value * c[j], 0);
}
