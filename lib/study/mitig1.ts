/** Training over function-hiding ciphertexts (MITIG1), and the same training in the clear.
 * @module */
import type { Dataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { Transcript } from "../net/transcript.ts";
import type { On } from "../notebook/run.ts";
import type { Figure } from "../plot/figure.ts";
import { sequenceFigure } from "../plot/sequence.ts";
import type { SequenceStep } from "../plot/sequence.ts";
import {
  DEFAULT_SCALES,
  fixedAccuracy,
  type FixedNet,
  initFixedNet,
  type Scales,
} from "../protocol/fixed_net.ts";
import { trainFixed } from "../protocol/fixed_train.ts";
import type { Head } from "../protocol/head.ts";
import { classify, train } from "../protocol/mitig1/client.ts";
import { serve } from "../protocol/mitig1/server.ts";
import { sent, worked } from "./transcripts.ts";

/** The `insecureSeed` of each party: the client's draws W1, the server's the later layers. Keys and
 * ciphertexts always come from the CSPRNG. */
export interface Seeds {
  readonly client: number;
  readonly server: number;
}

/** What both trainings are told. */
export interface Training {
  readonly hidden: number;
  /** Samples per step; divides their number. */
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly seeds: Seeds;
  readonly scales?: Scales;
}

/** The network that two parties of these seeds draw, for images like these. */
export function drawNet(
  { n, classes }: Pick<Dataset, "n" | "classes">,
  { hidden, seeds, scales = DEFAULT_SCALES }: Pick<Training, "hidden" | "seeds" | "scales">,
): FixedNet {
  const sizes = { n, hidden, classes: classes.length };
  return initFixedNet(sizes, scales, seededRng(seeds.client), seededRng(seeds.server));
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  a.length === b.length && Array.from(a).every((value, i) => value === b[i]);

/** A training of both parties, ciphertexts and all. */
export interface Mitig1Run {
  /** Of each step, as the server decrypted it: `[m, hidden]`. */
  readonly z1s: readonly Float64Array[];
  /** The client's, after the last step. */
  readonly W1: Int32Array;
  /** The server's later layers, after the last step. */
  readonly head: Head;
  /** Wall time from the first message to the last step. */
  readonly seconds: number;
  /** How many fresh images were classified right over ciphertexts. */
  readonly right: number;
  /** Sizes and time in words. */
  readonly text: string;
  /** Whether each decrypted z1 is W1·x of the run in the clear. */
  sameZ1(clear: Mitig1ClearRun): boolean;
  /** Whether the client's W1 is the other's, bit for bit. */
  sameW1(clear: Mitig1ClearRun): boolean;
  /** Whether the server's later layers are the other's, bit for bit. */
  sameHead(clear: Mitig1ClearRun): boolean;
  /** Who sent what, with sizes and times. */
  sequence(name: string): Figure;
}

/** Trains client and server in this process, then classifies `fresh` over ciphertexts too.
 * @param options.workers that decrypt; all cores by default, 0 is this thread.
 * @throws as the client's `train`; the signal's reason when aborted. */
export async function runBoth(
  images: Dataset,
  { fresh, workers = navigator.hardwareConcurrency, signal, onProgress, ...training }:
    & Training
    & Partial<On>
    & { fresh: Dataset; workers?: number },
): Promise<Mitig1Run> {
  const { seeds, hidden, batch, epochs } = training;
  const transcript = new Transcript();
  const z1s: Float64Array[] = [];
  let head: Head | undefined;
  const [ours, theirs] = inProcess();
  const served = serve(theirs, {
    ...{ rng: seededRng(seeds.server), workers },
    observe: (step) => {
      z1s.push(step.z1);
      head = step.head;
    },
  });
  const steps = epochs * images.count / batch;
  const total = images.count + steps;
  const start = performance.now();
  try {
    const model = await train(ours, images, {
      ...{ ...training, transcript, signal, rng: seededRng(seeds.client) },
      onEncrypt: (done) => onProgress?.(done, total),
      onStep: (done) => onProgress?.(images.count + done, total),
    });
    const seconds = (performance.now() - start) / 1000;
    const drawn = stepsOf(transcript, training); // now: predicting goes on in the same transcript
    const classes = await classify(model, fresh.x);
    return {
      ...{ z1s, W1: model.W1, head: head!, seconds },
      right: classes.reduce((sum, c, i) => sum + Number(c === fresh.y[i]), 0),
      text: `${images.count} digits of ${images.shape.slice(0, 2).join("×")}, ${hidden} units, ` +
        `${steps} steps in ${seconds.toFixed(0)} s`,
      sameZ1: (clear) => same(z1s.flatMap((z) => [...z]), clear.z1s.flatMap((z) => [...z])),
      sameW1: (clear) => same(model.W1, clear.net.W1),
      sameHead: ({ net }) =>
        (["b1", "W2", "b2"] as const).every((layer) => same(head![layer], net.head[layer])),
      sequence: (name) =>
        sequenceFigure({
          ...{ name, steps: drawn, roles: ["client", "server"] },
          title: "MITIG1: who sends what, sizes and times as measured",
          alt:
            "The client encrypts samples once; for every batch it derives fresh keys, the server decrypts z1 and returns dz1.",
        }),
    };
  } finally {
    ours.close();
    await served;
  }
}

/** The steps of a training as its transcript measured them. */
function stepsOf(transcript: Transcript, { batch, hidden }: Training): SequenceStep[] {
  const up = (what: string, label: string) => sent(transcript, ["client", "server"], what, label);
  const client = (what: string, label: string) => worked(transcript, "client", what, label);
  const server = (what: string, label: string) => worked(transcript, "server", what, label);
  return [
    client("setup", "set up: B = L·U"),
    up("train", "train: sizes, scales"),
    {
      kind: "group",
      label: "once",
      steps: [client("encrypt", "encrypt a sample"), up("samples", "ciphertexts, labels")],
    },
    {
      kind: "group",
      label: `every batch of ${batch}`,
      steps: [
        client("derive keys", "derive a key for a row of W1"),
        up("keys", `${hidden} fresh keys`),
        server("decrypt, all threads", "decrypt z1 of a sample and row"),
        server("later layers", "later layers, dz1"),
        sent(transcript, ["server", "client"], "dz1", "dz1, loss"),
        client("update W1", "dW1 = dz1·X, move W1"),
      ],
    },
  ];
}

/** The same training without encryption and without a second party. */
export interface Mitig1ClearRun {
  readonly net: FixedNet;
  /** Of each step: W1·x of the batch, `[m, hidden]`. */
  readonly z1s: readonly Float64Array[];
  /** How far each z1 is from that of the same sample an epoch earlier (in the first, from 0): what a discrete
   * logarithm has to search. */
  readonly distances: readonly number[];
  /** How many images it classifies right. */
  right(images: Dataset): Promise<number>;
}

/** Trains in the clear, in the same integers, from the weights that the two parties draw.
 * @throws as `trainFixed`. */
export async function runInClear(
  images: Dataset,
  { signal, onProgress, ...training }: Training & Partial<On>,
): Promise<Mitig1ClearRun> {
  const { batch, epochs, learningRate } = training;
  const perEpoch = images.count / batch;
  const z1s: Float64Array[] = [];
  const { net } = await trainFixed(drawNet(images, training), images, {
    ...{ batch, steps: epochs * perEpoch, learningRate, signal, onProgress },
    onStep: ({ z1 }) => z1s.push(z1),
  });
  return {
    ...{ net, z1s },
    distances: z1s.flatMap((z1, step) =>
      Array.from(z1, (z, i) => Math.abs(z - (z1s[step - perEpoch]?.[i] ?? 0)))
    ),
    right: (fresh) => Promise.resolve(Math.round(fixedAccuracy(net, fresh) * fresh.count)),
  };
}
