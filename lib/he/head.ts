/** The gradients of one linear layer on codes that change at every step, in two levels: of its weights, and of the codes.
 *
 *   level 2  Z_k, A        level 1  Y_k, E_k = sum_c(A ⊙ Z_k) − Y_k
 *   level 0  dA = sum_b(Σ_k E_k ⊙ Z_k),   dZ_k = sum_j(A ⊙ E_k)
 *
 * c is a number of the code, j a class, b a sample; each k is another ciphertext of B samples. The loss is
 * ½·Σ ‖A·z − y‖², summed: a softmax is no polynomial. It is MITIG3's last layer for a server that is to see no code of any
 * sample (protocol/he/narrow.ts).
 * @module */
import type { Ciphertext } from "./ckks.ts";
import { type Batch, checkBatch, checkWeights, type Sizes, type Weights } from "./model.ts";
import type { PackedModel } from "./packed_model.ts";
import { overB, overC, overJ, pack, packingFor, rotateSum, unpackSums } from "./packing.ts";
import { LINEAR_PARAMS, slotsOf } from "./params.ts";

/** A linear layer of several outputs as ciphertexts of `LINEAR_PARAMS`; unpacked gradients are dA `[outputs, n]` and dZ
 * `[m, n]`.
 * @param sizes n numbers of a code, the constant one included; `batch` codes a step.
 * @throws {RangeError} a layer does not fit into a ciphertext. */
export function packedHead(sizes: Sizes): PackedModel {
  const { n, outputs, batch: m } = sizes;
  const params = LINEAR_PARAMS;
  const packing = packingFor(slotsOf(params), { c: n, j: outputs, b: 1 });
  const { B } = packing;
  const parts = Array.from({ length: Math.ceil(m / B) }, (_, k) => k);
  const [sumC, sumJ, sumB] = [overC(packing), overJ(packing), overB(B)];
  const at = (k: number, b: number) => k * B + b;
  return {
    params,
    rotations: [...new Set([...sumC, ...sumJ, ...sumB])],
    batchLevels: [...parts.map(() => 2), ...parts.map(() => 1)],
    weightLevels: [2],
    gradients: 1 + parts.length,
    packBatch(batch: Batch) {
      checkBatch(sizes, batch);
      const { x, y } = batch;
      const code = (k: number) =>
        pack(packing, (c, _j, b) => c < n && at(k, b) < m ? x[at(k, b) * n + c] : 0);
      const target = (k: number) =>
        pack(packing, (_c, j, b) => j < outputs && at(k, b) < m ? y[at(k, b) * outputs + j] : 0);
      return [
        ...parts.map((k) => ({ level: 2, values: code(k) })),
        ...parts.map((k) => ({ level: 1, values: target(k) })),
      ];
    },
    packWeights(weights: Weights) {
      checkWeights(sizes, weights);
      const [A] = weights;
      const values = pack(packing, (c, j) => c < n && j < outputs ? A[j * n + c] : 0);
      return [{ level: 2, values }];
    },
    gradient(evaluator, batch, [A]) {
      using scope = new DisposableStack();
      const keep = (ciphertext: Ciphertext) => scope.use(ciphertext);
      const sum = (ciphertext: Ciphertext, steps: readonly number[]) =>
        keep(rotateSum(evaluator, ciphertext, steps));
      const errors = parts.map((k) => {
        const out = sum(evaluator.multiply(A, batch[k]), sumC); // level 1, in every c
        return keep(evaluator.subtract(out, batch[parts.length + k]));
      });
      const products = errors.map((E, k) => keep(evaluator.multiply(E, batch[k])));
      const all = products.reduce((total, product) => keep(evaluator.add(total, product)));
      const dA = sum(evaluator.drop(all, 0), sumB);
      const dZ = errors.map((E) => sum(evaluator.multiply(A, E), sumJ));
      return [dA, ...dZ].map((ciphertext) => evaluator.drop(ciphertext, 0)); // of the caller's own
    },
    unpack([dA, ...dZ]) {
      const turned = unpackSums(packing, dA, n, outputs); // [c, j]
      const upright = turned.map((_, i) => turned[i % n * outputs + Math.floor(i / n)]);
      const codes = Float64Array.from({ length: m * n }, (_, i) => {
        const [sample, c] = [Math.floor(i / n), i % n];
        return dZ[Math.floor(sample / B)][c * packing.J * B + sample % B];
      });
      return [upright, codes];
    },
  };
}
