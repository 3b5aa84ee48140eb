/** The server of CryptoNN that trains: owns the network, holds a client's encrypted batches, decrypts z1 and
 * dW1 with keys that it asks the authority for, and updates its weights.
 *
 * It runs the scheme exactly as specified (honest but curious). Pixels reach it as ciphertexts only: sample
 * by sample for the forward pass, pixel by pixel over the batch for the backward pass. Labels reach it in
 * the clear, as in the authors' code: it needs them for the loss. That the samples and the columns of a batch
 * hold the same pixels it must believe its client.
 * @see Xu, Joshi, Li, "CryptoNN: Training Neural Networks over Encrypted Data", ICDCS 2019.
 * @module */
import { transpose } from "../../math/dense.ts";
import type { FixedNet, InnerProducts } from "../fixed_net.ts";
import { type StepRecord, trainStep } from "../fixed_train.ts";
import type { Transcript } from "../../net/transcript.ts";
import { decodeMessage, ProtocolError } from "../../net/wire.ts";
import { decryptAll, type DecryptOptions } from "./decrypt.ts";
import { decodeKeys, encodeKeyRequest } from "./keys.ts";

/** The server's lines to the authority: a key request goes out, the answer comes back. */
export interface AuthorityLines {
  /** To the instance with n = pixels, for rows of W1. */
  samples(request: Uint8Array): Promise<Uint8Array>;
  /** To the instance with n = m, for rows of dz1. */
  columns(request: Uint8Array): Promise<Uint8Array>;
}

/** A batch as the server holds it. */
interface EncryptedBatch {
  readonly labels: readonly number[];
  /** m encoded ciphertexts of n pixels. */
  readonly samples: readonly Uint8Array[];
  /** n encoded ciphertexts of m values. */
  readonly columns: readonly Uint8Array[];
}

/** The cloud that trains. Hears bytes only. */
export class TrainingServer {
  #net: FixedNet;
  readonly #authority: AuthorityLines;
  readonly #options: DecryptOptions & { readonly transcript: Transcript };
  readonly #batches: EncryptedBatch[] = [];

  constructor(
    net: FixedNet,
    authority: AuthorityLines,
    options: DecryptOptions & { readonly transcript: Transcript },
  ) {
    this.#net = net;
    this.#authority = authority;
    this.#options = options;
  }

  /** The network as trained so far. */
  get net(): FixedNet {
    return this.#net;
  }

  /** Takes a client's batch and keeps it for this and later epochs.
   * @param labels one message.   @param samples one message a sample.   @param columns one message a pixel.
   * @returns the batch's number, from 0.
   * @throws {ProtocolError} messages that are malformed, out of order, too few or too many. */
  acceptBatch(
    labels: Uint8Array,
    samples: readonly Uint8Array[],
    columns: readonly Uint8Array[],
  ): number {
    const { n, head: { classes } } = this.#net;
    const refuse = (state: string) => new ProtocolError(`Cannot accept the batch: ${state}`);
    const batch = {
      labels: decodeMessage(labels, "labels").integers("labels"),
      samples: samples.map((message) => decodeMessage(message, "sample").bytes("ctX")),
      columns: columns.map((message, pixel) => {
        const column = decodeMessage(message, "column");
        if (column.integer("pixel") !== pixel) {
          throw refuse(`column ${column.integer("pixel")} came where ${pixel} was due`);
        }
        return column.bytes("ctX");
      }),
    };
    const m = batch.labels.length;
    if (m === 0 || samples.length !== m || columns.length !== n) {
      throw refuse(
        `${m} labels, ${samples.length} samples and ${columns.length} columns, expected m, m and ${n}`,
      );
    }
    const wrong = batch.labels.find((label) => label < 0 || label >= classes);
    if (wrong !== undefined) throw refuse(`label ${wrong} is not in [0, ${classes - 1}]`);
    return this.#batches.push(batch) - 1;
  }

  /** Trains one step on a batch.
   * @returns all that the server learned in it.
   * @throws {ProtocolError} no such batch, or keys other than those asked for; and as `trainStep`, `decryptAll`
   * and the authority. The network is then as before. */
  async step(batch: number, learningRate: number): Promise<StepRecord> {
    const held = this.#batches[batch];
    if (held === undefined) {
      throw new ProtocolError(
        `Cannot train on batch ${batch}: ${this.#batches.length} batches were received`,
      );
    }
    const { net, record } = await trainStep(
      this.#net,
      held.labels,
      this.#products(held),
      learningRate,
    );
    this.#net = net;
    return record;
  }

  /** The products of a batch, by decryption alone. */
  #products({ labels, samples, columns }: EncryptedBatch): InnerProducts {
    const { transcript } = this.#options;
    return {
      forward: async (W1) => {
        const { n } = this.#net;
        const keys = decodeKeys(await this.#authority.samples(encodeKeyRequest(W1, n)), W1, n);
        return transcript.timeAsync(
          "server",
          "decrypt z1 of a batch",
          () => decryptAll({ keys, ciphertexts: samples }, this.#options),
        );
      },
      backward: async (dz1) => {
        const m = labels.length;
        const keys = decodeKeys(await this.#authority.columns(encodeKeyRequest(dz1, m)), dz1, m);
        const byPixel = await transcript.timeAsync(
          "server",
          "decrypt dW1 of a batch",
          () => decryptAll({ keys, ciphertexts: columns }, this.#options),
        );
        return transpose(byPixel, columns.length, byPixel.length / columns.length);
      },
    };
  }
}
