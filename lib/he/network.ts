/** The gradients of a network with one square hidden layer, on four ciphertexts, in six levels.
 *
 *   level 6  X, W1                         5  z1 = sum_c(W1 ⊙ X)
 *   level 4  W2, a = z1²                   3  sum_j(W2 ⊙ a), where j = 0
 *   level 2  z2/m = spread_j(mask/m ⊙ it), y/m, e = z2/m − y/m
 *   level 1  e ⊙ a, da = sum_c(W2 ⊙ e)
 *   level 0  dW2 = sum_b(e ⊙ a), dW1 = sum_b(da ⊙ 2·z1 ⊙ X)
 *
 * Sums over b come last, at level 0, where a rotation costs a tenth. z1 ⊙ X is taken early, at level 5, which spares
 * a level at the end. The client encrypts each operand at the level at which it is first used.
 * @module */
import type { Ciphertext } from "./ckks.ts";
import type { CkksEvaluator } from "./evaluator.ts";
import { type Batch, checkBatch, checkWeights, type Sizes, type Weights } from "./model.ts";
import type { PackedModel } from "./packed_model.ts";
import {
  overB,
  overC,
  overJ,
  pack,
  packingFor,
  rotateSum,
  spreadJ,
  unpackSums,
} from "./packing.ts";
import { NETWORK_PARAMS, slotsOf } from "./params.ts";

/** A network as ciphertexts of `NETWORK_PARAMS`.
 * @throws {RangeError} a batch does not fit into a ciphertext. */
export function packedNetwork(sizes: Sizes): PackedModel {
  const { n, hidden, outputs, batch: m } = sizes;
  const params = NETWORK_PARAMS;
  const packing = packingFor(slotsOf(params), { c: Math.max(n, outputs), j: hidden, b: m });
  const [sumC, sumJ, spread, sumB] = [overC(packing), overJ(packing), spreadJ(packing), overB(m)];
  const mask = pack(packing, (_c, j) => j === 0 ? 1 / m : 0);
  return {
    params,
    rotations: [...sumC, ...sumJ, ...spread, ...sumB],
    batchLevels: [6, 2],
    weightLevels: [6, 4],
    gradients: 2,
    packBatch(batch: Batch) {
      checkBatch(sizes, batch);
      const { x, y } = batch;
      return [
        { level: 6, values: pack(packing, (c, _j, b) => c < n && b < m ? x[b * n + c] : 0) },
        {
          level: 2,
          values: pack(packing, (c, _j, b) => c < outputs && b < m ? y[b * outputs + c] / m : 0),
        },
      ];
    },
    packWeights(weights: Weights) {
      checkWeights(sizes, weights);
      const [W1, W2] = weights;
      return [
        { level: 6, values: pack(packing, (c, j) => c < n && j < hidden ? W1[j * n + c] : 0) },
        {
          level: 4,
          values: pack(packing, (c, j) => c < outputs && j < hidden ? W2[c * hidden + j] : 0),
        },
      ];
    },
    gradient(evaluator: CkksEvaluator, [X, y], [W1, W2]) {
      using scope = new DisposableStack();
      const keep = (ciphertext: Ciphertext) => scope.use(ciphertext);
      const sum = (ciphertext: Ciphertext, steps: readonly number[]) =>
        rotateSum(evaluator, ciphertext, steps);
      const times = (a: Ciphertext, b: Ciphertext) => evaluator.multiply(a, b);
      const atBottom = (ciphertext: Ciphertext) => evaluator.drop(keep(ciphertext), 0);

      const z1 = keep(sum(times(W1, X), sumC)); // level 5
      const a = keep(times(z1, z1)); // 4
      const zX = keep(times(z1, X)); // 4
      const z2 = keep(sum(times(W2, a), sumJ)); // 3, at j = 0
      const spreadZ2 = keep(sum(evaluator.multiplyPlain(z2, mask), spread)); // 2
      const e = keep(evaluator.subtract(spreadZ2, y));
      const da = keep(sum(times(W2, e), sumC)); // 1
      const dW2 = keep(sum(atBottom(times(e, a)), sumB)); // 0
      const half = keep(times(da, zX)); // 0
      const dW1 = sum(evaluator.add(half, half), sumB);
      return [dW1, evaluator.drop(dW2, 0)];
    },
    unpack([dW1, dW2]) {
      const turned = unpackSums(packing, dW1, n, hidden); // [c, j]
      const upright = Float64Array.from(
        { length: hidden * n },
        (_, at) => turned[at % n * hidden + Math.floor(at / n)],
      );
      return [upright, unpackSums(packing, dW2, outputs, hidden)];
    },
  };
}
