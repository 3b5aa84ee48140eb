/** Split learning (MITIG2): client and server over a connection, once per seed.
 * @module */
import type { SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { hostServer } from "../net/hosted.ts";
import { Transcript } from "../net/transcript.ts";
import type { Setting } from "../nn/optimizer.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { heatMap } from "../plot/heat_map.ts";
import { lineFigure } from "../plot/line.ts";
import { scatterFigure } from "../plot/scatter.ts";
import { sequenceFigure } from "../plot/sequence.ts";
import type { SequenceStep } from "../plot/sequence.ts";
import { thousands } from "../plot/theme.ts";
import { type EpochReport, train } from "../protocol/mitig2/client.ts";
import type { Labels } from "../protocol/mitig2/terms.ts";
import { percent } from "../sweep/summary.ts";
import { sent, worked } from "./transcripts.ts";

/** The server's `insecureSeed` where the client has this one: never the same, because a shared seed is W1. */
export const serverSeed = (clientSeed: number): number => 100 + clientSeed;

/** The middle of an odd number of values; of an even one, the upper of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** One training, of one seed. */
export interface SplitRun {
  readonly seed: number;
  /** One per epoch. */
  readonly reports: readonly EpochReport[];
  readonly transcript: Transcript;
  readonly W1: Float32Array;
  /** Of the test images. */
  readonly predictions: Uint8Array;
}

/** How to train: the setting, the seeds, and what differs from the paper's network over TLS. */
export interface SplitOptions extends Partial<On> {
  readonly setting: Setting;
  /** The client's `insecureSeed` of each training; the server's is {@linkcode serverSeed} of it. */
  readonly seeds: readonly number[];
  /** 300 by default. */
  readonly hidden?: number;
  readonly transport?: "tls" | "port";
  readonly labels?: Labels;
  /** Of the client; all cores by default. */
  readonly workers?: number;
}

/** Trains once per seed, the server in a Worker of this process.
 * @throws as the client's `train`; the signal's reason when aborted. */
export async function trainSplit(data: SplitDataset, options: SplitOptions): Promise<SplitRuns> {
  const { setting, seeds, hidden = 300, transport = "tls", labels, signal, onProgress } = options;
  const { workers = navigator.hardwareConcurrency } = options;
  const runs: SplitRun[] = [];
  for (const seed of seeds) {
    using host = await hostServer("mitig2", { transport, insecureSeed: serverSeed(seed) });
    const connection = await host.connect();
    const [reports, transcript]: [EpochReport[], Transcript] = [[], new Transcript()];
    const { W1, predictions } = await train(connection, data, {
      ...{ setting, hidden, labels, rng: seededRng(seed), workers, transcript, signal },
      onEpoch: (report) => {
        reports.push(report);
        onProgress?.(runs.length * setting.epochs + report.epoch, seeds.length * setting.epochs);
      },
    });
    connection.close();
    runs.push({ seed, reports, transcript, W1, predictions });
  }
  return new SplitRuns(runs, data, setting);
}

/** When a training first reached a test accuracy; Infinity if it did not. */
function secondsTo({ reports }: SplitRun, share: number): number {
  return reports.find(({ testAccuracy }) => testAccuracy >= share)?.seconds ?? Infinity;
}

/** The trainings of one setting. */
export class SplitRuns {
  constructor(
    readonly runs: readonly SplitRun[],
    private readonly data: SplitDataset,
    private readonly setting: Setting,
  ) {}

  /** Seconds to a test accuracy, median of the seeds; Infinity where most do not reach it. */
  secondsTo(share: number): number {
    return median(this.runs.map((run) => secondsTo(run, share)));
  }

  /** Seconds to the end, median of the seeds. */
  get seconds(): number {
    return median(this.runs.map(({ reports }) => reports.at(-1)!.seconds));
  }

  /** At the end, median of the seeds, in [0, 1]. */
  get testAccuracy(): number {
    return median(this.runs.map(({ reports }) => reports.at(-1)!.testAccuracy));
  }

  /** Bytes of the first seed's training: client to server, server to client, and z1 with its labels per image
   * and epoch. */
  get sizeBytes(): { up: number; down: number; perImage: number } {
    const { traffic } = this.runs[0].transcript;
    const sum = (entries: typeof traffic) => entries.reduce((sum, t) => sum + t.sizeBytes, 0);
    return {
      up: sum(traffic.filter(({ from }) => from === "client")),
      down: sum(traffic.filter(({ from }) => from === "server")),
      perImage: sum(traffic.filter(({ what }) => what === "z1")) /
        (this.setting.epochs * this.data.train.count),
    };
  }

  /** Test accuracy against wall time, a point per seed and epoch, with what a paper reports. */
  accuracy(name: string, paper: { readonly accuracy: number; readonly seconds: number }): Figure {
    const reports = this.runs.flatMap(({ reports }) => reports);
    const [first] = this.runs;
    const over = (value: (report: EpochReport) => number) =>
      first.reports.map((_, k) => median(this.runs.map(({ reports }) => value(reports[k]))));
    const seeds = this.runs.length === 1 ? "one seed" : `${this.runs.length} seeds`;
    return scatterFigure({
      name,
      title:
        `Test accuracy against wall time, ${navigator.hardwareConcurrency} cores, both parties`,
      alt:
        "Test accuracy passes the paper's within seconds; the paper's point is far to the right.",
      xAxis: { title: "wall time since connecting", unit: "s", log: true },
      yAxis: { title: "test accuracy", unit: "%" },
      series: [
        {
          name: `here, ${seeds}`,
          x: reports.map(({ seconds }) => seconds),
          y: reports.map(({ testAccuracy }) => 100 * testAccuracy),
        },
        {
          name: `paper: ${100 * paper.accuracy} % in ${paper.seconds} s`,
          ...{ published: true, x: [paper.seconds], y: [100 * paper.accuracy] },
        },
      ],
      front: {
        name: "median by epoch",
        x: over(({ seconds }) => seconds),
        y: over(({ testAccuracy }) => 100 * testAccuracy),
      },
    });
  }

  /** A row per seed. */
  table(title?: string): Table {
    const text = (seconds: number) => Number.isFinite(seconds) ? seconds.toFixed(1) : "–";
    return table({
      title,
      columns: [
        "seed",
        "seconds to 96.8 %",
        "seconds to 98 %",
        "epochs",
        "test accuracy",
        "seconds",
      ],
      rows: this.runs.map((run) => {
        const { epoch, testAccuracy, seconds } = run.reports.at(-1)!;
        const times = [0.968, 0.98].map((share) => text(secondsTo(run, share)));
        return [run.seed, ...times, epoch, percent(testAccuracy), text(seconds)];
      }),
    });
  }

  /** Who sent what, with sizes and times, in the first seed's training. */
  sequence(name: string): Figure {
    const [{ transcript }] = this.runs;
    const up = (what: string, label: string) => sent(transcript, ["client", "server"], what, label);
    const down = (what: string, label: string) =>
      sent(transcript, ["server", "client"], what, label);
    const every = (what: string, ...steps: SequenceStep[]): SequenceStep => ({
      kind: "group",
      label: `every ${what}`,
      steps,
    });
    return sequenceFigure({
      name,
      title: "MITIG2: who sends what, sizes and times as measured",
      alt:
        "The client sends z1 and labels, the server answers dz1, for each half of every batch; after an epoch both " +
        "save a checkpoint and the test images are classified.",
      roles: ["client", "server"],
      steps: [
        up("train", "train: sizes, setting, session"),
        down("ready", "ready"),
        every(
          `half batch, ${this.setting.batch / 2} images`,
          worked(transcript, "client", "forward", "z1 = W1·x of each image"),
          up("z1", "z1, labels"),
          worked(transcript, "server", "answer", "a1, z2, loss, dz1"),
          down("dz1", "dz1, loss"),
          worked(transcript, "client", "backward", "dW1 gains dz1·x of each image"),
        ),
        every(
          "epoch",
          up("checkpoint", "checkpoint: both sides save"),
          up("classify", "z1 of 1000 test images"),
          down("classes", "their classes"),
        ),
      ],
    });
  }

  /** Training loss by epoch, of the first seed, beside that of other settings.
   * @param others by what they are called; this one is `own`. */
  loss(name: string, own: string, others: Readonly<Record<string, SplitRuns>>): Figure {
    const series = Object.entries({ [own]: this as SplitRuns, ...others })
      .map(([name, { runs: [{ reports }] }]) => ({
        name,
        x: reports.map(({ epoch }) => epoch),
        y: reports.map(({ loss }) => loss),
      }));
    return lineFigure({
      ...{ name, title: "Training loss", series },
      alt: `Training loss falls over the epochs: ${series.map(({ name }) => name).join(", ")}.`,
      xAxis: { title: "epoch", unit: "count" },
      yAxis: { title: "cross-entropy", unit: "nats per image", log: true },
    });
  }

  /** How many test images of each class were taken for each, in the first seed's training. */
  get confusion(): number[][] {
    const { classes, y } = this.data.test;
    const counts = classes.map(() => new Array<number>(classes.length).fill(0));
    this.runs[0].predictions.forEach((predicted, i) => counts[y[i]][predicted]++);
    return counts;
  }

  /** How many test images of the first seed's training were taken for what they are. */
  get diagonal(): number {
    return this.confusion.reduce((sum, row, label) => sum + row[label], 0);
  }

  /** The confusion matrix as a figure. */
  confusionMap(name: string): Figure {
    const { count, classes } = this.data.test;
    return heatMap({
      name,
      title: `Confusion matrix, ${thousands(count)} test images, predicted over the split`,
      alt: "Nearly all test images lie on the diagonal.",
      x: { title: "predicted digit", ticks: classes },
      y: { title: "true digit", ticks: classes },
      z: this.confusion,
      color: { title: "images", unit: "count", log: true, floor: 1 },
    });
  }
}
