/** Keeps of a training what its server has of some samples: of all 60 000 in five epochs it would be 720 MB.
 * What moves W1 is then only known in part, so that the steps have no rate: such a view serves decoders, not the Gram
 * matrix.
 * @module */
import { joined } from "../protocol/training_views.ts";
import { type StepView, type TrainingView, trainingView } from "../attack/training/view.ts";

/** A part of a batch as the server had it. */
export interface WatchedPart {
  readonly step: number;
  /** `[m]`, what the samples are called: by truth, whatever the server knows. */
  readonly names: Uint32Array;
  /** `[m, units]` */
  readonly z1: Float32Array;
  /** `[m]` */
  readonly labels: Uint8Array;
  /** `[m, units]` */
  readonly dz1: Float32Array;
}

/** Collects parts in the order of their steps. */
export class Watch {
  readonly #watched: Set<number>;
  readonly #steps = new Map<number, WatchedPart[]>();

  /** @param samples the names to keep. */
  constructor(samples: Iterable<number>, private readonly units: number) {
    this.#watched = new Set(samples);
  }

  /** Keeps what is watched of a part. */
  add({ step, names, z1, labels, dz1 }: WatchedPart): void {
    const rows = [...names.keys()].filter((row) => this.#watched.has(names[row]));
    if (rows.length === 0) return;
    const pick = (from: Float32Array) => {
      const out = new Float32Array(rows.length * this.units);
      rows.forEach((row, k) =>
        out.set(from.subarray(row * this.units, (row + 1) * this.units), k * this.units)
      );
      return out;
    };
    if (!this.#steps.has(step)) this.#steps.set(step, []);
    this.#steps.get(step)!.push({
      ...{ step, z1: pick(z1), dz1: pick(dz1) },
      names: Uint32Array.from(rows, (row) => names[row]),
      labels: Uint8Array.from(rows, (row) => labels[row]),
    });
  }

  /** What was kept, a step each that has a watched sample.
   * @throws {TypeError} nothing was kept. */
  view(parts: Pick<TrainingView, "classes" | "shape" | "inputScale">): TrainingView {
    const steps = [...this.#steps.values()].map((parts): StepView => ({
      samples: Uint32Array.from(parts.flatMap(({ names }) => [...names])),
      z1: joined(parts.map(({ z1 }) => z1)),
      labels: Uint8Array.from(parts.flatMap(({ labels }) => [...labels])),
      dz1: joined(parts.map(({ dz1 }) => dz1)),
      ...{ rate: null, W1: null, dW1: null },
    }));
    return trainingView({ scheme: "mitig2", units: this.units, ...parts, steps });
  }
}
