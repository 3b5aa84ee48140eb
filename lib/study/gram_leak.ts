/** How well a server of MITIG1 or MITIG2, which has no W1, knows the inner products of the private images: the error
 * against units and visits, and what symmetry saves.
 *
 * MITIG2's numbers are those of its real client and server, float32 as on the wire; "float64" is the twin of
 * `gram_views.ts`. The images keep their order, so that the server knows which sample is which.
 * @module */
import { gramByBayes } from "../attack/training/gram_bayes.ts";
import { gramByLeastSquares } from "../attack/training/gram.ts";
import type { Dataset } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { doubleView, followable, relativeError, splitView, trueGram } from "./gram_views.ts";

/** A way to find G, and in which precision z1 came. */
export type Way = "least squares, float64" | "least squares, float32" | "Bayes, float32";

/** Every {@linkcode Way}. */
export const WAYS: readonly Way[] = [
  ...["least squares, float64", "least squares, float32", "Bayes, float32"] as const,
];

/** An error of G. */
export interface GramError {
  readonly hidden: number;
  readonly visits: number;
  readonly way: Way;
  readonly error: number;
}

/** Errors of G by width, visits and way. */
export class GramErrors {
  constructor(readonly count: number, readonly errors: readonly GramError[]) {}

  /** One of them. @throws {RangeError} it was not computed. */
  at(hidden: number, visits: number, way: Way): number {
    const found = this.errors.find((e) =>
      e.hidden === hidden && e.visits === visits && e.way === way
    );
    if (!found) throw new RangeError(`Cannot find ${way} at ${hidden} units, ${visits} visits`);
    return found.error;
  }

  /** The visits from which least squares leaves nothing open. */
  enough(hidden: number): number {
    return Math.ceil(this.count / hidden) + 1;
  }

  /** Error against visits. */
  figure(name: string): Figure {
    const lines = Map.groupBy(this.errors, ({ hidden, way }) => `${hidden} units, ${way}`);
    const dashes = { [WAYS[0]]: "solid", [WAYS[1]]: "dot", [WAYS[2]]: "dash" } as const;
    return lineFigure({
      name,
      title: `Error of the inner products of ${this.count} private images, W1 unknown`,
      alt:
        "In float64, least squares falls to zero at the visit where equations reach the unknowns; " +
        "Bayes is at a few hundredths from the second visit on.",
      xAxis: { title: "visits of each sample", unit: "count" },
      yAxis: { title: "error of G", unit: "relative, Frobenius norm", log: true },
      series: [...lines].map(([name, points]) => {
        const first = `${points[0].hidden} units, ${WAYS[0]}`;
        return {
          ...{ name, dash: dashes[points[0].way], ...(name === first ? {} : { like: first }) },
          x: points.map(({ visits }) => visits),
          y: points.map(({ error }) => error),
        };
      }),
    });
  }

  /** A row per width and number of visits. */
  table(): Table {
    const rows = Map.groupBy(this.errors, ({ hidden, visits }) => `${hidden} ${visits}`);
    return table({
      title: `Relative error of G, ${this.count} images`,
      columns: ["units", "visits", "enough", ...WAYS],
      rows: [...rows.values()].map((row) => [
        ...[row[0].hidden, row[0].visits],
        row[0].visits >= this.enough(row[0].hidden) ? "yes" : "no",
        ...WAYS.map((way) => row.find((e) => e.way === way)!.error.toExponential(1)),
      ]),
    });
  }
}

/** Finds G by each way, for each width and number of visits of one training each.
 * @param options.visits by width.   @throws the signal's reason when aborted. */
export async function gramErrors(
  images: Dataset,
  { visits, seed, batch, ...on }: Partial<On> & {
    readonly visits: Readonly<Record<number, readonly number[]>>;
    readonly seed: number;
    readonly batch?: number;
  },
): Promise<GramErrors> {
  const truth = trueGram(images);
  const errors: GramError[] = [];
  const total = Object.values(visits).reduce((sum, list) => sum + list.length * WAYS.length, 0);
  for (const [width, list] of Object.entries(visits)) {
    const hidden = Number(width);
    const setting = followable(Math.max(...list), batch);
    const double = doubleView(images, { hidden, setting, seed });
    const single = await splitView(images, { hidden, setting, seed, signal: on.signal });
    for (const visits of list) {
      const options = { visits, signal: on.signal };
      const found = [
        await gramByLeastSquares(double, options),
        await gramByLeastSquares(single, options),
        await gramByBayes(single, options),
      ];
      found.forEach(({ G }, k) =>
        errors.push({ hidden, visits, way: WAYS[k], error: relativeError(G!, truth) })
      );
      on.onProgress?.(errors.length, total);
    }
  }
  return new GramErrors(images.count, errors);
}

/** What symmetry saves: the error of least squares without and with it, in float64, after `visits`.
 * @throws the signal's reason when aborted. */
export async function symmetryGain(
  images: Dataset,
  { hidden, visits, batch, seed, signal, onProgress }: Partial<On> & {
    readonly hidden: number;
    readonly visits: number;
    readonly batch: number;
    readonly seed: number;
  },
): Promise<{ readonly without: number; readonly with: number; readonly enough: number }> {
  const view = doubleView(images, { hidden, setting: followable(visits, batch), seed });
  const truth = trueGram(images);
  const error = async (symmetric: boolean) => {
    const { G } = await gramByLeastSquares(view, { symmetric, signal, onProgress });
    return relativeError(G!, truth);
  };
  return {
    ...{ without: await error(false), with: await error(true) },
    enough: Math.ceil(images.count / hidden) + 1,
  };
}
