/** The Worker of a sweep: computes the points it is sent.
 * @module */
import { serveJobs } from "../workers/pool.ts";
import { checkRow, type Point, type Row, seedOf, type Sweep } from "./grid.ts";

/** One job: a point of the sweep that the module at `url` exports. */
export interface PointJob {
  readonly url: string;
  readonly point: Point;
}

/** A point's row and when it was made. */
export interface Evaluation {
  readonly row: Row;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedMs: number;
}

serveJobs(async ({ url, point }: PointJob, stopped): Promise<Evaluation> => {
  const { sweep } = await import(url) as { sweep: Sweep };
  const startedAt = new Date().toISOString();
  const start = performance.now();
  const row = checkRow(sweep, await sweep.run(point, { seed: seedOf(sweep, point), stopped }));
  return { row, startedAt, elapsedMs: performance.now() - start };
});
