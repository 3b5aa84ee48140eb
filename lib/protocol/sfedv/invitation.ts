/** The invitation to a training as a file: what party 1 hands to another party, by whatever way the two trust. The
 * aggregator must not have it: with the mask's secret it reads every column. Encoded as the messages are (`net/wire.ts`).
 * @module */
import { DataError } from "../../data/dataset.ts";
import { openToOthers } from "../../data/owner_only.ts";
import { writeAtomic } from "../../data/write_atomic.ts";
import { columnsOf } from "../../fe/qfe_batch.ts";
import { decodeMessage, encodeMessage } from "../../net/wire.ts";
import { linearFields, readLinearTerms } from "./linear.ts";
import type { Invitation } from "./party.ts";

/** An invitation, and the training's name at the aggregator. */
export interface NamedInvitation extends Invitation {
  readonly training: Uint8Array;
}

const BYTES = { training: 16, token: 16, maskSecret: 32 } as const;

/** Writes `DIR/party-K.invitation`, readable by its owner only. @param party its number, from 2.
 * @returns the file's path.   @throws {Error} the directory cannot be written. */
export async function writeInvitation(
  directory: string,
  party: number,
  { terms, ...own }: NamedInvitation,
): Promise<string> {
  const name = `party-${party}.invitation`;
  const bytes = encodeMessage("invitation", { ...linearFields(terms), ...own });
  await writeAtomic(directory, { [name]: bytes }, { secret: true });
  return `${directory}/${name}`;
}

/** Reads an invitation. @throws {DataError} there is no such file, it is no invitation, or others can read it, and with it
 * the mask's secret; on Windows nobody looks. */
export async function readInvitation(path: string): Promise<NamedInvitation> {
  const fail = (state: string, cause?: unknown): never => {
    throw new DataError(`Cannot use the invitation ${path}: ${state}`, { cause });
  };
  try {
    const message = decodeMessage(await Deno.readFile(path), "invitation");
    const open = await openToOthers(path);
    if (open !== null) return fail(open);
    const terms = readLinearTerms(message);
    const [from, to] = [message.integer("from"), message.integer("to")];
    if (!(0 <= from && from < to && to <= columnsOf(terms.n))) {
      return fail(`columns ${from} to ${to} of ${columnsOf(terms.n)}`);
    }
    const secrets = Object.entries(BYTES).map(([name, length]) => {
      const bytes = message.bytes(name);
      return bytes.length === length
        ? [name, bytes]
        : fail(`${name} has ${bytes.length} bytes, expected ${length}`);
    });
    return { terms, from, to, ...Object.fromEntries(secrets) };
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    return cause instanceof Deno.errors.NotFound
      ? fail(
        "it is missing; party 1 writes it when it starts (deno task sfedv:party), copy it from there",
        cause,
      )
      : fail((cause as Error).message, cause);
  }
}
