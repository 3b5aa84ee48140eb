/** Notebook 07: the schemes of this workspace on the same axes: accuracy, time, bytes, who must be online, who learns
 * what, and what the best attack here recovers. Numbers are of the run at hand, of other notebooks' results, or of the
 * sweeps' archived rows; each row says which.
 * @module */
import { figuresDirectory, type Results } from "../notebook/notebook.ts";
import { type Table, table } from "../notebook/table.ts";
import { archivedRecords } from "../sweep/archive.ts";
import { sweep as costs } from "../sweep/cost.ts";
import { percent, type Rate } from "../sweep/summary.ts";
import { readDefences } from "./defences.ts";
import type { DarkCiphertexts } from "./dark_ciphertexts.ts";
import type { Collateral, DarkDigits } from "./dark_digits.ts";
import type { EncryptedPatients } from "./encrypted_patients.ts";
import type { OpenedGram } from "./gram_once.ts";
import type { HeRuns } from "./he_training.ts";
import type { Folds, PatientRun, ridgePatients } from "./patients.ts";
import type { PatientAttack } from "./patients_attack.ts";
import { bytesText } from "./transcripts.ts";

/** What the notebook has measured. */
export interface Measured {
  readonly trained: EncryptedPatients;
  /** All epochs, and what its gradients, or its residuals, gave. */
  readonly run: PatientRun;
  readonly attack: PatientAttack;
  readonly residuals: PatientAttack;
  /** Of the Gram matrix of all patients. */
  readonly ofAll: PatientAttack;
  /** Of both ways to train, since the file's own split is a lucky one. */
  readonly folds: Folds;
  readonly gram: OpenedGram;
  readonly ridge: ReturnType<typeof ridgePatients>;
  readonly he: HeRuns;
  readonly dark: DarkDigits;
  readonly digits: DarkCiphertexts;
  readonly told: Collateral;
}

/** null where the notebook has not been run here. */
async function resultsOf(
  notebook: string,
  directory = figuresDirectory(),
): Promise<Results | null> {
  try {
    return JSON.parse(await Deno.readTextFile(`${directory}/${notebook}/results.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Short names of notebooks, each that was last run in the quick profile marked. */
async function sourcesOf(...notebooks: string[]): Promise<string> {
  const names = notebooks.map(async (notebook) =>
    `${first(notebook, "_")}${(await resultsOf(notebook))?.profile === "quick" ? " (quick)" : ""}`
  );
  return (await Promise.all(names)).join(", ");
}

/** A headline number of another notebook; a dash where that has not been run here.
 * @throws {Error} it has no number of that label. */
export async function headlineOf(
  notebook: string,
  label: string,
  directory?: string,
): Promise<string> {
  const results = await resultsOf(notebook, directory);
  if (results === null) return "–";
  const { headline } = results;
  if (Object.hasOwn(headline, label)) return String(headline[label]);
  throw new Error(`Cannot find "${label}" among the numbers of ${notebook}: run it first`);
}

/** What a sample's ciphertext and keys take for a first layer of 784 × 300, of the archived rows. */
async function bytesOf(scheme: string): Promise<string> {
  const rows = await archivedRecords(costs);
  const own = rows.find((row) => row.scheme === scheme && row.n === 784 && row.hidden === 300);
  if (own === undefined) throw new Error(`Cannot find the cost of ${scheme} in data/sweeps`);
  return bytesText(Number(own.bytes));
}

const first = (text: string, until: string) => text.split(until)[0];

/** A row a scheme.
 * @throws as `headlineOf`. */
export async function schemeAxes(measured: Measured): Promise<Table> {
  const { trained, run, folds, attack, residuals, ofAll, gram, ridge, he, dark, digits, told } =
    measured;
  const all = (found: PatientAttack) => `${found.total} of ${found.patients} patients, exactly`;
  const both = (rate: Rate, fold: Rate) =>
    `${percent(rate.rate, 1)}; five folds ${percent(fold.rate, 1)}`;
  const [sgd, closed] = [both(run.accuracy, folds.all.sgd), both(ridge.accuracy, folds.all.ridge)];
  const seconds = (s: number) => `${s.toFixed(s < 10 ? 2 : 0)} s`;
  const patients = he.run("patients");
  const { up, down } = he.bytes("patients");
  const right = he.right("patients");
  const [split, narrow] = ["03_mitig2", "06b_defences"];
  const images = "MNIST, 784-300-10";
  return table({
    title: "The schemes on the same axes",
    columns: [
      ...["scheme", "data, model", "accuracy", "time", "bytes", "online", "who learns what"],
      ...["best attack here", "numbers from"],
    ],
    rows: [
      [
        ...["IPFE (CryptoNN)", images],
        await headlineOf("01b_training_on_ciphertexts", "test accuracy, modern setting"),
        `${await headlineOf(
          "01b_training_on_ciphertexts",
          "full encrypted run, predicted",
        )}, predicted`,
        `${await bytesOf("ipfe")} a sample and visit`,
        ...["server, authority", "server: W1, z1, dW1; authority: W1, dz1"],
        `digits exact: ${await headlineOf("01_leakage", "TV + ½·Σx, digits exact at 300 units")}`,
        `${await sourcesOf("01_leakage", "01b_training_on_ciphertexts")}, sweep cost`,
      ],
      [
        ...[
          "MITIG1",
          images,
          await headlineOf("02_mitig1", "full-size fixed-point accuracy, group operations omitted"),
        ],
        `${await headlineOf(
          "02_mitig1",
          "full encrypted run, batch 250, 10 epochs, predicted",
        )}, predicted`,
        `${await bytesOf("fhipe")} a sample and visit`,
        ...["client, server", "server: z1, labels, dz1"],
        `likenesses: SSIM ${
          first(
            (await headlineOf(
              "06_mitigations_under_attack",
              "MITIG2, third visit, drawn without W1 or a known image",
            )).replace("SSIM ", ""),
            ",",
          )
        }, as of MITIG2's z1`,
        `${await sourcesOf("02_mitig1", "06_mitigations_under_attack")}, sweep cost`,
      ],
      [
        ...["MITIG2", images, await headlineOf(split, "test accuracy")],
        `${await headlineOf(split, "seconds to 96.8 % over TLS, both parties")} s to 96.8 %`,
        `${await headlineOf(split, "bytes up an image and epoch")} B up a sample and visit`,
        ...["client, server", "server: z1, labels, dz1"],
        `likenesses: ${await headlineOf(
          "06_mitigations_under_attack",
          "MITIG2, third visit, drawn without W1 or a known image",
        )}`,
        await sourcesOf(split, "06_mitigations_under_attack"),
      ],
      [
        ...["mitig3, noise", images, percent((await readDefences()).of("mitig3-0.7").accuracy, 1)],
        `${await headlineOf(
          narrow,
          "an epoch of mitig3 in epochs of MITIG2, at most",
        )} of MITIG2's epoch`,
        `${
          first(await headlineOf(narrow, "bytes an image and visit, both ways"), " ")
        } B a sample and visit`,
        ...["client, server", "server: ten noisy numbers, labels"],
        `none beyond the labels: part ${await headlineOf(narrow, "mitig3, σ 0.7: part")}`,
        `${await sourcesOf(narrow)}, sweep leakage`,
      ],
      [
        ...["FedV", "patients, linear", sgd, "not run", null],
        ...["server, authority", "server: every residual and gradient"],
        ...[all(residuals), "its view, of the clear run here"],
      ],
      [
        ...["QFE, batches of 16", "patients, linear", sgd],
        ...[`${seconds(trained.stepSeconds)} a step, ${run.steps.length} steps`],
        `${bytesText(trained.bytesAPatient)} a patient, once`,
        ...["server, authority", "server: weights, batch gradients; authority: weights"],
        ...[all(attack), "here"],
      ],
      [
        ...["QFE, Gram once", "patients, linear", closed],
        `${seconds(gram.seconds)} for ${gram.samples.count} patients`,
        `${bytesText(gram.bytes.ciphertext / gram.samples.count)} a patient, once`,
        "server; authority once",
        "server: covariance, class sizes and class means of all; weights",
        ...[all(ofAll), "here"],
      ],
      [
        ...[
          "CKKS",
          "patients, linear",
          `${percent(right.encrypted / right.of, 1)}, the file's split`,
        ],
        `${seconds(patients.stepSeconds)} an iteration, ${patients.steps} of them`,
        `${bytesText(up + down)} an iteration`,
        ...["client, server", "server: sizes, steps, the end"],
        ...["none tried: only ciphertexts", "here"],
      ],
      [
        ...["QFE, inference", "MNIST, quadratic", percent(dark.accuracy.rate, 1)],
        `${seconds(digits.serverSeconds)} a digit`,
        `${bytesText(digits.bytes.digit)} a digit`,
        ...["server; authority once", "server: ten scores of each digit"],
        `slant of the stroke: ${percent(told.of("slant").fromScores.rate, 1)} right, ` +
        `from the digit alone ${percent(told.of("slant").fromClass.rate, 1)}`,
        "here",
      ],
    ],
  });
}
