/** Notebook 07: which patients an aggregator has, from gradients alone and with the residuals that FedV shows, against
 * the number of visits and the size of the batches.
 * @module */
import { fromBatchGradients } from "../attack/linear/batch_gradient.ts";
import type { BatchRecovery } from "../attack/linear/recovery.ts";
import { fromResiduals } from "../attack/linear/residuals.ts";
import type { LinearSamples } from "../nn/linear_samples.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { heatMap } from "../plot/heat_map.ts";
import { breather } from "../workers/pool.ts";
import { type PatientRun, type Patients, trainPatients } from "./patients.ts";

/** What the aggregator attacks with. */
export type By = "gradients" | "residuals";

/** An attack on all batches of a training, scored against the truth. */
export class PatientAttack {
  constructor(
    readonly found: readonly BatchRecovery[],
    readonly batch: number,
    readonly visits: number,
    /** Patients of each batch that were found: all features and the diagnosis, each patient once. */
    readonly exact: readonly number[],
    /** Found rows that are no patient of their batch. */
    readonly wrong: number,
    readonly patients: number,
    readonly elapsedMs: number,
  ) {}

  /** Patients found, in all. */
  get total(): number {
    return this.exact.reduce((sum, count) => sum + count, 0);
  }

  /** Patients found in batches of the full size. */
  get inFullBatches(): number {
    const full = Math.floor(this.patients / this.batch);
    return this.exact.slice(0, full).reduce((sum, count) => sum + count, 0);
  }

  /** Whether each batch is certified where it gave patients and only there, and no row is wrong. */
  get certificatesRight(): boolean {
    return this.wrong === 0 &&
      this.found.every(({ certified }, b) => certified === this.exact[b] > 0);
  }

  /** A row per outcome: how many batches, and why. */
  table(title: string): Table {
    const groups = Map.groupBy(this.found, ({ status, why }) => `${status}\0${why ?? ""}`);
    return table({
      title,
      columns: ["outcome", "batches", "patients", "why not all"],
      rows: [...groups].map(([key, own]) => {
        const [status, why] = key.split("\0");
        const patients = own.reduce((sum, { y }) => sum + y.length, 0);
        return [status, own.length, patients, why];
      }),
    });
  }
}

/** Attacks what the aggregator has of the first visits.
 * @throws the signal's reason when aborted. */
export async function attackPatients(
  run: PatientRun,
  { visits, by = "gradients", signal }: Partial<On> & { visits: number; by?: By },
): Promise<PatientAttack> {
  const view = run.view(visits, { residuals: by === "residuals" });
  const attack = by === "residuals" ? fromResiduals : fromBatchGradients;
  const breathe = breather(signal);
  const started = performance.now();
  const found: BatchRecovery[] = [];
  for (const batch of view.batches) {
    found.push(...attack({ ...view, batches: [batch] }));
    await breathe();
  }
  const elapsedMs = performance.now() - started;
  const scores = found.map((own, b) =>
    score(own, run.samples, b * run.batch, view.batches[b].size)
  );
  return new PatientAttack(
    ...[found, run.batch, visits, scores.map(({ exact }) => exact)] as const,
    ...[scores.reduce((sum, { wrong }) => sum + wrong, 0), run.samples.count, elapsedMs] as const,
  );
}

/** How many of a batch's samples were found, each once, and how many rows found are none. */
function score(
  { x, y }: BatchRecovery,
  { n, u }: LinearSamples,
  first: number,
  size: number,
): { exact: number; wrong: number } {
  const left: string[] = [];
  for (let i = first; i < first + size; i++) {
    const row = u.subarray(i * (n + 2), (i + 1) * (n + 2));
    left.push([...row.subarray(0, n), row[n + 1]].join());
  }
  let exact = 0;
  for (let i = 0; i < y.length; i++) {
    const at = left.indexOf([...x.subarray(i * n, (i + 1) * n), y[i]].join());
    if (at < 0) continue;
    left.splice(at, 1);
    exact++;
  }
  return { exact, wrong: y.length - exact };
}

/** Patients exact against visits and batch size. */
export class VisitMap {
  constructor(
    readonly attacks: readonly PatientAttack[],
    readonly batches: readonly number[],
    readonly visits: readonly number[],
    readonly by: By,
  ) {}

  /** The attack after so many visits of batches of a size. */
  of(batch: number, visits: number): PatientAttack {
    return this.attacks.find((attack) => attack.batch === batch && attack.visits === visits)!;
  }

  /** Percent of the patients, a row per batch size. */
  figure(name: string): Figure {
    const residuals = this.by === "residuals";
    const share = (batch: number, visits: number) => {
      const { total, patients } = this.of(batch, visits);
      return 100 * total / patients;
    };
    const z = this.batches.map((batch) => this.visits.map((visits) => share(batch, visits)));
    return heatMap({
      name,
      title: residuals
        ? "Patients exact from gradients and residuals (FedV)"
        : "Patients exact from the batch gradients alone",
      alt: `Patients exact by batch size. ${this.batches.map((B) => this.#outcome(B)).join("; ")}.`,
      x: { title: "visits of each batch", unit: "count", ticks: this.visits },
      y: { title: "batch size", unit: "patients", ticks: this.batches },
      z,
      labels: z.map((row) => row.map((value) => value.toFixed(0))),
      color: { title: "patients exact", unit: "%", range: [0, 100] },
    });
  }

  /** From how many visits all patients of batches of a size are found, or how many at most. */
  #outcome(batch: number): string {
    const attacks = this.visits.map((visits) => this.of(batch, visits));
    const all = attacks.find(({ total, patients }) => total === patients);
    if (all !== undefined) return `${batch}: all from ${all.visits} visits`;
    const most = Math.max(...attacks.map(({ total }) => total));
    return `${batch}: ${most} of ${attacks[0].patients} at most`;
  }

  /** Patients found by batch size and visits. */
  table(title: string): Table {
    return table({
      title,
      columns: ["batch size", ...this.visits.map((visits) => `${visits} visits`)],
      rows: this.batches.map((batch) => [
        batch,
        ...this.visits.map((visits) => this.of(batch, visits).total),
      ]),
    });
  }
}

/** Trains once for each batch size and attacks after each number of visits.
 * @throws as `trainPatients`. */
export async function visitMap(
  patients: Patients,
  { batches, visits, by = "gradients", signal, onProgress }: Partial<On> & {
    batches: readonly number[];
    visits: readonly number[];
    by?: By;
  },
): Promise<VisitMap> {
  const attacks: PatientAttack[] = [];
  for (const batch of batches) {
    const run = await trainPatients(patients, { batch, epochs: Math.max(...visits), signal });
    for (const count of visits) {
      attacks.push(await attackPatients(run, { visits: count, by, signal }));
      onProgress?.(attacks.length, batches.length * visits.length);
    }
  }
  return new VisitMap(attacks, batches, visits, by);
}
