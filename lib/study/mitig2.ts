/** Split learning (MITIG2): client and server over a connection, once per seed; and beside local training of the same
 * seeds, whether they agree, and what the split costs.
 * @module */
import { firstImages, type SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { hostServer } from "../net/hosted.ts";
import { type Traffic, Transcript } from "../net/transcript.ts";
import { initialUpper, initialW1 } from "../nn/mlp.ts";
import type { Setting } from "../nn/optimizer.ts";
import { trainMlp } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { heatMap } from "../plot/heat_map.ts";
import { lineFigure, scatterFigure } from "../plot/line.ts";
import { thousands } from "../plot/theme.ts";
import { type EpochReport, train } from "../protocol/mitig2/client.ts";
import type { Labels } from "../protocol/mitig2/terms.ts";
import { percent } from "../sweep/summary.ts";
import { sequenceOf } from "./transcripts.ts";

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
const secondsTo = ({ reports }: SplitRun, share: number): number =>
  reports.find(({ testAccuracy }) => testAccuracy >= share)?.seconds ?? Infinity;

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
    const bytes = (which: (t: Traffic) => boolean) =>
      this.runs[0].transcript.traffic.filter(which).reduce((sum, t) => sum + t.sizeBytes, 0);
    return {
      up: bytes(({ from }) => from === "client"),
      down: bytes(({ from }) => from === "server"),
      perImage: bytes(({ what }) => what === "z1") / (this.setting.epochs * this.data.train.count),
    };
  }

  /** Test accuracy against wall time, a point per seed and epoch, with what a paper reports. */
  accuracy(name: string, paper: { readonly accuracy: number; readonly seconds: number }): Figure {
    const place = (reports: readonly { seconds: number; testAccuracy: number }[]) => ({
      x: reports.map(({ seconds }) => seconds),
      y: reports.map(({ testAccuracy }) => 100 * testAccuracy),
    });
    const medians = this.runs[0].reports.map((_, k) => ({
      seconds: median(this.runs.map(({ reports }) => reports[k].seconds)),
      testAccuracy: median(this.runs.map(({ reports }) => reports[k].testAccuracy)),
    }));
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
        { name: `here, ${seeds}`, ...place(this.runs.flatMap(({ reports }) => reports)) },
        {
          ...{ name: `paper: ${100 * paper.accuracy} % in ${paper.seconds} s`, published: true },
          ...place([{ seconds: paper.seconds, testAccuracy: paper.accuracy }]),
        },
      ],
      front: { name: "median by epoch", ...place(medians) },
    });
  }

  /** A row per seed. */
  table(title?: string): Table {
    const text = (seconds: number) => Number.isFinite(seconds) ? seconds.toFixed(1) : "–";
    return table({
      title,
      columns: [
        ...["seed", "seconds to 96.8 %", "seconds to 98 %", "epochs", "test accuracy", "seconds"],
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
    return sequenceOf(this.runs[0].transcript, {
      ...{ name, title: "MITIG2: who sends what, sizes and times as measured" },
      alt:
        "The client sends z1 and labels, the server answers dz1, for each half of every batch; " +
        "after an epoch both save a checkpoint and the test images are classified.",
      roles: ["client", "server"],
      steps: [
        ["client → server", "train", "train: sizes, setting, session"],
        ["server → client", "ready"],
        {
          each: `every half batch, ${this.setting.batch / 2} images`,
          steps: [
            ["client", "forward", "z1 = W1·x of each image"],
            ["client → server", "z1", "z1, labels"],
            ["server", "answer", "a1, z2, loss, dz1"],
            ["server → client", "dz1", "dz1, loss"],
            ["client", "backward", "dW1 gains dz1·x of each image"],
          ],
        },
        {
          each: "every epoch",
          steps: [
            ["client → server", "checkpoint", "checkpoint: both sides save"],
            ["client → server", "classify", `z1 of ${thousands(1000)} test images`],
            ["server → client", "classes", "their classes"],
          ],
        },
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

  /** How many of them were taken for what they are. */
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

/** One way to train. */
interface Way {
  readonly name: string;
  readonly batch: number;
  readonly W1: Float32Array;
  /** Per epoch: the median, without the first, in which Workers start and code warms up. */
  readonly seconds: number;
  /** Per epoch, both directions. */
  readonly sizeBytes: number;
}

/** Split trainings, and local ones of the same batch size as the measure of each. */
export class Ways {
  constructor(readonly ways: readonly Way[]) {}

  #local({ batch }: Way): Way {
    return this.ways.find((way) => way.batch === batch)!;
  }

  #same(way: Way): boolean {
    return way.W1.every((w, i) => w === this.#local(way).W1[i]);
  }

  #against(way: Way): string {
    return `${(way.seconds / this.#local(way).seconds).toFixed(2)}×`;
  }

  /** Whether all ways of one batch size end in the same W1, bit for bit. */
  get sameW1(): boolean {
    return this.ways.every((way) => this.#same(way));
  }

  /** Split over TLS against local training, in words, at each batch size. */
  get overhead(): string {
    return this.ways.filter(({ name }) => name === "split over TLS")
      .map((way) => `${this.#against(way)} at batch ${way.batch}`).join(", ");
  }

  /** A row per way. */
  table(): Table {
    return table({
      title: "The same seeds, locally and split",
      columns: ["training", "batch", "seconds per epoch", "against local", "MB per epoch", "W1"],
      rows: this.ways.map((way) => [
        ...[way.name, way.batch, way.seconds.toFixed(2), this.#against(way)],
        ...[(way.sizeBytes / 1e6).toFixed(0), this.#same(way) ? "the same bits" : "differs"],
      ]),
    });
  }
}

/** Trains locally before and after the split ways (their times are averaged), split over a MessagePort and over
 * TLS, split with the labels at the client, and both locally and over TLS with a larger batch.
 * @param options.setting at least two epochs.   @param options.seed the client's, see `trainSplit`.
 * @throws {RangeError} fewer than two epochs.   @throws as `trainSplit` and `trainMlp`. */
export async function compareSplit(
  data: SplitDataset,
  { setting, seed, largeBatch, onProgress, ...options }: Omit<SplitOptions, "seeds"> & {
    readonly seed: number;
    readonly largeBatch: number;
  },
): Promise<Ways> {
  const { hidden = 300, workers = navigator.hardwareConcurrency, signal } = options;
  if (setting.epochs < 2) {
    throw new RangeError(`Cannot compare: ${setting.epochs} epochs, the first is left out`);
  }
  const perEpoch = (ends: readonly number[]) =>
    median(ends.slice(1).map((end, k) => end - ends[k]));
  let done = 0;
  const local = async (batch = setting.batch): Promise<Way> => {
    const sizes = { n: data.train.n, hidden, classes: data.train.classes.length };
    const rng = seededRng(seed);
    const W1 = initialW1(sizes, setting.initial, rng);
    const upper = initialUpper(sizes, setting.initial, seededRng(serverSeed(seed)));
    const ends: number[] = [];
    const trained = await trainMlp({ ...sizes, W1, ...upper }, data.train, {
      ...{ ...setting, batch, rng, workers, signal },
      onEpoch: () => ends.push(performance.now() / 1000),
    });
    onProgress?.(++done, 7);
    return { name: "local", batch, W1: trained.W1, seconds: perEpoch(ends), sizeBytes: 0 };
  };
  const few = { train: data.train, test: firstImages(data.test, 1) };
  const split = async (name: string, how: Partial<SplitOptions> = {}, batch = setting.batch) => {
    const own = { ...options, ...how, setting: { ...setting, batch }, seeds: [seed] };
    const { runs: [{ reports, W1 }], sizeBytes: { up, down } } = await trainSplit(few, own);
    onProgress?.(++done, 7);
    const seconds = perEpoch(reports.map(({ seconds }) => seconds));
    return { name, batch, W1, seconds, sizeBytes: (up + down) / setting.epochs };
  };
  const before = await local();
  const ways = [
    await split("split, server in a Worker", { transport: "port" }),
    await split("split over TLS"),
    await split("U-shaped over TLS", { labels: "client" }),
  ];
  const mean = { ...before, seconds: (before.seconds + (await local()).seconds) / 2 };
  const large = [await local(largeBatch), await split("split over TLS", {}, largeBatch)];
  return new Ways([mean, ...ways, ...large]);
}
