/** The samples of a batch from its gradients alone, which is all that quadratic encryption opens: the attack on
 * training a linear model with small batches that are seen often.
 *
 * 1. The gradient is linear in the coefficients: g_t − g_0 = S·(c_t − c_0), S the Gram matrix of the batch's features
 *    and ones. T visits give S in the T − 1 directions c_t − c_0, exactly (`math/gram_mod.ts`); g_0 is a combination of
 *    the samples too, so it gives one direction more, and S_ones,ones = B·one² how much of it. B visits are enough, or
 *    n + 1 where there are more samples than columns.
 * 2. Xᵀy = (g_0 − S·c_0) / c_y: at weights of 0 it is the first gradient itself, up to sign.
 * 3. S is a matrix of integers, so a lattice gives the samples (`gram_samples.ts`).
 *
 * For B = 1 one gradient ⟨c, u⟩·u with its known 1 will do. What is found is certified without the truth: S is whole and
 * small where a wrong one would be random modulo the prime, and each sample is an exact vector of its lattice
 * (`gram_samples.ts`), whole and within its bounds. A whole batch reproduces every gradient of every visit besides; some
 * samples of one cannot, for the others' part in it is unknown. Fewer visits than samples stay open here; that is no
 * proof that they are safe.
 * @see Related, of neural networks: D. Dimitrov et al., "SPEAR: Exact Gradient Inversion of Batches in Federated
 * Learning", arXiv 2403.03945. Q. Li et al., "Perfect Gradient Inversion in Federated Learning: A New Paradigm from the
 * Hidden Subset Sum Problem", arXiv 2409.14260 (by lattices too).
 * @module */
import { gramFromProducts } from "../../math/gram_mod.ts";
import { samplesFromGram } from "./gram_samples.ts";
import { type BatchRecovery, contradiction, impossibility, outcome } from "./recovery.ts";
import { type LinearBatch, type LinearView, linearView } from "./view.ts";

/** Recovers each batch of a view from its gradients; residuals are not used.
 * @returns one outcome a batch. @throws as `linearView`. */
export function fromBatchGradients(view: LinearView): BatchRecovery[] {
  const { batches } = linearView(view);
  return batches.map((batch) => fromGradientsOf(view, batch));
}

function fromGradientsOf(view: LinearView, batch: LinearBatch): BatchRecovery {
  if (batch.visits.length === 0) return outcome("failed", "the batch was not visited");
  const found = batch.size === 1 ? single(view, batch) : several(view, batch);
  if (found.status === "failed") return found;
  const { n } = view;
  const samples = Array.from(found.y, (y, i) => ({
    x: [...found.x.subarray(i * n, (i + 1) * n)],
    y,
  }));
  const whole = found.status === "recovered";
  const wrong = whole ? contradiction(view, batch, samples) : impossibility(view, samples);
  return wrong === null ? found : outcome("failed", `what was found has ${wrong}`);
}

/** One sample: g = ⟨c, u⟩·u, and u's 1 is known. */
function single({ n, one }: LinearView, { visits }: LinearBatch): BatchRecovery {
  const visit = visits.find(({ gradient }) => gradient[n] !== 0);
  if (visit === undefined) return outcome("failed", "the sample's residual is 0 at each visit");
  const residual = visit.gradient[n] / one;
  const x = Array.from({ length: n }, (_, j) => visit.gradient[j] / residual);
  const known = x.reduce((sum, value, j) => sum + value * visit.c[j], one * visit.c[n]);
  return outcome("recovered", null, [{ x, y: (residual - known) / visit.c[n + 1] }]);
}

/** The columns' inner products, then the lattice. */
function several(view: LinearView, batch: LinearBatch): BatchRecovery {
  const { n, one, label } = view;
  const { size, visits } = batch;
  const differences = (part: "c" | "gradient") =>
    visits.slice(1).flatMap((visit) =>
      Array.from({ length: n + 1 }, (_, j) => visit[part][j] - visits[0][part][j])
    );
  const { rank, gram: S } = gramFromProducts(
    differences("c"),
    differences("gradient"),
    { n: n + 1, known: { spanned: visits[0].gradient, at: n, diagonal: size * one ** 2 } },
  );
  const gram = S && columnsGram(S, view, batch);
  if (gram === null) {
    const needed = Math.min(size, n + 1);
    const span = `${visits.length} visits span ${rank} dimensions of ${needed}`;
    return outcome("failed", rank < needed ? span : "no whole Gram matrix has these gradients");
  }
  const { samples, why } = samplesFromGram(gram, { n, label, size });
  if (why === null) return outcome("recovered", null, samples);
  return outcome(samples.length > 0 ? "partial" : "failed", why, samples);
}

/** Inner products of the features, the ones and the labels' signs, `[n + 2, n + 2]`; null where they are not whole, or
 * the ones are not as many as the samples. */
function columnsGram(
  S: Float64Array,
  { n, one, label }: LinearView,
  { size, visits: [{ c, gradient }] }: LinearBatch,
): Float64Array | null {
  const m = n + 2;
  const gram = new Float64Array(m * m);
  const unit = (j: number) => j === n ? one : 1;
  for (let i = 0; i <= n; i++) {
    let rest = gradient[i];
    for (let j = 0; j <= n; j++) {
      gram[i * m + j] = S[i * (n + 1) + j] / (unit(i) * unit(j));
      rest -= S[i * (n + 1) + j] * c[j];
    }
    gram[i * m + n + 1] = gram[(n + 1) * m + i] = rest / (c[n + 1] * label * unit(i));
  }
  gram[m * m - 1] = size;
  return gram[n * m + n] === size && gram.every(Number.isInteger) ? gram : null;
}
