/** What is audited: the user's first layer, private samples, the scheme under which such a network trains, and a run of
 * it where one was recorded.
 * @module */
import { describe } from "../attack/view.ts";
import type { Scheme, TrainingView } from "../attack/training/view.ts";
import type { OwnSamples } from "../data/own_samples.ts";
import { clearViews, type FirstLayer } from "../protocol/cryptonn/first_layer.ts";
import type { ThreatRow } from "./findings.ts";

/** A training that was recorded at its server. */
export interface RecordedRun {
  /** As the server had it. */
  readonly view: TrainingView;
  /** The same with its samples named by their places in `samples`, which only the client can tell: for measuring. null
   * where nobody did. */
  readonly truth: TrainingView | null;
  /** Samples of an epoch; null where neither the record nor anybody else tells. */
  readonly count: number | null;
}

/** What an audit is asked about. */
export interface Subject {
  readonly scheme: Scheme;
  /** The first layer of the user's network; null where only its width matters, or a run is given. */
  readonly layer: FirstLayer | null;
  /** Where the layer is a convolution, which the trainings here do not take: outputs of one filter, consecutive rows. */
  readonly convolution: { readonly outputs: number } | null;
  /** Units of the first layer where a training is made: those of `layer` if there is one. */
  readonly hidden: number;
  /** Private: what the attacks are held to. null for a run without its samples. */
  readonly samples: OwnSamples | null;
  /** Of the same kind, not private: what attackers may learn from. null: half of `samples` where a training is made. */
  readonly publicSamples: OwnSamples | null;
  /** How many private samples the attacker happens to know, where an attack needs some; null: a tenth. */
  readonly known: number | null;
  /** Visits to each sample of a training that is made. */
  readonly epochs: number;
  /** Of mitig3's noise, where a training is made. */
  readonly sigma: number;
  readonly run: RecordedRun | null;
}

const has = (quantity: string, value: string): ThreatRow => ({
  ...{ quantity, value, attackerHas: true },
});
const lacks = (quantity: string, value: string): ThreatRow => ({
  ...{ quantity, value, attackerHas: false },
});

/** Who has what under the scheme. */
export function threatOf({ scheme, layer, samples, hidden }: Subject): ThreatRow[] {
  const common = [
    has("labels", "of each sample"),
    has("public samples", "of the same kind, none of them private, where an attack says so"),
    has("known samples", "some private ones, where an attack says so"),
    lacks("x", "each number of a private sample"),
    lacks("key material", "of the client or the authority"),
  ];
  switch (scheme) {
    case "cryptonn": {
      const rows = layer !== null && samples !== null
        ? describe(clearViews(layer, samples, [0])[0]).map(
          ({ quantity, value, serverKnows }) => ({ quantity, value, attackerHas: serverKnows }),
        ).filter(({ attackerHas }) => attackerHas)
        : [
          has("W1", "the first layer, at each step"),
          has("z1 = W1·x", "of each sample and visit"),
        ];
      return [
        ...rows,
        has("dz1, dW1 = dz1ᵀ·X", "it makes the one and decrypts the other, at each step"),
        ...common,
      ];
    }
    case "mitig1":
    case "mitig2":
      return [
        has("z1 = W1·x", `${hidden} numbers of each sample and visit`),
        has("dz1", "it makes it, at each step"),
        lacks("W1, dW1", "the first layer stays at the client"),
        ...common,
      ];
    case "mitig3":
      return [
        has("noisy codes", "as many numbers as there are classes, of each sample and visit"),
        has("dz", "it makes it, at each step"),
        lacks("all layers but the last", "they stay at the client"),
        lacks("which sample is which", "each epoch has an order of its own"),
        ...common,
      ];
  }
}
