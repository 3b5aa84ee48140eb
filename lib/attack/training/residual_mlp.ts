/** A small network for what a linear decoder cannot: features → hidden ReLUs → pixels, on top of a base prediction.
 * Adam on batches; a tenth of the rows is held out, and the weights that do best there are kept. All in float32, each
 * step rounded.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { sgemm } from "../../math/blas.ts";
import { Memory32 } from "../../math/memory32.ts";
import { type Rng, seededRng } from "../../math/rng.ts";
import { breather } from "../../workers/pool.ts";

/** What is learned from. */
export interface Rows {
  /** `[k, features]` */
  readonly Phi: Float64Array;
  /** `[k, outputs]` */
  readonly Y: Float64Array;
  /** `[k, outputs]`, what is predicted already. */
  readonly base: Float64Array;
  readonly k: number;
}

/** The most epochs and batches, and how many epochs without a gain end it. */
const [EPOCHS, BATCHES, PATIENCE] = [60, 1500, 3];
const [HIDDEN, BATCH, RATE, HELD_OUT, FEWEST] = [384, 100, 1e-3, 0.1, 20];

/** Of Adam: shares that the moments keep, and what is added to the root. */
const [KEEP1, KEEP2, EPSILON] = [0.9, 0.999, 1e-7];

/** An order of `count` rows, by draws of a stream. */
function shuffled(count: number, rng: Rng): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const draws = new Uint32Array(rng.bytes(4 * count).slice().buffer);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draws[i] / 2 ** 32 * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Fits Y − base and predicts it for other rows. Call `startBackend` first: tfjs draws the weights.
 * @param targets `[rows, features]`.   @returns `[rows, outputs]`, zeros with a message where there are too few rows, or
 * nothing is gained on those held out.   @throws the signal's reason when aborted. */
export async function fitResidual(
  { Phi, Y, base, k }: Rows,
  targets: Float64Array,
  { rng, signal }: { readonly rng: Rng; readonly signal?: AbortSignal },
): Promise<{ X: Float64Array; message: string }> {
  const [d, outputs] = [Phi.length / k, Y.length / k];
  const nothing = (message: string) => ({
    X: new Float64Array(targets.length / d * outputs),
    message,
  });
  if (k < FEWEST) return nothing(`no network: ${k} known images, expected at least ${FEWEST}`);
  // features of one scale, so that one rate suits all of them
  const scale = featureScales(Phi, d);
  const scaled = (values: Float64Array) => Float32Array.from(values, (v, at) => v * scale[at % d]);
  const order = shuffled(k, rng);
  const held = Math.max(1, Math.floor(HELD_OUT * k));
  const breathe = breather(signal);
  const inputs = scaled(Phi), wanted = Float32Array.from(Y, (v, at) => v - base[at]);
  const [out, rest] = [order.subarray(0, held), order.slice(held)];
  const [heldIn, heldOut] = [pick(inputs, out, d), pick(wanted, out, outputs)];
  const seed = new DataView(rng.bytes(4).slice().buffer).getUint32(0);
  using network = new Network(d, outputs, seed);
  const error = () => meanSquare(network.apply(heldIn).map((v, at) => v - heldOut[at]));
  const epochRng = seededRng(seed);
  let best = { error: meanSquare(heldOut), at: -1 };
  let kept: Float32Array[] | undefined;
  const epochs = Math.min(EPOCHS, Math.ceil(BATCHES * BATCH / rest.length));
  for (let epoch = 0; epoch < epochs && epoch - best.at <= PATIENCE; epoch++) {
    const turns = shuffled(rest.length, epochRng);
    for (let from = 0; from < rest.length; from += BATCH) {
      const ids = turns.subarray(from, from + BATCH).map((i) => rest[i]);
      network.learn(pick(inputs, ids, d), pick(wanted, ids, outputs));
      await breathe();
    }
    const now = error();
    if (now < best.error) {
      best = { error: now, at: epoch };
      kept = network.weights.map((w) => w.slice());
    }
  }
  if (kept === undefined) return nothing("no network: it gains nothing on images held out");
  network.weights.forEach((w, at) => w.set(kept[at]));
  return { X: Float64Array.from(network.apply(scaled(targets))), message: "" };
}

function pick(from: Float32Array, ids: Int32Array, width: number): Float32Array {
  const out = new Float32Array(ids.length * width);
  ids.forEach((id, i) => out.set(from.subarray(id * width, (id + 1) * width), i * width));
  return out;
}

/** In float32, in the order of the values. */
function meanSquare(values: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) {
    sum = Math.fround(sum + Math.fround(values[at] * values[at]));
  }
  return Math.fround(sum / values.length);
}

/** x → W₂ᵀ·relu(W₁ᵀ·x + b₁) + b₂, rows of which are samples. */
class Network implements Disposable {
  /** W₁ `[d, HIDDEN]`, b₁, W₂ `[HIDDEN, outputs]`, b₂. */
  readonly weights: readonly Float32Array[];
  readonly #gradients: readonly Float32Array[];
  readonly #moments: readonly (readonly [Float32Array, Float32Array])[];
  readonly #memory = Memory32.open();
  /** β₁ᵗ and β₂ᵗ. */
  #kept = [KEEP1, KEEP2].map(Math.fround);

  constructor(readonly d: number, readonly outputs: number, seed: number) {
    const normal = (shape: [number, number], deviation: number, at: number) => {
      const drawn = tf.randomNormal(shape, 0, deviation, "float32", seed + at);
      const values = drawn.dataSync<"float32">();
      drawn.dispose();
      return values;
    };
    this.weights = [
      ...[normal([d, HIDDEN], Math.sqrt(2 / d), 1), new Float32Array(HIDDEN)],
      ...[normal([HIDDEN, outputs], 0.1 / Math.sqrt(HIDDEN), 2), new Float32Array(outputs)],
    ].map((start) => this.#memory.hold(start));
    this.#gradients = this.weights.map((w) => this.#memory.take(w.length));
    this.#moments = this.weights.map((
      w,
    ) => [new Float32Array(w.length), new Float32Array(w.length)]);
  }

  /** `[m, outputs]` of `[m, d]`. */
  apply(x: Float32Array): Float32Array {
    return this.#forward(x).out;
  }

  #forward(x: Float32Array) {
    const [W1, b1, W2, b2] = this.weights;
    const m = x.length / this.d;
    const hidden = new Float32Array(m * HIDDEN), out = new Float32Array(m * this.outputs);
    sgemm({ m, n: HIDDEN, k: this.d, A: x, B: W1, C: hidden });
    for (let at = 0; at < hidden.length; at++) {
      hidden[at] = Math.max(0, hidden[at] + b1[at % HIDDEN]);
    }
    sgemm({ m, n: this.outputs, k: HIDDEN, A: hidden, B: W2, C: out });
    for (let at = 0; at < out.length; at++) out[at] += b2[at % this.outputs];
    return { m, hidden, out };
  }

  /** A step of Adam on the mean square of out − y. */
  learn(x: Float32Array, y: Float32Array): void {
    const { d, outputs } = this;
    const { m, hidden, out } = this.#forward(x);
    const [gW1, gb1, gW2, gb2] = this.#gradients;
    const share = Math.fround(1 / out.length);
    const dOut = out; // in its place
    for (let at = 0; at < out.length; at++) dOut[at] = share * (2 * Math.fround(out[at] - y[at]));
    const dHidden = new Float32Array(hidden.length);
    sgemm({ m, n: HIDDEN, k: outputs, A: dOut, B: this.weights[2], C: dHidden, transposeB: true });
    for (let at = 0; at < hidden.length; at++) if (!(hidden[at] > 0)) dHidden[at] = 0;
    sgemm({ m: HIDDEN, n: outputs, k: m, A: hidden, B: dOut, C: gW2, transposeA: true });
    sgemm({ m: d, n: HIDDEN, k: m, A: x, B: dHidden, C: gW1, transposeA: true });
    addRows(dOut, gb2);
    addRows(dHidden, gb1);
    const [rest1, rest2] = this.#kept.map((kept) => Math.fround(1 - kept));
    this.weights.forEach((w, at) => {
      const [mean, square] = this.#moments[at];
      adam(w, this.#gradients[at], mean, square, rest1, rest2);
    });
    this.#kept = this.#kept.map((kept, at) => Math.fround(kept * Math.fround([KEEP1, KEEP2][at])));
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** out ← the sum of the rows. */
function addRows(rows: Float32Array, out: Float32Array): void {
  out.fill(0);
  for (let at = 0; at < rows.length; at++) out[at % out.length] += rows[at];
}

/** @param rest1, rest2 1 − β₁ᵗ and 1 − β₂ᵗ. */
function adam(
  w: Float32Array,
  gradient: Float32Array,
  mean: Float32Array,
  square: Float32Array,
  rest1: number,
  rest2: number,
): void {
  const f = Math.fround;
  const [keep1, keep2, new1, new2] = [f(KEEP1), f(KEEP2), f(1 - KEEP1), f(1 - KEEP2)];
  const [epsilon, rate] = [f(EPSILON), f(-RATE)];
  for (let at = 0; at < w.length; at++) {
    const g = gradient[at];
    const m = f(f(mean[at] * keep1) + f(g * new1));
    const v = f(f(square[at] * keep2) + f(f(g * g) * new2));
    const root = f(Math.sqrt(f(v / rest2)));
    w[at] = f(f(f(m / rest1) / f(root + epsilon)) * rate) + w[at];
    mean[at] = m;
    square[at] = v;
  }
}

/** One over the deviation of each feature; 1 over its size where it does not vary. */
function featureScales(Phi: Float64Array, d: number): Float64Array {
  const k = Phi.length / d;
  const [sum, squares] = [new Float64Array(d), new Float64Array(d)];
  Phi.forEach((v, at) => {
    sum[at % d] += v / k;
    squares[at % d] += v * v / k;
  });
  return squares.map((square, p) => {
    const variance = square - sum[p] ** 2;
    return 1 / Math.sqrt(variance > 1e-12 * square ? variance : Math.max(square, 1e-30));
  });
}
