/** A decoder from what the server has of a sample, z1 of all its visits and its label, to the pixels, fitted to k images
 * that it happens to know.
 *
 * "ridge" is linear, its penalty by leave-one-out; "mlp" is a small network on top of what the label gives, which stops
 * when images held out get no better. Without visits it is the floor: what the label alone gives in the same
 * evaluator.
 * @module */
import { startBackend } from "../../nn/backend.ts";
import { type Rng, secureRng } from "../../math/rng.ts";
import { predict, ridge } from "../../math/ridge.ts";
import { featuresOf, type Visits } from "./features.ts";
import type { KnownImages, TrainingRecovery } from "./recovery.ts";
import { fitResidual } from "./residual_mlp.ts";
import { type TrainingView, visitsOf } from "./view.ts";

/** How to decode. */
export interface DecodeOptions {
  /** Images that the attacker has, and what the view calls them. */
  readonly known: KnownImages;
  /** "ridge" by default. */
  readonly kind?: "ridge" | "mlp";
  /** What is made of a sample's visits; "all" by default. */
  readonly visits?: Visits;
  /** Which samples to recover; by default all that are not known. */
  readonly samples?: Uint32Array;
  /** Of the network: its weights, its batches and the part held out. */
  readonly rng?: Rng;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Refuses known images that are none, or not of this view. */
function checkKnown({ samples, x }: KnownImages, { shape }: TrainingView): void {
  const n = shape[0] * shape[1] * shape[2];
  if (samples.length < 2) {
    throw new RangeError(
      `Cannot decode: known has ${samples.length} images, expected at least 2 to leave one out`,
    );
  }
  if (x.length !== samples.length * n) {
    throw new TypeError(
      `Cannot decode: known.x has ${x.length} pixels, expected ${samples.length} images of ${n}`,
    );
  }
  if (new Set(samples).size !== samples.length) {
    throw new TypeError("Cannot decode: known names a sample twice");
  }
}

/** Recovers samples by a decoder fitted to known ones.
 * @throws {RangeError} fewer than two known images, a sample that the view has not.
 * {TypeError} known images of another size or named twice, steps without names; the signal's reason when aborted. */
export async function decode(
  view: TrainingView,
  { known, kind = "ridge", visits = "all", samples, rng = secureRng(), ...on }: DecodeOptions,
): Promise<TrainingRecovery> {
  const started = performance.now();
  checkKnown(known, view);
  const own = new Set(known.samples);
  const targets = samples ?? unknown(view, own);
  const every = Uint32Array.from([...known.samples, ...targets]);
  const k = known.samples.length;
  const Y = Float64Array.from(known.x, (value) => value / 255);
  const linear = async (visits: Visits) => {
    const { width, of } = featuresOf(view, every, known.samples, visits);
    const Phi = of(known.samples);
    const fit = await ridge(Phi, Y, { k, signal: on.signal });
    return { Phi, fit, width, of };
  };
  on.onProgress?.(0, 2);
  const { Phi, fit, width, of } = await linear(visits);
  on.onProgress?.(1, 2);
  let [X, message] = [predict(fit, of(targets), width), ""];
  if (kind === "mlp") {
    await startBackend();
    const floor = await linear("none");
    const base = predict(floor.fit, floor.Phi, floor.width);
    const rest = await fitResidual({ Phi, Y, base, k }, of(targets), { rng, signal: on.signal });
    X = predict(floor.fit, floor.of(targets), floor.width).map((value, at) => value + rest.X[at]);
    message = rest.message;
  }
  on.onProgress?.(2, 2);
  const seen = visits === "none" ? "the label" : `z1 (${visits}) and the label`;
  return {
    status: "estimate",
    samples: targets,
    X: X.map((value) => 255 * Math.min(1, Math.max(0, value))),
    G: null,
    assumption: `${k} images of the training are known; pixels follow from ${seen}`,
    ...{ message, elapsedMs: performance.now() - started },
  };
}

function unknown(view: TrainingView, known: ReadonlySet<number>): Uint32Array {
  const unnamed = view.steps.some(({ samples }) => samples === null);
  if (unnamed) return new Uint32Array(); // refused where the features are taken
  return Uint32Array.from(visitsOf(view).keys()).filter((name) => !known.has(name));
}

/** The floor of {@linkcode decode}: the same with the label alone. @throws as `decode`. */
export function floorOf(
  view: TrainingView,
  options: Omit<DecodeOptions, "visits">,
): Promise<TrainingRecovery> {
  return decode(view, { ...options, visits: "none" });
}
