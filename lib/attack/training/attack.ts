/** The attacks on a training, by name: which server each is for, and what it must know beside its view.
 *
 * @example A batch of two images from CryptoNN's gradient
 * ```ts
 * import { attackTraining } from "lib/attack/training/attack.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const dz1 = Float64Array.of(1, 3, 2, -1), X = [0, 50, 255, 7, 0, 9]; // [2 samples, 2 units], [2, 3 pixels]
 * const dW1 = Float64Array.from({ length: 6 }, (_, at) => {
 *   const [unit, p] = [Math.floor(at / 3), at % 3];
 *   return dz1[unit] * X[p] + dz1[2 + unit] * X[3 + p];
 * });
 * const step = { samples: Uint32Array.of(0, 1), z1: new Float64Array(4), dz1, dW1, W1: null };
 * const found = await attackTraining({
 *   ...{ scheme: "cryptonn", units: 2, classes: 2, shape: [1, 3, 1], inputScale: 1 },
 *   steps: [{ ...step, labels: Uint8Array.of(0, 1), rate: 0.1 }],
 * }, { attack: "gradient" });
 * assertEquals([...found.X!], X);
 * ```
 * @module */
import type { Rng } from "../../math/rng.ts";
import { align } from "./align.ts";
import { decode } from "./decoder.ts";
import { fromEpochs } from "./epochs.ts";
import { fromGradients } from "./gradient.ts";
import { gramByLeastSquares } from "./gram.ts";
import { gramByBayes } from "./gram_bayes.ts";
import { fromKnown } from "./known.ts";
import type { KnownImages, LabelledImages, TrainingRecovery } from "./recovery.ts";
import { fromSpan } from "./span.ts";
import type { SpanView } from "./span_view.ts";
import type { Scheme, TrainingView } from "./view.ts";

/** An attack as tables and help texts show it. */
interface About {
  readonly schemes: readonly Scheme[];
  /** What it needs beside the view. */
  readonly needs: "nothing" | "known" | "public";
  /** What it does, in a few words. */
  readonly what: string;
}

/** The attacks by name. */
export const TRAINING_ATTACKS = {
  gradient: { schemes: ["cryptonn"], needs: "nothing", what: "batches from dW1 = dz1ᵀ·X" },
  epochs: { schemes: ["cryptonn"], needs: "nothing", what: "images from z1 and W1 of all visits" },
  gram: {
    schemes: ["mitig1", "mitig2"],
    ...{ needs: "nothing", what: "inner products from how z1 moves, by least squares" },
  },
  "gram-bayes": {
    schemes: ["mitig1", "mitig2"],
    ...{ needs: "nothing", what: "the same under a prior, from two visits" },
  },
  known: {
    schemes: ["mitig1", "mitig2"],
    ...{ needs: "known", what: "images from inner products and known images" },
  },
  span: {
    schemes: ["mitig1"],
    ...{ needs: "public", what: "images from the space that MITIG1's keys open" },
  },
  decoder: {
    schemes: ["mitig1", "mitig2", "mitig3"],
    ...{ needs: "known", what: "a map from z1 of all visits to pixels, fitted to known images" },
  },
  align: {
    schemes: ["mitig1", "mitig2", "mitig3"],
    ...{ needs: "public", what: "images from one visit, by the moments of public ones" },
  },
} as const satisfies Record<string, About>;

/** As {@linkcode TRAINING_ATTACKS}. */
export type TrainingAttack = keyof typeof TRAINING_ATTACKS;

/** What an attack knows and how it runs. */
export interface TrainingAttackOptions {
  readonly attack: TrainingAttack;
  /** Private images that the attacker has: for "known" and "decoder". */
  readonly known?: KnownImages;
  /** Images of the same kind: for "align" and "span". */
  readonly publicImages?: LabelledImages;
  /** Which samples to recover, where an attack can choose; all by default. */
  readonly samples?: Uint32Array;
  /** Draws what an attack draws; the CSPRNG by default. */
  readonly rng?: Rng;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Runs one attack on a view.
 * @throws {RangeError} it is none for this scheme. {TypeError} it lacks known or public images, or the view what it
 * needs; else as the attack itself. */
export async function attackTraining(
  view: TrainingView | SpanView,
  { attack, known, publicImages, ...options }: TrainingAttackOptions,
): Promise<TrainingRecovery> {
  const { schemes, needs, what }: About = TRAINING_ATTACKS[attack];
  if (!schemes.includes(view.scheme)) {
    throw new RangeError(
      `Cannot attack ${view.scheme} by ${attack} (${what}): it is for ${schemes.join(", ")}`,
    );
  }
  if (needs === "known" && known === undefined) {
    throw new TypeError(`Cannot attack by ${attack}: no known images`);
  }
  if (needs === "public" && publicImages === undefined) {
    throw new TypeError(`Cannot attack by ${attack}: no public images`);
  }
  switch (attack) {
    case "gradient":
      return await fromGradients(view, options);
    case "epochs":
      return await fromEpochs(view, options);
    case "gram":
      return await gramByLeastSquares(view, options);
    case "gram-bayes":
      return await gramByBayes(view, options);
    case "known":
      return await fromKnown(view, { known: known!, ...options });
    case "span":
      if (!("opened" in view)) {
        throw new TypeError(
          "Cannot attack by span: no ciphertexts were opened outside their batch",
        );
      }
      return await fromSpan(view, { publicImages, ...options });
    case "decoder":
      return await decode(view, { known: known!, ...options });
    case "align":
      return await align(view, { publicImages: publicImages!, ...options });
  }
}
