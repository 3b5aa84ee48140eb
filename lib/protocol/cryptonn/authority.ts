/** The authority of CryptoNN: holds the master secrets, and hands out public keys and functional keys.
 *
 *   client: `setup` → public keys of one or two IPFE instances, and the name of the session
 *   server: `rows of W1`, `rows of dz1` of that session → a functional key a row
 *
 * It never sees a ciphertext. It does see every row of W1 and of dz1 that a server asks keys for, and may refuse by
 * what all of them span (`key_policy.ts`). A session is 128 random bits: who has not been told asks for no keys of it. It ends with the connection that set it up.
 * @see Xu, Joshi, Li, "CryptoNN: Training Neural Networks over Encrypted Data", ICDCS 2019.
 * @module */
import {
  encodeFunctionalKey,
  encodeMasterPublicKey,
  keyDerive,
  type MasterSecretKey,
  setup,
} from "../../fe/ipfe.ts";
import { secureRng } from "../../math/rng.ts";
import { type Connection, inProcess } from "../../net/connection.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { breather } from "../../workers/pool.ts";
import { GrantedSpan, type KeyPolicy } from "./key_policy.ts";
import { MOST_ENTRIES, MOST_ROWS, paramsOf } from "./terms.ts";

/** The longest vectors that it sets up for. */
const MAX_LENGTH = 2 ** 12;
/** It waits as long as a training takes, once a peer has asked for something; that it lives is the connection's
 * business. */
const PATIENCE_MS = 2 ** 31 - 1;
/** A peer that asks for nothing gives its place up. */
const FIRST_REQUEST_MS = 60_000;

/** A master key, and what was granted under it where there is a rule. */
interface Instance {
  readonly msk: MasterSecretKey;
  readonly granted: GrantedSpan | null;
}

/** The trusted third party, for any number of trainings. */
export class Authority {
  readonly #sessions = new Map<string, readonly Instance[]>();
  readonly #transcript: Transcript;
  readonly #policy: KeyPolicy | undefined;

  /** @param options.transcript notes what took how long.   @param options.policy refuses keys; none by default. */
  constructor(
    { transcript = new Transcript(), policy }: {
      readonly transcript?: Transcript;
      readonly policy?: KeyPolicy;
    } = {},
  ) {
    this.#transcript = transcript;
    this.#policy = policy;
  }

  /** Serves a client or a server until it leaves, vanishes or breaks a rule; never throws on its account.
   * @param options.onEvent called with a line of text for each session.
   * @returns why the connection ended. */
  async serve(
    connection: Connection,
    { onEvent = () => {} }: { readonly onEvent?: (line: string) => void } = {},
  ): Promise<string> {
    let session: string | undefined;
    const silent = setTimeout(() => connection.close("no request came"), FIRST_REQUEST_MS);
    try {
      return await answerRequests(
        connection,
        ["setup", "rows of W1", "rows of dz1"],
        (request, signal) => {
          clearTimeout(silent);
          if (request.type !== "setup") return this.#derive(request, signal);
          if (session !== undefined) throw new ProtocolError("Cannot set up: it is done already");
          session = secureRng().bytes(16).toHex();
          return this.#setup(request, session, onEvent);
        },
        { timeoutMs: PATIENCE_MS },
      );
    } finally {
      clearTimeout(silent);
      if (session !== undefined) this.#sessions.delete(session);
    }
  }

  /** A connection to it in this process. */
  connect(): Connection {
    const [ours, theirs] = inProcess();
    this.serve(theirs);
    return ours;
  }

  #setup(request: Message, session: string, onEvent: (line: string) => void): Answer {
    const [lengths, bounds] = [request.integers("lengths"), request.integers("bounds")];
    const known = lengths.length === 1 || lengths.length === 2;
    if (
      !known || bounds.length !== lengths.length || lengths.some((n) => n < 1 || n > MAX_LENGTH)
    ) {
      throw new ProtocolError(
        `Cannot set up: expected one or two lengths in [1, ${MAX_LENGTH}] and a bound for each`,
      );
    }
    const keys = this.#transcript.time(
      "authority",
      "setup",
      () => lengths.map((n, k) => setup(paramsOf(n, bounds[k]))),
    );
    const policy = this.#policy;
    const instances = keys.map(({ msk }) => ({
      msk,
      granted: policy ? new GrantedSpan(msk.pp.group.order, msk.pp.n, policy) : null,
    }));
    this.#sessions.set(session, instances);
    onEvent(`session of length ${lengths.join(" and ")}, entries up to ${bounds.join(" and ")}`);
    const published = keys.map(({ mpk }) => encodeMasterPublicKey(mpk));
    return { type: "public keys", fields: { session, keys: published } };
  }

  async #derive(request: Message, signal: AbortSignal): Promise<Answer> {
    const of = request.type === "rows of W1" ? "W1" : "dz1";
    const instance = this.#sessions.get(request.text("session"))?.[of === "W1" ? 0 : 1];
    if (instance === undefined) {
      throw new ProtocolError(`Cannot derive keys for ${of}: there is no such session`);
    }
    const { msk, granted } = instance;
    const { n } = msk.pp;
    const rows = request.int32("rows", [null, n]);
    if (rows.length > MOST_ENTRIES || rows.length / n > MOST_ROWS) {
      throw new ProtocolError(
        `Cannot derive keys for ${of}: ${
          rows.length / n
        } rows of ${n}, at most ${MOST_ROWS} rows and ` +
          `${MOST_ENTRIES} entries at once`,
      );
    }
    const breathe = breather(signal);
    const keys: Uint8Array[] = [];
    await this.#transcript.time("authority", `derive keys for ${of}`, async () => {
      for (let at = 0; at < rows.length; at += n) {
        const row = rows.subarray(at, at + n);
        const refused = granted?.admit(row) ?? null;
        if (refused !== null) {
          throw new ProtocolError(`Cannot derive keys for ${of}: row ${at / n}: ${refused}`);
        }
        keys.push(encodeFunctionalKey(keyDerive(msk, row)));
        await breathe();
      }
    });
    return { type: `keys for ${of}`, fields: { keys } };
  }
}
