/** The gradient of a linear model, in two levels: K ciphertexts hold all inputs of a batch, C of them each.
 *
 *   level 2  X_k, W_k/m        level 1  r = Σ_k sum_c(W_k/m ⊙ X_k) − y/m       level 0  dw_k = sum_b(r ⊙ X_k)
 *
 * It is the gradient of least squares; with targets ±2 it is also that of logistic regression whose sigmoid is its
 * Taylor polynomial, σ(z) ≈ ½ + z/4, up to a factor.
 * @module */
import type { Ciphertext } from "./ckks.ts";
import type { CkksEvaluator } from "./evaluator.ts";
import { type Batch, checkBatch, checkWeights, type Sizes, type Weights } from "./model.ts";
import type { PackedModel } from "./packed_model.ts";
import { overB, overC, pack, packingFor, rotateSum, unpackSums } from "./packing.ts";
import { LINEAR_PARAMS, slotsOf } from "./params.ts";

/** A linear model of one output as ciphertexts of `LINEAR_PARAMS`.
 * @throws {RangeError} several outputs, or a batch that does not fit into a ciphertext. */
export function packedLinear(sizes: Sizes): PackedModel {
  const { n, outputs, batch: m } = sizes;
  if (outputs !== 1) {
    throw new RangeError(
      `Cannot train: a linear model has 1 output, got ${outputs}; give it hidden units`,
    );
  }
  const params = LINEAR_PARAMS;
  const slots = slotsOf(params);
  const samples = packingFor(slots, { c: 1, j: 1, b: m }); // refuses a batch that is too large
  const inputs = Math.min(2 ** Math.ceil(Math.log2(n)), slots / 2 ** Math.ceil(Math.log2(m)));
  const packing = { ...samples, C: inputs, B: slots / inputs };
  const parts = Array.from({ length: Math.ceil(n / inputs) }, (_, k) => k);
  const inputOf = (k: number, c: number) => k * inputs + c;
  const [sumC, sumB] = [overC(packing), overB(m)];
  return {
    params,
    rotations: [...sumC, ...sumB],
    batchLevels: [...parts.map(() => 2), 1],
    weightLevels: parts.map(() => 2),
    gradients: parts.length,
    packBatch(batch: Batch) {
      checkBatch(sizes, batch);
      const { x, y } = batch;
      const part = (k: number) =>
        pack(packing, (c, _j, b) => inputOf(k, c) < n && b < m ? x[b * n + inputOf(k, c)] : 0);
      return [
        ...parts.map((k) => ({ level: 2, values: part(k) })),
        { level: 1, values: pack(packing, (_c, _j, b) => b < m ? y[b] / m : 0) },
      ];
    },
    packWeights(weights: Weights) {
      checkWeights(sizes, weights);
      const [w] = weights;
      return parts.map((k) => ({
        level: 2,
        values: pack(packing, (c) => inputOf(k, c) < n ? w[inputOf(k, c)] / m : 0),
      }));
    },
    gradient(evaluator: CkksEvaluator, batch, weights) {
      using scope = new DisposableStack();
      const keep = (ciphertext: Ciphertext) => scope.use(ciphertext);
      const products = parts.map((k) => keep(evaluator.multiply(weights[k], batch[k])));
      const out = products.reduce((sum, product) => keep(evaluator.add(sum, product)));
      const all = keep(rotateSum(evaluator, evaluator.drop(out, 1), sumC)); // level 1, in every c
      const r = keep(evaluator.subtract(all, batch[parts.length]));
      return parts.map((k) => rotateSum(evaluator, evaluator.multiply(r, batch[k]), sumB));
    },
    unpack(slots) {
      const w = slots.map((values) => unpackSums(packing, values, inputs, 1));
      return [Float64Array.from({ length: n }, (_, i) => w[Math.floor(i / inputs)][i % inputs])];
    },
  };
}
