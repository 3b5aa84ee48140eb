/** What the noise of mitig3 guarantees, in bits and in ε, and the accuracy of DP-SGD at the client, from rows of the sweep
 * `private`.
 * @module */
import { type Table, table } from "../notebook/table.ts";
import { capacityBits, releasedCodesEpsilon } from "../privacy.ts";
import { archivedRecords } from "../sweep/archive.ts";
import { sweep } from "../sweep/private.ts";
import { percent } from "../sweep/summary.ts";
import { median } from "./frontier.ts";
import type { Rec } from "./rates.ts";

/** What the codes of one sample tell, by noise: bits a visit, and ε of all visits at δ 1e-5.
 * @param options.units numbers of a code. */
export function codesTable(
  { sigmas, visits, units = 10 }: {
    sigmas: readonly number[];
    visits: readonly number[];
    units?: number;
  },
): Table {
  return table({
    title: "What the codes of one image can tell, whoever reads them",
    columns: [
      ...["σ", "bits a visit, at most"],
      ...visits.map((count) => `ε of ${count} visit${count === 1 ? "" : "s"}, δ 1e-5`),
    ],
    rows: sigmas.map((sigma) => [
      ...[String(sigma), capacityBits(units, sigma).toFixed(2)],
      ...visits.map((count) => releasedCodesEpsilon({ sigma, visits: count }).toFixed(1)),
    ]),
  });
}

/** One way to train with differential privacy. */
export interface PrivateRow {
  readonly reader: "model" | "server";
  readonly sigma: number;
  readonly noise: number;
  readonly batch: number;
  readonly epochs: number;
  /** At δ 1e-5; infinite where the noise is 0. */
  readonly epsilon: number;
  /** Of each training. */
  readonly accuracies: readonly number[];
}

/** What each reader is promised. */
const READERS = {
  model: "the client's weights, without codes",
  server: "all that the server has",
} as const;

/** Trainings with DP-SGD at the client. */
export class PrivateTrainings {
  constructor(readonly rows: readonly PrivateRow[]) {}

  /** The most accurate for a reader, by the median, with ε at most this.
   * @throws {RangeError} there is none. */
  best(reader: "model" | "server", epsilon: number): PrivateRow & { readonly accuracy: number } {
    const own = this.rows.filter((row) => row.reader === reader && row.epsilon <= epsilon);
    if (own.length === 0) {
      throw new RangeError(`Cannot compare: no ${reader} with ε at most ${epsilon}`);
    }
    const all = own.map((row) => ({ ...row, accuracy: median(row.accuracies) }));
    return all.reduce((best, row) => row.accuracy > best.accuracy ? row : best);
  }

  /** A row a way to train. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        ...["ε is of", "ε", "σ of codes", "noise / clip", "batch", "visits"],
        ...["accuracy, median", "trainings"],
      ],
      rows: this.rows.map((row) => [
        ...[READERS[row.reader], row.epsilon === Infinity ? "∞" : row.epsilon.toFixed(2)],
        ...[String(row.sigma), String(row.noise), row.batch],
        row.reader === "model" ? `${row.epochs} on average` : String(row.epochs),
        ...[percent(median(row.accuracies)), row.accuracies.length],
      ]),
    });
  }
}

/** Trainings on all of MNIST, seeds of one setting together. @param records rows of the sweep. */
export function privateTrainings(records: readonly Rec[]): PrivateTrainings {
  const all = records.filter((row) => Number(row.images) === 60_000);
  const groups = Map.groupBy(
    all,
    ({ run: _, accuracy: _a, epsilon: _e, seconds: _s, ...rest }) => JSON.stringify(rest),
  );
  return new PrivateTrainings(
    [...groups.values()].map((own) => ({
      reader: own[0].reader as "model" | "server",
      ...{ sigma: Number(own[0].sigma), noise: Number(own[0].noise) },
      ...{ batch: Number(own[0].batch), epochs: Number(own[0].epochs) },
      epsilon: own[0].epsilon === null ? Infinity : Number(own[0].epsilon),
      accuracies: own.map(({ accuracy }) => Number(accuracy)),
    })),
  );
}

/** The archived rows. @throws {Error} no archive. */
export async function readPrivate(directory?: string): Promise<PrivateTrainings> {
  return privateTrainings(await archivedRecords(sweep, directory));
}
