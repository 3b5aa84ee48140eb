/** Batches from their gradients: dW1 = dz1ᵀ·X is linear in the images X of a batch.
 *
 * Whoever trains on ciphertexts makes dz1 and decrypts dW1, so all but X is the server's. Equations of steps that share
 * samples are put together. What they determine follows by linear algebra alone, without a prior and without W1: by
 * least squares, and where the numbers are integers times a power of two also modulo a prime, which no condition number
 * troubles. Two visits of one image in a batch count as one unknown. A sample whose dz1 is 0 (a confident one) is in no
 * equation. For what stays open, more images than equations, TV + ½·Σx over the whole batch decides
 * (`solvers/joint.ts`), under z1 = W1·x besides.
 *
 * @example Two images of three pixels behind two units
 * ```ts
 * import { type GradientRecovery, solveGradient } from "lib/attack/training/gradient.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const [dz1, X] = [[1, 2, 3, -1], [[0, 50, 255], [7, 0, 9]]];
 * const dW1 = [0, 1].flatMap((u) => X[0].map((x, p) => dz1[2 * u] * x + dz1[2 * u + 1] * X[1][p]));
 * const found: GradientRecovery = solveGradient(dz1, dW1, { hidden: 2, batch: 2, n: 3 });
 * assertEquals([...found.X!], X.flat());
 * ```
 * @module */
import { setImmediate } from "node:timers/promises";
import {
  applyTransposed,
  cholesky,
  multiplyTransposed,
  solveCholesky,
  transpose,
} from "../../math/dense.ts";
import { solveMod } from "../../math/solve_mod.ts";
import { joint } from "../solvers/joint.ts";
import { PIXEL_RANGE } from "../view.ts";
import type { TrainingRecovery } from "./recovery.ts";
import { gradientSystems, integersOf, type System } from "./systems.ts";
import type { TrainingView } from "./view.ts";

/** What a gradient says of a batch by least squares. */
export interface GradientRecovery {
  /** `[batch, n]` whole pixels; null where dz1 has not the rank of the batch. */
  readonly X: Int32Array | null;
  /** Of dz1; a sample whose dz1 is zero or repeats another's lowers it. */
  readonly rank: number;
  /** Whether the rounded images satisfy all equations exactly: with full rank they are then the images. */
  readonly solves: boolean;
}

/** Residuals of equations whose products are not exact, relative to their terms. */
const ROUNDING = 1e-12;

/** Solves dz1·X = dW1 in whole pixels: rint(lstsq(dz1, dW1)).
 * @param dz1 `[hidden, batch]`.   @param dW1 `[hidden, n]`.
 * @throws {TypeError} lengths that are no such matrices. */
export function solveGradient(
  dz1: ArrayLike<number>,
  dW1: ArrayLike<number>,
  { hidden, batch, n }: { hidden: number; batch: number; n: number },
): GradientRecovery {
  if (dz1.length !== hidden * batch || dW1.length !== hidden * n) {
    throw new TypeError(
      `Cannot solve a gradient: ${dz1.length} and ${dW1.length} entries are not ` +
        `${hidden} × ${batch} and ${hidden} × ${n}`,
    );
  }
  const [D, C] = [Float64Array.from(dz1), Float64Array.from(dW1)];
  const { X: real, rank } = leastSquares(D, C, batch);
  if (real === null) return { X: null, rank, solves: false };
  const X = Int32Array.from(real, Math.round);
  return { X, rank, solves: satisfied(D, C, X, batch) };
}

/** X with the least ‖D·X − C‖, for D `[rows, m]` and C `[rows, n]`; null where the rank of D is below m. */
function leastSquares(D: Float64Array, C: Float64Array, m: number) {
  const rows = D.length / m, n = C.length / rows;
  if (rows < m) {
    const rank = cholesky(multiplyTransposed(D, D, { n: m, lower: true }), rows);
    return { X: null, rank };
  }
  const columns = transpose(D, rows, m);
  const gram = multiplyTransposed(columns, columns, { n: rows, lower: true });
  const rank = cholesky(gram, m);
  if (rank < m) return { X: null, rank };
  const X = new Float64Array(m * n);
  for (let p = 0; p < n; p++) {
    const x = new Float64Array(m), left = new Float64Array(rows);
    // The normal equations square the condition number: two corrections bring the digits back.
    for (let round = 0; round < 3; round++) {
      for (let row = 0; row < rows; row++) {
        let sum = C[row * n + p];
        for (let i = 0; i < m; i++) sum -= D[row * m + i] * x[i];
        left[row] = sum;
      }
      solveCholesky(gram, applyTransposed(D, left)).forEach((dx, i) => x[i] += dx);
    }
    x.forEach((value, i) => X[i * n + p] = value);
  }
  return { X, rank };
}

/** Whether D·X = C, up to what float64 rounds where products are not exact. */
function satisfied(D: Float64Array, C: Float64Array, X: ArrayLike<number>, m: number): boolean {
  const rows = D.length / m, n = C.length / rows;
  const exact = D.every(Number.isInteger) && C.every(Number.isInteger);
  const sum = new Float64Array(n), size = new Float64Array(n);
  for (let row = 0; row < rows; row++) {
    sum.fill(0), size.fill(0);
    for (let i = 0; i < m; i++) {
      const d = D[row * m + i];
      if (d === 0) continue;
      for (let p = 0; p < n; p++) {
        const term = d * X[i * n + p];
        sum[p] += term;
        size[p] += Math.abs(term);
      }
    }
    for (let p = 0; p < n; p++) {
      const off = Math.abs(sum[p] - C[row * n + p]);
      if (!(off <= (exact ? 0 : ROUNDING * size[p]))) return false;
    }
  }
  return true;
}

/** What {@linkcode fromGradients} may do. */
export interface GradientOptions {
  /** Whether TV + ½·Σx decides what the equations leave open; true by default. */
  readonly prior?: boolean;
  /** Whether z1 = W1·x joins the equations then; true by default. */
  readonly z1?: boolean;
  /** Standard deviation of the noise in an entry of dW1, such as 10^−d/√12 where it is rounded to d decimals; 0 by
   * default: none. With noise nothing is rounded to whole pixels. */
  readonly noise?: number;
  /** Of the program; 3000 by default. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignal;
  /** Counts systems of equations: batches, unless they share samples. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Recovers the images behind all gradients of a view.
 * @returns the samples that some equation concerns, in the order of their names; the others are named in `message`.
 * @throws {TypeError} a view without dW1. {RangeError} noise that is negative or not finite, or over 4096 samples bound
 * together. @throws the signal's reason when aborted. */
export async function fromGradients(
  view: TrainingView,
  options: GradientOptions = {},
): Promise<TrainingRecovery> {
  const { prior = true, z1 = true, noise = 0, signal, onProgress } = options;
  if (!(noise >= 0 && Number.isFinite(noise))) {
    throw new RangeError(`Cannot solve gradients: noise ${noise} is not 0 or more`);
  }
  const start = performance.now();
  const systems = gradientSystems(view);
  const parts: Part[] = [];
  for (const [at, system] of systems.entries()) {
    signal?.throwIfAborted();
    parts.push(await solveSystem(view, system, { ...options, prior, z1, noise }));
    onProgress?.(at + 1, systems.length);
    await setImmediate();
  }
  const rows = parts.flatMap(({ rows }) => rows).sort((a, b) => a.sample - b.sample);
  const n = systems[0].n;
  const X = new Float64Array(rows.length * n);
  rows.forEach(({ x }, at) => X.set(x, at * n));
  const status = rows.length === 0
    ? "failed"
    : parts.every(({ exact }) => exact)
    ? "exact"
    : "estimate";
  const ways = [
    parts.some(({ byPrior }) => byPrior)
      ? "images have little variation and few bright pixels"
      : "",
    noise > 0 ? `dW1 carries noise of ${noise}` : "",
  ].filter((text) => text !== "");
  return {
    ...{ status, samples: Uint32Array.from(rows, ({ sample }) => sample) },
    ...{ X: rows.length === 0 ? null : X, G: null },
    assumption: ways.length === 0 ? "pixels are whole; nothing else" : ways.join("; "),
    message: parts.flatMap(({ said }) => said).join("; "),
    elapsedMs: performance.now() - start,
  };
}

/** What one system gave. */
interface Part {
  readonly rows: readonly { readonly sample: number; readonly x: ArrayLike<number> }[];
  /** The rows satisfy all of its equations. */
  readonly exact: boolean;
  readonly byPrior: boolean;
  readonly said: readonly string[];
}

async function solveSystem(
  view: TrainingView,
  system: System,
  { prior, z1, noise, maxIterations, signal }: GradientOptions & { noise: number },
): Promise<Part> {
  const { D, C, n, unknowns, dead, twins } = system;
  const m = unknowns.length;
  const said = [
    ...dead.length > 0 ? [`without a gradient, dz1 = 0: samples ${names(dead)}`] : [],
    ...twins.map((twin) => `one image by all that is seen of it: samples ${names(twin)}`),
  ];
  const rowsOf = (X: ArrayLike<number>, which: readonly number[]) =>
    which.flatMap((i, at) => {
      const x = Array.from({ length: n }, (_, p) => X[at * n + p]);
      return unknowns[i].map((sample) => ({ sample, x }));
    });
  const all = Array.from({ length: m }, (_, i) => i);
  if (m === 0) return { rows: [], exact: false, byPrior: false, said };
  const { X, rank } = leastSquares(D, C, m);
  const short = `${rank} independent equations for samples ${names(unknowns.flat())}`;
  if (noise > 0 && !prior) {
    return X === null
      ? { rows: [], exact: false, byPrior: false, said: [...said, short] }
      : { rows: rowsOf(X, all), exact: false, byPrior: false, said };
  }
  if (noise === 0) {
    const whole = X && X.map((v) => Math.round(v) + 0); // no −0
    if (whole !== null && inRange(whole) && satisfied(D, C, whole, m)) {
      return { rows: rowsOf(whole, all), exact: true, byPrior: false, said };
    }
    const modular = solveExactly(system);
    if (modular !== null && modular.determined.length === m) {
      return { rows: rowsOf(modular.X, all), exact: true, byPrior: false, said };
    }
    if (!prior) {
      const determined = modular?.determined ?? [];
      const rows = rowsOf(modular?.X ?? [], determined);
      return { rows, exact: false, byPrior: false, said: [...said, short] };
    }
  }
  const white = PIXEL_RANGE[1];
  const right = z1 ? system.ofPixels() : null;
  const found = await joint({
    ...{ count: m, shape: view.shape, maxIterations, signal },
    dark: noise > 0 ? [] : emptyColumns(C, n),
    left: { matrix: D, values: C.map((v) => v / white), noise: noise / view.inputScale / white },
    right: right ?? undefined,
  });
  const point = found.X.map((v) => v * white);
  const whole = point.map((v) => Math.round(v) + 0);
  const exact = noise === 0 && satisfied(D, C, whole, m);
  const slow = found.converged ? [] : [`no convergence in ${found.iterations} iterations`];
  return {
    ...{ rows: rowsOf(exact ? whole : point, all), exact, byPrior: true },
    said: [...said, ...rank < m ? [short] : [], ...slow],
  };
}

/** The unknowns that integer equations determine, modulo a prime; null where they are no integers or no image solves
 * them. */
function solveExactly({ D, C, n, unknowns: { length: m } }: System) {
  const ints = integersOf(D, C);
  if (ints === null) return null;
  const found = solveMod(ints[0], ints[1], { n: m, k: n });
  return found.consistent && inRange(found.X) ? found : null;
}

/** Pixels without a gradient in any unit: black in all images. */
function emptyColumns(C: Float64Array, n: number): number[] {
  const bright = new Uint8Array(n);
  C.forEach((v, at) => v !== 0 && (bright[at % n] = 1));
  return Array.from({ length: n }, (_, p) => p).filter((p) => bright[p] === 0);
}

const inRange = (X: Float64Array) =>
  X.every((value) => value >= PIXEL_RANGE[0] && value <= PIXEL_RANGE[1]);

/** A few names, and how many more. */
function names(samples: readonly number[]): string {
  const most = 8;
  const more = samples.length > most ? ` and ${samples.length - most} more` : "";
  return samples.slice(0, most).join(", ") + more;
}
