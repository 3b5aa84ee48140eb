/** A first layer over several Workers, each with some blocks of W1's rows and of its optimizer's memory.
 *
 * A column of z1 and of dz1 needs only its own row of W1: nothing is added up across Workers, the blocks are the same
 * for any number of them, and so is the result, to the last bit. Orders are answered in turn, so the
 * caller may send the next before the last is answered; that is what keeps the Workers busy while a server
 * is at work. The pixels are shared memory.
 * @module */
import { Actor } from "../workers/actor.ts";
import {
  type FirstLayerMethods,
  type FirstLayerParts,
  type FirstLayerState,
  type FirstLayerTimes,
  LocalFirstLayer,
  type TrainableFirstLayer,
  unitBlocks,
} from "./first_layer.ts";

/** What a Worker is told, in turn: to open its layer, then which method to call with what. */
export type Call =
  | [method: "open", parts: FirstLayerParts]
  | {
    [M in keyof FirstLayerMethods]: [method: M, ...args: Parameters<FirstLayerMethods[M]>];
  }[keyof FirstLayerMethods];

type Answer = Float32Array | FirstLayerState | FirstLayerTimes;

/** Joins arrays end to end. */
function concat(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** See the module's text. */
class ParallelFirstLayer implements TrainableFirstLayer {
  readonly #workers: Actor<Call, Answer>[];
  /** First row of each Worker, and the end. */
  readonly #rows: number[];

  constructor({ W1, n, images, setting, state }: FirstLayerParts, workers: number) {
    const blocks = unitBlocks(W1.length / n);
    const count = Math.min(workers, blocks.length);
    const cuts = Array.from({ length: count + 1 }, (_, k) => Math.floor(k * blocks.length / count));
    const sum = (units: readonly number[]) => units.reduce((total, some) => total + some, 0);
    this.#rows = cuts.map((cut) => sum(blocks.slice(0, cut)));
    const shared = images.buffer instanceof SharedArrayBuffer
      ? images
      : new Uint8Array(new SharedArrayBuffer(images.length));
    if (shared !== images) shared.set(images);
    const url = new URL("./first_layer_worker.ts", import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Actor(url, "the first layer"));
    this.#workers.forEach((worker, k) => {
      const own = (array: Float32Array) => array.slice(this.#rows[k] * n, this.#rows[k + 1] * n);
      worker.tell(["open", {
        ...{ W1: own(W1), n, images: shared, setting, blocks: blocks.slice(cuts[k], cuts[k + 1]) },
        ...(state && { state: { steps: state.steps, moments: state.moments.map(own) } }),
      }]);
    });
  }

  #tell(call: Call): void {
    this.#workers.forEach((worker) => worker.tell(call));
  }

  #ask<T extends Answer>(call: Call): Promise<T[]> {
    return Promise.all(this.#workers.map((worker) => worker.ask<T>(call)));
  }

  /** The columns of the Workers, side by side. */
  async #gather(call: Call): Promise<Float32Array> {
    const parts = await this.#ask<Float32Array>(call);
    const hidden = this.#rows.at(-1)!;
    const z1 = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
    parts.forEach((part, k) => {
      const width = this.#rows[k + 1] - this.#rows[k];
      for (let i = 0; i * width < part.length; i++) {
        z1.set(part.subarray(i * width, (i + 1) * width), i * hidden + this.#rows[k]);
      }
    });
    return z1;
  }

  prepare(indices: Uint32Array): void {
    this.#tell(["prepare", indices.slice()]); // a message takes all of a view's buffer along
  }

  forward(): Promise<Float32Array> {
    return this.#gather(["forward"]);
  }

  backward(dz1: Float32Array): void {
    const hidden = this.#rows.at(-1)!;
    this.#workers.forEach((worker, k) => {
      const [from, to] = [this.#rows[k], this.#rows[k + 1]];
      const own = new Float32Array(dz1.length / hidden * (to - from));
      for (let i = 0; i * hidden < dz1.length; i++) {
        own.set(dz1.subarray(i * hidden + from, i * hidden + to), i * (to - from));
      }
      worker.tell(["backward", own], [own.buffer]);
    });
  }

  update(divisor: number, learningRate: number): void {
    this.#tell(["update", divisor, learningRate]);
  }

  apply(indices: Uint32Array): Promise<Float32Array> {
    return this.#gather(["apply", indices.slice()]);
  }

  async state(): Promise<FirstLayerState> {
    const states = await this.#ask<FirstLayerState>(["state"]);
    return {
      steps: states[0].steps,
      W1: concat(states.map(({ W1 }) => W1)),
      moments: states[0].moments.map((_, k) => concat(states.map(({ moments }) => moments[k]))),
    };
  }

  async times(): Promise<FirstLayerTimes> {
    const all = await this.#ask<FirstLayerTimes>(["times"]);
    const slowest = (what: keyof FirstLayerTimes) => Math.max(...all.map((times) => times[what]));
    return {
      prepare: slowest("prepare"),
      forward: slowest("forward"),
      backward: slowest("backward"),
      update: slowest("update"),
    };
  }

  [Symbol.dispose](): void {
    this.#workers.forEach((worker) => worker.stop("The first layer is closed"));
  }
}

/** Opens a first layer for training.
 * @param workers how many Workers; 0 is this thread, which needs no permission to read.
 * @throws {RangeError} workers is not a natural number. */
export function openFirstLayer(parts: FirstLayerParts, workers: number): TrainableFirstLayer {
  if (!Number.isSafeInteger(workers) || workers < 0) {
    throw new RangeError(`Cannot open a first layer: ${workers} workers, expected 0 or more`);
  }
  return workers > 0 ? new ParallelFirstLayer(parts, workers) : new LocalFirstLayer(parts);
}
