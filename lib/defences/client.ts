/** The client's side of split training with a defence: MITIG2's first layer, its pixels distorted before it and z1 put
 * through a channel after it. The training loop (nn/train.ts) takes it as any first layer.
 * @module */
import { startBackend } from "../nn/backend.ts";
import {
  type FirstLayerParts,
  type FirstLayerState,
  type FirstLayerTimes,
  LocalFirstLayer,
  type TrainableFirstLayer,
} from "../nn/first_layer.ts";
import type { Shape } from "../attack/priors.ts";
import type { Sent } from "./channels.ts";
import type { Defence } from "./defences.ts";
import type { Mix } from "./distortions.ts";
import type { Draws } from "./draws.ts";

/** A part of a batch on its way: which images, and how they were mixed. */
export interface Going {
  readonly indices: Uint32Array;
  readonly mix: Mix | undefined;
}

/** What makes such a client. */
export interface DefendedParts extends FirstLayerParts {
  readonly defence: Defence;
  readonly draws: Draws;
  readonly shape: Shape;
  /** Called with each part when it goes up. */
  readonly onSend: (going: Going) => void;
}

/** A first layer behind a defence. */
export class DefendedFirstLayer implements TrainableFirstLayer {
  readonly #parts: DefendedParts;
  readonly #inner: LocalFirstLayer;
  readonly #units: number;
  /** Room for the pixels of a part: the inner layer reads its images here. */
  readonly #slots: Uint8Array;
  readonly #ready: (Going & { readonly x: Uint8Array })[] = [];
  readonly #sent: Sent[] = [];

  private constructor(parts: DefendedParts, batch: number) {
    const { W1, n, setting } = parts;
    this.#parts = parts;
    this.#units = W1.length / n;
    this.#slots = new Uint8Array(batch * n);
    this.#inner = new LocalFirstLayer({ W1, n, images: this.#slots, setting });
  }

  /** @param batch the most images of one part. */
  static async open(parts: DefendedParts, batch: number): Promise<DefendedFirstLayer> {
    await startBackend();
    return new DefendedFirstLayer(parts, batch);
  }

  /** Copies images into the slots. */
  #fetch(indices: Uint32Array): Uint8Array {
    const { images, n } = this.#parts;
    indices.forEach((image, k) =>
      this.#slots.set(images.subarray(image * n, (image + 1) * n), k * n)
    );
    return this.#slots.subarray(0, indices.length * n);
  }

  prepare(indices: Uint32Array): void {
    const { defence, draws, shape } = this.#parts;
    const x = this.#fetch(indices);
    const mix = defence.distortion?.(x, shape, draws);
    this.#inner.prepare(indices.map((_, k) => k));
    this.#ready.push({ indices, mix, x: x.slice() });
  }

  forward(): Float32Array {
    const { x, ...going } = this.#ready.shift()!;
    const { defence, draws, onSend } = this.#parts;
    const sent = defence.channel.send(
      { z1: this.#inner.forward(), units: this.#units, x },
      draws,
    );
    this.#sent.push(sent);
    onSend(going);
    return sent.z;
  }

  backward(dz: Float32Array): void {
    this.#inner.backward(this.#sent.shift()!.back(dz));
  }

  update(divisor: number, learningRate: number): void {
    this.#inner.update(divisor, this.#parts.defence.frozen ? 0 : learningRate);
  }

  /** What goes up for images to be classified: not distorted, nothing drawn.
   * @param indices at most a batch. */
  apply(indices: Uint32Array): Float32Array {
    this.#fetch(indices);
    const z1 = this.#inner.apply(indices.map((_, k) => k));
    return this.#parts.defence.channel.still(z1, this.#units);
  }

  state(): FirstLayerState {
    return this.#inner.state();
  }

  times(): FirstLayerTimes {
    return this.#inner.times();
  }

  [Symbol.dispose](): void {
    this.#inner[Symbol.dispose]();
  }
}
