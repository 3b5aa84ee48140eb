/** What one sample's encrypted forward pass costs by scheme: the rows of the sweep `cost`, and a linear model of them.
 * @module */
import { fitCosts } from "../math/linear_fit.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { thousands } from "../plot/theme.ts";
import type { Rec } from "./sweeps.ts";

const SCHEMES = {
  ipfe: "IPFE (2015/017)",
  ipfe_full: "adaptive IPFE (2015/608)",
  fhipe: "function-hiding (2016/440)",
} as const;

/** A scheme of the sweep. */
export type Scheme = keyof typeof SCHEMES;

/** What is modelled of a sample: coordinates n and hidden units h. */
type Quantity = "seconds" | "bytes";

/** a + b·n + h·(c + d·n): what a ciphertext takes, and each key. */
const features = (n: number, h: number) => [1, n, h, h * n];

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** A model of one quantity, fitted to every size but the largest. */
class Model {
  readonly coefficients: readonly number[];
  /** At the largest size, which the fit has not seen. */
  readonly measured: number;
  readonly predicted: number;

  constructor(rows: readonly Rec[], what: Quantity, largest: Rec) {
    const known = rows.filter((row) => row !== largest);
    this.coefficients = fitCosts(
      known.map(({ n, hidden }) => features(Number(n), Number(hidden))),
      known.map((row) => Number(row[what])),
    );
    this.measured = Number(largest[what]);
    this.predicted = this.at(Number(largest.n), Number(largest.hidden));
  }

  at(n: number, h: number): number {
    return features(n, h).reduce((sum, f, k) => sum + f * this.coefficients[k], 0);
  }

  /** Relative: 0.1 is ten percent too much. */
  get error(): number {
    return this.predicted / this.measured - 1;
  }
}

/** Costs of all schemes, each with its models fitted to every size but the largest.
 * @throws {RangeError} too few sizes to fit. */
export class SchemeCost {
  /** The largest size: coordinates and hidden units. */
  readonly largest: { readonly n: number; readonly hidden: number };
  readonly #rows: ReadonlyMap<Scheme, readonly Rec[]>;
  readonly #models: ReadonlyMap<string, Model>;

  constructor(rows: readonly Rec[]) {
    const most = (name: string) => Math.max(...rows.map((row) => Number(row[name])));
    this.largest = { n: most("n"), hidden: most("hidden") };
    const schemes = Object.keys(SCHEMES) as Scheme[];
    this.#rows = new Map(schemes.map((scheme) => {
      const own = rows.filter((row) => row.scheme === scheme);
      return [scheme, own.toSorted((a, b) => Number(a.n) - Number(b.n))];
    }));
    this.#models = new Map(schemes.flatMap((scheme) => {
      const own = this.#rows.get(scheme)!;
      const { n, hidden } = this.largest;
      const largest = own.find((row) => row.n === n && row.hidden === hidden)!;
      return (["seconds", "bytes"] as const)
        .map((what) => [`${scheme} ${what}`, new Model(own, what, largest)] as const);
    }));
  }

  #model(scheme: Scheme, what: Quantity): Model {
    return this.#models.get(`${scheme} ${what}`)!;
  }

  #each<T>(value: (scheme: Scheme, name: string) => T): T[] {
    return (Object.entries(SCHEMES) as [Scheme, string][]).map(([scheme, name]) =>
      value(scheme, name)
    );
  }

  /** The rows at the widest layer, by n. */
  #widest(scheme: Scheme): readonly Rec[] {
    return this.#rows.get(scheme)!.filter(({ hidden }) => hidden === this.largest.hidden);
  }

  /** Measured time at the largest size, one scheme over another. */
  timeRatio(above: Scheme, below: Scheme): number {
    return this.#model(above, "seconds").measured / this.#model(below, "seconds").measured;
  }

  /** By what share the models miss the size that they have not seen, at most: 0.5 is half too much, or two thirds. */
  worst(what: Quantity): number {
    const factors = this.#each((scheme) => 1 + this.#model(scheme, what).error);
    return Math.max(...factors.map((factor) => Math.max(factor, 1 / factor) - 1));
  }

  /** Time against n at the widest layer: measured as points, the model as a line. */
  figure(name: string): Figure {
    return lineFigure({
      name,
      title: `One sample's forward pass, ${this.largest.hidden} hidden units, one core`,
      alt:
        "Measured times by scheme against n, and the fitted models through them; function hiding " +
        "takes about seventy times as long.",
      xAxis: { title: "n, coordinates of a sample", unit: "count", log: true },
      yAxis: { title: "time", unit: "s", log: true },
      series: this.#each((scheme, name) => {
        const own = this.#widest(scheme), model = this.#model(scheme, "seconds");
        const x = own.map(({ n }) => Number(n));
        return [
          { name, x, y: own.map(({ seconds }) => Number(seconds)), dash: "none" as const },
          {
            ...{ name: `${name.split(" (")[0]}, model`, x, like: name, markers: false },
            ...{ y: x.map((n) => model.at(n, this.largest.hidden)), dash: "dot" as const },
          },
        ];
      }).flat(),
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
      rows: this.#each((scheme, name) => {
        const { coefficients: [a, b, c, d], predicted, measured, error } = this.#model(
          scheme,
          "seconds",
        );
        return [
          ...[name, linear(a, b, 1), linear(c, d, 2)],
          ...[predicted.toFixed(2), measured.toFixed(2), percent(error)],
        ];
      }),
    });
  }

  /** Keys and ciphertext of one sample at the widest layer. */
  bytesTable(): Table {
    const [first] = this.#each((scheme) => this.#widest(scheme));
    const { n, hidden } = this.largest;
    return table({
      title: `Ciphertext and keys of one sample, ${hidden} hidden units`,
      columns: ["scheme", ...first.map((row) => `kB, n = ${row.n}`), `model's error at n = ${n}`],
      rows: this.#each((scheme, name) => [
        name,
        ...this.#widest(scheme).map(({ bytes }) => thousands(Math.round(Number(bytes) / 1000))),
        `${(100 * Math.abs(this.#model(scheme, "bytes").error)).toFixed(3)} %`,
      ]),
    });
  }
}
