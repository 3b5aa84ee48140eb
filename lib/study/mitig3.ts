/** mitig3: client and server over a connection, once per seed and amount of noise; beside MITIG2 with the same seeds, what
 * the noise costs; and what it bounds.
 *
 * What it does not stop: other images' codes carry an image's influence through the weights, so that no bound here is one on
 * the training as a whole; a server that steers shapes what codes tell; a client that cooperates with the server tells it all;
 * and labels are the server's, with the class's mean image in each.
 * @module */
import type { SplitDataset } from "../data/dataset.ts";
import { hostServer } from "../net/hosted.ts";
import { Transcript } from "../net/transcript.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { scatterFigure } from "../plot/line.ts";
import { capacityBits, releasedCodesEpsilon } from "../privacy.ts";
import { type EpochReport, train } from "../protocol/mitig3/client.ts";
import { NARROW, type NarrowSetting } from "../protocol/mitig3/terms.ts";
import { percent } from "../sweep/summary.ts";
import { serverSeed } from "./mitig2.ts";
import { sequenceOf } from "./transcripts.ts";

/** The mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One training of mitig3. */
export interface NarrowRun {
  readonly sigma: number;
  readonly seed: number;
  /** One per epoch. */
  readonly reports: readonly EpochReport[];
  readonly transcript: Transcript;
}

/** How to train: with which noise and seeds. */
export interface NarrowOptions extends Partial<On> {
  readonly sigmas: readonly number[];
  /** The client's `insecureSeed` of each training; the server's is {@linkcode serverSeed} of it. */
  readonly seeds: readonly number[];
  readonly setting?: NarrowSetting;
  /** 300 by default. */
  readonly units?: number;
  readonly transport?: "tls" | "port";
  /** Of the client; all cores by default. */
  readonly workers?: number;
}

/** Trains once per amount of noise and seed, the server in a Worker of this process.
 * @throws as the client's `train`; the signal's reason when aborted. */
export async function trainNarrowSplit(
  data: SplitDataset,
  { sigmas, seeds, setting = NARROW, units = 300, transport = "tls", ...options }: NarrowOptions,
): Promise<NarrowRuns> {
  const { workers = navigator.hardwareConcurrency, signal, onProgress } = options;
  const runs: NarrowRun[] = [];
  const total = sigmas.length * seeds.length * setting.epochs;
  for (const sigma of sigmas) {
    for (const seed of seeds) {
      using host = await hostServer("mitig3", { transport, insecureSeed: serverSeed(seed) });
      const connection = await host.connect();
      const [reports, transcript]: [EpochReport[], Transcript] = [[], new Transcript()];
      await train(connection, data, {
        ...{ setting, units, sigma, insecureSeed: seed, workers, transcript, signal },
        onEpoch: (report) => {
          reports.push(report);
          onProgress?.(runs.length * setting.epochs + report.epoch, total);
        },
      });
      connection.close();
      runs.push({ sigma, seed, reports, transcript });
    }
  }
  return new NarrowRuns(runs, data, setting);
}

/** The trainings of one setting. */
export class NarrowRuns {
  readonly sigmas: readonly number[];

  constructor(
    readonly runs: readonly NarrowRun[],
    private readonly data: SplitDataset,
    private readonly setting: NarrowSetting,
  ) {
    this.sigmas = [...new Set(runs.map(({ sigma }) => sigma))];
  }

  /** Test accuracies at the end, of the seeds. */
  accuracies(sigma: number): number[] {
    return this.runs.filter((run) => run.sigma === sigma)
      .map(({ reports }) => reports.at(-1)!.testAccuracy);
  }

  /** Test accuracy at the end, mean of the seeds, in [0, 1]. */
  accuracy(sigma: number): number {
    return mean(this.accuracies(sigma));
  }

  /** Bytes an image and visit, first run: z and dz as numbers, and all that was sent while training, labels, counts
   * and heads of messages included. */
  get sizeBytes(): { codes: number; all: number } {
    const visits = this.setting.epochs * this.data.train.count;
    const { traffic } = this.runs[0].transcript;
    const all = traffic.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / visits;
    return { codes: 2 * 4 * this.data.train.classes.length, all };
  }

  /** Share of the last epoch's gradients that the client has cut, mean of the seeds. */
  clipped(sigma: number): number {
    return mean(
      this.runs.filter((run) => run.sigma === sigma).map(({ reports }) => reports.at(-1)!.clipped),
    );
  }

  /** A row per amount of noise. */
  table(title?: string): Table {
    const seeds = this.runs.filter(({ sigma }) => sigma === this.sigmas[0]).map(({ seed }) => seed);
    return table({
      title,
      columns: [
        "σ",
        ...seeds.map((seed) => `seed ${seed}`),
        "mean test accuracy",
        "gradients clipped",
      ],
      rows: this.sigmas.map((sigma) => [
        ...[sigma.toFixed(2), ...this.accuracies(sigma).map((share) => percent(share))],
        ...[percent(this.accuracy(sigma)), percent(this.clipped(sigma))],
      ]),
    });
  }

  /** What the noise bounds: bits of a code about its image at one visit, and the ε of the released codes of one image as a
   * Gaussian mechanism after one visit and after all.
   * @param delta of (ε, δ). */
  bounds(delta = 1e-5): Table {
    const { epochs: visits } = this.setting;
    const width = this.data.train.classes.length;
    const epsilon = (sigma: number, visits: number) =>
      releasedCodesEpsilon({ sigma, visits, delta }).toFixed(1);
    return table({
      title: `What the noise bounds: codes of ${width} numbers, δ ${delta}`,
      columns: [
        ...["σ", "bits a visit, at most", `bits in ${visits} visits, at most`],
        ...["ε, one visit", `ε, ${visits} visits`, "mean test accuracy"],
      ],
      rows: this.sigmas.map((sigma) => {
        const bits = capacityBits(width, sigma);
        return [
          ...[sigma.toFixed(2), bits.toFixed(2), (visits * bits).toFixed(1)],
          ...[epsilon(sigma, 1), epsilon(sigma, visits), percent(this.accuracy(sigma))],
        ];
      }),
    });
  }

  /** Test accuracy against the noise: a point a seed, their mean, and MITIG2's in grey. */
  figure(name: string, mitig2: Readonly<Record<string, number>> = {}): Figure {
    const all = this.runs.map(({ sigma, reports }) => ({
      sigma,
      share: reports.at(-1)!.testAccuracy,
    }));
    const ends = [Math.min(...this.sigmas), Math.max(...this.sigmas)];
    return scatterFigure({
      ...{ name, title: "mitig3: test accuracy against the noise of a code" },
      alt: "Test accuracy falls slowly as the noise grows, and stays near MITIG2's.",
      xAxis: { title: "noise σ in each number", unit: "lengths of a code" },
      yAxis: { title: "test accuracy", unit: "%" },
      series: [
        {
          name: "mitig3, a seed each",
          x: all.map(({ sigma }) => sigma),
          y: all.map(({ share }) => 100 * share),
        },
        {
          ...{ name: "mitig3, mean", dash: "solid", like: "mitig3, a seed each", markers: false },
          x: this.sigmas,
          y: this.sigmas.map((sigma) => 100 * this.accuracy(sigma)),
        },
        ...Object.entries(mitig2).map(([name, share]) => ({
          ...{ name, muted: true, markers: false, dash: "dot" as const },
          ...{ x: ends, y: [100 * share, 100 * share] },
        })),
      ],
    });
  }

  /** Who sent what, with sizes and times, in the first run. */
  sequence(name: string): Figure {
    const width = this.data.train.classes.length;
    return sequenceOf(this.runs[0].transcript, {
      ...{ name, title: "mitig3: who sends what, sizes and times as measured" },
      alt:
        "The client sends noisy codes and labels, the server answers dz, for each half of every " +
        "batch; after an epoch both save a checkpoint and the server tells its layer.",
      roles: ["client", "server"],
      steps: [
        ["client → server", "train", "train: numbers of a code, batch, rate"],
        ["server → client", "ready"],
        {
          each: `every half batch, ${this.setting.batch / 2} images`,
          steps: [
            ["client", "forward", "z1 = W1·x"],
            ["client", "narrow", "u, noise; and on the way back clip, V, b1, c"],
            ["client → server", "z", `z: ${width} numbers an image; labels`],
            ["server", "answer", "logits, loss, dz; A, b"],
            ["server → client", "dz", "dz, loss"],
            ["client", "backward", "dW1 gains dz1·x"],
          ],
        },
        {
          each: "every epoch",
          steps: [
            ["client → server", "checkpoint", "checkpoint: both sides save"],
            ["server → client", "saved", "A, b: the client classifies at home"],
          ],
        },
      ],
    });
  }
}
