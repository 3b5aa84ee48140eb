/** Many ciphertexts under many keys: the server's heavy work, in this thread or over a pool of Workers.
 *
 * Everything goes in and out as bytes and numbers, so the result cannot depend on where it is computed. A
 * Worker loads the table of discrete logarithms from the cache and keeps it for all its jobs; where the cache
 * may not be written, each Worker builds its own, which takes seconds. Keep the pool open over a training.
 * @module */
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "../../fe/ipfe.ts";
import { breather, WorkerPool } from "../../workers/pool.ts";
import { ProtocolError } from "../../net/wire.ts";

/** Some ciphertexts and all the keys, encoded. */
export interface DecryptJob {
  readonly keys: readonly Uint8Array[];
  readonly ciphertexts: readonly Uint8Array[];
}

/** How to decrypt. */
export interface DecryptOptions {
  /** Workers, see `decryptPool`; none: this thread. */
  readonly pool?: DecryptPool | null;
  readonly signal?: AbortSignal;
  /** Counts ciphertexts. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Workers that decrypt. */
export type DecryptPool = WorkerPool<DecryptJob, Float64Array>;

/** Opens a pool for `decryptAll`; dispose of it. null for 0 or 1 Workers: this thread does it all.
 * More need permission to read `lib`. @throws {RangeError} workers is not an integer. */
export function decryptPool(workers: number): DecryptPool | null {
  if (workers === 0 || workers === 1) return null;
  return new WorkerPool(new URL("./decrypt_worker.ts", import.meta.url), workers);
}

/** Jobs a Worker: enough to balance them and to show progress, few enough to decode keys seldom. */
const JOBS_PER_WORKER = 4;

/** Every ⟨x, y⟩ of a job, `[ciphertexts, keys]`. Runs in a Worker or here.
 * @param stopped asked before each ciphertext; once true the rest is left out.
 * @throws {RangeError | TypeError | DlogNotFoundError} a key or ciphertext that is malformed or foreign. */
export function decryptJob(
  { keys, ciphertexts }: DecryptJob,
  stopped: () => boolean = () => false,
): Float64Array {
  const skYs = keys.map(decodeFunctionalKey);
  const out = new Float64Array(ciphertexts.length * keys.length);
  for (let i = 0; i < ciphertexts.length && !stopped(); i++) {
    out.set(decryptMany(skYs, decodeCiphertext(ciphertexts[i])), i * keys.length);
  }
  return out;
}

/** Every ⟨x, y⟩, `[ciphertexts, keys]`, the same for any number of Workers.
 * @throws in this thread as `decryptJob`, in a Worker {ProtocolError} with that error's text.
 * @throws the signal's reason when aborted. */
export async function decryptAll(
  { keys, ciphertexts }: DecryptJob,
  { pool = null, signal, onProgress }: DecryptOptions = {},
): Promise<Float64Array> {
  const out = new Float64Array(ciphertexts.length * keys.length);
  if (pool === null) {
    const breathe = breather(signal);
    for (let i = 0; i < ciphertexts.length; i++) {
      out.set(decryptJob({ keys, ciphertexts: [ciphertexts[i]] }), i * keys.length);
      onProgress?.(i + 1, ciphertexts.length);
      await breathe();
    }
    return out;
  }
  const size = Math.ceil(ciphertexts.length / (pool.workers * JOBS_PER_WORKER));
  const starts = Array.from(
    { length: Math.ceil(ciphertexts.length / size) },
    (_, job) => job * size,
  );
  const outcomes = await pool.run(
    starts.map((start) => ({ keys, ciphertexts: ciphertexts.slice(start, start + size) })),
    {
      signal,
      onProgress: (done) =>
        onProgress?.(Math.min(done * size, ciphertexts.length), ciphertexts.length),
    },
  );
  outcomes.forEach((outcome, job) => {
    if (outcome.status === "crashed") throw new ProtocolError(outcome.message);
    out.set(outcome.result, starts[job] * keys.length);
  });
  return out;
}
