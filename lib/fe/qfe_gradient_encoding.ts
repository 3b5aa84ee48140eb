/** Byte encodings of a batch's ciphertexts, gradient keys, and secrets of columns, which an authority sends to the
 * party that encrypts them and to nobody else.
 * @module */
import type { PairingGroup } from "../math/pairing/group.ts";
import {
  type BatchCiphertext,
  type BatchParams,
  checkBatchParams,
  type Columns,
  type ColumnsKey,
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
    const fields = columnsIn("decode ctU", group, raw);
    const { from, to, pp } = fields;
    const entries = 2 * pp.batch;
    return { fields, g1: entries * inputsOf(fields), g2: entries * (to - from) + 1 };
  });
  const entries = 2 * fields.pp.batch;
  return { ...fields, ct0, a: slices(g1, entries), b: slices(g2, entries) };
}

/** Encodes the secrets of columns: B scalars of s for each but the label, B of t for each. */
export function encodeColumnsKey({ pp, from, to, s, t }: ColumnsKey): Uint8Array {
  const scalars = [...s.flat(), ...t.flat()];
  return encodeQfe("qfeb", "skU", pp.group, { ...pp, from, to }, { scalars });
}

/** Decodes the secrets of columns. @throws {RangeError} not a canonical encoding; a scalar that is 0 or not
 * below q. */
export function decodeColumnsKey(group: PairingGroup, bytes: Uint8Array): ColumnsKey {
  const { fields, scalars } = decodeQfe("qfeb", "skU", group, bytes, (raw) => {
    const fields = columnsIn("decode skU", group, raw);
    const columns = inputsOf(fields) + fields.to - fields.from;
    return { fields, scalars: fields.pp.batch * columns };
  });
  const all = slices(scalars, fields.pp.batch);
  return { ...fields, s: all.slice(0, inputsOf(fields)), t: all.slice(inputsOf(fields)) };
}

/** Cuts an array into parts of that length. */
const slices = <E>(elements: readonly E[], length: number): E[][] =>
  Array.from(
    { length: elements.length / length },
    (_, j) => elements.slice(j * length, (j + 1) * length),
  );

function columnsIn(
  action: string,
  group: PairingGroup,
  raw: Readonly<Record<string, number>>,
): Columns {
  const { from, to } = raw;
  const pp = paramsOf(action, group, raw);
  const all = columnsOf(pp.n);
  if (from < to && to <= all) return { pp, from, to };
  throw new RangeError(`Cannot ${action}: columns [${from}, ${to}) are not within [0, ${all})`);
}

function paramsOf(
  action: string,
  group: PairingGroup,
  { n, batch, boundX, boundY }: Readonly<Record<string, number>>,
): BatchParams {
  return checkBatchParams(action, { group, n, batch, boundX, boundY });
}
