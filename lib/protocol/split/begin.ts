/** How the client of a split training begins: it locks its directory, agrees with the server on the terms and on the
 * epoch to go on from, and only then touches its files.
 * @module */
import { type Checkpoints, InUseError } from "../../net/checkpoints.ts";
import type { Requests } from "../../net/requests.ts";
import { type Fields, ProtocolError } from "../../net/wire.ts";
import { findKept } from "./files.ts";
import { newSessionKey, sessionOf } from "./terms.ts";

/** How a training stands after an epoch. */
export interface EpochReport {
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean loss over the training images. */
  readonly loss: number;
  /** Share of the test images whose class is predicted. */
  readonly testAccuracy: number;
  /** Since `train` was called, this run only. */
  readonly seconds: number;
}

/** What is known when both sides have agreed. */
export interface Beginning {
  readonly session: string;
  /** The epoch that both sides had saved; null when the training is new. */
  readonly resumedFrom: number | null;
  /** Where the first weights were drawn from, now or before the interruption: see `Rng.source`. */
  readonly source: string;
}

/** Where a client keeps its training, and whom it tells. */
export interface Keeping {
  /** Where the training is kept and resumed from. */
  readonly checkpoints?: Checkpoints;
  /** Discards an unfinished training that is kept there, once the server has agreed to a new one. */
  readonly fresh?: boolean;
  /** Called with a line about every checkpoint that cannot be gone on from. */
  readonly onNotice?: (line: string) => void;
}

/** Keeps everybody else from training in the directory, until disposed of.
 * @throws {InUseError} another training goes on there. */
export async function lockFor(
  checkpoints: Checkpoints | undefined,
): Promise<Disposable | undefined> {
  const lock = await checkpoints?.lock();
  if (lock === null) {
    throw new InUseError(
      `Cannot train in ${checkpoints!.directory}: it is in use by ${await checkpoints!.holder()}`,
    );
  }
  return lock;
}

/** What the two have agreed on. */
export interface Agreed {
  readonly sessionKey: Uint8Array;
  /** The epoch after which to go on; 0 where the training is new. */
  readonly epoch: number;
}

/** Agrees with the server on the terms and on where to begin. Only then may files here be renamed or removed.
 * @param terms as text: what a kept training must be for.   @param fields the terms of a session, for the server.
 * @param decode reads a client's file of that name.
 * @param accept may refuse an epoch before anything is changed: it throws.
 * @throws {ProtocolError} the server would begin elsewhere.   @throws as `findKept` and `Requests.ask`. */
export async function agree(
  requests: Requests,
  { checkpoints, fresh = false, onNotice }: Keeping,
  { terms, fields, decode, accept }: {
    terms: string;
    fields: (sessionKey: Uint8Array) => Fields;
    decode: Parameters<typeof findKept>[2];
    accept?: (agreed: Agreed) => Promise<void>;
  },
): Promise<Agreed> {
  const kept = checkpoints && !fresh ? await findKept(checkpoints, terms, decode) : null;
  const sessionKey = kept?.sessionKey ?? newSessionKey();
  const saved = kept?.epochs ?? [];
  const answer = await requests.ask("train", { ...fields(sessionKey), saved }, "ready");
  const epoch = answer.integer("epoch");
  if (kept && epoch === 0) {
    throw new ProtocolError(
      `Cannot resume: the server would begin anew, although epoch ${saved.at(-1)} is saved here`,
    );
  }
  if (epoch !== 0 && !saved.includes(epoch)) {
    throw new ProtocolError(`Cannot begin: the server resumes after epoch ${epoch}`);
  }
  await accept?.({ sessionKey, epoch });
  if (kept) {
    for (const line of await checkpoints!.setAside(kept.others)) onNotice?.(line);
    const missed = saved.filter((mine) => mine > epoch);
    if (missed.length > 0) onNotice?.(`the server holds no intact epoch ${missed.join(" or ")}`);
  } else {
    await checkpoints?.clear();
    await checkpoints?.nameSession(sessionOf(sessionKey).toHex());
  }
  return { sessionKey, epoch };
}
