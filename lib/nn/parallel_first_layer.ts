/** A first layer over several threads, this one and Workers, each with some blocks of W1's rows and of its optimizer's
 * memory.
 *
 * A column of z1 and of dz1 needs only its own row of W1: nothing is added up across threads, the blocks are the same
 * for any number of them, and so is the result, to the last bit. Orders are answered in turn, so the
 * caller may send the next before the last is answered; that is what keeps the Workers busy while a server
 * is at work. This thread leaves its own share of what has no answer until something is asked: first come the later
 * layers, for which the Workers wait. Pixels, z1 and dz1 lie in shared memory: each thread reads and writes its columns
 * there.
 * @module */
import { blas } from "../math/blas.ts";
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

/** What a Worker is told, in turn: to open its layer, then which method to call with what; z1 goes to `out`. */
export type Call =
  | [method: "open", parts: FirstLayerParts]
  | [method: "forward", out: Float32Array]
  | [method: "apply", indices: Uint32Array, out: Float32Array]
  | {
    [M in Exclude<keyof FirstLayerMethods, "forward" | "apply">]: [
      method: M,
      ...args: Parameters<FirstLayerMethods[M]>,
    ];
  }[Exclude<keyof FirstLayerMethods, "forward" | "apply">];

type Answer = void | FirstLayerState | FirstLayerTimes;

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

const sum = (numbers: readonly number[]) => numbers.reduce((total, some) => total + some, 0);

/** See the module's text. */
class ParallelFirstLayer implements TrainableFirstLayer {
  readonly #hidden: number;
  /** This thread's share, and what it has to do before it answers. */
  readonly #here: LocalFirstLayer;
  readonly #todo: (() => void)[] = [];
  readonly #workers: Actor<Call[], Answer>[];
  /** What the Workers have yet to be told. */
  readonly #orders: Call[] = [];
  /** Images of the parts that were prepared and did not go forward. */
  readonly #prepared: number[] = [];
  /** Shared memory that nobody uses, and what Workers read until they have answered what is asked next. */
  readonly #free: Float32Array[] = [];
  readonly #read: Float32Array[] = [];

  constructor({ W1, n, images, setting, state }: FirstLayerParts, threads: number) {
    const hidden = this.#hidden = W1.length / n;
    const blocks = unitBlocks(hidden);
    const count = threads - 1;
    const url = new URL("./first_layer_worker.ts", import.meta.url);
    this.#workers = Array.from({ length: count }, () => new Actor(url, "the first layer"));
    const shared = images.buffer instanceof SharedArrayBuffer // while the Workers start
      ? images
      : new Uint8Array(new SharedArrayBuffer(images.length));
    if (shared !== images) shared.set(images);
    const share = (from: number, to: number): FirstLayerParts => {
      const [first, end] = [from, to].map((block) => sum(blocks.slice(0, block)));
      const own = (array: Float32Array) => array.slice(first * n, end * n);
      return {
        ...{ W1: own(W1), n, images: shared, setting },
        share: { hidden, first, blocks: blocks.slice(from, to) },
        ...(state && { state: { steps: state.steps, moments: state.moments.map(own) } }),
      };
    };
    // This thread has the later layers or the connection too: a fifth of all products by a library, an eighth of ours.
    const others = (1 + (blas() ? 0.2 : 0.12)) / threads;
    const mine = Math.max(1, Math.round(blocks.length * (1 - count * others)));
    const cut = (k: number) => mine + Math.floor(k * (blocks.length - mine) / count);
    this.#workers.forEach((worker, k) => worker.tell([["open", share(cut(k), cut(k + 1))]]));
    this.#here = new LocalFirstLayer(share(0, mine));
  }

  /** Tells the Workers when this thread is done with what it is at, in one message with what else there is then. */
  #tell(call: Call, here: () => void): void {
    this.#todo.push(here);
    if (this.#orders.push(call) > 1) return;
    queueMicrotask(() => {
      const orders = this.#orders.splice(0);
      if (orders.length > 0) this.#workers.forEach((worker) => worker.tell(orders));
    });
  }

  /** The answers of all, this thread's first. */
  async #ask<T extends Answer>(call: Call, here: () => T): Promise<T[]> {
    const read = this.#read.splice(0);
    const orders = [...this.#orders.splice(0), call];
    const answers = Promise.all(this.#workers.map((worker) => worker.ask<T>(orders)));
    answers.catch(() => {}); // counts when it is awaited
    this.#todo.splice(0).forEach((work) => work());
    const all = [here(), ...await answers];
    this.#free.push(...read);
    return all;
  }

  /** Shared memory for z1 or dz1 of m images. */
  #share(m: number): Float32Array {
    const length = m * this.#hidden;
    const at = this.#free.findIndex((array) => array.length === length);
    if (at >= 0) return this.#free.splice(at, 1)[0];
    return new Float32Array(new SharedArrayBuffer(4 * length));
  }

  /** z1 of m images, which the call has the Workers write, and `here` this thread. */
  async #gather(
    m: number,
    call: (out: Float32Array) => Call,
    here: (out: Float32Array) => void,
  ): Promise<Float32Array> {
    const out = this.#share(m);
    await this.#ask(call(out), () => here(out));
    const z1 = new Float32Array(out);
    this.#free.push(out);
    return z1;
  }

  prepare(indices: Uint32Array): void {
    this.#prepared.push(indices.length);
    const own = indices.slice(); // a message takes all of a view's buffer along
    this.#tell(["prepare", own], () => this.#here.prepare(own));
  }

  forward(): Promise<Float32Array> {
    const m = this.#prepared.shift()!;
    return this.#gather(m, (out) => ["forward", out], (out) => void this.#here.forward(out));
  }

  backward(dz1: Float32Array): void {
    const own = this.#share(dz1.length / this.#hidden);
    own.set(dz1);
    this.#tell(["backward", own], () => this.#here.backward(own));
    this.#read.push(own);
  }

  update(divisor: number, learningRate: number): void {
    this.#tell(
      ["update", divisor, learningRate],
      () => this.#here.update(divisor, learningRate),
    );
  }

  apply(indices: Uint32Array): Promise<Float32Array> {
    return this.#gather(
      indices.length,
      (out) => ["apply", indices.slice(), out],
      (out) => void this.#here.apply(indices, out),
    );
  }

  async state(): Promise<FirstLayerState> {
    const states = await this.#ask<FirstLayerState>(["state"], () => this.#here.state());
    return {
      steps: states[0].steps,
      W1: concat(states.map(({ W1 }) => W1)),
      moments: states[0].moments.map((_, k) => concat(states.map(({ moments }) => moments[k]))),
    };
  }

  async times(): Promise<FirstLayerTimes> {
    const all = await this.#ask<FirstLayerTimes>(["times"], () => this.#here.times());
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
    this.#here[Symbol.dispose]();
  }
}

/** Opens a first layer for training.
 * @param workers how many threads work at it, this one among them; 0 and 1 are this one alone, which needs no permission to
 * read.
 * @throws {RangeError} workers is not a natural number. */
export function openFirstLayer(parts: FirstLayerParts, workers: number): TrainableFirstLayer {
  if (!Number.isSafeInteger(workers) || workers < 0) {
    throw new RangeError(`Cannot open a first layer: ${workers} workers, expected 0 or more`);
  }
  const threads = Math.min(workers, unitBlocks(parts.W1.length / parts.n).length);
  return threads > 1 ? new ParallelFirstLayer(parts, threads) : new LocalFirstLayer(parts);
}
