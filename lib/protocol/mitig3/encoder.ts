/** The client's half of MITIG3: images → codes of length 1 → codes with noise, and the way back with a clip.
 *
 *   z1 = W1·x,  u = bottleneck(z1),  z = u + σ·N(0, I)          (the noise fresh at every visit)
 *   dz clipped to ‖dz‖ ≤ 1 for each image, then back through u (the noise is a constant) to V, W1 and the biases
 *
 * As the one training loop sees it, a first layer with few outputs. W1's two products are those of MITIG2's client
 * (nn/first_layer.ts, over Workers or not), the rest is nn/bottleneck.ts.
 *
 * The noise is drawn in float64 by Box and Muller's transform and added before the sum is rounded to float32. Which
 * float32 numbers a sum can be depends a little on u (I. Mironov, "On significance of the least significant bits for
 * differential privacy", CCS 2012), which no statement made here accounts for.
 * @module */
import { gaussian, type Rng } from "../../math/rng.ts";
import { Bottleneck, type BottleneckState, type BottleneckWeights } from "../../nn/bottleneck.ts";
import type { FirstLayerState, TrainableFirstLayer } from "../../nn/first_layer.ts";
import type { OptimizerName, Setting } from "../../nn/optimizer.ts";
import { openFirstLayer } from "../../nn/parallel_first_layer.ts";
import type { FirstParty } from "../../nn/train.ts";

/** The largest norm of an image's gradient that the client goes along with. */
export const CLIP = 1;

/** All weights of the client. */
export interface EncoderWeights extends BottleneckWeights {
  /** `[units, n]`, for pixels times the setting's `pixelScale`. */
  readonly W1: Float32Array;
}

/** The weights of the client and what their optimizers remember. */
export interface EncoderState {
  readonly first: FirstLayerState;
  readonly bottleneck: BottleneckState;
}

/** Draws W1 from N(0, 1/n) and V from N(0, 1/units); b1 and c are 0. */
export function initialEncoder(
  { n, units, width }: { n: number; units: number; width: number },
  rng: Rng,
): EncoderWeights {
  const draw = (length: number, inputs: number) =>
    Float32Array.from(gaussian(rng, length), (w) => w / Math.sqrt(inputs));
  return {
    W1: draw(units * n, n),
    V: draw(width * units, units),
    b1: new Float32Array(units),
    c: new Float32Array(width),
  };
}

/** Cuts each row to a norm of at most {@linkcode CLIP}, in place.
 * @param rows `[m, width]`, finite.   @returns how many were longer, and the longest norm. */
export function clipRows(
  rows: Float32Array,
  width: number,
): { clipped: number; longest: number } {
  let [clipped, longest] = [0, 0];
  for (let at = 0; at < rows.length; at += width) {
    let square = 0;
    for (let j = at; j < at + width; j++) square += rows[j] * rows[j];
    const norm = Math.sqrt(square);
    longest = Math.max(longest, norm);
    if (norm <= CLIP) continue;
    clipped++;
    for (let j = at; j < at + width; j++) rows[j] *= CLIP / norm;
  }
  return { clipped, longest };
}

/** What makes a client's half. */
export interface EncoderParts {
  readonly n: number;
  /** Pixels `[count, n]` of all the images that it will be asked for. */
  readonly images: Uint8Array;
  readonly sigma: number;
  readonly setting: Pick<Setting, "optimizer" | "pixelScale">;
  readonly weights: EncoderWeights;
  /** To go on from a checkpoint. */
  readonly state?: EncoderState;
}

/** The client's half in training or in use. */
export class NoisyEncoder implements FirstParty, Disposable {
  /** Gradients that were longer than the clip, and the longest of all, since they were last set to 0. */
  clipped = 0;
  longest = 0;
  /** Milliseconds of all but W1's products, so far. */
  narrowMs = 0;
  #noise?: Rng;

  private constructor(
    private readonly first: TrainableFirstLayer,
    private readonly bottleneck: Bottleneck,
    private readonly sigma: number,
  ) {}

  /** @param workers Workers for W1's products; 0 is this thread.   @throws as `openFirstLayer`. */
  static open(
    { n, images, sigma, setting, weights, state }: EncoderParts,
    workers: number,
  ): NoisyEncoder {
    const { W1, ...rest } = weights;
    const bottleneck = newBottleneck(rest, setting.optimizer, state?.bottleneck);
    const parts = { W1: state?.first.W1 ?? W1, n, images, setting, state: state?.first };
    return new NoisyEncoder(openFirstLayer(parts, workers), bottleneck, sigma);
  }

  /** A visit begins: its noise comes from here. */
  visit(noise: Rng): void {
    this.#noise = noise;
  }

  #timed<T>(work: () => T): T {
    const start = performance.now();
    const result = work();
    this.narrowMs += performance.now() - start;
    return result;
  }

  /** Reads the images that a coming `forward` is about. */
  prepare(indices: Uint32Array): void {
    this.first.prepare(indices);
  }

  /** z of the next prepared images, `[m, width]`. */
  async forward(): Promise<Float32Array> {
    const z1 = await this.first.forward();
    return this.#timed(() => this.#hide(this.bottleneck.forward(z1)));
  }

  #hide(u: Float32Array): Float32Array {
    if (this.sigma === 0) return u.slice();
    if (!this.#noise) throw new TypeError("Cannot send: no visit has begun");
    const noise = gaussian(this.#noise, u.length);
    return u.map((value, i) => value + this.sigma * noise[i]);
  }

  /** Takes dz of the images that went forward first and did not yet come back. It is clipped in place. */
  backward(dz: Float32Array): void {
    this.first.backward(this.#timed(() => {
      const { clipped, longest } = clipRows(dz, this.bottleneck.width);
      this.clipped += clipped;
      this.longest = Math.max(this.longest, longest);
      return this.bottleneck.backward(dz);
    }));
  }

  /** Moves all weights against the sums over `divisor`. */
  update(divisor: number, learningRate: number): void {
    this.first.update(divisor, learningRate);
    this.#timed(() => this.bottleneck.update(divisor, learningRate));
  }

  /** u of images, without noise: it stays at home. */
  async apply(indices: Uint32Array): Promise<Float32Array> {
    return this.bottleneck.apply(await this.first.apply(indices));
  }

  /** All that a checkpoint keeps. */
  async state(): Promise<EncoderState> {
    return { first: await this.first.state(), bottleneck: this.bottleneck.state() };
  }

  /** Milliseconds by kind of work, so far: those of W1's products, and all the rest. */
  async times(): Promise<Record<string, number>> {
    return { ...await this.first.times(), narrow: this.narrowMs };
  }

  [Symbol.dispose](): void {
    this.first[Symbol.dispose]();
  }
}

function newBottleneck(
  weights: BottleneckWeights,
  name: OptimizerName,
  state?: BottleneckState,
): Bottleneck {
  return new Bottleneck(state?.weights ?? weights, name, state?.optimizers);
}
