/** Byte encodings of a batch's ciphertexts and gradient keys; those of its secrets stay with their owners.
 * @module */
import type { PairingGroup } from "../math/pairing/group.ts";
import {
  type BatchCiphertext,
  type BatchParams,
  checkBatchParams,
  columnsOf,
  inputsOf,
} from "./qfe_batch.ts";
import { decodeQfe, encodeQfe } from "./qfe_encoding.ts";
import type { GradientKeys } from "./qfe_gradient.ts";

/** Encodes gradient keys: one element of G1 for each coordinate. */
export function encodeGradientKeys({ pp, skC }: GradientKeys): Uint8Array {
  return encodeQfe("qfeb", "skC", pp.group, { ...pp, count: skC.length }, { g1: skC });
}

/** Decodes gradient keys. @throws {RangeError} not a canonical encoding; an element that is off the curve, outside
 * the subgroup or the identity. */
export function decodeGradientKeys(group: PairingGroup, bytes: Uint8Array): GradientKeys {
  const { fields: pp, g1: skC } = decodeQfe("qfeb", "skC", group, bytes, (raw) => {
    const { count } = raw;
    const pp = paramsOf("decode skC", group, raw);
    if (count < 1 || count > pp.n + 1) {
      throw new RangeError(`Cannot decode skC: count ${count} is not in [1, ${pp.n + 1}]`);
    }
    return { fields: pp, g1: count };
  });
  return { pp, skC };
}

/** Encodes columns: ct0, and for each column and sample four elements, or two of G2 for the label. */
export function encodeBatchCiphertext({ pp, from, to, ct0, a, b }: BatchCiphertext): Uint8Array {
  const elements = { g1: a.flat(), g2: [ct0, ...b.flat()] };
  return encodeQfe("qfeb", "ctU", pp.group, { ...pp, from, to }, elements);
}

/** Decodes columns. @throws {RangeError} as `decodeGradientKeys`. */
export function decodeBatchCiphertext(group: PairingGroup, bytes: Uint8Array): BatchCiphertext {
  const { fields, g1, g2: [ct0, ...g2] } = decodeQfe("qfeb", "ctU", group, bytes, (raw) => {
    const { from, to } = raw;
    const pp = paramsOf("decode ctU", group, raw);
    if (!(from < to && to <= columnsOf(pp.n))) {
      const all = columnsOf(pp.n);
      throw new RangeError(
        `Cannot decode ctU: columns [${from}, ${to}) are not within [0, ${all})`,
      );
    }
    const fields = { pp, from, to };
    const entries = 2 * pp.batch;
    return { fields, g1: entries * inputsOf(fields), g2: entries * (to - from) + 1 };
  });
  const entries = 2 * fields.pp.batch;
  const columns = <E>(elements: readonly E[]) =>
    Array.from(
      { length: elements.length / entries },
      (_, j) => elements.slice(j * entries, (j + 1) * entries),
    );
  return { ...fields, ct0, a: columns(g1), b: columns(g2) };
}

function paramsOf(
  action: string,
  group: PairingGroup,
  { n, batch, boundX, boundY }: Readonly<Record<string, number>>,
): BatchParams {
  return checkBatchParams(action, { group, n, batch, boundX, boundY });
}
