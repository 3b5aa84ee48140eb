/** Attacks on single samples: CryptoNN's server has W1 and z1 = W1·x. The user's own W1 and samples, one encrypted forward
 * pass each; z1 is computed in the clear, in the integers that decryption yields.
 * @module */
import { attack, type AttackOptions } from "../attack/attack.ts";
import type { Recovery } from "../attack/recovery.ts";
import { fitGaussian } from "../attack/solvers/gaussian.ts";
import { NOT_BEGUN } from "../attack/solvers/exact.ts";
import { narrowView, type ServerView } from "../attack/view.ts";
import { type OwnSamples, takeSamples } from "../data/own_samples.ts";
import { clearViews, type FirstLayer } from "../protocol/cryptonn/first_layer.ts";
import { durationText, numberText } from "../plot/theme.ts";
import type { AttackFinding, Pair } from "./findings.ts";
import { bytesOf, floorOf, measure, type Measured, outcomeOf } from "./measure.ts";
import { type Slice, within } from "./budget.ts";
import { evenly, evenPlaces } from "./material.ts";

/** An attack before anything was done about it. */
export type Found = Omit<AttackFinding, "change" | "changeNote">;

/** An attack on single samples. */
export type OneSampleAttack = AttackOptions["objective"];

interface About {
  readonly title: string;
  readonly assumption: string;
  /** Of the audit's time. */
  readonly weight: number;
}

const neighbours = "neighbouring pixels are alike";

/** In the order in which they run: what gets furthest on images first. */
export const ONE_SAMPLE: Readonly<Record<OneSampleAttack, About>> = {
  "tv-sum": {
    title: "Linear program, TV + ½·Σx",
    assumption: `numbers in 0..255; ${neighbours}, and few are bright`,
    weight: 6,
  },
  "least-squares": {
    title: "Least squares",
    assumption: "nothing; the shortest solution where there are several",
    weight: 1,
  },
  sum: {
    title: "Linear program, Σx",
    assumption: "numbers in 0..255; few are large",
    weight: 2,
  },
  gaussian: {
    title: "Gaussian prior, closed form",
    assumption: "samples are drawn from one normal law, fitted to public samples",
    weight: 1,
  },
  tv: {
    title: "Linear program, total variation",
    assumption: `numbers in 0..255; ${neighbours}`,
    weight: 2,
  },
  reweighted: {
    title: "Linear program, TV + ½·Σx, reweighted",
    assumption: `numbers in 0..255; ${neighbours} but for few edges, and few are bright`,
    weight: 3,
  },
  published: {
    title: "Linear program, as published",
    assumption: "numbers in 0..255, nothing else",
    weight: 1,
  },
};

/** Those that make sense: a table has no neighbours; and where there are as many equations as unknowns, least squares
 * comes first, since it may leave nothing to the others. */
export function oneSampleAttacks(
  { samples: { kind, n }, layer, publicSamples }: Singles,
): { attacks: OneSampleAttack[]; notTried: { attack: string; why: string }[] } {
  const names = Object.keys(ONE_SAMPLE) as OneSampleAttack[];
  const all = layer.hidden < n
    ? names
    : ["least-squares" as const, ...names.filter((name) => name !== "least-squares")];
  const why = (name: OneSampleAttack) =>
    kind === "table" && ["tv", "tv-sum", "reweighted"].includes(name)
      ? "a table's columns have no neighbours"
      : name === "gaussian" && (publicSamples?.count ?? 0) < LEAST_PUBLIC
      ? `it is fitted to at least ${LEAST_PUBLIC} public samples (--public-from)`
      : null;
  return {
    attacks: all.filter((name) => why(name) === null),
    notTried: all.flatMap((name) => {
      const reason = why(name);
      return reason === null ? [] : [{ attack: ONE_SAMPLE[name].title, why: reason }];
    }),
  };
}

/** Of a Gaussian. */
const LEAST_PUBLIC = 20;

/** From so many samples on programs are solved all at once (`attack/solvers/admm.ts`), so many a time. */
const [MANY, CHUNK] = [30, 100];
const BATCHED: readonly OneSampleAttack[] = ["tv-sum", "sum", "tv", "reweighted"];
/** Attacks without a program. */
const CLOSED: readonly OneSampleAttack[] = ["least-squares", "gaussian"];

/** What had begun before the time was over. */
interface OneSampleRun {
  /** Which of the samples. */
  readonly places: readonly number[];
  readonly recoveries: readonly Recovery[];
  readonly measured: Measured | null;
}

function priorOf(
  objective: OneSampleAttack,
  { kind }: OwnSamples,
  publicSamples: OwnSamples | null,
) {
  return objective === "gaussian" && publicSamples
    ? fitGaussian(publicSamples, undefined, { stationary: kind === "image" })
    : undefined;
}

/** Attacks as many of the samples as the time allows. */
async function attackSamples(
  { views, samples, floor, publicSamples }: Singles,
  objective: OneSampleAttack,
  { slice, stop, onProgress }: {
    slice: Slice;
    stop?: AbortSignal;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<OneSampleRun> {
  const prior = priorOf(objective, samples, publicSamples);
  const found: Recovery[] = [];
  const endsAt = Date.now() + 1000 * slice.left();
  const batched = views.length >= MANY && BATCHED.includes(objective);
  const step = batched || CLOSED.includes(objective) ? CHUNK : views.length;
  for (let took = 0; found.length < views.length && slice.left() > took;) {
    const left = slice.left();
    const part = views.slice(found.length, found.length + step);
    found.push(
      ...await attack(part, {
        ...{ objective, prior, endsAt, signal: stop, solver: batched ? "batched" : "fast" },
        ...batched ? { stopped: () => slice.left() <= 0 } : {},
        onProgress: (done) => onProgress?.(found.length + done, views.length),
      }),
    );
    took = left - slice.left(); // as long as the next will take
  }
  const begun = found.map(({ message }) => message !== NOT_BEGUN);
  const kept = found.filter((_, i) => begun[i]);
  const places = [...begun.keys()].filter((i) => begun[i]);
  if (kept.length === 0) return { places, recoveries: kept, measured: null };
  const { n } = samples;
  const level = new Float64Array(kept.length * n);
  places.forEach((at, i) => level.set(floor.subarray(at * n, (at + 1) * n), i * n));
  const measured = measure(kept.map(({ xHat }) => xHat), takeSamples(samples, places), level);
  return { places, recoveries: kept, measured };
}

/** Pairs that a finding keeps. */
export const PAIRS = 10;

/** The most samples that are attacked one by one, and numbers of their z1 together. */
const [MOST, MOST_NUMBERS] = [1000, 2 ** 24];

/** Single samples behind a layer, as many as are attacked. */
export interface Singles {
  readonly layer: FirstLayer;
  /** The user's, or some of them. */
  readonly samples: OwnSamples;
  readonly views: readonly ServerView[];
  /** What the attacker has anyway: see {@linkcode floorOf}. */
  readonly floor: Float64Array;
  readonly publicSamples: OwnSamples | null;
}

/** What a server of CryptoNN has of the samples, or of some of too many. */
export function singlesOf(
  layer: FirstLayer,
  all: OwnSamples,
  publicSamples: OwnSamples | null,
): Singles {
  const samples = evenly(all, Math.min(MOST, Math.ceil(MOST_NUMBERS / layer.hidden)));
  const places = [...samples.names.keys()];
  const [views, floor] = [clearViews(layer, samples, places), floorOf(samples, publicSamples)];
  return { layer, samples, views, floor, publicSamples };
}

/** Multiplications a second of exact elimination, which nothing interrupts; measured on one core. */
export const RATE = 1e9;

/** Multiplications a second of products and factors in float64, on one core. */
export const FLOAT_RATE = 4e9;

/** Seconds before the first sample: the factor of the equations, and their exact rank where they may leave one point. */
export const prepareSeconds = (hidden: number, n: number): number =>
  Math.min(hidden, n) ** 2 * Math.max(hidden, n) / FLOAT_RATE +
  (hidden >= n ? hidden * n * n / RATE : 0);

/** One attack on the user's layer and samples. */
export async function findOneSample(
  singles: Singles,
  objective: OneSampleAttack,
  on: { slice: Slice; stop?: AbortSignal; onProgress?: (done: number, total: number) => void },
): Promise<Found> {
  const { layer, samples, floor } = singles;
  const start = performance.now();
  const { hidden, n } = layer;
  const rank = prepareSeconds(hidden, n);
  const { places, recoveries, measured } = rank > on.slice.left()
    ? { places: [], recoveries: [], measured: null }
    : await attackSamples(singles, objective, on);
  const { title, assumption } = ONE_SAMPLE[objective];
  const certified = recoveries.filter((r) => r.certified).length;
  const seconds = (performance.now() - start) / 1000;
  const common = { name: objective, title, assumption, seconds };
  if (measured === null) {
    return {
      ...{ ...common, outcome: "out of time", numbers: {}, pairs: [] },
      sentence: rank > 1
        ? `To prepare ${hidden} × ${n} equations takes about ${
          durationText(rank)
        } alone; its share of the time is less (--seconds).`
        : "Its share of the time was over before the first sample.",
      counts: { attacked: 0, exact: 0, certified: 0 },
    };
  }
  const { attacked, exact, leakage, low, mse, floor: level, ssim } = measured;
  const reasons = Map.groupBy(recoveries, ({ status }) => status);
  const noun = samples.kind === "image" ? "images" : "rows";
  const late = (reasons.get("time-limit")?.length ?? 0) + (reasons.get("aborted")?.length ?? 0);
  const rest = [
    ...late > 0 ? [`${late} were not solved in time`] : [],
    ...attacked < samples.count ? [`${samples.count - attacked} more were not begun`] : [],
  ];
  return {
    ...common,
    outcome: rest.length > 0 && outcomeOf(measured) === "nothing"
      ? "out of time"
      : outcomeOf(measured),
    sentence:
      [`${exact} of ${attacked} ${noun} exactly, ${certified} certified`, ...rest].join("; ") + ".",
    counts: { attacked, exact, certified },
    numbers: {
      "leakage, share of the way to exact": leakage,
      "low end of its 95 % interval": low,
      "MSE, numbers in [0, 1]": mse,
      "MSE of what the attacker had anyway": level,
      ...ssim === null ? {} : { "SSIM of the recovered": ssim },
      ...measured.columns > 0 ? { "columns right in each row": measured.columns } : {},
      "equations": `${layer.hidden} for ${layer.n} unknowns`,
      ...Object.fromEntries(
        [...reasons].filter(([status]) => status !== "optimal")
          .map(([status, own]) => [`ended as ${status}`, own.length]),
      ),
      "seconds a sample": recoveries.reduce((sum, r) => sum + r.elapsedMs, 0) / 1000 / attacked,
    },
    pairs: recoveries.slice(0, PAIRS).map((recovery, i): Pair => {
      const at = places[i];
      const one = takeSamples(samples, [at]);
      const level = floor.subarray(at * samples.n, (at + 1) * samples.n);
      return {
        ...{
          name: samples.names[at],
          truth: one.x,
          recovered: recovery.xHat && bytesOf(recovery.xHat),
        },
        caption: captionOf(recovery, measure([recovery.xHat], one, level)),
      };
    }),
  };
}

function captionOf({ status, certified, consistent }: Recovery, { exact, mse }: Measured): string {
  if (status !== "optimal") return status;
  if (exact === 1) return certified ? "exact, certified" : "exact";
  return `MSE ${numberText(mse, 2)}${consistent ? ", consistent" : ""}`;
}

/** Some of the samples, evenly spaced, for a search. */
export function fewSingles(singles: Singles, most: number): Singles {
  const { samples: all, views, floor } = singles;
  const places = evenPlaces(all.count, most);
  const level = new Float64Array(places.length * all.n);
  places.forEach((at, k) => level.set(floor.subarray(at * all.n, (at + 1) * all.n), k * all.n));
  return {
    ...singles,
    samples: takeSamples(all, places),
    views: places.map((at) => views[at]),
    floor: level,
  };
}

/** What the attack comes to on the first units of the layer only; null where the time was over first. */
export async function atWidth(
  { views, samples, floor, publicSamples }: Singles,
  objective: OneSampleAttack,
  width: number,
  { slice, stop }: { slice: Slice; stop?: AbortSignal },
): Promise<Measured | null> {
  const { n } = samples;
  if (prepareSeconds(width, n) > slice.left()) return null;
  const narrow = views.map((view) => narrowView(view, width));
  const prior = priorOf(objective, samples, publicSamples);
  const endsAt = Date.now() + 1000 * slice.left();
  const found = await within(
    slice,
    (signal) => attack(narrow, { objective, prior, signal, endsAt, workers: 0 }),
    stop,
  );
  const late = found?.some(({ status }) => status === "time-limit" || status === "aborted") ?? true;
  return late ? null : measure(found!.map(({ xHat }) => xHat), samples, floor);
}
