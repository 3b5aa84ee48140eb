/** Notebook 01b: what training on ciphertexts costs: a model fitted to this machine, held against a real run, and
 * asked for the paper's.
 * @module */
import { type Table, table } from "../notebook/table.ts";
import type { On } from "../notebook/run.ts";
import {
  type CostModel,
  fitCost,
  predictCost,
  type Prediction,
  type RunSize,
} from "../protocol/cost.ts";
import type { EncryptedRun } from "./encrypted_training.ts";
import { bytesText, secondsText } from "./transcripts.ts";

const PARTS: Readonly<Record<string, string>> = {
  setup: "keys of the authority, tables",
  encryptSamples: "client encrypts images",
  encryptColumns: "client encrypts pixels over batches",
  keys: "authority derives keys",
  forward: "server decrypts z1",
  backward: "server decrypts dW1",
};

const bytesOf = ({ bytes }: Prediction) =>
  Object.values(bytes).reduce((sum, part) => sum + part, 0);

/** A prediction held against its run, and one beyond any run. */
export class CostStudy {
  constructor(
    readonly run: EncryptedRun,
    readonly ofRun: Prediction,
    readonly ofPaper: Prediction,
  ) {}

  /** Predicted over measured time. */
  get timeRatio(): number {
    return this.ofRun.seconds / (this.run.elapsedMs / 1000);
  }

  /** Predicted over measured bytes. */
  get bytesRatio(): number {
    return bytesOf(this.ofRun) / this.run.sizeBytes;
  }

  /** Days of the paper's run. */
  get paperDays(): number {
    return this.ofPaper.seconds / 86400;
  }

  /** The parts of both predictions, their sums, and what was measured. */
  table(title: string): Table {
    const { run, ofRun, ofPaper } = this;
    const parts = Object.keys(PARTS).map((part) => [
      PARTS[part],
      ...[secondsText(ofRun.parts[part]), null, secondsText(ofPaper.parts[part])],
    ]);
    const measured = [secondsText(run.elapsedMs / 1000), bytesText(run.sizeBytes)];
    return table({
      title,
      columns: ["part", "run above, predicted", "measured", "paper's run, predicted"],
      rows: [
        ...parts,
        ["time in all", secondsText(ofRun.seconds), measured[0], secondsText(ofPaper.seconds)],
        ["bytes", bytesText(bytesOf(ofRun)), measured[1], bytesText(bytesOf(ofPaper))],
      ],
    });
  }
}

/** Fits the model to a few seconds of small runs, and predicts a run that is at hand and one that is not.
 * @param options.size of the run at hand.   @param options.paper size of the other.
 * @param options.model fitted before.
 * @throws as `fitCost` and `predictCost`. */
export async function studyCost(
  { run, size, paper, cores, model, ...on }: Partial<On> & {
    run: EncryptedRun;
    size: Omit<RunSize, "cores">;
    paper: Omit<RunSize, "cores">;
    cores: number;
    model?: CostModel;
  },
): Promise<CostStudy> {
  const fitted = model ?? await fitCost("cryptonn", { ...on, cores });
  const ofRun = predictCost(fitted, { ...size, cores }, run.first);
  return new CostStudy(run, ofRun, predictCost(fitted, { ...paper, cores }));
}
