/** The published neighbour rule, held against true images, and the published program under it.
 * @module */
import { attackEach } from "../attack/attack.ts";
import { ruleViolations, type Score } from "../attack/metrics.ts";
import { checkedPriors, PUBLISHED_PERIODS } from "../attack/priors.ts";
import type { ServerView } from "../attack/view.ts";
import { image } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { type Rate, rateText, wilson } from "../sweep/summary.ts";
import { type Chosen, count, judge } from "./recoveries.ts";

/** How many of the images break the published neighbour rule at a period, in at least one pixel. */
export function ruleBroken({ images, indices }: Chosen, period: number): Rate {
  const priors = checkedPriors({ objective: "published", period });
  const breaks = (i: number) => ruleViolations(image(images, i), images.shape, priors) > 0;
  return wilson(indices.filter(breaks).length, indices.length);
}

/** The published rule at one period. */
interface RuleAt {
  readonly period: number;
  /** Of all images. */
  readonly broken: Rate;
  /** Pixels of each image looked at that break it: neighbours inside the image, and the authors' form. */
  readonly inside: readonly number[];
  readonly wrapped: readonly number[];
  /** The published program under it. */
  readonly scores: readonly Score[];
  readonly mse: number | null;
}

/** The authors' "none", which keeps the rule at pixel (0, 0). */
const THEIR_NONE = 1000;

/** The published rule at all periods. */
export class RuleStudy {
  /** @param all the images of the rates. */
  constructor(readonly rows: readonly RuleAt[], readonly all: Chosen) {}

  /** The rate at the period that the fewest images break. */
  get leastBroken(): Rate {
    return this.rows.map(({ broken }) => broken).reduce((a, b) => a.low < b.low ? a : b);
  }

  /** Whether both forms of the neighbours count the same pixels. */
  get edgesAgree(): boolean {
    return this.rows.every(({ inside, wrapped }) => inside.every((n, i) => n === wrapped[i]));
  }

  /** What the authors' "none" excludes, in words. */
  get cornerText(): string {
    const { successes, n } = ruleBroken(this.all, THEIR_NONE);
    return `Period ${THEIR_NONE}, the authors' "none", keeps the rule at pixel (0, 0) alone: ` +
      `${successes} of ${n} test images break it there.`;
  }

  /** A row per period. */
  table(title: string): Table {
    const mean = (counts: readonly number[]) =>
      (counts.reduce((a, b) => a + b, 0) / counts.length).toFixed(1);
    return table({
      title,
      columns: [
        ...[
          "period",
          `of ${this.all.indices.length} test images break it`,
          "pixels breaking it, mean",
        ],
        ...["with the authors' edges", "LP optimal", "LP infeasible", "LP undecided"],
        "mean MSE of optimal",
      ],
      rows: this.rows.map(({ period, broken, inside, wrapped, scores, mse }) => {
        const [optimal, infeasible] = (["optimal", "infeasible"] as const)
          .map((status) => count(scores, (s) => s.status === status));
        return [
          ...[period, rateText(broken), mean(inside), mean(wrapped), optimal, infeasible],
          ...[scores.length - optimal - infeasible, mse?.toFixed(3) ?? "–"],
        ];
      }),
    });
  }
}

/** Counts where true images break the published rule, and runs the published program with it.
 * @param options.indices images whose pixels are counted.
 * @param options.attacked those of them that are attacked; `views` holds one for each. */
export async function studyRule(
  { images, indices, attacked, views, ...on }: Partial<On> & Chosen & {
    attacked: readonly number[];
    views: readonly ServerView[];
  },
): Promise<RuleStudy> {
  const jobs = PUBLISHED_PERIODS.flatMap((period) =>
    views.map((view) => ({ view, priors: checkedPriors({ objective: "published", period }) }))
  );
  const solved = await attackEach(jobs, { ...on, solver: "highs", timeLimitS: 60 });
  const all = { images, indices: Array.from({ length: images.count }, (_, i) => i) };
  const rows = PUBLISHED_PERIODS.map((period, k) => {
    const violations = (wrapEdges: boolean) => {
      const priors = checkedPriors({ objective: "published", period, wrapEdges });
      return indices.map((i) => ruleViolations(image(images, i), images.shape, priors));
    };
    const part = solved.slice(k * views.length, (k + 1) * views.length);
    const { scores, mse } = judge("", part, { images, indices: attacked });
    const broken = ruleBroken(all, period);
    return { period, broken, inside: violations(false), wrapped: violations(true), scores, mse };
  });
  return new RuleStudy(rows, all);
}
