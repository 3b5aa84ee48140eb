/** The master keys of MITIG1's client: one for the whole training, or one for each batch.
 *
 * A key opens every ciphertext of its master key. With one master key, as the paper has it, the keys of each step
 * open all samples that the server stores, and it holds W1(t)·x for every step t and sample x, though a step is about
 * one batch. With one for each batch, the keys of a step open that batch and nothing else: the server is left with z1
 * of the visits, which is what the protocol means to give it. Nothing is encrypted twice, because the batches are the
 * same in each epoch; and what is classified later has master keys of its own. The set-up is repeated at each step,
 * from 32 secret bytes, so a client holds one master key at a time.
 * @module */
import { type FhipeParams, type MasterSecretKey, setup } from "../../fe/fhipe.ts";
import { expandedRng, secureRng } from "../../math/rng.ts";

/** What shares a master key. "batch" is the mended protocol, "training" the paper's. */
export const KEYS_PER = ["batch", "training"] as const;

/** See `KEYS_PER`. */
export type KeysPer = typeof KEYS_PER[number];

/** See the module's text. All secret. */
export class MasterKeys {
  readonly #secret = secureRng().bytes(32);
  #last?: { readonly name: string; readonly msk: MasterSecretKey };
  #requests = 0;

  /** @param time runs the set-up, to note what it takes. */
  constructor(
    readonly pp: FhipeParams,
    readonly keysPer: KeysPer,
    private readonly time: (setUp: () => MasterSecretKey) => MasterSecretKey = (setUp) => setUp(),
  ) {}

  /** The one of a batch, by its place in the training. */
  ofBatch(batch: number): MasterSecretKey {
    return this.#named(this.keysPer === "batch" ? `batch ${batch}` : "training");
  }

  /** The one of the next request to classify. */
  ofRequest(): MasterSecretKey {
    return this.#named(this.keysPer === "batch" ? `request ${this.#requests++}` : "training");
  }

  #named(name: string): MasterSecretKey {
    if (this.#last?.name !== name) {
      const msk = this.time(() => setup(this.pp, expandedRng(this.#secret, name)));
      this.#last = { name, msk };
    }
    return this.#last.msk;
  }
}
