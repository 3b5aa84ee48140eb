/** A small network for what a linear decoder cannot: features → hidden ReLUs → pixels, on top of a base prediction.
 * Adam on batches; a tenth of the rows is held out, and the weights that do best there are kept.
 * @module */
import * as tf from "@tensorflow/tfjs";
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

/** A·B whose gradient transposes explicitly: with a flag the backend takes ten times as long. */
const product = tf.customGrad((...args) => {
  const [a, b, save] = args as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
  save([a, b]);
  return {
    value: a.matMul(b),
    gradFunc: (dy: tf.Tensor, [a, b]: tf.Tensor[]) => [
      dy.matMul(b.transpose()),
      a.transpose().matMul(dy),
    ],
  };
}) as unknown as (a: tf.Tensor, b: tf.Tensor) => tf.Tensor2D;

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

/** Fits Y − base and predicts it for other rows. Call `startBackend` first.
 * @param targets `[rows, features]`.   @returns `[rows, outputs]`, zeros with a message where there are too few rows, or
 * nothing is gained on those held out.   @throws the signal's reason when aborted. */
export async function fitResidual(
  { Phi, Y, base, k }: Rows,
  targets: Float64Array,
  { rng, signal }: { readonly rng: Rng; readonly signal?: AbortSignal },
): Promise<{ X: Float64Array; message: string }> {
  const [d, outputs] = [Phi.length / k, Y.length / k];
  const rows = targets.length / d;
  const nothing = (message: string) => ({ X: new Float64Array(rows * outputs), message });
  if (k < FEWEST) return nothing(`no network: ${k} known images, expected at least ${FEWEST}`);
  // features of one scale, so that one rate suits all of them
  const scale = featureScales(Phi, d);
  const scaled = (values: Float64Array) =>
    tf.tensor2d(Float32Array.from(values, (v, at) => v * scale[at % d]), [values.length / d, d]);
  const order = shuffled(k, rng);
  const held = Math.max(1, Math.floor(HELD_OUT * k));
  const breathe = breather(signal);
  const owned: tf.Tensor[] = []; // whatever happens, all tensors of this fit go
  const own = <T extends tf.Tensor>(tensor: T): T => {
    owned.push(tensor);
    return tensor;
  };
  let end = () => {};
  try {
    const inputs = own(scaled(Phi));
    const wanted = own(
      tf.tensor2d(Float32Array.from(Y, (v, at) => v - base[at]), [k, outputs]),
    );
    const pick = (from: tf.Tensor2D, ids: Int32Array) =>
      tf.tidy(() => from.gather(tf.tensor1d(ids, "int32")));
    const [out, rest] = [order.subarray(0, held), order.slice(held)];
    const [heldIn, heldOut] = [own(pick(inputs, out)), own(pick(wanted, out))];
    const seed = new DataView(rng.bytes(4).slice().buffer).getUint32(0);
    const normal = (shape: [number, number], deviation: number, at: number) =>
      tf.randomNormal(shape, 0, deviation, "float32", seed + at);
    const weights = [
      ...[normal([d, HIDDEN], Math.sqrt(2 / d), 1), tf.zeros([HIDDEN])],
      ...[normal([HIDDEN, outputs], 0.1 / Math.sqrt(HIDDEN), 2), tf.zeros([outputs])],
    ].map((start) => own(tf.variable(own(start))));
    const apply = (x: tf.Tensor) =>
      product(product(x, weights[0]).add(weights[1]).relu(), weights[2]).add(weights[3]);
    const error = () =>
      tf.tidy(() => apply(heldIn).sub(heldOut).square().mean().dataSync()[0] as number);
    const adam = tf.train.adam(RATE);
    end = () => adam.dispose();
    const epochRng = seededRng(seed);
    let best = { error: tf.tidy(() => heldOut.square().mean().dataSync()[0] as number), at: -1 };
    let kept: Float32Array[] | undefined;
    const epochs = Math.min(EPOCHS, Math.ceil(BATCHES * BATCH / rest.length));
    for (let epoch = 0; epoch < epochs && epoch - best.at <= PATIENCE; epoch++) {
      const turns = shuffled(rest.length, epochRng);
      for (let from = 0; from < rest.length; from += BATCH) {
        const ids = turns.subarray(from, from + BATCH).map((i) => rest[i]);
        tf.tidy(() => {
          const [x, y] = [pick(inputs, ids), pick(wanted, ids)];
          adam.minimize(() => apply(x).sub(y).square().mean() as tf.Scalar, false, weights);
        });
        await breathe();
      }
      const now = error();
      if (now < best.error) {
        best = { error: now, at: epoch };
        kept = weights.map((w) => w.dataSync<"float32">().slice());
      }
    }
    if (kept === undefined) return nothing("no network: it gains nothing on images held out");
    weights.forEach((w, at) => w.assign(own(tf.tensor(kept![at], w.shape))));
    const X = Float64Array.from(tf.tidy(() => apply(scaled(targets)).dataSync<"float32">()));
    return { X, message: "" };
  } finally {
    end();
    tf.dispose(owned);
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
