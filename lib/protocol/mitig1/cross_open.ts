/** What an honest but curious server of MITIG1 opens of what it has kept: every sample under every key.
 *
 * Under one master key this gives W1(t)·x for each step t and each stored x, those of the step's own batch among them.
 * Under a master key for each batch a key of another batch opens nothing.
 * @module */
import { type PairingName, startPairing } from "../../math/pairing/group.ts";
import { rankMod } from "../../math/rank_mod.ts";
import { Decryption } from "../decryption.ts";
import { paramsOf, type Terms } from "./terms.ts";

/** What a server has kept, and how to work on it. */
export interface Kept {
  /** All samples, encoded, in the order of the training. */
  readonly ciphertexts: readonly Uint8Array[];
  /** The keys of each step, encoded. */
  readonly keys: readonly (readonly Uint8Array[])[];
  readonly curve?: PairingName;
  /** Workers that decrypt; 0 is this thread. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Opens all samples with the keys of step after step, until the first key of a step adds nothing to the space.
 * @returns `[rows, samples]`, integers: row t·units + u is of step t and unit u.
 * @throws {Error} a key of another master key than the samples': "no inner product". */
export async function crossOpen(
  terms: Pick<Terms, "n" | "scales">,
  { ciphertexts, keys, curve = "bls12-381", workers = 0, signal, onProgress }: Kept,
): Promise<Float64Array> {
  const pp = paramsOf(terms, await startPairing(curve));
  const count = ciphertexts.length;
  const bytes = count * (terms.n + 3) * pp.group.g2Bytes;
  using decryption = new Decryption({ name: "fhipe", pp }, bytes, workers, signal);
  await decryption.store(ciphertexts);
  const rows: Float64Array[] = [];
  const open = async (some: readonly Uint8Array[]) => {
    const opened = await decryption.open(some, 0, count); // [samples, keys]
    some.forEach((_, u) => {
      rows.push(Float64Array.from({ length: count }, (_, i) => opened[i * some.length + u]));
    });
  };
  const joined = () => Float64Array.from(rows.flatMap((row) => [...row]));
  for (const [step, ofStep] of keys.entries()) {
    signal?.throwIfAborted();
    await open(ofStep.slice(0, 1));
    if (step > 0 && rankMod(joined(), count) < rows.length) break;
    await open(ofStep.slice(1));
    onProgress?.(step + 1, keys.length);
  }
  return joined();
}
