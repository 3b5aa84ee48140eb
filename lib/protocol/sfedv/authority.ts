/** The key authority of vertical training under quadratic encryption.
 *
 *   whoever sets it up: terms, and where the parties' columns begin → a token for each party and the aggregator
 *   a party: its token and a batch → the secrets of its columns        the aggregator: c and a batch → gradient keys
 *
 * It never sees a ciphertext. It does see every model, since keys are for a model, and its secrets open every batch.
 * A token is 128 random bits, good for one role as long as the connection that set the session up. The authority may
 * limit how often a batch is visited: what leaks is decided by that number (`lib/fe/qfe_gradient.ts`).
 * @see arXiv 2305.08358 (SFedV).
 * @module */
import { columnsOf, setupBatch, sliceKey } from "../../fe/qfe_batch.ts";
import { gradientKeys } from "../../fe/qfe_gradient.ts";
import { encodeColumnsKey, encodeGradientKeys } from "../../fe/qfe_gradient_encoding.ts";
import { type PairingGroup, startPairing } from "../../math/pairing/group.ts";
import { expandedRng, secureRng } from "../../math/rng.ts";
import { type Connection, inProcess } from "../../net/connection.ts";
import { type Answer, answerRequests } from "../../net/requests.ts";
import { Transcript } from "../../net/transcript.ts";
import { type Message, ProtocolError } from "../../net/wire.ts";
import { PATIENCE_MS } from "../terms.ts";
import { batchesOf, batchParams, type LinearTerms, readLinearTerms } from "./linear.ts";

/** A session, and what it has granted. */
interface Session {
  readonly terms: LinearTerms;
  /** From it every batch's secrets are drawn, again at each request. */
  readonly secret: Uint8Array;
  /** Gradients granted of each batch. */
  readonly visits: Uint32Array;
}

/** What a token is good for: one party's columns, or gradients. */
interface Role {
  readonly session: Session;
  readonly columns: readonly [from: number, to: number] | null;
}

/** The trusted third party, for any number of trainings. */
export class Authority {
  readonly #roles = new Map<string, Role>();
  readonly #transcript: Transcript;
  readonly #mostVisits: number;

  /** @param options.mostVisits gradients of one batch; any number by default. From B visits a batch of B ≤ n + 1
   * samples follows: grant fewer than the smallest batch has. */
  constructor(
    { transcript = new Transcript(), mostVisits = Infinity }: {
      readonly transcript?: Transcript;
      readonly mostVisits?: number;
    } = {},
  ) {
    this.#transcript = transcript;
    this.#mostVisits = mostVisits;
  }

  /** Serves a peer until it leaves, vanishes or breaks a rule; never throws on its account.
   * @returns why the connection ended. */
  async serve(connection: Connection): Promise<string> {
    const group = await startPairing();
    const own: string[] = [];
    try {
      return await answerRequests(
        connection,
        ["setup", "columns", "gradient"],
        (request) => {
          if (request.type === "columns") return this.#columns(request, group);
          if (request.type === "gradient") return this.#gradient(request, group);
          if (own.length > 0) throw new ProtocolError("Cannot set up: it is done already");
          return this.#setup(request, own);
        },
        { timeoutMs: PATIENCE_MS },
      );
    } finally {
      for (const token of own) this.#roles.delete(token);
    }
  }

  /** A connection to it in this process. */
  connect(): Connection {
    const [ours, theirs] = inProcess();
    this.serve(theirs);
    return ours;
  }

  #setup(request: Message, own: string[]): Answer {
    const terms = readLinearTerms(request);
    const starts = request.integers("starts");
    const cuts = [...starts, columnsOf(terms.n)];
    if (starts[0] !== 0 || starts.some((from, i) => from >= cuts[i + 1])) {
      throw new ProtocolError(
        `Cannot set up: parties' columns begin at ${
          starts.join(", ")
        }, expected 0 and rising numbers ` +
          `below ${columnsOf(terms.n)}`,
      );
    }
    const rng = secureRng();
    const session = { terms, secret: rng.bytes(32), visits: new Uint32Array(batchesOf(terms)) };
    const issue = (columns: Role["columns"]) => {
      const token = rng.bytes(16);
      this.#roles.set(token.toHex(), { session, columns });
      own.push(token.toHex());
      return token;
    };
    const parties = starts.map((from, i) => issue([from, cuts[i + 1]]));
    return { type: "session", fields: { aggregator: issue(null), parties } };
  }

  /** The role and the batch of a request, and the batch's secrets. */
  #read(request: Message, group: PairingGroup) {
    const role = this.#roles.get(request.bytes("token").toHex());
    const asParty = request.type === "columns";
    if (role === undefined || (role.columns !== null) !== asParty) {
      throw new ProtocolError(`Cannot answer ${request.type}: the token is not good for it`);
    }
    const { session, columns } = role;
    const batch = request.integer("batch");
    if (batch < 0 || batch >= session.visits.length) {
      throw new ProtocolError(
        `Cannot answer ${request.type}: batch ${batch} of ${session.visits.length}`,
      );
    }
    const pp = batchParams(session.terms, batch, group);
    const msk = setupBatch(pp, expandedRng(session.secret, `batch ${batch}`));
    return { session, columns, batch, msk };
  }

  #columns(request: Message, group: PairingGroup): Answer {
    const { columns, msk } = this.#read(request, group);
    const key = encodeColumnsKey(sliceKey(msk, ...columns!));
    return { type: "secrets", fields: { key } };
  }

  #gradient(request: Message, group: PairingGroup): Answer {
    const { session: { visits }, batch, msk } = this.#read(request, group);
    if (visits[batch] >= this.#mostVisits) {
      throw new ProtocolError(
        `Cannot derive keys: batch ${batch} was visited ${
          visits[batch]
        } times, the most there may be`,
      );
    }
    const c = request.int32("c", [columnsOf(msk.pp.n)]);
    const derive = () => encodeGradientKeys(gradientKeys(msk, c));
    const keys = this.#transcript.time("authority", "derive gradient keys", derive);
    visits[batch]++;
    return { type: "keys", fields: { keys } };
  }
}
