/** Ridge regression with its penalty by leave-one-out, in closed form.
 *
 *   W = argmin Σ‖y_i − W·φ_i‖² + λ‖W‖²,   leave-one-out residual r_i/(1 − h_i),   h_i = φ_iᵀ(ΦᵀΦ + λI)⁻¹φ_i
 *
 * in the smaller of the two dimensions: with K = Φ·Φᵀ of k rows, the residual is α_i/((K + λI)⁻¹)_ii with
 * α = (K + λI)⁻¹·Y. One Cholesky factor for each λ. λ is chosen on some outputs and, where rows outnumber features, on
 * some rows: their residuals are exact, their mean an estimate.
 * @see W. J. Allen, "The relationship between variable selection and data augmentation and a method for prediction",
 * Technometrics 16, 1974 (PRESS).
 * @module */
import { breather } from "../workers/pool.ts";
import { cholesky, multiplyTransposed, solveBackward, solveForward, transpose } from "./dense.ts";

/** Rows and outputs that λ is chosen on. */
const [CHOSEN_ROWS, CHOSEN_OUTPUTS] = [500, 64];

/** Outputs that are solved for between two breaths. */
const SOLVED = 64;

/** Exponents of λ, of ten, relative to the mean eigenvalue. */
const EXPONENTS = Array.from({ length: 13 }, (_, e) => e - 10);

/** A fitted regression. */
export interface Ridge {
  /** `[outputs, features]` */
  readonly weights: Float64Array;
  /** The penalty chosen. */
  readonly lambda: number;
  /** Mean squared leave-one-out residual there, of the rows and outputs that it was chosen on. */
  readonly looMse: number;
}

/** So many of `count` indices, evenly spread. */
function spread(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, i) => Math.floor(i * count / taken));
}

const rowsOf = (A: Float64Array, rows: readonly number[], n: number) => {
  const out = new Float64Array(rows.length * n);
  rows.forEach((row, k) => out.set(A.subarray(row * n, (row + 1) * n), k * n));
  return out;
};

/** S + λI, factored. */
function factor(S: Float64Array, m: number, lambda: number): Float64Array {
  const L = S.slice();
  for (let i = 0; i < m; i++) L[i * m + i] += lambda;
  cholesky(L, m);
  return L;
}

/** Fits Y ≈ Φ·Wᵀ.
 * @param Phi `[k, d]`, one of the features constant where a constant is wanted.   @param Y `[k, outputs]`.
 * @throws {TypeError} rows that do not fit together. {RangeError} fewer than two rows, or features that are all 0. */
export async function ridge(
  Phi: Float64Array,
  Y: Float64Array,
  { k, signal }: { readonly k: number; readonly signal?: AbortSignal },
): Promise<Ridge> {
  const [d, outputs] = [Phi.length / k, Y.length / k];
  if (!Number.isInteger(d) || !Number.isInteger(outputs) || d === 0 || outputs === 0) {
    throw new TypeError(`Cannot fit: ${Phi.length} features and ${Y.length} outputs of ${k} rows`);
  }
  if (k < 2) throw new RangeError(`Cannot fit: ${k} rows, expected at least 2 to leave one out`);
  const breathe = breather(signal);
  const dual = k <= d;
  const m = dual ? k : d;
  const [columns, targets] = [dual ? Phi : transpose(Phi, k, d), transpose(Y, k, outputs)];
  const S = multiplyTransposed(columns, columns, { n: dual ? d : k, lower: true });
  await breathe();
  // right-hand sides by row: Yᵀ itself, or Yᵀ·Φ
  const B = dual ? targets : multiplyTransposed(targets, columns, { n: k });
  let trace = 0;
  for (let i = 0; i < m; i++) trace += S[i * m + i];
  if (!(trace > 0)) throw new RangeError("Cannot fit: all features are 0");
  const rows = dual ? spread(k, k) : spread(k, CHOSEN_ROWS);
  const chosen = spread(outputs, CHOSEN_OUTPUTS);
  const left = dual ? identity(k) : rowsOf(Phi, rows, d);
  const right = rowsOf(B, chosen, m);
  let best = { lambda: NaN, looMse: Infinity };
  for (const exponent of EXPONENTS) {
    const lambda = 10 ** exponent * trace / m;
    const looMse = leftOut(
      factor(S, m, lambda),
      { left, right, m },
      (row, output, h, value) =>
        dual ? value / h : (Y[rows[row] * outputs + chosen[output]] - value) / (1 - h),
    );
    if (looMse < best.looMse) best = { lambda, looMse };
    await breathe();
  }
  const L = factor(S, m, best.lambda);
  const alpha = B.slice(); // [outputs, m]
  solveForward(L, alpha, m);
  for (let j = 0; j < outputs; j += SOLVED) {
    solveBackward(L, alpha.subarray(j * m, (j + SOLVED) * m), m);
    await breathe();
  }
  const weights = dual ? multiplyTransposed(alpha, transpose(Phi, k, d), { n: k }) : alpha;
  return { weights, ...best };
}

function identity(k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) out[i * k + i] = 1;
  return out;
}

/** Mean square of residuals, which are made of ‖L⁻¹·left_i‖² and ⟨L⁻¹·left_i, L⁻¹·right_j⟩. */
function leftOut(
  L: Float64Array,
  { left, right, m }: { left: Float64Array; right: Float64Array; m: number },
  residual: (row: number, output: number, h: number, value: number) => number,
): number {
  const all = new Float64Array(left.length + right.length);
  all.set(left);
  all.set(right, left.length);
  solveForward(L, all, m);
  const [F, G] = [all.subarray(0, left.length), all.subarray(left.length)];
  const values = multiplyTransposed(F, G, { n: m });
  const [rows, outputs] = [left.length / m, right.length / m];
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    let h = 0;
    for (let p = i * m; p < (i + 1) * m; p++) h += F[p] * F[p];
    for (let j = 0; j < outputs; j++) sum += residual(i, j, h, values[i * outputs + j]) ** 2;
  }
  return sum / rows / outputs;
}

/** Φ·Wᵀ `[rows, outputs]`. @param Phi `[rows, features]`, any number of rows. */
export function predict({ weights }: Ridge, Phi: Float64Array, features: number): Float64Array {
  return multiplyTransposed(Phi, weights, { n: features });
}
