/** Split and local training of the same seeds, side by side: whether they agree, and what the split costs.
 * @module */
import { firstImages, type SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { initialUpper, initialW1 } from "../nn/mlp.ts";
import type { Setting } from "../nn/optimizer.ts";
import { trainMlp } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { median, serverSeed, type SplitOptions, trainSplit } from "./mitig2.ts";

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

/** The ways, and local training of the same batch size as the measure of each. */
export interface Ways {
  readonly ways: readonly Way[];
  /** Whether all ways of one batch size end in the same W1, bit for bit. */
  readonly sameW1: boolean;
  /** Split over TLS against local training, in words, at each batch size. */
  readonly overhead: string;
  table(): Table;
}

/** How to compare. */
export interface WaysOptions extends Partial<On> {
  /** At least two epochs. */
  readonly setting: Setting;
  /** Of the client, see `trainSplit`. */
  readonly seed: number;
  /** A second batch size. */
  readonly largeBatch: number;
  /** 300 by default. */
  readonly hidden?: number;
  readonly workers?: number;
}

/** Trains locally before and after the split ways (their times are averaged), split over a MessagePort and over
 * TLS, split with the labels at the client, and both locally and over TLS with the larger batch.
 * @throws {RangeError} fewer than two epochs.   @throws as `trainSplit` and `trainMlp`. */
export async function splitAndLocal(data: SplitDataset, options: WaysOptions): Promise<Ways> {
  const { setting, seed, largeBatch, hidden = 300, onProgress, signal } = options;
  const { workers = navigator.hardwareConcurrency } = options;
  if (setting.epochs < 2) {
    throw new RangeError(`Cannot compare: ${setting.epochs} epochs, the first is left out`);
  }
  const perEpoch = (ends: readonly number[]) =>
    median(ends.slice(1).map((end, k) => end - ends[k]));
  let done = 0;
  const step = <T>(result: T): T => {
    onProgress?.(++done, 7);
    return result;
  };
  const local = async (batch = setting.batch): Promise<Way> => {
    const { n, classes } = data.train;
    const sizes = { n, hidden, classes: classes.length };
    const rng = seededRng(seed);
    const W1 = initialW1(sizes, setting.initial, rng);
    const upper = initialUpper(sizes, setting.initial, seededRng(serverSeed(seed)));
    const ends: number[] = [];
    const trained = await trainMlp({ ...sizes, W1, ...upper }, data.train, {
      ...{ ...setting, batch, rng, workers, signal },
      onEpoch: () => ends.push(performance.now() / 1000),
    });
    return step({ name: "local", batch, W1: trained.W1, seconds: perEpoch(ends), sizeBytes: 0 });
  };
  const few = { train: data.train, test: firstImages(data.test, 1) };
  const split = async (
    name: string,
    { batch = setting.batch, ...how }: Pick<SplitOptions, "transport" | "labels"> & {
      batch?: number;
    },
  ): Promise<Way> => {
    const training = { setting: { ...setting, batch }, seeds: [seed], hidden, workers, signal };
    const { runs: [run], sizeBytes: { up, down } } = await trainSplit(few, { ...training, ...how });
    const seconds = perEpoch(run.reports.map(({ seconds }) => seconds));
    return step({ name, batch, W1: run.W1, seconds, sizeBytes: (up + down) / setting.epochs });
  };
  const before = await local();
  const overPort = await split("split, server in a Worker", { transport: "port" });
  const overTls = await split("split over TLS", {});
  const uShaped = await split("U-shaped over TLS", { labels: "client" });
  const after = await local();
  const largeLocal = await local(largeBatch);
  const largeTls = await split("split over TLS", { batch: largeBatch });
  const small = { ...before, seconds: (before.seconds + after.seconds) / 2 };
  return compare([small, overPort, overTls, uShaped, largeLocal, largeTls]);
}

function compare(ways: readonly Way[]): Ways {
  const localOf = ({ batch }: Way) => ways.find((way) => way.batch === batch)!;
  const same = (way: Way) => way.W1.every((w, i) => w === localOf(way).W1[i]);
  const against = (way: Way) => `${(way.seconds / localOf(way).seconds).toFixed(2)}×`;
  return {
    ways,
    sameW1: ways.every(same),
    overhead: ways.filter(({ name }) => name === "split over TLS")
      .map((way) => `${against(way)} at batch ${way.batch}`).join(", "),
    table: () =>
      table({
        title: "The same seeds, locally and split",
        columns: [
          ...["training", "batch", "seconds per epoch", "against local", "MB per epoch"],
          "W1",
        ],
        rows: ways.map((way) => [
          ...[way.name, way.batch, way.seconds.toFixed(2), against(way)],
          ...[(way.sizeBytes / 1e6).toFixed(0), same(way) ? "the same bits" : "differs"],
        ]),
      }),
  };
}
