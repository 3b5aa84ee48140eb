/** `deno task attack --against SCHEME`: one attack on what a server has of a whole training, a fresh one or one that
 * `--record` kept.
 * @module */
import { TRAINING_ATTACKS, type TrainingAttack } from "../attack/training/attack.ts";
import { SCHEMES, type TrainingView } from "../attack/training/view.ts";
import { type Dataset, firstImages, poolImages, type SplitDataset } from "../data/dataset.ts";
import { loadDataset } from "../data/load.ts";
import { secureRng } from "../math/rng.ts";
import { startProgress } from "../notebook/progress.ts";
import { decodeView } from "../protocol/recorded_view.ts";
import { attackAndMeasure, type AttackNumbers, freshView } from "../study/training_attack.ts";
import { stopSignal, UsageError } from "./args.ts";

const attacks = Object.keys(TRAINING_ATTACKS) as TrainingAttack[];

/** The flags of attacks on a training. */
export const trainingFlags = {
  against: {
    type: "choice",
    choices: SCHEMES,
    help: "attack what that scheme's server has of a whole training, by --attack",
  },
  attack: {
    type: "choice",
    choices: attacks,
    help: attacks.map((name) => {
      const { what, schemes } = TRAINING_ATTACKS[name];
      return `${name}: ${what} (${schemes.join(", ")})`;
    }).join("; "),
  },
  train: {
    type: "integer",
    min: 50,
    max: 60_000,
    help: "how many private images the training has, a multiple of 50 (default: 1000)",
  },
  known: {
    type: "integer",
    min: 1,
    max: 60_000,
    help: "how many of them the attacker has, where the attack needs some (default: a tenth)",
  },
  epochs: { type: "integer", min: 1, max: 1000, help: "visits to each image (default: 5)" },
  pool: {
    type: "integer",
    min: 1,
    max: 32,
    help: "pool blocks of so many by so many pixels first (default: 4 for span, else 1)",
  },
  sigma: { type: "text", placeholder: "X", help: "of mitig3's noise (default: 0.7)" },
  run: {
    type: "path",
    placeholder: "FILE",
    help:
      "attack a recorded training (deno task mitig2:server --record DIR) in place of a fresh one",
  },
} as const;

/** What the command line says. */
export interface TrainingOptions {
  readonly against?: (typeof SCHEMES)[number];
  readonly attack?: TrainingAttack;
  readonly dataset: Parameters<typeof loadDataset>[0];
  readonly hidden?: number;
  readonly seed?: number;
  readonly train?: number;
  readonly known?: number;
  readonly epochs?: number;
  readonly pool?: number;
  readonly sigma?: string;
  readonly run?: string;
  readonly json: boolean;
}

/** Default numbers. */
const DEFAULTS = { hidden: 300, train: 1000, epochs: 5, sigma: 0.7 };

/** Runs it. @returns the exit status: 1 where the attack found nothing.
 * @throws {UsageError} flags that do not fit together. */
export async function attackTrainingRun(options: TrainingOptions): Promise<number> {
  const { against, attack, run, dataset: name, json } = options;
  if (attack === undefined) throw new UsageError(`--against needs --attack ${attacks.join("|")}`);
  if (run !== undefined) {
    const own = ["train", "known", "epochs", "hidden", "sigma", "seed", "pool"] as const;
    const fresh = own.find((flag) => options[flag] !== undefined);
    if (fresh !== undefined) throw new UsageError(`--${fresh} is for a fresh training, not --run`);
  }
  const { signal } = stopSignal();
  const { pool = attack === "span" ? 4 : 1 } = options;
  const split = await loadDataset(name, (message) => console.error(message));
  const pooled = (images: Dataset) => pool === 1 ? images : poolImages(images, pool);
  const data = { train: pooled(split.train), test: pooled(split.test) };
  const made = run === undefined ? await fresh(data, { ...options, attack, signal }) : null;
  const view = made?.view ?? await recorded(run!, data.test);
  if (view.scheme !== against) {
    throw new UsageError(`--run is a training of ${view.scheme}, not ${against}`);
  }
  const known = TRAINING_ATTACKS[attack].needs === "known"
    ? options.known ?? Math.floor((made?.train.count ?? 0) / 10)
    : 0;
  if (options.known !== undefined && known === 0) {
    throw new UsageError(`--attack ${attack} takes no known images`);
  }
  const bar = startProgress(attack, 1000);
  const { numbers } = await attackAndMeasure(view, {
    ...{ train: made?.train ?? null, public: data.test },
  }, {
    ...{ attack, known, seed: made?.setting.insecureSeed ?? 0, signal },
    onProgress: (done, total) => bar.update(Math.floor(1000 * done / total)),
  });
  await bar.done();
  const setting = { against, attack, dataset: name, pool, ...made?.setting, run: run ?? null };
  if (json) console.log(JSON.stringify({ ...setting, known, ...numbers }));
  else console.log(textOf(view, attack, known, numbers));
  return numbers.status === "failed" ? 1 : 0;
}

/** A training made for the purpose. */
async function fresh(
  data: SplitDataset,
  options: TrainingOptions & { readonly attack: TrainingAttack; readonly signal: AbortSignal },
) {
  const { hidden = DEFAULTS.hidden, train: count = DEFAULTS.train, epochs = DEFAULTS.epochs } =
    options;
  const { against: scheme, attack, signal } = options;
  const sigma = Number(options.sigma ?? DEFAULTS.sigma);
  if (!(sigma > 0 && Number.isFinite(sigma))) {
    throw new UsageError(`--sigma must be a positive number: got "${options.sigma}"`);
  }
  if (count % 50 !== 0 || count > data.train.count) {
    throw new UsageError(
      `--train must be a multiple of 50 and at most ${data.train.count}: got ${count}`,
    );
  }
  if (!TRAINING_ATTACKS[attack].schemes.some((one) => one === scheme)) {
    throw new UsageError(
      `--attack ${attack} is for ${TRAINING_ATTACKS[attack].schemes.join(", ")}, not ${scheme}`,
    );
  }
  const insecureSeed = options.seed ?? new DataView(secureRng().bytes(4).buffer).getUint32(0);
  const train = firstImages(data.train, count);
  const bar = startProgress("training", 1000);
  const view = await freshView({ train, test: firstImages(data.test, 1) }, {
    ...{ scheme: scheme!, hidden, epochs, sigma, seed: insecureSeed, signal },
    opened: attack === "span",
    onProgress: (done, total) => bar.update(Math.floor(1000 * done / total)),
  });
  await bar.done();
  const own = scheme === "mitig3" ? { sigma } : {};
  return { view, train, setting: { hidden, train: count, epochs, ...own, insecureSeed } };
}

/** A recorded training. A split server is not told the shape: it is that of the dataset. */
async function recorded(file: string, { shape }: Dataset): Promise<TrainingView> {
  const view = decodeView(file, await Deno.readFile(file));
  return view.scheme === "mitig2" || view.scheme === "mitig3" ? { ...view, shape } : view;
}

function textOf(
  { scheme, units, steps }: TrainingView,
  attack: TrainingAttack,
  known: number,
  numbers: AttackNumbers,
): string {
  const { status, samples, recovered, assumption, message, elapsedMs } = numbers;
  const line = (name: string, value: number | null, digits = 4) =>
    value === null ? [] : [`  ${name.padEnd(34)} ${value.toFixed(digits)}`];
  return [
    `${scheme}, ${units} numbers a visit, ${steps.length} steps, ${samples} samples; attack ` +
    `${attack}${
      known > 0 ? `, ${known} images known` : ""
    }: ${status}, ${recovered} recovered in ` +
    `${(elapsedMs / 1000).toFixed(1)} s`,
    `assumed: ${assumption}`,
    ...message === "" ? [] : [`said: ${message}`],
    ...line("MSE, pixels in [0, 1]", numbers.mse, 5),
    ...line("the same of the class means", numbers.floor, 5),
    ...line("leakage: share of the way to exact", numbers.leakage, 2),
    ...line("SSIM", numbers.ssim, 2),
    ...line("images exact", numbers.exact, 0),
    ...line("correlation of inner products", numbers.gramCorrelation, 3),
    ...line("part: the same within classes", numbers.part, 3),
  ].join("\n");
}
