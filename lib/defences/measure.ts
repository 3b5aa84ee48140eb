/** What a training leaks, on the axes on which defences are compared: the error of decoders fitted to k known images, on
 * victims that are never known; the floor that the labels alone give in the same evaluator; `part` of the inner
 * products; and how many visits are joined by nearest z1.
 * @module */
import { decode, floorOf } from "../attack/training/decoder.ts";
import type { Visits } from "../attack/training/features.ts";
import { gramOf, meanMse, part } from "../attack/training/leakage.ts";
import type { LabelledImages } from "../attack/training/recovery.ts";
import { type Numbers, type TrainingView, visitsOf, z1Of } from "../attack/training/view.ts";
import { seededRng } from "../math/rng.ts";

/** Whom the decoders know and whom they recover. */
export interface Cast {
  /** Names of samples in the view, which are their places in the training set: the first k are known. */
  readonly known: Uint32Array;
  /** Never known nor public. */
  readonly victims: Uint32Array;
}

/** The first `victims` images of a training set, and those after them to be known. */
export function castOf({ victims, known }: { victims: number; known: number }): Cast {
  const names = Uint32Array.from({ length: victims + known }, (_, i) => i);
  return { victims: names.subarray(0, victims), known: names.subarray(victims) };
}

/** What the best of several decoders makes of the victims from k known images. */
export interface Decoded {
  readonly k: number;
  /** Which decoder that was, and what it was given. */
  readonly kind: "ridge" | "mlp";
  readonly visits: Visits;
  /** Of pixels in [0, 1]. */
  readonly mse: number;
  /** `[victims, n]`, 0..255. */
  readonly X: Float64Array;
}

/** A network is tried from so many known images, where linear decoders leave more than this share of the floor. */
const [NETWORK_FROM, NETWORK_ABOVE] = [1000, 0.2];

/** So many numbers of all visits are too many for it. */
const WIDE = 600;

const better = (a: Decoded | undefined, b: Decoded): Decoded =>
  a === undefined || b.mse < a.mse ? b : a;

/** What a view leaks. */
export interface Leakage {
  /** One for each k, in the order asked for. */
  readonly decoded: readonly Decoded[];
  /** The error of the label alone, fitted to the most known images. */
  readonly floor: number;
  /** `[victims, n]`, the mean images that it is the error of, 0..255. */
  readonly floorX: Float64Array;
  /** Of the inner products of the last recovery, or of z1 itself (mean of the visits), whichever is more. */
  readonly part: number;
  /** Share of the victims whose last visit has, of the same class, the nearest z1 at the visit before. */
  readonly relinked: number;
}

/** What linear decoders are given. */
function linearWays({ steps }: TrainingView): Visits[] {
  return ["all", "mean", "last", ...steps[0].z1.includes(0) ? ["seen" as const] : []];
}

/** What a network is given: what served the best linear decoder, unless that is wide. */
function networkWay({ visits }: Decoded, view: TrainingView): Visits {
  const met = Math.min(...visitsOf(view).values().map((own) => own.length));
  return visits === "all" && met * view.units > WIDE ? "mean" : visits;
}

const rowsOf = (x: Uint8Array, names: Uint32Array, n: number) => {
  const out = new Uint8Array(names.length * n);
  names.forEach((name, i) => out.set(x.subarray(name * n, (name + 1) * n), i * n));
  return out;
};

/** Measures a view, whichever scheme's.
 * @param view that names samples by their places in `train`.   @param ks how many images are known, ascending.
 * @throws as `decode`; {RangeError} more images to be known than the cast has. */
export async function measureLeakage(
  view: TrainingView,
  train: LabelledImages,
  { known, victims, ks = [100, 1000, 10_000], seed = 1, signal, onProgress }: Cast & {
    readonly ks?: readonly number[];
    /** Of the networks. */
    readonly seed?: number;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<Leakage> {
  const n = train.x.length / train.y.length;
  const most = Math.max(...ks);
  if (most > known.length) {
    throw new RangeError(`Cannot measure: ${most} known images, the cast has ${known.length}`);
  }
  const truth = rowsOf(train.x, victims, n);
  const imagesOf = (k: number) => {
    const samples = known.slice(0, k);
    return { samples, x: rowsOf(train.x, samples, n) };
  };
  const all = { samples: victims, signal };
  const label = await floorOf(view, { known: imagesOf(most), ...all });
  const floor = meanMse(label.X!, truth);
  const decoded: Decoded[] = [];
  for (const k of ks) {
    const known = imagesOf(k);
    const attempt = async (kind: "ridge" | "mlp", visits: Visits): Promise<Decoded> => {
      const rng = seededRng(seed);
      const X = (await decode(view, { known, kind, visits, rng, ...all })).X!;
      return { k, kind, visits, mse: meanMse(X, truth), X };
    };
    let best: Decoded | undefined;
    for (const visits of linearWays(view)) best = better(best, await attempt("ridge", visits));
    if (k >= NETWORK_FROM && best!.mse > NETWORK_ABOVE * floor) {
      best = better(best, await attempt("mlp", networkWay(best!, view)));
    }
    decoded.push(best!);
    onProgress?.(decoded.length, ks.length);
  }
  const labels = Uint8Array.from(victims, (name) => train.y[name]);
  const G = gramOf(truth, victims.length);
  const parts = [decoded.at(-1)!.X, meanVisits(view, victims)].map((rows) =>
    part(gramOf(rows, victims.length), G, labels)
  );
  return {
    decoded,
    floor,
    floorX: label.X!,
    part: Math.max(...parts),
    relinked: relinkedShare(view, victims, train.y),
  };
}

/** z1 of each sample, mean of its visits less that of all: `[samples, units]`. */
function meanVisits(view: TrainingView, samples: Uint32Array): Float64Array {
  const { units } = view;
  const met = visitsOf(view);
  const out = new Float64Array(samples.length * units);
  const mean = new Float64Array(units);
  samples.forEach((name, i) => {
    const visits = met.get(name)!;
    for (const visit of visits) {
      z1Of(view, visit).forEach((v, u) => {
        out[i * units + u] += v / visits.length;
        mean[u] += v / visits.length / samples.length;
      });
    }
  });
  return out.map((v, at) => v - mean[at % units]);
}

/** How many victims a server that is told no names finds again: it takes the mean of the class out of the z1 of each
 * visit, and looks, for that of the last visit, for the nearest one of the class at the visit before, among all samples
 * of the view. 0 where there is one visit. */
function relinkedShare(view: TrainingView, victims: Uint32Array, y: Uint8Array): number {
  const met = visitsOf(view);
  if (victims.some((name) => met.get(name)!.length < 2)) return 0;
  const classes = Map.groupBy([...met.keys()], (name) => y[name]);
  const wanted = new Set(victims);
  let right = 0;
  for (const names of classes.values()) {
    const [before, last] = [-2, -1].map((at) =>
      centred(names.map((name) => z1Of(view, met.get(name)!.at(at)!)))
    );
    names.forEach((name, own) => {
      if (!wanted.has(name)) return;
      let [nearest, least] = [-1, Infinity];
      before.forEach((z1, other) => {
        let distance = 0;
        for (let u = 0; u < z1.length && distance < least; u++) {
          distance += (z1[u] - last[own][u]) ** 2;
        }
        if (distance < least) [nearest, least] = [other, distance];
      });
      if (nearest === own) right++;
    });
  }
  return right / victims.length;
}

/** Rows less their mean. */
function centred(rows: readonly Numbers[]): Float64Array[] {
  const mean = new Float64Array(rows[0].length);
  for (const row of rows) row.forEach((v, u) => mean[u] += v / rows.length);
  return rows.map((row) => Float64Array.from(row, (v, u) => v - mean[u]));
}
