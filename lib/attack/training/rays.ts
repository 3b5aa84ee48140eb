/** Pixel columns out of the space that they span (`span_view.ts`), with nothing known but that pixels are bytes.
 *
 * A pixel that is black in many images has a column with many zeros. Of the cone of non-negative vectors in the space
 * such a column is often an extreme ray, and a ray is where a linear program ends:
 *
 *   minimise ⟨w, v⟩   such that  v = B·c ≥ 0,  v_j = 1         for random positive w and an unusual image j
 *
 * A ray that is a vector of bytes up to a factor is taken for a pixel. That alone errs: with a pixel b that is lit in one
 * or two images only, a − λ·b is as good a ray of bytes as a, if a ≥ λ·b there, and nothing in the space tells them
 * apart. So images in which such a rare pixel is lit are set aside, round by round, until there is none; of an image
 * that was set aside before a column was found, the column says nothing (`vouched`).
 * @module */
import * as dense from "../../math/dense.ts";
import { type Rng, secureRng, uniform } from "../../math/rng.ts";
import type { ModelData } from "highs";
import { highsRuntime } from "../solvers/highs.ts";
import { breather } from "../../workers/pool.ts";
import type { KnownImages } from "./recovery.ts";
import { orthonormal, type Span } from "./span_view.ts";

/** A column that was found. */
export interface PixelColumn {
  /** `[N]`, bytes; 0 where not vouched for. */
  readonly values: Uint8Array;
  /** The images that it speaks of, in ascending order. */
  readonly vouched: Uint32Array;
}

/** What limits the search. */
export interface RayOptions {
  readonly rng?: Rng;
  /** Linear programs a round. */
  readonly tries?: number;
  /** A pixel lit in so many images or fewer is rare; 0 sets no image aside. */
  readonly rare?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A share of the vector's largest entry below which an entry is 0. */
const ZERO = 1e-7;

/** How far an entry of a vector of bytes may be from a byte. */
const BYTE = 1e-4;

/** An image whose unit vector is in the space to within this: a pixel that is lit in no other. */
const ALONE = 1e-9;

/** Rounds of setting aside. */
const ROUNDS = 12;

/** Pixel columns, without knowing which pixel each is of. @throws the signal's reason when aborted. */
export async function pixelColumns(span: Span, options: RayOptions = {}): Promise<PixelColumn[]> {
  const { rng = secureRng(), tries = 150, rare = 3, signal, onProgress } = options;
  const breathe = breather(signal);
  const kept: PixelColumn[] = [];
  let images = Array.from({ length: span.count }, (_, i) => i);
  for (let round = 0; round < ROUNDS; round++) {
    const base = restrict(span, images);
    const rank = base.length / images.length;
    if (rank === 0 || rank >= images.length) break;
    const aside = new Set<number>();
    if (rare > 0) {
      leveragesOf(base, rank).forEach((value, i) => value > 1 - ALONE && aside.add(images[i]));
    }
    const found = new Map<string, Uint8Array>();
    if (aside.size === 0) {
      const program = await Program.of(base, rank);
      try {
        for (let k = 0; k < tries; k++) {
          await breathe();
          onProgress?.(k + 1, tries);
          const bytes = bytesOf(program.ray(rng));
          if (bytes !== null) found.set(bytes.join(), bytes);
        }
      } finally {
        program.dispose();
      }
    }
    const columns = [...found.values()].map((bytes) => {
      const values = new Uint8Array(span.count);
      images.forEach((image, i) => values[image] = bytes[i]);
      return { values, vouched: Uint32Array.from(images) };
    });
    const isRare = ({ values }: PixelColumn) => values.filter((value) => value > 0).length <= rare;
    for (const { values } of columns.filter(isRare)) {
      values.forEach((value, image) => value > 0 && aside.add(image));
    }
    const last = aside.size === 0;
    // One that is lit in a single image is known up to a factor only.
    const said = columns.filter((column) => last || isRare(column))
      .filter(({ values }) => values.filter((value) => value > 0).length > 1);
    kept.push(...said);
    if (last) break;
    images = images.filter((image) => !aside.has(image));
  }
  return kept;
}

/** The base of the space over some of its images. */
function restrict({ base, rank }: Span, images: readonly number[]): Float64Array {
  const columns = Array.from(
    { length: rank },
    (_, k) => Float64Array.from(images, (image) => base[image * rank + k]),
  );
  return orthonormal(columns, 1e-6);
}

/** Of each image: the squared length of its unit vector's shadow in the space. */
const leveragesOf = (base: Float64Array, rank: number) =>
  Float64Array.from({ length: base.length / rank }, (_, i) => {
    const row = base.subarray(i * rank, (i + 1) * rank);
    return dense.dot(row, row);
  });

/** The vector of bytes that v is a multiple of, the shortest; null if it is none. */
export function bytesOf(v: Float64Array | null): Uint8Array | null {
  if (v === null) return null;
  const most = v.reduce((a, b) => Math.max(a, b), 0);
  const least = v.reduce((a, b) => b > ZERO * most ? Math.min(a, b) : a, Infinity);
  for (let factor = 1; factor * most / least <= 255.5; factor++) {
    const scaled = v.map((value) => value / least * factor);
    if (scaled.every((value) => Math.abs(value - Math.round(value)) < BYTE)) {
      return Uint8Array.from(scaled, Math.round);
    }
  }
  return null;
}

type Highs = Awaited<ReturnType<typeof highsRuntime>>;
type Model = ReturnType<Highs["createModel"]>;

/** The cone of non-negative vectors of a space, as a linear program. */
class Program {
  #at = 0;

  private constructor(
    private readonly highs: Highs,
    private readonly model: Model,
    private readonly base: Float64Array,
    private readonly rank: number,
    private readonly leverages: Float64Array,
  ) {}

  /** @param base `[images, rank]` */
  static async of(base: Float64Array, rank: number): Promise<Program> {
    const highs = await highsRuntime();
    const images = base.length / rank;
    const model = highs.createModel(inSpace(base, rank, {
      colCost: new Float64Array(rank),
      lower: new Float64Array(images),
      upper: new Float64Array(images).fill(Infinity),
    }));
    model.options.set({ output_flag: false, solver: "simplex" });
    return new Program(highs, model, base, rank, leveragesOf(base, rank));
  }

  /** A random extreme ray; null where the solver finds none. */
  ray(rng: Rng): Float64Array | null {
    const { model, base, rank, highs } = this;
    const images = base.length / rank;
    const cost = new Float64Array(rank);
    for (let i = 0; i < images; i++) {
      const w = uniform(rng);
      for (let k = 0; k < rank; k++) cost[k] += w * base[i * rank + k];
    }
    model.changeRowBounds(this.#at, 0, Infinity);
    this.#at = this.#unusual(rng);
    model.changeRowBounds(this.#at, 1, 1);
    cost.forEach((value, k) => model.changeColCost(k, value));
    model.clearSolver();
    model.raw.run();
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return null;
    const c = model.getSolution().colValue;
    return dense.apply(base, Float64Array.from(c));
  }

  /** An image, by the square of its leverage: rare pixels show where images are unusual. */
  #unusual(rng: Rng): number {
    let left = uniform(rng) * this.leverages.reduce((sum, value) => sum + value ** 2, 0);
    const found = this.leverages.findIndex((value) => (left -= value ** 2) <= 0);
    return Math.max(0, found);
  }

  dispose(): void {
    this.model.dispose();
  }
}

/** How far a known pixel may be missed, of 1: HiGHS's own tolerance is a tenth of it. */
const MISSED = 1e-6;

/** For each pixel the darkest column in the space, of values in 0..255, that agrees with known images which do not
 * determine it.
 * @returns `[N, n]`; null where some pixel has none.   @throws the signal's reason when aborted. */
export async function columnsThrough(
  { base, rank, count }: Span,
  known: KnownImages,
  n: number,
  { signal, onProgress }: Pick<RayOptions, "signal" | "onProgress">,
): Promise<Float64Array | null> {
  const highs = await highsRuntime();
  const scaled = base.map((value) => value * Math.sqrt(count)); // entries near 1, for columns in [0, 1]
  const colCost = new Float64Array(rank);
  scaled.forEach((value, at) => colCost[at % rank] += value / count);
  const breathe = breather(signal);
  const X = new Float64Array(count * n);
  for (let pixel = 0; pixel < n; pixel++) {
    await breathe();
    onProgress?.(pixel, n);
    const [lower, upper] = [new Float64Array(count), new Float64Array(count).fill(1)];
    known.samples.forEach((name, at) => {
      const value = known.x[at * n + pixel] / 255;
      [lower[name], upper[name]] = [value - MISSED, value + MISSED];
    });
    const model = highs.createModel(inSpace(scaled, rank, { colCost, lower, upper }));
    try {
      model.options.set({ output_flag: false, solver: "simplex" });
      model.raw.run();
      if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return null;
      dense.apply(scaled, Float64Array.from(model.getSolution().colValue))
        .forEach((value, i) => X[i * n + pixel] = Math.min(255, Math.max(0, 255 * value)));
    } finally {
      model.dispose();
    }
  }
  onProgress?.(n, n);
  return X;
}

/** min colCost·c subject to lower ≤ B·c ≤ upper. @param base B, `[images, rank]`. */
function inSpace(
  base: Float64Array,
  rank: number,
  { colCost, lower, upper }: Record<"colCost" | "lower" | "upper", Float64Array>,
): ModelData {
  const numRows = lower.length;
  return {
    ...{ numCols: rank, numRows, colCost, rowLower: lower, rowUpper: upper },
    colLower: new Float64Array(rank).fill(-Infinity),
    colUpper: new Float64Array(rank).fill(Infinity),
    matrix: {
      ...{ format: "csr", numRows, numCols: rank, values: base },
      starts: Int32Array.from({ length: numRows + 1 }, (_, i) => i * rank),
      indices: Int32Array.from(base, (_, at) => at % rank),
    },
  };
}
