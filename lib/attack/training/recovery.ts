/** What an attack on a training brings, whichever it is, and what it may know beside the view.
 * @module */

/** Images by row, bytes, with their classes. */
export interface LabelledImages {
  /** `[count, n]` */
  readonly x: Uint8Array;
  /** `[count]` */
  readonly y: Uint8Array;
}

/** Private images that the attacker happens to have: by their names in the view. */
export interface KnownImages {
  /** `[k]` */
  readonly samples: Uint32Array;
  /** `[k, n]`, bytes. */
  readonly x: Uint8Array;
}

/** What an attack on a training found. */
export interface TrainingRecovery {
  /** "exact": it satisfies all equations that the view gives; "estimate": the best that the attack can say; "failed":
   * nothing, for the reason in `message`. */
  readonly status: "exact" | "estimate" | "failed";
  /** The view's names of the samples that the rows below stand for. */
  readonly samples: Uint32Array;
  /** `[samples, n]` pixels in 0..255, not rounded; null where the attack gives none. */
  readonly X: Float64Array | null;
  /** `[samples, samples]` inner products of the layer's inputs, inputScale·x; null where the attack gives none. */
  readonly G: Float64Array | null;
  /** What was assumed beyond the view, in a sentence. */
  readonly assumption: string;
  /** What did not work and why, such as samples without a gradient; "" where all did. */
  readonly message: string;
  readonly elapsedMs: number;
}
