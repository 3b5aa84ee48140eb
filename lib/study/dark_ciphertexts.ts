/** Notebook 07: digits classified on real ciphertexts of quadratic encryption, held to the integers of the clear
 * classifier.
 * @module */
import process from "node:process";
import {
  decodeCiphertext,
  decryptMany,
  encodeCiphertext,
  encodeFunctionalKey,
  encrypt,
  keyDerive,
  setup,
} from "../fe/qfe.ts";
import { factoredForm } from "../fe/quadratic_form.ts";
import { startPairing } from "../math/pairing/group.ts";
import { largestOf, PIXEL, quadraticInputs } from "../nn/quadratic.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { breather } from "../workers/pool.ts";
import type { DarkDigits } from "./dark_digits.ts";
import { median } from "./mitig2.ts";
import { bytesText } from "./transcripts.ts";

/** Bits of the range in which a score is looked for. */
const SCORE_BITS = 31;

/** One digit on ciphertexts. */
export interface DarkDigit {
  /** Decrypted, and of the clear classifier. */
  readonly scores: Float64Array;
  readonly expected: Float64Array;
  readonly ms: { readonly encrypt: number; readonly decode: number; readonly decrypt: number };
  /** What the server's part took of a processor, in ms. */
  readonly serverCpuMs: number;
}

/** Encrypts the first test digits under the public key and decrypts their scores, one thread.
 * @throws {DlogNotFoundError} a score over 2^31. The signal's reason when aborted. */
export async function darkCiphertexts(
  { net, data, scores }: DarkDigits,
  { count, signal, onProgress }: Partial<On> & { count: number },
): Promise<DarkCiphertexts> {
  const { P, D, length: n, classes } = net;
  const projections = P.length / n;
  const rows = (of: Int32Array, length: number) =>
    Array.from({ length: of.length / length }, (_, r) => of.slice(r * length, (r + 1) * length));
  const left = rows(P, n);
  const group = await startPairing();
  const { mpk, msk } = setup({ group, n, boundX: PIXEL, boundY: PIXEL });
  const squares = factoredForm({ left, right: left });
  const forms = rows(D, projections).map((weights) => ({ ...squares, weights })); // sums are shared
  const keys = forms.map((form) => keyDerive(msk, form));
  const inputs = quadraticInputs(data.test);
  const breathe = breather(signal);
  const digits: DarkDigit[] = [];
  let sizeBytes = 0;
  for (let i = 0; i < count; i++) {
    const x = inputs.subarray(i * n, (i + 1) * n);
    const [bytes, encryptMs] = timed(() => encodeCiphertext(encrypt(mpk, x, x)));
    await breathe();
    const before = process.cpuUsage();
    const [ctXY, decode] = timed(() => decodeCiphertext(group, bytes));
    const [decrypted, decrypt] = timed(() =>
      decryptMany(keys, forms, ctXY, { bound: 2 ** SCORE_BITS, signal })
    );
    const { user, system } = process.cpuUsage(before);
    sizeBytes = bytes.length;
    digits.push({
      scores: decrypted,
      expected: scores.slice(i * classes, (i + 1) * classes),
      ms: { encrypt: encryptMs, decode, decrypt },
      serverCpuMs: (user + system) / 1000,
    });
    onProgress?.(i + 1, count);
    await breathe();
  }
  const keyBytes = keys.reduce((sum, key) => sum + encodeFunctionalKey(key).length, 0);
  return new DarkCiphertexts(digits, { digit: sizeBytes, keys: keyBytes }, data.test.y);
}

function timed<T>(work: () => T): [T, ms: number] {
  const started = performance.now();
  const result = work();
  return [result, performance.now() - started];
}

/** Digits on ciphertexts. */
export class DarkCiphertexts {
  constructor(
    readonly digits: readonly DarkDigit[],
    readonly bytes: { readonly digit: number; readonly keys: number },
    private readonly labels: Uint8Array,
  ) {}

  /** Whether each score is the clear classifier's. */
  get exact(): boolean {
    return this.digits.every(({ scores, expected }) => scores.every((z, k) => z === expected[k]));
  }

  /** Seconds of a core that the server takes for a digit, reading it included: the least, which other work on the
   * machine disturbs least. */
  get serverSeconds(): number {
    return Math.min(...this.digits.map(({ serverCpuMs }) => serverCpuMs)) / 1000;
  }

  /** A row a digit. */
  table(title: string): Table {
    const ms = (of: keyof DarkDigit["ms"]) => (digit: DarkDigit) => digit.ms[of].toFixed(0);
    return table({
      title,
      columns: ["digit", "largest score", "its score", "encrypt, ms", "read, ms", "decrypt, ms"],
      rows: this.digits.map((digit, i) => {
        const predicted = largestOf(digit.scores, digit.scores.length)[0];
        return [
          ...[this.labels[i], predicted, digit.scores[predicted]],
          ...(["encrypt", "decode", "decrypt"] as const).map((of) => ms(of)(digit)),
        ];
      }),
    });
  }

  /** Of the client, in seconds: the median. */
  get clientSeconds(): number {
    return (median(this.digits.map(({ ms }) => ms.encrypt)) ?? NaN) / 1000;
  }

  /** The sizes in words. */
  get sizes(): string {
    return `${bytesText(this.bytes.digit)} a digit, keys of ${bytesText(this.bytes.keys)}`;
  }
}
