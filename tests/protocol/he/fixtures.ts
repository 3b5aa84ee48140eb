import { Ckks } from "lib/he/ckks.ts";
import type { Samples, TrainSetting } from "lib/he/learner.ts";
import type { PackedModel } from "lib/he/packed_model.ts";
import { SecretKey } from "lib/he/secret_key.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { inProcess } from "lib/net/connection.ts";
import { Requests } from "lib/net/requests.ts";
import { serve } from "lib/protocol/he/server.ts";
import { modelOf, type Terms } from "lib/protocol/he/terms.ts";

/** Sixteen samples whose label is the sign of the first input. */
export const samples: Samples = (() => {
  const [count, n] = [16, 3];
  const x = gaussian(seededRng(11), count * n);
  const y = Float64Array.from({ length: count }, (_, i) => Math.sign(x[i * n]));
  return { x, y, count, n, outputs: 1 };
})();

/** The linear model in two batches. */
export const setting: TrainSetting = { hidden: 0, batch: 8, epochs: 2, learningRate: 0.1 };
/** Its terms. */
export const terms: Terms = { n: 3, hidden: 0, outputs: 1, batch: 8, batches: 2 };

/** A client whose requests a test makes one by one. */
export interface ByHand {
  readonly ask: Requests["ask"];
  readonly key: SecretKey;
  readonly model: PackedModel;
  /** Ciphertexts of zeros at these levels. */
  zeros(levels: readonly number[]): Uint8Array[];
  /** Begins and sends all keys. */
  begin(): Promise<void>;
  /** Why the server ended the connection. */
  readonly ended: Promise<string>;
  close(): void;
}

/** A client by hand and the server that it talks to. */
export async function byHand(): Promise<ByHand> {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs);
  const model = modelOf(terms);
  const key = new SecretKey(await Ckks.setup(model.params));
  const requests = new Requests(ours);
  const ask = requests.ask.bind(requests);
  return {
    ask,
    key,
    model,
    ended,
    zeros: (levels) => levels.map((level) => key.encrypt(new Float64Array(1), level)),
    async begin() {
      await ask("train", { ...terms }, "ready");
      await ask("key", { kind: "relinearisation", key: key.relinearisationKey() }, "stored");
      for (const step of model.rotations) {
        await ask("key", { kind: "rotation", key: key.rotationKey(step) }, "stored");
      }
    },
    close() {
      ours.close();
      key[Symbol.dispose]();
    },
  };
}
