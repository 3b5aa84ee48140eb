/** An audit as a notebook shows it: who has what, private beside recovered, the attacks, and what stops them. The page that
 * `lib/audit/files.ts` writes shows the same to somebody else.
 * @module */
import type { AttackFinding, Audit } from "../audit/findings.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure, FigureText } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { lineFigure } from "../plot/line.ts";
import type { Rate } from "../sweep/summary.ts";

/** Who has what. */
export function threatTable({ threat }: Audit): Table {
  return table({
    columns: ["quantity", "what it is", "the server has it"],
    rows: threat.map(({ quantity, value, attackerHas }) => [
      quantity,
      value,
      attackerHas ? "yes" : "no",
    ]),
  });
}

/** The attacks, what got furthest first. */
export function attackTable({ attacks }: Audit): Table {
  return table({
    columns: ["attack", "outcome", "exact", "certified", "seconds", "what stops it"],
    rows: attacks.map(({ title, outcome, counts, seconds, change }) => [
      title,
      outcome,
      counts.exact === null ? "not known" : `${counts.exact} of ${counts.attacked}`,
      counts.certified,
      Number(seconds.toPrecision(2)),
      change?.what ?? "–",
    ]),
  });
}

/** An attack by its name. @throws {RangeError} it is not among those that ran. */
export function findingOf({ attacks }: Audit, name: string): AttackFinding {
  const found = attacks.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new RangeError(
    `Cannot find attack ${name}: ${attacks.map(({ name }) => name).join(", ")} ran`,
  );
}

/** The share of the way to the exact samples that an attack came, with its 95 % interval over the samples.
 * @throws {RangeError} it did not run. */
export function leakageOf(audit: Audit, name: string): Omit<Rate, "successes"> {
  const { numbers, counts } = findingOf(audit, name);
  const [rate, low] = ["leakage, share of the way to exact", "low end of its 95 % interval"]
    .map((what) => Number(numbers[what] ?? 0));
  return { rate, low, high: Math.min(1, 2 * rate - low), n: counts.attacked };
}

/** Private above recovered, by one attack.
 * @throws {RangeError} it did not run. {TypeError} it has no pictures. */
export function pairGrid(audit: Audit, name: string, text: FigureText): Figure {
  const { pairs } = findingOf(audit, name);
  return imageGrid({
    ...text,
    shape: audit.shape,
    rows: [
      { label: "private", images: pairs.map(({ truth }) => truth) },
      {
        label: "recovered",
        images: pairs.map(({ recovered }) => recovered),
        captions: pairs.map(({ caption }) => caption.replace(", ", "\n")),
      },
    ],
  });
}

/** What each attack on single samples leaks at the widths that were tried to stop it.
 * @throws {TypeError} none was. */
export function widthFigure({ attacks }: Audit, text: FigureText): Figure {
  const tried = attacks.filter(({ change }) => change?.kind === "width");
  return lineFigure({
    ...text,
    xAxis: { title: "units of the first layer", unit: "count", log: true },
    yAxis: { title: "leakage, share of the way to exact", unit: "%" },
    series: tried.map(({ title, change }) => {
      const trials = change!.trials.map((
        { setting, leakage },
      ) => [parseInt(setting), 100 * leakage])
        .sort(([a], [b]) => a - b);
      return {
        name: title.replace("Linear program, ", ""),
        x: trials.map(([width]) => width),
        y: trials.map(([, leakage]) => leakage),
      };
    }),
  });
}
