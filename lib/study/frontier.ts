/** CIFAR-10 in grey: accuracy of split training against what its server gets of the images, from rows of the sweep
 * `frontier`; and rows of a sweep computed again.
 * @module */
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { labelledFigure } from "../plot/labelled.ts";
import { archivedRecords, differences, readArchive } from "../sweep/archive.ts";
import { type FrontierScheme, sweep } from "../sweep/frontier.ts";
import { parseOnly, pointsOf, type Sweep } from "../sweep/grid.ts";
import { runSweep } from "../sweep/runner.ts";
import { SweepStore } from "../sweep/store.ts";
import { percent } from "../sweep/summary.ts";
import { errorText, type Rec } from "./rates.ts";

/** The median: of an even number, the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1];
}

/** One way to train: medians over its trainings. */
export interface FrontierRow {
  readonly scheme: FrontierScheme;
  /** Patches of the dictionary; 0: it trains on pixels. */
  readonly patches: number;
  readonly sigma: number;
  readonly learningRate: number;
  /** Trainings. */
  readonly runs: number;
  readonly accuracy: number;
  /** MSE of pixels in [0, 1]: of the label alone, and of the best decoder from k known images. */
  readonly floor: number;
  readonly k1000: number;
  readonly k10000: number;
  /** The most of a training, not the median. */
  readonly part: number;
}

/** What a way to train is called. */
function labelOf({ scheme, patches, sigma, learningRate }: FrontierRow): string {
  const on = patches === 0 ? "pixels" : `${patches} patches`;
  if (scheme === "mitig3") return `mitig3, ${on}, σ ${sigma}`;
  return `MITIG2, ${on}, ${scheme === "mitig2" ? `rate ${learningRate}` : "Adam"}`;
}

/** The trainings side by side. */
export class Frontier {
  constructor(readonly rows: readonly FrontierRow[]) {}

  /** The most accurate of MITIG2, however trained, or of mitig3, on pixels or on patches.
   * @throws {RangeError} there is none. */
  best(scheme: "mitig2" | "mitig3", on: "pixels" | "patches", partAtMost = 1): FrontierRow {
    const own = this.rows.filter((row) =>
      row.scheme.startsWith(scheme) && (row.patches === 0) === (on === "pixels") &&
      row.part <= partAtMost
    );
    if (own.length === 0) {
      throw new RangeError(`Cannot compare: no ${scheme} on ${on} with part at most ${partAtMost}`);
    }
    return own.reduce((best, row) => row.accuracy > best.accuracy ? row : best);
  }

  /** A row a way to train, the most accurate first. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        ...["client", "accuracy", "part", "1 000 known", "10 000 known", "floor", "trainings"],
      ],
      rows: this.rows.map((row) => [
        ...[labelOf(row), percent(row.accuracy), row.part.toFixed(2)],
        ...[row.k1000, row.k10000, row.floor].map((mse) => errorText(mse, 4)),
        row.runs,
      ]),
    });
  }

  /** Accuracy against part: to the upper left is better for the client. */
  figure(name: string): Figure {
    // Of each way and noise the most accurate rate: MITIG2's on pixels lie close together.
    const best = ({ scheme, patches, sigma }: FrontierRow) =>
      this.rows.filter((row) =>
        row.scheme === scheme && row.patches === patches && row.sigma === sigma
      ).reduce((a, b) => b.accuracy > a.accuracy ? b : a);
    return labelledFigure({
      ...{ name, title: "CIFAR-10 in grey: accuracy, and what is left of the images in the codes" },
      alt:
        "MITIG2 stands at the right, where inner products of images are known; mitig3 on pixels " +
        "in the middle or low; mitig3 on patch features at the upper left.",
      xAxis: { title: "part: inner products beyond the labels", unit: "correlation" },
      yAxis: { title: "test accuracy", unit: "%" },
      points: this.rows.filter((row) => row === best(row)).map((row) => ({
        ...{ label: labelOf(row), x: row.part, y: 100 * row.accuracy },
        marked: row.patches > 0 && row.scheme === "mitig3",
      })),
      upright: { label: "part 0.3", x: 0.3 },
    });
  }
}

/** Medians over the trainings of each way.
 * @param records rows of the sweep, of which those on all training images count. */
export function frontierOf(records: readonly Rec[]): Frontier {
  const all = records.filter((row) => Number(row.images) === 50_000);
  const groups = Map.groupBy(
    all,
    ({ scheme, patches, sigma, learningRate }) => `${scheme} ${patches} ${sigma} ${learningRate}`,
  );
  const rows = [...groups.values()].map((own): FrontierRow => {
    const of = (name: string) => own.map((row) => Number(row[name]));
    const { scheme, patches, sigma, learningRate } = own[0];
    return {
      scheme: scheme as FrontierScheme,
      ...{ patches: Number(patches), sigma: Number(sigma), learningRate: Number(learningRate) },
      ...{ runs: own.length, accuracy: median(of("accuracy")), floor: median(of("floor")) },
      ...{ k1000: median(of("k1000")), k10000: median(of("k10000")) },
      part: Math.max(...of("part")),
    };
  });
  return new Frontier(rows.toSorted((a, b) => b.accuracy - a.accuracy));
}

/** The archived rows.
 * @throws {Error} no archive. */
export async function readFrontier(directory?: string): Promise<Frontier> {
  return frontierOf(await archivedRecords(sweep, directory));
}

/** Computes archived rows of a sweep once more. @param only in the words of `deno task sweep NAME --only`.
 * @returns a line for each difference, timings apart.   @throws the signal's reason when aborted. */
export async function rowsAgain(
  sweep: Sweep,
  only: string,
  { signal, onProgress, directory }: Partial<On> & { readonly directory?: string } = {},
): Promise<string[]> {
  using store = new SweepStore(":memory:");
  const points = pointsOf(sweep, parseOnly(sweep, only));
  await runSweep(sweep, points, { store, signal, onProgress, workers: 1 });
  return differences(sweep, store.rows(sweep), await readArchive(sweep, directory));
}
