/** What CKKS costs: one operation at each ring that trains here, and by their counts the paper's network.
 * @module */
import { Ckks } from "../he/ckks.ts";
import { CkksEvaluator } from "../he/evaluator.ts";
import { type CkksParams, LINEAR_PARAMS, NETWORK_PARAMS } from "../he/params.ts";
import { SecretKey } from "../he/secret_key.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { bytesText } from "./transcripts.ts";

/** Operations of one ring. */
export interface RingCost {
  readonly params: CkksParams;
  /** Milliseconds, the fastest of the runs. */
  readonly ms: {
    readonly encrypt: number;
    readonly decrypt: number;
    /** With relinearisation and rescaling, at the top level. */
    readonly multiply: number;
    /** At the top level and at level 0. */
    readonly rotate: number;
    readonly rotateLow: number;
  };
  /** As sent: a fresh ciphertext of the top level, one of level 0 that was computed, a rotation key. */
  readonly bytes: { readonly fresh: number; readonly computed: number; readonly key: number };
  /** The largest error of a product of numbers in [−1, 1]. */
  readonly productError: number;
}

/** Runs something a few times. @returns the result of the last, and the fastest time in ms. */
function fastest<T>(runs: number, work: () => T): [result: T, ms: number] {
  let [result, ms]: [T | undefined, number] = [undefined, Infinity];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    result = work();
    ms = Math.min(ms, performance.now() - start);
  }
  return [result!, ms];
}

/** Measures one ring; each result is checked.
 * @param runs of each operation. */
export async function ringCost(params: CkksParams, runs = 5): Promise<RingCost> {
  const ckks = await Ckks.setup(params);
  using key = new SecretKey(ckks);
  using server = new CkksEvaluator(ckks);
  using scope = new DisposableStack();
  server.addRelinearisationKey(key.relinearisationKey());
  const rotation = key.rotationKey(1);
  server.addRotationKey(rotation);
  const values = Float64Array.from({ length: ckks.slots }, (_, i) => Math.sin(i));
  const [fresh, encrypt] = fastest(runs, () => key.encrypt(values));
  const x = scope.use(server.load(fresh));
  const low = scope.use(server.drop(x, 0));
  const timed = (work: () => ReturnType<typeof server.rotate>) =>
    fastest(runs, () => scope.use(work()));
  const [product, multiply] = timed(() => server.multiply(x, x));
  const [, rotate] = timed(() => server.rotate(x, 1));
  const [rotated, rotateLow] = timed(() => server.rotate(low, 1));
  const computed = ckks.save(rotated);
  const [turned, decrypt] = fastest(runs, () => key.decrypt(computed));
  const error = (got: Float64Array, of: (i: number) => number) =>
    got.reduce((most, value, i) => Math.max(most, Math.abs(value - of(i))), 0);
  const productError = error(key.decrypt(ckks.save(product)), (i) => values[i] ** 2);
  const turnedError = error(turned, (i) => values[(i + 1) % ckks.slots]);
  if (!(Math.max(productError, turnedError) < 1e-4)) {
    throw new RangeError(
      `Cannot measure CKKS: results are wrong by ${productError}, ${turnedError}`,
    );
  }
  return {
    ...{ params, productError, ms: { encrypt, decrypt, multiply, rotate, rotateLow } },
    bytes: { fresh: fresh.length, computed: computed.length, key: rotation.length },
  };
}

/** The costs of the rings of both models. */
export async function heCost({ signal, onProgress }: Partial<On> = {}): Promise<HeCost> {
  const rings: RingCost[] = [];
  for (const params of [LINEAR_PARAMS, NETWORK_PARAMS]) {
    signal?.throwIfAborted();
    rings.push(await ringCost(params));
    onProgress?.(rings.length, 2);
  }
  return new HeCost(rings);
}

/** Costs of some rings. */
export class HeCost {
  constructor(readonly rings: readonly RingCost[]) {}

  /** A row a ring. */
  table(): Table {
    return table({
      title: "CKKS: operations in ms, one core, and what is sent",
      columns: [
        ...["N", "bits of q", "products", "encrypt", "decrypt", "multiply", "rotate"],
        ...["rotate, level 0", "a ciphertext", "a result", "a rotation key"],
      ],
      rows: this.rings.map(({ params, ms, bytes }) => {
        const { degree, depth, scaleBits, baseBits } = params;
        const { encrypt, decrypt, multiply, rotate, rotateLow } = ms;
        return [
          ...[degree, 2 * baseBits + depth * scaleBits, depth],
          ...[encrypt, decrypt, multiply, rotate, rotateLow].map((time) => time.toFixed(1)),
          ...[bytes.fresh, bytes.computed, bytes.key].map(bytesText),
        ];
      }),
    });
  }

  /** The paper's 784-300-10, predicted: a sample takes 2^10 inputs × 2^9 units = 2^19 slots, 64 ciphertexts, and each
   * goes through the gradient once.
   * @param stepSeconds of the server on one ciphertext, as measured on digits.
   * @returns seconds a sample, and days of ten epochs of 60,000, one core. */
  static paperSize(stepSeconds: number): { secondsASample: number; days: number } {
    const ciphertexts = 2 ** 19 / (NETWORK_PARAMS.degree / 2);
    const secondsASample = ciphertexts * stepSeconds;
    return { secondsASample, days: secondsASample * 600_000 / 86_400 };
  }
}
