/** MITIG2 and mitig3 side by side: the same seeds, images, epochs, batches, units and kind of connection.
 * @module */
import type { SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import type { Connection } from "../net/connection.ts";
import { hostServer } from "../net/hosted.ts";
import { Transcript } from "../net/transcript.ts";
import { DESCENT, MODERN } from "../nn/optimizer.ts";
import { type Table, table } from "../notebook/table.ts";
import { train as trainMitig2 } from "../protocol/mitig2/client.ts";
import { train as trainMitig3 } from "../protocol/mitig3/client.ts";
import { NARROW, NARROW_DESCENT } from "../protocol/mitig3/terms.ts";
import type { EpochReport } from "../protocol/split/begin.ts";
import { percent } from "../sweep/summary.ts";
import { median, serverSeed } from "./mitig2.ts";
import { mean, type NarrowOptions } from "./mitig3.ts";

/** One training, measured. */
interface Measured {
  readonly accuracy: number;
  /** Of each epoch but the first, in which Workers start and code warms up. */
  readonly seconds: readonly number[];
  /** An image and visit, both directions: what the parties send while training. */
  readonly bytes: number;
}

/** One way to train, by all seeds. */
class Way {
  constructor(readonly name: string, readonly runs: readonly Measured[]) {}

  /** Test accuracy at the end, mean of the seeds. */
  get accuracy(): number {
    return mean(this.runs.map(({ accuracy }) => accuracy));
  }

  /** An epoch, median. */
  get seconds(): number {
    return median(this.runs.flatMap(({ seconds }) => seconds));
  }

  /** Its row. @param other MITIG2's way. */
  row(other: Way): (string | number)[] {
    const all = this.runs.map(({ accuracy }) => accuracy);
    const times = this === other ? "" : `${(this.seconds / other.seconds).toFixed(2)}×`;
    return [
      ...[this.name, percent(this.accuracy), percent(Math.min(...all)), percent(Math.max(...all))],
      ...[this.seconds.toFixed(2), times, this.runs[0].bytes.toFixed(0)],
    ];
  }
}

/** MITIG2 and mitig3, by plain descent and by Adam. */
export class Beside {
  /** @param pairs MITIG2 and mitig3 by the same optimizer. */
  constructor(readonly pairs: readonly (readonly [mitig2: Way, mitig3: Way])[]) {}

  /** MITIG2's mean accuracy less mitig3's, in points of a hundred, by pair. */
  get pointsLost(): number[] {
    return this.pairs.map(([two, three]) => 100 * (two.accuracy - three.accuracy));
  }

  /** An epoch of mitig3 in epochs of MITIG2, by pair. */
  get timeRatios(): number[] {
    return this.pairs.map(([two, three]) => three.seconds / two.seconds);
  }

  /** MITIG2's mean accuracy, by the name of its training: levels for a figure. */
  get levels(): Record<string, number> {
    return Object.fromEntries(this.pairs.map(([two]) => [two.name, two.accuracy]));
  }

  /** A row per way. */
  table(): Table {
    return table({
      title: "The same seeds, epochs and batches, both parties",
      columns: [
        ...["training", "mean test accuracy", "least", "largest"],
        ...["seconds an epoch", "against MITIG2", "bytes an image and visit"],
      ],
      rows: this.pairs.flatMap((pair) => pair.map((way) => way.row(pair[0]))),
    });
  }
}

/** What both clients are given. */
interface Common {
  readonly workers: number;
  readonly transcript: Transcript;
  readonly signal?: AbortSignal;
  readonly onEpoch: (report: EpochReport) => void;
}

/** Trains with a server in a Worker of this process. */
async function measure(
  protocol: "mitig2" | "mitig3",
  { seed, visits, transport, ...common }: Omit<Common, "transcript" | "onEpoch"> & {
    readonly seed: number;
    /** Images times epochs. */
    readonly visits: number;
    readonly transport: "tls" | "port";
  },
  start: (connection: Connection, common: Common) => Promise<unknown>,
): Promise<Measured> {
  using host = await hostServer(protocol, { transport, insecureSeed: serverSeed(seed) });
  const connection = await host.connect();
  const transcript = new Transcript();
  const reports: EpochReport[] = [];
  await start(connection, {
    ...{ ...common, transcript, onEpoch: (report) => reports.push(report) },
  });
  connection.close();
  const sent = transcript.traffic.filter(({ what }) => /^d?z1?$/.test(what));
  return {
    accuracy: reports.at(-1)!.testAccuracy,
    seconds: reports.slice(1).map(({ seconds }, k) => seconds - reports[k].seconds),
    bytes: sent.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / visits,
  };
}

/** Trains MITIG2 and mitig3 in turn, seed by seed: by plain descent (MITIG2's sigmoid network at rate 2), and by Adam.
 * An epoch's time has the test images in it, which both classify after each.
 * @param options.sigma mitig3's noise.
 * @throws {RangeError} fewer than two epochs: the first is left out of times.   @throws as both clients' `train`. */
export async function besideMitig2(
  data: SplitDataset,
  { seeds, sigma, units = 300, epochs = NARROW.epochs, transport = "tls", ...options }:
    & Omit<NarrowOptions, "sigmas" | "setting">
    & { readonly sigma: number; readonly epochs?: number },
): Promise<Beside> {
  const { workers = navigator.hardwareConcurrency, signal, onProgress } = options;
  if (epochs < 2) {
    throw new RangeError(`Cannot compare: ${epochs} epochs, the first is left out of times`);
  }
  const kinds = [["plain descent", DESCENT, NARROW_DESCENT], ["Adam", MODERN, NARROW]] as const;
  const pairs: [Way, Way][] = [];
  let done = 0;
  for (const [kind, base2, base3] of kinds) {
    const setting2 = { ...base2, epochs, batch: base3.batch };
    const setting3 = { ...base3, epochs };
    const [twos, threes]: [Measured[], Measured[]] = [[], []];
    for (const seed of seeds) {
      const how = { seed, visits: epochs * data.train.count, transport, workers, signal };
      const rng = seededRng(seed);
      const own2 = { setting: setting2, hidden: units, rng };
      twos.push(
        await measure("mitig2", how, (to, common) => trainMitig2(to, data, { ...own2, ...common })),
      );
      onProgress?.(++done, 4 * seeds.length);
      const own3 = { setting: setting3, units, sigma, insecureSeed: seed };
      threes.push(
        await measure("mitig3", how, (to, common) => trainMitig3(to, data, { ...own3, ...common })),
      );
      onProgress?.(++done, 4 * seeds.length);
    }
    pairs.push([new Way(`MITIG2, ${kind}`, twos), new Way(`mitig3, ${kind}`, threes)]);
  }
  return new Beside(pairs);
}
