/** What turns the first layer's product into a short code of length 1:
 *
 *   a1 = relu(z1 + b1),  v = V·a1 + c,  s = max(‖v‖, 2⁻¹⁰),  u = v / s
 *   dv = (du − u·⟨u, du⟩) / s,  dz1 = (Vᵀ·dv) ∘ [a1 > 0],  dV = Σ dv·a1ᵀ,  dc = Σ dv,  db1 = Σ dz1
 *
 * The floor of s is for an image that no unit answers to: v is c alone then, which may be 0 or so small that the gradient
 * has no bound. Below the floor u is shorter than 1, and dv = du / s. A sample is a row. A batch may come in parts: `forward` and `backward` take them in turn, first in, first out;
 * `update` closes the batch. In plain loops over the units that are not 0, which are about half: with a width of 10
 * that costs less than tensors of tfjs would, and gives the same bits on every machine.
 * @module */
import { transpose } from "./backend.ts";
import { type Optimizer, optimizer, type OptimizerName, type OptimizerState } from "./optimizer.ts";

/** The least that v is divided by. */
const FLOOR = 2 ** -10;

/** b1 `[units]`, V `[width, units]`, c `[width]`. */
export interface BottleneckWeights {
  readonly b1: Float32Array;
  readonly V: Float32Array;
  readonly c: Float32Array;
}

/** The weights and what their optimizers remember. */
export interface BottleneckState {
  readonly weights: BottleneckWeights;
  readonly optimizers: Readonly<Record<keyof BottleneckWeights, OptimizerState>>;
}

/** What the way back needs of a part. */
interface Forwarded {
  /** a1 `[m, units]` */
  readonly a1: Float32Array;
  /** `[m, width]` */
  readonly u: Float32Array;
  /** s `[m]` */
  readonly scale: Float64Array;
}

/** The bottleneck in training or in use. */
export class Bottleneck {
  readonly units: number;
  readonly width: number;
  readonly #b1: Float32Array;
  /** `[units, width]` */
  readonly #Vt: Float32Array;
  readonly #c: Float32Array;
  readonly #optimizers: Record<keyof BottleneckWeights, Optimizer>;
  readonly #sums: Record<keyof BottleneckWeights, Float32Array>;
  readonly #forwarded: Forwarded[] = [];

  /** @throws {TypeError} V is no matrix of width times units, or saved state of another shape. */
  constructor(
    { b1, V, c }: BottleneckWeights,
    name: OptimizerName,
    saved?: BottleneckState["optimizers"],
  ) {
    [this.units, this.width] = [b1.length, c.length];
    if (V.length !== b1.length * c.length) {
      throw new TypeError(
        `Cannot build a bottleneck: V has ${V.length} weights for ${b1.length} units and ` +
          `${c.length} outputs`,
      );
    }
    [this.#b1, this.#c, this.#Vt] = [b1.slice(), c.slice(), transpose(V, c.length, b1.length)];
    const savedV = saved && {
      steps: saved.V.steps,
      moments: saved.V.moments.map((moment) => transpose(moment, c.length, b1.length)),
    };
    this.#optimizers = {
      b1: optimizer(name, b1.length, saved?.b1),
      V: optimizer(name, V.length, savedV),
      c: optimizer(name, c.length, saved?.c),
    };
    this.#sums = {
      b1: new Float32Array(b1.length),
      V: new Float32Array(V.length),
      c: new Float32Array(c.length),
    };
  }

  #outputs(z1: Float32Array): Forwarded {
    const { units, width } = this;
    const [b1, Vt, c] = [this.#b1, this.#Vt, this.#c];
    const m = z1.length / units;
    const [a1, u] = [new Float32Array(m * units), new Float32Array(m * width)];
    const [scale, v] = [new Float64Array(m), new Float64Array(width)];
    for (let k = 0; k < m; k++) {
      v.set(c);
      for (let i = 0; i < units; i++) {
        const a = z1[k * units + i] + b1[i];
        if (a <= 0) continue;
        a1[k * units + i] = a;
        const row = i * width;
        for (let j = 0; j < width; j++) v[j] += Vt[row + j] * a;
      }
      let square = 0;
      for (let j = 0; j < width; j++) square += v[j] * v[j];
      scale[k] = Math.max(Math.sqrt(square), FLOOR);
      for (let j = 0; j < width; j++) u[k * width + j] = v[j] / scale[k];
    }
    return { a1, u, scale };
  }

  /** @param z1 `[m, units]`, without b1.   @returns u `[m, width]`. */
  forward(z1: Float32Array): Float32Array {
    const part = this.#outputs(z1);
    this.#forwarded.push(part);
    return part.u;
  }

  /** u of samples that are not trained on. @param z1 `[m, units]`, without b1. */
  apply(z1: Float32Array): Float32Array {
    return this.#outputs(z1).u;
  }

  /** @param du `[m, width]` of the part that went forward first and did not yet come back.
   * @returns dz1 `[m, units]`, by the weights before the batch. */
  backward(du: Float32Array): Float32Array {
    const { units, width } = this;
    const { a1, u, scale } = this.#forwarded.shift()!;
    const { b1: db1, V: dVt, c: dc } = this.#sums;
    const Vt = this.#Vt;
    const m = scale.length;
    const dz1 = new Float32Array(m * units);
    const dv = new Float64Array(width);
    for (let k = 0; k < m; k++) {
      const at = k * width;
      let along = 0;
      if (scale[k] > FLOOR) {
        for (let j = 0; j < width; j++) along += u[at + j] * du[at + j];
      }
      for (let j = 0; j < width; j++) {
        dv[j] = (du[at + j] - u[at + j] * along) / scale[k];
        dc[j] += dv[j];
      }
      for (let i = 0; i < units; i++) {
        const a = a1[k * units + i];
        if (a <= 0) continue;
        const row = i * width;
        let sum = 0;
        for (let j = 0; j < width; j++) {
          sum += Vt[row + j] * dv[j];
          dVt[row + j] += dv[j] * a;
        }
        dz1[k * units + i] = sum;
        db1[i] += sum;
      }
    }
    return dz1;
  }

  /** Moves the weights against the summed gradients of the batch over `divisor`. */
  update(divisor: number, learningRate: number): void {
    const weights = { b1: this.#b1, V: this.#Vt, c: this.#c };
    for (const name of ["b1", "V", "c"] as const) {
      this.#optimizers[name].step(weights[name], this.#sums[name], divisor, learningRate);
      this.#sums[name].fill(0);
    }
  }

  /** All that a checkpoint keeps; b1 and c are views, not copies. */
  state(): BottleneckState {
    const { b1, V, c } = this.#optimizers;
    const back = (matrix: Float32Array) => transpose(matrix, this.units, this.width);
    return {
      weights: { b1: this.#b1, V: back(this.#Vt), c: this.#c },
      optimizers: {
        b1: b1.state,
        V: { steps: V.state.steps, moments: V.state.moments.map(back) },
        c: c.state,
      },
    };
  }
}
