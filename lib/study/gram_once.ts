/** Notebook 07: all inner products of some samples' columns opened once under quadratic encryption, from which a linear
 * model follows in closed form; and the hybrid that gives it more than a linear model, features that the client computes
 * before it encrypts.
 * @module */
import { loadIris, type SplitTable, type Table as Rows } from "../data/tables.ts";
import { columnsOf, encryptBatch, setupBatch } from "../fe/qfe_batch.ts";
import { gradientKeys } from "../fe/qfe_gradient.ts";
import { encodeBatchCiphertext, encodeGradientKeys } from "../fe/qfe_gradient_encoding.ts";
import { startPairing } from "../math/pairing/group.ts";
import { rightSides } from "../nn/linear.ts";
import { columnProducts, ridgeFromProducts } from "../nn/linear_gram.ts";
import { LABEL, type LinearSamples, linearSamples, momentsOf } from "../nn/linear_samples.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { Gradients } from "../protocol/sfedv/gradients.ts";
import { type Rate, rateText, wilson } from "../sweep/summary.ts";
import { rowsOfSamples } from "./encrypted_patients.ts";
import { PATIENTS } from "./patients.ts";
import { bytesText } from "./transcripts.ts";

/** Inner products that were decrypted. */
export class OpenedGram {
  constructor(
    /** As of `columnProducts`, `[n + 1, n + 2]`. */
    readonly products: Float64Array,
    /** What was encrypted. */
    readonly samples: LinearSamples,
    readonly keys: number,
    readonly pairings: number,
    /** Of the ciphertext of all samples, and of the keys. */
    readonly bytes: { readonly ciphertext: number; readonly keys: number },
    readonly seconds: number,
  ) {}

  /** Whether they are those of the plain integers. */
  get equal(): boolean {
    const clear = columnProducts(this.samples);
    return this.products.length === clear.length &&
      this.products.every((value, at) => value === clear[at]);
  }

  /** One row: what was opened, and what it took. */
  table(title: string): Table {
    const { samples: { count, n }, keys, pairings, bytes, seconds } = this;
    return table({
      title,
      columns: ["samples", "features", "keys", "pairings", "s", "a sample", "keys in all"],
      rows: [[
        ...[count, n, keys, pairings, seconds.toFixed(1), bytesText(bytes.ciphertext / count)],
        bytesText(bytes.keys),
      ]],
    });
  }
}

/** Encrypts the samples as one batch and decrypts ⟨column j, column k⟩ for j ≤ k: a unit vector in the place of the
 * model opens a column of the Gram matrix. Of n + 1 samples or fewer it would give each sample (`samplesFromGram`).
 * @param options.workers threads that decrypt; 0 is this one.
 * @throws {RangeError} n + 1 samples or fewer. As `encryptBatch`; the signal's reason when aborted. */
export async function openGram(
  samples: LinearSamples,
  { workers = navigator.hardwareConcurrency, signal, onProgress }: Partial<On> & {
    workers?: number;
  } = {},
): Promise<OpenedGram> {
  const { n, count, bound, scaleBits } = samples;
  if (count <= n + 1) {
    throw new RangeError(
      `Cannot open the inner products of ${count} samples of ${n} features: they give each sample, ` +
        `take ${n + 2} samples or more`,
    );
  }
  const started = performance.now();
  const pp = { n, batch: count, boundX: bound, boundY: LABEL * 2 ** scaleBits };
  const msk = setupBatch({ group: await startPairing(), ...pp });
  const ciphertext = encodeBatchCiphertext(encryptBatch(msk, rowsOfSamples(samples)));
  const m = columnsOf(n);
  const products = new Float64Array((n + 1) * m);
  const sent = { ciphertext: ciphertext.length, keys: 0 };
  let [keys, pairings] = [0, 0];
  using gradients = new Gradients(workers, signal);
  await gradients.add(0, ciphertext, { ...pp, from: 0, to: m });
  await gradients.join(0);
  for (let k = 0; k < m; k++) {
    signal?.throwIfAborted();
    const [unit, own] = [
      Int32Array.from({ length: m }, (_, i) => Number(i === k)),
      k < n ? k + 1 : n + 1,
    ];
    const skC = encodeGradientKeys(gradientKeys(msk, unit, { count: own }));
    const column = await gradients.open(0, skC, unit);
    column.forEach((value, j) => {
      products[j * m + k] = value;
      if (k <= n) products[k * m + j] = value;
    });
    sent.keys += skC.length;
    keys += own;
    pairings += own * (2 * count + 1);
    onProgress?.(k + 1, m);
  }
  const seconds = (performance.now() - started) / 1000;
  return new OpenedGram(products, samples, keys, pairings, sent, seconds);
}

/** The first samples. */
export function firstSamples(samples: LinearSamples, count: number): LinearSamples {
  return { ...samples, count, u: samples.u.slice(0, count * columnsOf(samples.n)) };
}

/** A table with the squares and products of its standardised features beside them: what the client computes before it
 * encrypts. @returns n·(n + 3)/2 features. */
export function withProducts(split: SplitTable): SplitTable {
  const { mean, deviation } = momentsOf(split.train);
  const widen = (rows: Rows): Rows => {
    const { n, count, features } = rows;
    const pairs = features.flatMap((_, j) => features.slice(j).map((_, k) => [j, j + k] as const));
    const x = new Float64Array(count * (n + pairs.length));
    for (let i = 0; i < count; i++) {
      const own = features.map((_, j) => (rows.x[i * n + j] - mean[j]) / deviation[j]);
      x.set([...own, ...pairs.map(([j, k]) => own[j] * own[k])], i * (n + pairs.length));
    }
    const names = pairs.map(([j, k]) => `${features[j]} × ${features[k]}`);
    return { ...rows, x, n: n + pairs.length, features: [...features, ...names] };
  };
  return { train: widen(split.train), test: widen(split.test) };
}

/** A flower told from the others by the closed form, from its measurements and from their products. */
export class GramHybrid {
  constructor(
    readonly opened: OpenedGram,
    /** Of the test flowers. */
    readonly plain: Rate,
    readonly mapped: Rate,
  ) {}

  /** A row a model. */
  table(title: string): Table {
    const { opened: { samples, keys, seconds } } = this;
    return table({
      title,
      columns: ["features", "test flowers right", "keys", "s"],
      rows: [
        ["measurements, in the clear", rateText(this.plain), null, null],
        [`${samples.n} products, encrypted`, rateText(this.mapped), keys, seconds.toFixed(1)],
      ],
    });
  }
}

/** The middle one of three species lies between the others: no linear model of its measurements tells it from them,
 * one of their products does. The client computes those, and one Gram matrix is opened.
 * @throws as `openGram`. */
export async function gramHybrid(
  options: Parameters<typeof openGram>[1] = {},
  split?: SplitTable,
): Promise<GramHybrid> {
  const flowers = split ?? await loadIris();
  const samplesOf = ({ train, test }: SplitTable) => {
    const how = { moments: momentsOf(train), scaleBits: PATIENTS.scaleBits, positive: 1 };
    return { train: linearSamples(train, how), test: linearSamples(test, how) };
  };
  const right = (test: LinearSamples, products: Float64Array) =>
    wilson(
      rightSides(ridgeFromProducts(products, { n: test.n, penalty: PENALTY }), test),
      test.count,
    );
  const [plain, mapped] = [samplesOf(flowers), samplesOf(withProducts(flowers))];
  const opened = await openGram(mapped.train, options);
  return new GramHybrid(
    opened,
    right(plain.test, columnProducts(plain.train)),
    right(mapped.test, opened.products),
  );
}

/** Of the closed form on flowers. */
const PENALTY = 0.001;
