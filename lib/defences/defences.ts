/** The defences of split training, by name: each a change of the client of MITIG2, on the same axes.
 * @module */
import type { ActivationName } from "../nn/upper_layers.ts";
import { type Channel, dropout, noisy, noPeek, ONE_BIT, OPEN } from "./channels.ts";
import { type Distortion, mixup, shiftAndCut } from "./distortions.ts";

/** What a client does otherwise than MITIG2's. */
export interface Defence {
  /** What tables call it. */
  readonly label: string;
  /** The server's activation; sigmoid by default. */
  readonly activation?: ActivationName;
  /** Before the first layer. */
  readonly distortion?: Distortion;
  /** After it. */
  readonly channel: Channel;
  /** Whether W1 stays as it was drawn. */
  readonly frozen?: boolean;
  /** Numbers that go up, where they are not `hidden`: the server then has a linear layer up to `hidden`. */
  readonly rank?: number;
  /** Bits of a number that goes up; 32 by default. */
  readonly bits?: number;
  /** Where DESCENT's does not suit it. */
  readonly learningRate?: number;
}

/** DESCENT's rate of 2, or where it does not settle under a defence the largest of 1, 0.5 and 0.2 that does. */
export const DEFENCES = {
  "sigmoid": { label: "MITIG2, sigmoid", channel: OPEN },
  "relu": { label: "MITIG2, ReLU", channel: OPEN, activation: "relu", learningRate: 0.5 },
  "noise-0.3": { label: "clip 6, noise 0.3", channel: noisy(6, 0.3) },
  "noise-1": { label: "clip 6, noise 1", channel: noisy(6, 1) },
  "shift-cut": { label: "shift 2, cutout 8", channel: OPEN, distortion: shiftAndCut(2, 8) },
  "mixup": { label: "mixup", channel: OPEN, distortion: mixup },
  "frozen": { label: "frozen W1", channel: OPEN, frozen: true },
  "one-bit": {
    label: "activation in 1 bit",
    channel: ONE_BIT,
    activation: "none",
    bits: 1,
    learningRate: 0.5,
  },
  "dropout": { label: "dropout 0.5", channel: dropout(0.5), learningRate: 1 },
  "nopeek": { label: "NoPeek", channel: noPeek(0.5) },
  "rank-16": { label: "rank 16, linear", channel: OPEN, rank: 16, learningRate: 0.5 },
} as const satisfies Record<string, Defence>;

/** The names of the defences. */
export type DefenceName = keyof typeof DEFENCES;

/** mitig3 beside them, by its noise; it is a protocol of its own. */
export const NARROW_NOISES = { "mitig3-0.5": 0.5, "mitig3-0.7": 0.7, "mitig3-1": 1 } as const;

/** As {@linkcode NARROW_NOISES}. */
export type NarrowName = keyof typeof NARROW_NOISES;

/** All that are compared. */
export const DEFENCE_NAMES: readonly (DefenceName | NarrowName)[] = [
  ...Object.keys(DEFENCES) as DefenceName[],
  ...Object.keys(NARROW_NOISES) as NarrowName[],
];

/** Whether it is mitig3. */
export const isNarrow = (name: DefenceName | NarrowName): name is NarrowName =>
  name in NARROW_NOISES;

/** What tables call it. */
export const labelOf = (name: DefenceName | NarrowName): string =>
  isNarrow(name) ? `mitig3, σ ${NARROW_NOISES[name]}` : DEFENCES[name].label;

/** Bytes of a sample and visit, both ways, labels apart: what goes up, and a float32 each back.
 * @param hidden units of the server's hidden layer. */
export function bytesPerVisit(defence: Defence, hidden: number): number {
  const { rank: numbers = hidden, bits = 32 } = defence;
  return Math.ceil(numbers * bits / 8) + 4 * numbers;
}

/** {@linkcode bytesPerVisit} by name: mitig3's codes have as many numbers as there are classes. */
export const bytesOf = (name: DefenceName | NarrowName, hidden: number, classes: number): number =>
  isNarrow(name) ? 8 * classes : bytesPerVisit(DEFENCES[name], hidden);
