/** What attacks make of some images, held against the truth: the scores, and the table and the picture of them.
 * @module */
import { attack, attackEach } from "../attack/attack.ts";
import { meanScore, type Score, score } from "../attack/metrics.ts";
import { checkedPriors, type Objective } from "../attack/priors.ts";
import { certificateText, type Recovery } from "../attack/recovery.ts";
import type { ServerView } from "../attack/view.ts";
import { type Dataset, image } from "../data/dataset.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
import { LABELS } from "./rates.ts";

/** Some images of a dataset, by index. */
export interface Chosen {
  readonly images: Dataset;
  readonly indices: readonly number[];
}

/** A way to recover an image from a view alone. */
export type Method = Objective | "least-squares";

/** One attack on some images, judged. */
export interface Judged {
  readonly label: string;
  readonly recoveries: readonly Recovery[];
  readonly scores: readonly Score[];
  /** How many images came back with each pixel right. */
  readonly exact: number;
  /** Mean over the recovered; null if there are none. */
  readonly mse: number | null;
}

/** Judges recoveries of the images at `indices`. */
export function judge(
  label: string,
  recoveries: readonly Recovery[],
  { images, indices }: Chosen,
): Judged {
  const scores = recoveries.map((r, k) => score(r, image(images, indices[k]), images.shape));
  const exact = scores.filter((s) => s.exact).length;
  return { label, recoveries, scores, exact, mse: meanScore(scores, "mse") };
}

/** A score under an image: "exact", "MSE 0.131", or "none" where nothing was recovered. */
export function caption({ exact, mse }: Score): string {
  if (exact || mse === null) return exact ? "exact" : "none";
  return `MSE ${mse < 0.001 ? mse.toExponential(0) : mse.toFixed(3)}`;
}

/** How many scores are so. */
export const count = (scores: readonly Score[], which: (score: Score) => boolean): number =>
  scores.filter(which).length;

/** Several attacks on the same images. */
export class Recoveries {
  /** @param rows recoveries of the chosen images, judged. */
  constructor(readonly chosen: Chosen, readonly rows: readonly Judged[]) {}

  /** One of the attacks. @throws {RangeError} there is none of this method or label. */
  of(method: string): Judged {
    const label = LABELS[method as keyof typeof LABELS] ?? method;
    const found = this.rows.find((row) => row.label === label);
    if (found === undefined) throw new RangeError(`Cannot find the attack "${method}"`);
    return found;
  }

  /** The originals, and beneath them what each attack made of them. */
  grid(name: string, title: string): Figure {
    const { images, indices } = this.chosen;
    const told = this.rows.map(({ label, exact }) => `${label}, ${exact} of them exact`);
    const alt = `Rows of ${indices.length} images: originals; recoveries by ${told.join("; ")}.`;
    return imageGrid({
      ...{ name, title, alt, shape: images.shape },
      rows: [
        { label: "original", images: indices.map((i) => image(images, i)) },
        ...this.rows.map(({ label, recoveries, scores }) => ({
          ...{ label, images: recoveries.map(({ xHat }) => xHat), captions: scores.map(caption) },
        })),
      ],
    });
  }

  /** A row per attack: how many were recovered, mean errors over those, and what the attacker itself can tell. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        ...["attack", "recovered", "mean MSE", "mean PSNR, dB", "mean SSIM"],
        ...["exact", "consistent", "certified", "mean ms"],
      ],
      rows: this.rows.map(({ label, scores, exact, mse }) => [
        ...[label, count(scores, (s) => s.mse !== null), mse?.toExponential(1) ?? null],
        meanScore(scores, "psnr")?.toFixed(1) ?? null,
        meanScore(scores, "ssim")?.toFixed(3) ?? null,
        ...[exact, count(scores, (s) => s.consistent), count(scores, (s) => s.certified)],
        meanScore(scores, "elapsedMs")?.toFixed(0) ?? null,
      ]),
    });
  }

  /** The certificate that leaves the most to chance, in words. */
  weakestCertificate(): string {
    const [weakest] = this.rows.flatMap(({ recoveries }) => recoveries)
      .flatMap(({ certified, certificate }) => certified && certificate ? [certificate] : [])
      .toSorted((a, b) => b.log2Chance - a.log2Chance);
    const text = weakest === undefined ? "none" : certificateText(weakest);
    return `The weakest of the certificates: ${text}.`;
  }
}

/** Attacks each view by each method, the programs on all cores.
 * @param options.views of the images at `indices`, which serve to judge alone.
 * @param options.solver as in `attack`; "highs" by default, whose point the published program is known by.
 * @throws as `attack`. */
export async function attackAll(
  { views, images, indices, methods, solver = "highs", ...on }: Partial<On> & Chosen & {
    views: readonly ServerView[];
    methods: readonly Method[];
    solver?: "highs" | "fast";
  },
): Promise<Recoveries> {
  const programs = methods.filter((method) => method !== "least-squares");
  const jobs = programs.flatMap((objective) =>
    views.map((view) => ({ view, priors: checkedPriors({ objective }) }))
  );
  const solved = await attackEach(jobs, { ...on, solver });
  const nearest = methods.includes("least-squares")
    ? await attack(views, { objective: "least-squares", signal: on.signal })
    : [];
  const rows = methods.map((method) => {
    const at = programs.indexOf(method as Objective) * views.length;
    const recoveries = method === "least-squares" ? nearest : solved.slice(at, at + views.length);
    return judge(LABELS[method], recoveries, { images, indices });
  });
  return new Recoveries({ images, indices }, rows);
}

/** The largest difference of two recoveries in any pixel of any image, in grey levels; Infinity where one recovered
 * an image and the other did not. */
export function largestGap(a: readonly Recovery[], b: readonly Recovery[]): number {
  return Math.max(...a.map(({ xHat }, i) => {
    const other = b[i].xHat;
    if (xHat === null || other === null) return xHat === other ? 0 : Infinity;
    return xHat.reduce((most, v, p) => Math.max(most, Math.abs(v - other[p])), 0);
  }));
}
