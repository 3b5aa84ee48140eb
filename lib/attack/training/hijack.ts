/** Feature-space hijacking: the server teaches the client an encoder of the server's own choice, without one known image.
 *
 * A pilot encoder P and its inverse come from public images: here the leading d principal components, whitened, and the
 * way back. A critic D(code, class) is trained to tell pilot codes of public images from what the client sends for
 * private images of the same class; the client is sent the gradient that makes its codes pass for pilot codes,
 *
 *   dz_j = −strength·∂/∂z log σ(D(z_j, y_j)),   loss of D: −log σ(D(P·x, y)) − log(1 − σ(D(z, y))) + penalty on ‖∂D/∂z‖²
 *
 * and the pilot's inverse turns codes into images. Differs from the paper: the pilot is linear as MITIG2's client is,
 * the critic knows the class, as MITIG2's server does, and its slope is penalised along a random direction.
 * @see D. Pasquini, G. Ateniese, M. Bernaschi, "Unleashing the Tiger: Inference Attacks on Split Learning", CCS 2021,
 * arXiv 2012.02670.
 * @module */
import * as tf from "@tensorflow/tfjs";
import { type Rng, secureRng, uniform } from "../../math/rng.ts";
import type { LabelledImages, TrainingRecovery } from "./recovery.ts";
import { labelsOf, type Steering } from "./steer.ts";
import { type TrainingView, visitsOf, z1Of } from "./view.ts";
import type { Pilot } from "./pilot.ts";

/** Units of each of the critic's two layers. */
const WIDTH = 128;
const SLOPE = 0.2;
const STEP = 0.05;

/** What the server is set up with. */
export interface HijackOptions {
  readonly pilot: Pilot;
  readonly publicImages: LabelledImages;
  readonly classes: number;
  /** Numbers of a code; the first `pilot.d` are hijacked, the others go back as they are. */
  readonly units: number;
  /** What the critic's gradient is multiplied by. */
  readonly strength: number;
  /** Of the critic's Adam. */
  readonly rate: number;
  /** On the critic's squared slope. */
  readonly penalty: number;
  /** Draws the critic, the public images and the directions of its slope. */
  readonly rng?: Rng;
}

/** The server, and its critic's memory to be given back. */
export class Hijacker implements Disposable {
  readonly #weights: tf.Variable[];
  readonly #optimizer: tf.AdamOptimizer;
  readonly #byClass: number[][];
  readonly #codes: Float32Array;
  readonly #rng: Rng;

  /** Call `startBackend` first. @throws {RangeError} a class without a public image, a strength that is not positive. */
  constructor(private readonly options: HijackOptions) {
    const { pilot, publicImages, classes, rng = secureRng() } = options;
    this.#rng = rng;
    this.#codes = Float32Array.from(pilot.encode(publicImages.x));
    this.#byClass = Array.from({ length: classes }, () => []);
    publicImages.y.forEach((label, i) => this.#byClass[label].push(i));
    const empty = this.#byClass.findIndex((images) => images.length === 0);
    if (empty >= 0) {
      throw new RangeError(`Cannot hijack: there is no public image of class ${empty}`);
    }
    if (!(options.strength > 0) || !Number.isFinite(options.strength)) {
      throw new RangeError(`Cannot hijack: strength = ${options.strength} is not positive`);
    }
    const draw = (rows: number, columns: number) =>
      tf.variable(
        tf.tensor2d(
          Float32Array.from({ length: rows * columns }, () =>
            (2 * uniform(rng) - 1) * Math.sqrt(3 / rows)),
          [rows, columns],
        ),
      );
    const input = pilot.d + classes;
    this.#weights = [
      ...[draw(input, WIDTH), tf.variable(tf.zeros([WIDTH]))],
      ...[draw(WIDTH, WIDTH), tf.variable(tf.zeros([WIDTH]))],
      draw(WIDTH, 1),
    ];
    this.#optimizer = tf.train.adam(options.rate, 0.5, 0.9);
  }

  #critic(z: tf.Tensor, y: tf.Tensor): tf.Tensor {
    const [A, a, B, b, c] = this.#weights;
    const h = tf.leakyRelu(
      tf.add(tf.matMul(tf.concat([z, y], 1) as tf.Tensor2D, A as tf.Tensor2D), a),
      SLOPE,
    );
    const g = tf.leakyRelu(tf.add(tf.matMul(h as tf.Tensor2D, B as tf.Tensor2D), b), SLOPE);
    return tf.matMul(g as tf.Tensor2D, c as tf.Tensor2D);
  }

  /** What goes back for a part. @throws {TypeError} the labels stay with the client. */
  readonly steer: Steering = ({ z1, labels, dz1 }) => {
    if (labels === null) throw new TypeError("Cannot steer: the labels stay with the client");
    const { pilot: { d }, units, classes, strength, penalty } = this.options;
    const m = labels.length;
    const sent = dz1.slice();
    const [fake, real] = [new Float32Array(m * d), new Float32Array(m * d)];
    for (let row = 0; row < m; row++) {
      fake.set(z1.subarray(row * units, row * units + d), row * d);
      const of = this.#byClass[labels[row]];
      const at = of[Math.floor(uniform(this.#rng) * of.length)];
      real.set(this.#codes.subarray(at * d, (at + 1) * d), row * d);
    }
    tf.tidy(() => {
      const [Z, P] = [tf.tensor2d(fake, [m, d]), tf.tensor2d(real, [m, d])];
      const y = tf.oneHot(tf.tensor1d(labels, "int32"), classes).toFloat();
      const seed = Math.floor(2 ** 31 * uniform(this.#rng));
      const v = tf.randomNormal([2 * m, d], 0, 1, "float32", seed);
      const both = tf.concat([Z, P], 0);
      const yy = tf.concat([y, y], 0);
      this.#optimizer.minimize(
        () => {
          const D = this.#critic(both, yy);
          const [ofFake, ofReal] = tf.split(D, 2, 0);
          const moved = this.#critic(tf.add(both, tf.mul(v, STEP)), yy);
          const slope = tf.mean(tf.square(tf.div(tf.sub(moved, D), STEP)));
          return tf.add(
            tf.add(tf.mean(tf.softplus(ofFake)), tf.mean(tf.softplus(tf.neg(ofReal)))),
            tf.mul(slope, penalty),
          ) as tf.Scalar;
        },
        false,
        this.#weights,
      );
      const gradient = tf.grad((z: tf.Tensor) => tf.sum(tf.softplus(tf.neg(this.#critic(z, y)))))(
        Z,
      );
      const values = gradient.dataSync();
      for (let row = 0; row < m; row++) {
        for (let u = 0; u < d; u++) sent[row * units + u] = strength * values[row * d + u];
      }
    });
    return sent;
  };

  [Symbol.dispose](): void {
    tf.dispose(this.#weights);
    this.#optimizer.dispose();
  }
}

/** Images of samples from the codes of their last visit, by the pilot's inverse.
 * @throws {RangeError} a sample that was not met. */
export function fromHijacked(
  view: TrainingView,
  { pilot, samples }: { readonly pilot: Pilot; readonly samples: Uint32Array },
): TrainingRecovery {
  const started = performance.now();
  const visits = visitsOf(view);
  const Z = new Float64Array(samples.length * pilot.d);
  samples.forEach((name, i) => {
    const last = visits.get(name)?.at(-1);
    if (!last) throw new RangeError(`Cannot decode: sample ${name} was not met`);
    Z.set(z1Of(view, last).subarray(0, pilot.d), i * pilot.d);
  });
  return {
    ...{ status: "estimate", samples, G: null, message: "" },
    X: pilot.decode(Z, labelsOf(view, samples)),
    assumption: "public images of the same kind; the server chooses dz1",
    elapsedMs: performance.now() - started,
  };
}
