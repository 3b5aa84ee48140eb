/** MITIG1: what a key tells of the vector that it is for, training over function-hiding ciphertexts, and the same
 * training in the clear.
 * @module */
import { type Dataset, image } from "../data/dataset.ts";
import * as fhipe from "../fe/fhipe.ts";
import * as ipfe from "../fe/ipfe.ts";
import { group } from "../math/group.ts";
import { startPairing } from "../math/pairing/group.ts";
import { seededRng } from "../math/rng.ts";
import { inProcess } from "../net/connection.ts";
import { Transcript } from "../net/transcript.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { imageGrid } from "../plot/image_grid.ts";
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
import type { KeysPer } from "../protocol/mitig1/master_keys.ts";
import { serve, type ServerOptions } from "../protocol/mitig1/server.ts";
import { type Measured, sequenceOf } from "./transcripts.ts";

/** Weights per grey level of the digit that they are drawn as. */
const WEIGHT = 4;

/** Which byte of an element is shown: one in the middle, where no flag bits are. */
const SHOWN_BYTE = 24;

/** A plain key and two function-hiding keys for one row of weights. */
export class KeysForOneRow {
  /** @param plain the plain key's vector.
   * @param hiding the elements of each function-hiding key that stand for the row's entries, encoded.
   * @param opens whether a function-hiding key opens ⟨row, x⟩ of an encrypted image.
   * @param sizes of a plain and of a function-hiding key, and how many elements the latter has. */
  constructor(
    readonly row: Int32Array,
    readonly shape: Dataset["shape"],
    readonly plain: Int32Array,
    readonly hiding: readonly (readonly Uint8Array[])[],
    readonly opens: boolean,
    readonly sizes: { readonly plain: number; readonly hiding: number; readonly elements: number },
  ) {}

  /** Whether the plain key holds the row, entry by entry. */
  get plainShows(): boolean {
    return same(this.plain, this.row);
  }

  /** How many of their elements the two function-hiding keys share. */
  get shared(): number {
    const all = this.hiding.flat().map((bytes) => bytes.toHex());
    return all.length - new Set(all).size;
  }

  /** The row, and what is seen of it in each key: a byte per element. */
  grid(name: string): Figure {
    const grey = (weights: Int32Array) => Array.from(weights, (w) => w / WEIGHT);
    const [one, other] = this.hiding.map((list) => list.map((element) => element[SHOWN_BYTE]));
    return imageGrid({
      ...{ name, title: "A row of W1, and what its keys show", shape: this.shape },
      alt:
        "The plain key shows the weights; two function-hiding keys for the same row look like noise.",
      columns: [
        ...["y, a row of W1", "plain IPFE key", "function-hiding key", "another for the same y"],
      ],
      rows: [{
        label: `as ${this.shape[0]}×${this.shape[1]}`,
        images: [grey(this.row), grey(this.plain), one, other],
        captions: ["secret", "y itself", "a byte per element", "nothing shared"],
      }],
    });
  }

  /** Sizes, and what two keys for one row have in common. */
  table(): Table {
    const { plain, hiding, elements } = this.sizes;
    return table({
      columns: ["key for y", "holds y", "elements", "bytes", "elements two keys for y share"],
      rows: [
        ["plain IPFE (ePrint 2015/017)", "yes", 1, plain, "all: it is the same key"],
        ["function-hiding (ePrint 2016/440)", "no", elements, hiding, this.shared],
      ],
    });
  }
}

/** Derives the keys for a row of weights in the shape of a digit, so that the eye can compare.
 * @param digits the second gives the row, the first is encrypted.
 * @throws {RangeError} fewer than two digits. */
export async function keysForOneRow(digits: Dataset): Promise<KeysForOneRow> {
  const { n, shape } = digits;
  const row = Int32Array.from(image(digits, 1), (pixel) => WEIGHT * pixel);
  const x = image(digits, 0);
  const pairing = await startPairing();
  const bounds = { n, boundX: 255, boundY: DEFAULT_SCALES.weightBound };
  const plain = ipfe.keyDerive(ipfe.setup({ group: group("ristretto255"), ...bounds }).msk, row);
  const msk = fhipe.setup({ group: pairing, ...bounds });
  const [one, other] = [fhipe.keyDerive(msk, row), fhipe.keyDerive(msk, row)];
  const elements = (key: fhipe.FunctionalKey) =>
    key.k2.slice(0, n).map((element) => pairing.encodeG1(element));
  const opened = fhipe.decrypt(one, fhipe.encrypt(msk, x));
  const opens = opened === x.reduce((sum, pixel, i) => sum + pixel * row[i], 0);
  const hiding = [elements(one), elements(other)];
  return new KeysForOneRow(row, shape, Int32Array.from(plain.y), hiding, opens, {
    plain: ipfe.encodeFunctionalKey(plain).length,
    hiding: fhipe.encodeFunctionalKey(one).length,
    elements: one.k2.length + 1, // and k1
  });
}

/** The `insecureSeed` of each party: the client's draws W1, the server's the later layers. Keys and
 * ciphertexts always come from the CSPRNG. */
export interface Seeds {
  readonly client: number;
  readonly server: number;
}

/** What both trainings are told. */
export interface Training extends Partial<On> {
  readonly hidden: number;
  /** Samples per step; divides their number. */
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly seeds: Seeds;
  readonly scales?: Scales;
  /** What shares a master key: "training" by default, as in the paper. */
  readonly keysPer?: KeysPer;
}

/** The network that two parties of these seeds draw, for images like these. */
export function drawNet(
  { n, classes }: Pick<Dataset, "n" | "classes">,
  { hidden, seeds, scales = DEFAULT_SCALES }: Pick<Training, "hidden" | "seeds" | "scales">,
): FixedNet {
  const sizes = { n, hidden, classes: classes.length };
  return initFixedNet(sizes, scales, seededRng(seeds.client), seededRng(seeds.server));
}

function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((value, i) => value === b[i]);
}

/** A training of both parties, ciphertexts and all. */
export class Mitig1Run {
  /** @param z1s of each step, as the server decrypted it: `[m, hidden]`.
   * @param net the client's W1 and the server's later layers, after the last step.
   * @param seconds from the first message to the last step.
   * @param right how many fresh images were classified right over ciphertexts. */
  constructor(
    readonly z1s: readonly Float64Array[],
    readonly net: { readonly W1: Int32Array; readonly head: Head },
    readonly seconds: number,
    readonly right: number,
    private readonly training: Training & { readonly images: Dataset; readonly measured: Measured },
  ) {}

  /** Sizes and time in words. */
  get text(): string {
    const { images: { count, shape }, hidden } = this.training;
    return `${count} digits of ${shape.slice(0, 2).join("×")}, ${hidden} units, ` +
      `${this.z1s.length} steps in ${this.seconds.toFixed(0)} s`;
  }

  /** Whether each decrypted z1, the client's W1 and the server's later layers are those of the run in the clear, bit
   * for bit. */
  same(clear: Mitig1ClearRun): { z1: boolean; W1: boolean; head: boolean } {
    const [ours, theirs] = [this.net.head, clear.net.head];
    return {
      z1: same(this.z1s.flatMap((z) => [...z]), clear.z1s.flatMap((z) => [...z])),
      W1: same(this.net.W1, clear.net.W1),
      head: (["b1", "W2", "b2"] as const).every((key) => same(ours[key], theirs[key])),
    };
  }

  /** What it cost: seconds of all set-ups, of encrypting and of storing a sample; bytes of all messages to the server,
   * and of those that carry ciphertexts. */
  get cost(): {
    steps: Record<"setup" | "encrypt" | "store", number>;
    bytes: number;
    sampleBytes: number;
  } {
    const { measured: { steps, traffic }, images: { count } } = this.training;
    const seconds = (what: string) => steps.find((step) => step.what === what)!.elapsedMs / 1000;
    const sent = traffic.filter(({ from }) => from === "client");
    const sum = (of: typeof sent) => of.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
    return {
      steps: {
        setup: seconds("setup"),
        encrypt: seconds("encrypt") / count,
        store: seconds("store samples, elapsed") / count,
      },
      bytes: sum(sent),
      sampleBytes: sum(sent.filter(({ what }) => what === "samples")),
    };
  }

  /** Who sent what, with sizes and times. */
  sequence(name: string): Figure {
    const { batch, hidden, measured } = this.training;
    return sequenceOf(measured, {
      ...{ name, title: "MITIG1: who sends what, sizes and times as measured" },
      alt: "The client encrypts samples once; for every batch it derives fresh keys, the server " +
        "decrypts z1 and returns dz1.",
      roles: ["client", "server"],
      steps: [
        ["client", "setup", "set up: B = L·U"],
        ["client → server", "train", "train: sizes, scales"],
        {
          each: "once",
          steps: [
            ["client", "encrypt", "encrypt a sample"],
            ["client → server", "samples", "ciphertexts, labels"],
          ],
        },
        {
          each: `every batch of ${batch}`,
          steps: [
            ["client", "derive keys", "derive a key for a row of W1"],
            ["client → server", "keys", `${hidden} fresh keys`],
            ["server", "decrypt, all threads", "decrypt z1 of a sample and row"],
            ["server", "later layers", "later layers, dz1"],
            ["server → client", "dz1", "dz1, loss"],
            ["client", "update W1", "dW1 = dz1·X, move W1"],
          ],
        },
      ],
    });
  }
}

/** Trains client and server in this process, then classifies `fresh` over ciphertexts too.
 * @param options.workers that decrypt; all cores by default, 0 is this thread.
 * @param options.observe and `observeSamples`: an honest but curious server's notebook.
 * @throws as the client's `train`; the signal's reason when aborted. */
export async function runEncrypted(
  images: Dataset,
  { fresh, workers = navigator.hardwareConcurrency, observe, observeSamples, ...training }:
    & Training
    & Pick<ServerOptions, "observe" | "observeSamples">
    & { fresh: Dataset; workers?: number },
): Promise<Mitig1Run> {
  const { seeds, batch, epochs, onProgress } = training;
  const transcript = new Transcript();
  const z1s: Float64Array[] = [];
  let head: Head | undefined;
  const [ours, theirs] = inProcess();
  const served = serve(theirs, {
    ...{ rng: seededRng(seeds.server), workers },
    observe: (step, terms) => {
      z1s.push(step.z1);
      head = step.head;
      observe?.(step, terms);
    },
    observeSamples,
  });
  const total = images.count + epochs * images.count / batch;
  const start = performance.now();
  try {
    const model = await train(ours, images, {
      ...{ keysPer: "training" as const, ...training, transcript, rng: seededRng(seeds.client) },
      onEncrypt: (done) => onProgress?.(done, total),
      onStep: (done) => onProgress?.(images.count + done, total),
    });
    const seconds = (performance.now() - start) / 1000;
    const measured = structuredClone({ ...transcript }); // before predicting adds to it
    const classes = await classify(model, fresh.x);
    const right = classes.reduce((sum, c, i) => sum + Number(c === fresh.y[i]), 0);
    const net = { W1: model.W1, head: head! };
    return new Mitig1Run(z1s, net, seconds, right, { ...training, images, measured });
  } finally {
    ours.close();
    await served;
  }
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
  right(images: Dataset): number;
}

/** Trains in the clear, in the same integers, from the weights that the two parties draw.
 * @throws as `trainFixed`. */
export async function runClear(images: Dataset, training: Training): Promise<Mitig1ClearRun> {
  const { batch, epochs } = training;
  const perEpoch = images.count / batch;
  const z1s: Float64Array[] = [];
  const { net } = await trainFixed(drawNet(images, training), images, {
    ...{ ...training, steps: epochs * perEpoch, onStep: ({ z1 }) => z1s.push(z1) },
  });
  return {
    ...{ net, z1s },
    distances: z1s.flatMap((z1, step) =>
      Array.from(z1, (z, i) => Math.abs(z - (z1s[step - perEpoch]?.[i] ?? 0)))
    ),
    right: (fresh) => Math.round(fixedAccuracy(net, fresh) * fresh.count),
  };
}
