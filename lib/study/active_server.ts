/** Notebook 05: a server of CryptoNN that chooses what it asks keys for, against a real authority and real ciphertexts;
 * and an authority that refuses by what all rows span.
 * @module */
import { type Dataset, image } from "../data/dataset.ts";
import { decodeCiphertext, decodeFunctionalKey, decryptMany } from "../fe/ipfe.ts";
import { rangeOf } from "../fe/params.ts";
import { prepareDlog } from "../math/dlog.ts";
import { solveMod } from "../math/solve_mod.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import { Authority } from "../protocol/cryptonn/authority.ts";
import { ClientSession } from "../protocol/cryptonn/client.ts";
import { trainPlain } from "../protocol/cryptonn/in_process.ts";
import type { KeyPolicy } from "../protocol/cryptonn/key_policy.ts";
import { KeyRequests } from "../protocol/cryptonn/server.ts";
import { instancesOf } from "../protocol/cryptonn/terms.ts";
import { DEFAULT_SCALES } from "../protocol/fixed_net.ts";
import { breather } from "../workers/pool.ts";
import { slice } from "./training_leaks.ts";

/** What a server asks keys for, and how it reads images off the products. */
export interface Question {
  readonly name: string;
  /** Requests, one after the other, of rows over a batch of m. */
  rows(m: number): readonly Int32Array[];
  /** The images of the batch by their place, from the products `[rows, n]` of all rows granted. */
  read(products: Float64Array, m: number): Map<number, ArrayLike<number>>;
}

/** An answer. */
export interface Answered {
  readonly name: string;
  readonly keys: number;
  /** Of the images read. */
  readonly read: number;
  readonly exact: number;
  /** Why the authority refused; null where it granted all. */
  readonly refused: string | null;
}

const row = (m: number, at: (i: number) => number) =>
  Int32Array.from({ length: m }, (_, i) => at(i));
const part = (products: Float64Array, k: number, of: number) =>
  products.subarray(k * products.length / of, (k + 1) * products.length / of);

/** A unit row: dz1 = e_0. */
export const UNIT: Question = {
  name: "e₀",
  rows: (m) => [row(m, (i) => Number(i === 0))],
  read: (products) => new Map([[0, products]]),
};

/** Two dense rows that differ in one entry. */
export const DIFFERENCE: Question = {
  name: "two dense rows that differ by e₀",
  rows: (m) => [row(m, (i) => 3 + i), row(m, (i) => 3 + i + Number(i === 0))],
  read: (products) => {
    const before = part(products, 0, 2);
    return new Map([[0, part(products, 1, 2).map((v, p) => v - before[p])]]);
  },
};

/** One row that packs two bytes into a number. */
export const PACKED: Question = {
  name: "256·e₀ + e₁",
  rows: (m) => [row(m, (i) => i === 0 ? 256 : Number(i === 1))],
  read: (products) =>
    new Map([
      [0, products.map((v) => Math.floor(v / 256))],
      [1, products.map((v) => v % 256)],
    ]),
};

/** The rows that honest steps ask for; all that they determine. */
export const honest = (name: string, dz1: readonly Int32Array[]): Question => ({
  name,
  rows: () => dz1,
  read(products, m) {
    const n = products.length * m / dz1.reduce((sum, { length }) => sum + length, 0);
    const A = Float64Array.from(dz1.flatMap((rows) => [...rows]));
    const { determined, X } = solveMod(A, products, { n: m, k: n });
    return new Map(determined.map((i, at) => [i, X.subarray(at * n, (at + 1) * n)]));
  },
});

/** dz1 of honest steps, each on a batch of its own, `[hidden, batch]` integers. */
export async function honestRows(
  images: Dataset,
  { hidden, batch, insecureSeed }: { hidden: number; batch: number; insecureSeed: number },
): Promise<Int32Array[]> {
  const rows: Int32Array[] = [];
  await trainPlain(images, {
    ...{ hidden, batch, steps: images.count / batch, learningRate: 1, insecureSeed },
    onStep: ({ dz1 }) => void rows.push(dz1),
  });
  return rows;
}

/** Sets a session up, encrypts the first batch pixel by pixel, and asks.
 * @param options.policy of the authority; none by default.
 * @throws the signal's reason when aborted. */
export async function ask(
  images: Dataset,
  question: Question,
  { batch, policy, signal }: { batch: number; policy?: KeyPolicy } & Partial<On>,
): Promise<Answered> {
  const { n } = images;
  const authority = new Authority({ policy });
  const [toClient, toServer] = [authority.connect(), authority.connect()];
  try {
    const instances = instancesOf({ n, batch, scales: DEFAULT_SCALES });
    const [, pp] = instances;
    const client = await ClientSession.open(toClient, instances, { signal });
    const server = new KeyRequests(toServer, client.name, { signal });
    const own = slice(images, 0, batch);
    const keys: Uint8Array[] = [];
    let refused: string | null = null;
    for (const rows of question.rows(batch)) {
      try {
        keys.push(...await server.ask("dz1", pp, rows));
      } catch (error) {
        signal?.throwIfAborted();
        refused = (error as Error).message;
        break;
      }
    }
    if (refused !== null) {
      return { name: question.name, keys: keys.length, read: 0, exact: 0, refused };
    }
    await prepareDlog(pp.group, rangeOf(pp), { signal });
    const skYs = keys.map(decodeFunctionalKey);
    const products = new Float64Array(keys.length * n);
    const breathe = breather(signal);
    for (let p = 0; p < n; p++) {
      const pixel = Array.from({ length: batch }, (_, i) => own.x[i * n + p]);
      const ciphertext = decodeCiphertext(client.encrypt("column", pixel));
      decryptMany(skYs, ciphertext).forEach((v, k) => products[k * n + p] = v);
      await breathe();
    }
    const read = question.read(products, batch);
    const exact = [...read].filter(([i, x]) => image(own, i).every((v, p) => v === x[p])).length;
    return { name: question.name, keys: keys.length, read: read.size, exact, refused };
  } finally {
    toClient.close();
    toServer.close();
  }
}

/** Questions, each put to an authority without a rule and to one with. */
export class Asked {
  constructor(
    readonly freely: readonly Answered[],
    readonly limited: readonly Answered[],
    readonly batch: number,
  ) {}

  /** A row per question. */
  table(title: string): Table {
    return table({
      title,
      columns: [
        "the server asks for",
        "keys",
        "images exact, no rule",
        "under the rule",
        "refusal",
      ],
      rows: this.freely.map(({ name, keys, exact }, k) => {
        const limited = this.limited[k];
        const why = limited.refused?.replace(/^.*row \d+: |\)$/g, "") ?? "";
        return [
          ...[name, keys, `${exact} of ${this.batch}`],
          ...[limited.refused === null ? `${limited.exact} of ${this.batch}` : "refused", why],
        ];
      }),
    });
  }
}

/** Puts the questions, honest ones included. @throws as {@linkcode ask}. */
export async function askAll(
  images: Dataset,
  { hidden, batch, mostShare, insecureSeed, signal, onProgress }: Partial<On> & {
    hidden: number;
    batch: number;
    mostShare: number;
    insecureSeed: number;
  },
): Promise<Asked> {
  const dz1 = await honestRows(images, { hidden, batch, insecureSeed });
  const questions = [
    ...[UNIT, DIFFERENCE, PACKED, honest("dz1 of one honest step", dz1.slice(0, 1))],
    honest(`dz1 of ${dz1.length} honest steps, on ${dz1.length} batches`, dz1),
  ];
  const [freely, limited]: Answered[][] = [[], []];
  for (const [k, question] of questions.entries()) {
    freely.push(await ask(images, question, { batch, signal }));
    limited.push(await ask(images, question, { batch, policy: { mostShare }, signal }));
    onProgress?.(k + 1, questions.length);
  }
  return new Asked(freely, limited, batch);
}
