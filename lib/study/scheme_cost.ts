/** What one sample's encrypted forward pass costs by scheme: the rows of the sweep `cost`, and a linear model of them.
 * @module */
import { fitCosts } from "../math/linear_fit.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { thousands } from "../plot/theme.ts";
import { percent } from "../sweep/summary.ts";
import type { Rec } from "./rates.ts";

const SCHEMES = {
  ipfe: "IPFE (2015/017)",
  ipfe_full: "adaptive IPFE (2015/608)",
  fhipe: "function-hiding (2016/440)",
} as const;

/** A scheme of the sweep. */
export type Scheme = keyof typeof SCHEMES;

/** What is modelled of a sample. */
type Quantity = "seconds" | "bytes";

/** One measurement: coordinates n, hidden units. */
type Row = Readonly<Record<Quantity | "n" | "hidden", number>>;

/** A model a + b·n + h·(c + d·n) of what a ciphertext takes, and each of h keys. */
interface Model {
  readonly coefficients: readonly number[];
  at(n: number, hidden: number): number;
  /** The largest size, which the fit has not seen; the error is relative: 0.1 is ten percent too much. */
  readonly measured: number;
  readonly predicted: number;
  readonly error: number;
}

function fit(rows: readonly Row[], what: Quantity, largest: Row): Model {
  const features = (n: number, h: number) => [1, n, h, h * n];
  const known = rows.filter((row) => row !== largest);
  const coefficients = fitCosts(
    known.map(({ n, hidden }) => features(n, hidden)),
    known.map((row) => row[what]),
  );
  const at = (n: number, hidden: number) =>
    features(n, hidden).reduce((sum, f, k) => sum + f * coefficients[k], 0);
  const [measured, predicted] = [largest[what], at(largest.n, largest.hidden)];
  return { coefficients, at, measured, predicted, error: predicted / measured - 1 };
}

/** Costs of all schemes, each with its models fitted to every size but the largest.
 * @throws {RangeError} too few sizes to fit. */
export class SchemeCost {
  /** The largest size: coordinates and hidden units. */
  readonly largest: { readonly n: number; readonly hidden: number };
  /** By scheme: its name, its rows at the widest layer by n, and its models. */
  readonly #schemes: readonly {
    readonly scheme: string;
    readonly name: string;
    readonly widest: readonly Row[];
    readonly seconds: Model;
    readonly bytes: Model;
  }[];

  constructor(rows: readonly Rec[]) {
    const most = (name: string) => Math.max(...rows.map((row) => Number(row[name])));
    this.largest = { n: most("n"), hidden: most("hidden") };
    this.#schemes = Object.entries(SCHEMES).map(([scheme, name]) => {
      const own = rows.filter((row) => row.scheme === scheme)
        .map(({ n, hidden, seconds, bytes }) => ({ n, hidden, seconds, bytes }) as Row);
      const widest = own.filter(({ hidden }) => hidden === this.largest.hidden)
        .toSorted((a, b) => a.n - b.n);
      const model = (what: Quantity) => fit(own, what, widest.at(-1)!);
      return { scheme, name, widest, seconds: model("seconds"), bytes: model("bytes") };
    });
  }

  /** Measured time at the largest size, one scheme over another. */
  timeRatio(above: Scheme, below: Scheme): number {
    const [a, b] = [above, below]
      .map((scheme) => this.#schemes.find((s) => s.scheme === scheme)!.seconds.measured);
    return a / b;
  }

  /** By what share the models miss the size that they have not seen, at most: 0.5 is half too much, or two thirds. */
  worst(what: Quantity): number {
    const factors = this.#schemes.map((s) => 1 + s[what].error);
    return Math.max(...factors.map((factor) => Math.max(factor, 1 / factor) - 1));
  }

  /** Time against n at the widest layer: measured as points, the model as a line. */
  figure(name: string): Figure {
    const { hidden } = this.largest;
    return lineFigure({
      name,
      title: `One sample's forward pass, ${hidden} hidden units, one core`,
      alt:
        "Measured times by scheme against n, and the fitted models through them; function hiding " +
        "takes about seventy times as long.",
      xAxis: { title: "n, coordinates of a sample", unit: "count", log: true },
      yAxis: { title: "time", unit: "s", log: true },
      series: this.#schemes.flatMap(({ name, widest, seconds }) => {
        const x = widest.map(({ n }) => n);
        return [
          { name, x, y: widest.map((row) => row.seconds), dash: "none" as const },
          {
            ...{ name: `${name.split(" (")[0]}, model`, x, like: name, markers: false },
            ...{ y: x.map((n) => seconds.at(n, hidden)), dash: "dot" as const },
          },
        ];
      }),
    });
  }

  /** The models of the time, and what they make of the largest size. */
  table(): Table {
    const linear = (a: number, b: number, digits: number) =>
      `${(1e3 * a).toFixed(digits)} + ${(1e3 * b).toFixed(digits + 2)}·n`;
    const { n, hidden } = this.largest;
    return table({
      title: "Time of one sample: the model, and the largest size, which it has not seen",
      columns: [
        ...["scheme", "ms a sample", "ms a hidden unit", `${n} × ${hidden}, model (s)`],
        ...["measured (s)", "error of the time"],
      ],
      rows: this.#schemes.map(({ name, seconds }) => {
        const { coefficients: [a, b, c, d], predicted, measured, error } = seconds;
        return [
          ...[name, linear(a, b, 1), linear(c, d, 2)],
          ...[predicted.toFixed(2), measured.toFixed(2), percent(error, 0)],
        ];
      }),
    });
  }

  /** Keys and ciphertext of one sample at the widest layer. */
  bytesTable(): Table {
    const { n, hidden } = this.largest;
    const sizes = this.#schemes[0].widest.map((row) => `kB, n = ${row.n}`);
    return table({
      title: `Ciphertext and keys of one sample, ${hidden} hidden units`,
      columns: ["scheme", ...sizes, `model's error at n = ${n}`],
      rows: this.#schemes.map(({ name, widest, bytes }) => [
        ...[name, ...widest.map((row) => thousands(Math.round(row.bytes / 1000)))],
        percent(Math.abs(bytes.error), 3),
      ]),
    });
  }
}
