/** `deno task attack --against SCHEME`: one attack on what a server has of a whole training, a fresh one or one that
 * `--record` kept. Attacks get the names of samples that the server could have (audit/server_names.ts).
 * @module */
import { TRAINING_ATTACKS, type TrainingAttack } from "../attack/training/attack.ts";
import { SCHEMES, type TrainingView } from "../attack/training/view.ts";
import type { TrainingRecovery } from "../attack/training/recovery.ts";
import { AUDIT_FLAGS } from "../audit/config.ts";
import { type Dataset, image } from "../data/dataset.ts";
import { startProgress } from "../notebook/progress.ts";
import { attackAndMeasure, type AttackNumbers } from "../study/training_attack.ts";
import { stopSignal, UsageError, type Values } from "./args.ts";
import type { sharedFlags } from "./attack_images.ts";
import { freshTarget, recordedTarget } from "./attack_target.ts";
import { PairFiles } from "./pair_files.ts";

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
  names: AUDIT_FLAGS.names,
  labels: AUDIT_FLAGS.labels,
  "public-from": {
    ...AUDIT_FLAGS["public-from"],
    help:
      "images of the same kind that the attacker has, none of them private (default: the test images of the " +
      "dataset, or every third of --images-from, which is not trained on then)",
  },
} as const;

/** What the command line says. */
export type TrainingOptions = Values<typeof trainingFlags> & Values<typeof sharedFlags>;

/** Pairs that are drawn. */
const PAIRS = 10;

/** Runs it. @returns the exit status: 1 where the attack found nothing.
 * @throws {UsageError} flags that do not fit together. */
export async function attackTrainingRun(options: TrainingOptions): Promise<number> {
  const { against, attack, run, names, json } = options;
  if (attack === undefined) throw new UsageError(`--against needs --attack ${attacks.join("|")}`);
  if (run !== undefined) {
    const own = ["train", "epochs", "hidden", "sigma", "seed", "pool"] as const;
    const fresh = own.find((flag) => options[flag] !== undefined);
    if (fresh !== undefined) throw new UsageError(`--${fresh} is for a fresh training, not --run`);
  }
  if (names !== undefined && run === undefined) throw new UsageError("--names is for --run");
  if (options.dataset !== undefined && options["images-from"] !== undefined && run === undefined) {
    throw new UsageError("--dataset and --images-from exclude each other");
  }
  const files = await PairFiles.open(options.out);
  const { signal } = stopSignal();
  const on = { ...options, attack, signal };
  const { view, train, publicImages, how, setting } = run === undefined
    ? await freshTarget(on)
    : await recordedTarget(run, on);
  if (view.scheme !== against) {
    throw new UsageError(`--run is a training of ${view.scheme}, not ${against}`);
  }
  const known = TRAINING_ATTACKS[attack].needs === "known"
    ? options.known ?? Math.floor((train?.count ?? 0) / 10)
    : 0;
  if (options.known !== undefined && known === 0) {
    throw new UsageError(`--attack ${attack} takes no known images`);
  }
  const bar = startProgress(attack, 1000);
  const { numbers, found, rows } = await attackAndMeasure(view, { train, public: publicImages }, {
    ...{ attack, known, seed: setting.insecureSeed ?? 0, signal },
    onProgress: (done, total) => bar.update(Math.floor(1000 * done / total)),
  });
  await bar.done();
  const drawn = await files.write(pairsOf(found, train, rows), view.shape);
  if (json) {
    const { images: own, ...rest } = { images: options["images-from"], ...setting };
    const shown = { ...own ? { imagesFrom: own } : {}, ...drawn === null ? {} : { out: drawn } };
    const named = how === null ? {} : { namedBy: how };
    console.log(JSON.stringify({
      ...{ against, attack, ...rest, run: run ?? null, ...shown, ...named, known, ...numbers },
    }));
  } else {
    console.log(textOf(view, attack, { known, how, numbers }));
    if (drawn !== null) console.log(`original | recovered: ${drawn}/grid.png and a PNG for each`);
    else if (options.out !== undefined) console.log("nothing is drawn: the attack gave no image");
  }
  return numbers.status === "failed" ? 1 : 0;
}

/** The first recovered; blank where nobody has the truth. @param rows of those that were not known. */
function pairsOf({ X, samples }: TrainingRecovery, train: Dataset | null, rows: readonly number[]) {
  if (X === null) return [];
  const n = X.length / samples.length;
  return rows.slice(0, PAIRS).map((row) => ({
    name: `image-${samples[row]}`,
    truth: train && image(train, samples[row]),
    recovered: X.subarray(row * n, (row + 1) * n),
  }));
}

function textOf(
  { scheme, units, steps }: TrainingView,
  attack: TrainingAttack,
  { known, how, numbers }: { known: number; how: string | null; numbers: AttackNumbers },
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
    ...how === null ? [] : [`names of samples: ${how}`],
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
