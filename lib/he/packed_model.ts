/** A model's gradient on packed ciphertexts: what the client packs and unpacks, what the server computes between.
 * @module */
import type { Ciphertext } from "./ckks.ts";
import type { CkksEvaluator } from "./evaluator.ts";
import { packedLinear } from "./linear.ts";
import { type Batch, checkSizes, type Sizes, type Weights } from "./model.ts";
import { packedNetwork } from "./network.ts";
import type { CkksParams } from "./params.ts";

/** Slots and the level at which they are encrypted. */
export interface Operand {
  readonly level: number;
  readonly values: Float64Array;
}

/** How a model goes into ciphertexts and its gradient comes out. */
export interface PackedModel {
  readonly params: CkksParams;
  /** Rotations that the server takes: a key for each. */
  readonly rotations: readonly number[];
  /** The levels of a batch's ciphertexts, and of the weights'. */
  readonly batchLevels: readonly number[];
  readonly weightLevels: readonly number[];
  /** How many ciphertexts hold the gradient. */
  readonly gradients: number;
  /** (Client) @throws {TypeError} another size. */
  packBatch(batch: Batch): Operand[];
  /** (Client) @throws {TypeError} another size. */
  packWeights(weights: Weights): Operand[];
  /** (Server) The gradient of the loss; what it returns belongs to who asked.
   * @throws {RangeError} a key is missing. */
  gradient(
    evaluator: CkksEvaluator,
    batch: readonly Ciphertext[],
    weights: readonly Ciphertext[],
  ): Ciphertext[];
  /** (Client) The gradients in decrypted slots. */
  unpack(slots: readonly Float64Array[]): Weights;
}

/** The packed model of these sizes. @throws {RangeError} sizes out of range, or a batch that does not fit. */
export function packedModel(sizes: Sizes): PackedModel {
  checkSizes(sizes);
  return sizes.hidden === 0 ? packedLinear(sizes) : packedNetwork(sizes);
}
