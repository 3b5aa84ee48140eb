/** Trainings on ciphertexts (CKKS), client and server over a connection, each beside its twin in the clear: what they
 * reach, how far their gradients are from the clear ones, what a step takes and sends.
 * @module */
import { type ExampleName, loadExample } from "../he/examples.ts";
import { batchesOf, countRight, type Samples, sizesFor, trainClear } from "../he/learner.ts";
import { clearGradients, type Sizes, type Weights } from "../he/model.ts";
import { seededRng } from "../math/rng.ts";
import { hostServer } from "../net/hosted.ts";
import { Transcript } from "../net/transcript.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { train } from "../protocol/he/client.ts";
import { percent } from "../sweep/summary.ts";
import { median } from "./mitig2.ts";
import { bytesText, sequenceOf } from "./transcripts.ts";

/** Which trainings, and how. */
export interface HeOptions extends Partial<On> {
  readonly names: readonly ExampleName[];
  /** Passes over the samples; of those that are not named, the example's own. */
  readonly epochs?: Partial<Record<ExampleName, number>>;
  /** Draws the networks' first weights, of the twin too. */
  readonly insecureSeed: number;
  readonly transport?: "tls" | "port";
}

/** A training on ciphertexts, and its twin. */
export interface HeRun {
  readonly name: ExampleName;
  readonly sizes: Sizes;
  readonly steps: number;
  /** Weights that were trained encrypted, after 0, 1, … steps, and in the clear at the end. */
  readonly weights: readonly Weights[];
  readonly twin: Weights;
  /** The largest difference of a decrypted gradient from the clear one of the same weights, over all steps. */
  readonly gradientError: number;
  readonly train: Samples;
  readonly test: Samples;
  /** A step's time, from one to the next: the median, and the fastest, which other work on the machine disturbs least. */
  readonly stepSeconds: number;
  readonly fastestSeconds: number;
  /** The twin's. */
  readonly clearSeconds: number;
  readonly transcript: Transcript;
}

function gradientError(
  { sizes, train }: Pick<HeRun, "sizes" | "train">,
  seen: readonly { weights: Weights; gradients: Weights }[],
): number {
  const batches = batchesOf(train, sizes);
  let worst = 0;
  seen.forEach(({ weights, gradients }, step) => {
    const clear = clearGradients(sizes, weights, batches[step % batches.length]);
    clear.forEach((gradient, i) =>
      gradient.forEach((g, at) => worst = Math.max(worst, Math.abs(g - gradients[i][at])))
    );
  });
  return worst;
}

/** Trains each of them on ciphertexts, the server in a Worker of this process, and then in the clear.
 * @throws as the client's `train`; the signal's reason when aborted. */
export async function trainOnCiphertexts(
  { names, epochs = {}, insecureSeed, transport = "tls", signal, onProgress }: HeOptions,
): Promise<HeRuns> {
  const runs: HeRun[] = [];
  const examples = await Promise.all(names.map(async (name) => {
    const example = await loadExample(name);
    const setting = { ...example.setting, epochs: epochs[name] ?? example.setting.epochs };
    return { name, ...example, setting, sizes: sizesFor(example.train, setting) };
  }));
  const stepsOf = ({ train, setting }: typeof examples[number]) =>
    setting.epochs * train.count / setting.batch;
  const total = examples.reduce((sum, example) => sum + stepsOf(example), 0);
  let before = 0;
  for (const example of examples) {
    const { name, setting, sizes } = example;
    using host = await hostServer("he", { transport });
    const connection = await host.connect();
    const transcript = new Transcript();
    const [seen, ends]: [{ weights: Weights; gradients: Weights }[], number[]] = [[], []];
    const weights = await train(connection, example.train, {
      ...{ ...setting, rng: seededRng(insecureSeed), transcript, signal },
      onGradients: (_, weights, gradients) => void seen.push({ weights, gradients }),
      onStep(done) {
        ends.push(performance.now());
        onProgress?.(before + done, total);
      },
    });
    connection.close();
    const start = performance.now();
    const twin = trainClear(example.train, setting, seededRng(insecureSeed));
    const clearMs = performance.now() - start;
    const between = ends.slice(1).map((end, i) => end - ends[i]);
    const steps = seen.length;
    before += steps;
    runs.push({
      ...{ name, sizes, steps, twin, transcript, train: example.train, test: example.test },
      weights: [...seen.map(({ weights }) => weights), weights],
      gradientError: gradientError(example, seen),
      stepSeconds: median(between) / 1000,
      fastestSeconds: Math.min(...between) / 1000,
      clearSeconds: clearMs / steps / 1000,
    });
  }
  return new HeRuns(runs);
}

const layers = ({ n, hidden, outputs }: Sizes) =>
  [n - 1, ...hidden === 0 ? [] : [hidden], outputs].join("-");

/** Trainings on ciphertexts. */
export class HeRuns {
  constructor(readonly runs: readonly HeRun[]) {}

  /** One of them. @throws {RangeError} it was not run. */
  run(name: ExampleName): HeRun {
    const found = this.runs.find((run) => run.name === name);
    if (found === undefined) throw new RangeError(`Cannot find a training of ${name}`);
    return found;
  }

  /** The largest error of a gradient, of all. */
  get gradientError(): number {
    return Math.max(...this.runs.map((run) => run.gradientError));
  }

  /** Test samples that the encrypted training gets right, and that its twin does. */
  right(name: ExampleName): { encrypted: number; clear: number; of: number } {
    const { test, weights, twin } = this.run(name);
    const [encrypted, clear] = [weights.at(-1)!, twin].map((w) => countRight(test, w));
    return { encrypted, clear, of: test.count };
  }

  /** Bytes of the keys and of the batches, sent once, and of a step, up and down. */
  bytes(name: ExampleName): { keys: number; batches: number; up: number; down: number } {
    const { transcript: { traffic }, steps } = this.run(name);
    const of = (what: string) =>
      traffic.filter((t) => t.what === what).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return {
      ...{ keys: of("key"), batches: of("batch") },
      ...{ up: of("weights") / steps, down: of("gradients") / steps },
    };
  }

  /** Seconds of a step's work: at the server, and at the client, whose batches count among its steps. */
  seconds(name: ExampleName): { server: number; client: number } {
    const { transcript, steps } = this.run(name);
    const of = (role: string, whats: string[]) =>
      transcript.steps.filter((s) => s.role === role && whats.includes(s.what))
        .reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / steps / 1000;
    return {
      server: of("server", ["gradients"]),
      client: of("client", ["pack and encrypt", "decrypt and step"]),
    };
  }

  /** A row a training: what it reaches beside its twin, and what a step takes. */
  table(): Table {
    return table({
      title: "Training on ciphertexts, each beside its twin in the clear",
      columns: [
        ...["data", "model", "steps", "gradient error", "test, encrypted", "test, clear"],
        ...["s a step", "server", "client", "the twin's step"],
      ],
      rows: this.runs.map(({ name, sizes, steps, gradientError, stepSeconds, clearSeconds }) => {
        const { encrypted, clear, of } = this.right(name);
        const { server, client } = this.seconds(name);
        return [
          ...[name, layers(sizes), steps, gradientError.toExponential(1)],
          ...[percent(encrypted / of, 1), percent(clear / of, 1)],
          ...[stepSeconds.toFixed(2), server.toFixed(2), client.toFixed(3)],
          `${(1e3 * clearSeconds).toFixed(2)} ms`,
        ];
      }),
    });
  }

  /** A row a training: what is sent. */
  bytesTable(): Table {
    return table({
      title: "What is sent",
      columns: ["data", "keys, once", "batches, once", "a step, up", "a step, down"],
      rows: this.runs.map(({ name }) => {
        const { keys, batches, up, down } = this.bytes(name);
        return [name, ...[keys, batches, up, down].map(bytesText)];
      }),
    });
  }

  /** Test accuracy against the steps, encrypted, and where the twins end. */
  figure(name: string): Figure {
    const accuracy = (run: HeRun, weights: Weights) =>
      100 * countRight(run.test, weights) / run.test.count;
    const ends = this.runs.map((run) =>
      `${run.name} ${accuracy(run, run.weights.at(-1)!).toFixed(1)} %, its twin in the clear ` +
      `${accuracy(run, run.twin).toFixed(1)} %`
    );
    return lineFigure({
      name,
      title: "Test accuracy of training on ciphertexts, by step",
      alt: `At the end of each training on ciphertexts are right: ${ends.join("; ")}.`,
      xAxis: { title: "step", unit: "count" },
      yAxis: { title: "test accuracy", unit: "%" },
      series: this.runs.flatMap((run) => [
        {
          ...{ name: run.name, x: run.weights.map((_, step) => step), markers: false },
          y: run.weights.map((weights) => accuracy(run, weights)),
        },
        {
          ...{ name: `${run.name}, clear twin`, like: run.name, dash: "none" as const },
          ...{ x: [run.steps], y: [accuracy(run, run.twin)] },
        },
      ]),
    });
  }

  /** Who sends what, with bytes and times of one training. */
  sequence(name: string, of: ExampleName): Figure {
    return sequenceOf(this.run(of).transcript, {
      ...{ name, roles: ["client", "server"] },
      title: `Training on ciphertexts: ${of}`,
      alt:
        "The client sends keys and batches once and encrypted weights at each step; the server returns " +
        "encrypted gradients, which the client decrypts.",
      steps: [
        ["client", "make a key", "make a key"],
        ["client → server", "key", "a key to multiply or rotate"],
        ["client → server", "batch", "samples and labels, encrypted"],
        {
          each: "each step",
          steps: [
            ["client", "pack and encrypt", "pack and encrypt the weights"],
            ["client → server", "weights", "weights, encrypted"],
            ["server", "gradients", "gradients on ciphertexts"],
            ["server → client", "gradients", "gradients, encrypted"],
            ["client", "decrypt and step", "decrypt, a step of Adam"],
          ],
        },
      ],
    });
  }
}
