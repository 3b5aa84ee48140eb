import { assertEquals, assertThrows } from "@std/assert";
import * as qfe from "lib/fe/qfe.ts";
import {
  drawBatchMask,
  encryptBatch,
  encryptColumns,
  setupBatch,
  sliceKey,
} from "lib/fe/qfe_batch.ts";
import { gradientKeys } from "lib/fe/qfe_gradient.ts";
import * as codec from "lib/fe/qfe_gradient_encoding.ts";
import { matrixForm } from "lib/fe/quadratic_form.ts";
import type { PairingGroup } from "lib/math/pairing/group.ts";
import { seededRng } from "lib/math/rng.ts";
import { fastest, label, PAIRINGS } from "../math/pairing/backends.ts";

/** One object of each kind, with its codec, the length of its header and how many elements of G1 follow. */
function samples(group: PairingGroup) {
  const pp = { group, n: 2, boundX: 3, boundY: 300 };
  const { mpk, msk } = qfe.setup(pp, seededRng(1));
  const F = matrixForm([[1, 2], [3, 4]]);
  const batch = setupBatch({ ...pp, batch: 2 }, seededRng(2));
  const u = [[1, 2, 3, 4], [-1, 0, 3, -300]];
  const label = encryptColumns(
    sliceKey(batch, 2, 4),
    drawBatchMask(batch.pp, seededRng(3)),
    u.map((row) => row.slice(2)),
  );
  const sample = <T>(
    [kind, header, g1, g2]: readonly [string, number, number, number],
    object: T,
    encode: (object: T) => Uint8Array,
    decode: (group: PairingGroup, bytes: Uint8Array) => T,
  ) => ({
    ...{ kind, header, g1, g2 },
    bytes: encode(object),
    decode: (bytes: Uint8Array) => decode(group, bytes) as unknown,
    recode: (bytes: Uint8Array) => encode(decode(group, bytes)),
  });
  const columns = [codec.encodeBatchCiphertext, codec.decodeBatchCiphertext] as const;
  return [
    sample(["mpk", 19, 2, 2], mpk, qfe.encodeMasterPublicKey, qfe.decodeMasterPublicKey),
    sample(
      ["skF", 19, 0, 1],
      qfe.keyDerive(msk, F),
      qfe.encodeFunctionalKey,
      qfe.decodeFunctionalKey,
    ),
    sample(
      ["ctXY", 19, 5, 4],
      qfe.encrypt(msk, [1, -3], [0, 300], seededRng(4)),
      qfe.encodeCiphertext,
      qfe.decodeCiphertext,
    ),
    sample(
      ["skC", 27, 3, 0],
      gradientKeys(batch, [1, 2, 3, -1]),
      codec.encodeGradientKeys,
      codec.decodeGradientKeys,
    ),
    sample(["ctU", 31, 12, 17], encryptBatch(batch, u, seededRng(5)), ...columns),
    sample(["ctU", 31, 4, 9], label, ...columns),
    sample(
      ["skU", 31, 0, 0],
      sliceKey(batch, 1, 4),
      codec.encodeColumnsKey,
      codec.decodeColumnsKey,
    ),
  ];
}

/** A copy with `values` written at `at`. */
function patched(bytes: Uint8Array, at: number, values: ArrayLike<number>): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

Deno.test("qfe encoding: messages are the same from every backend", () => {
  const [reference, ...others] = PAIRINGS.map((group) => samples(group).map(({ bytes }) => bytes));
  for (const other of others) assertEquals(other, reference);
});

for (const group of PAIRINGS) {
  Deno.test(`qfe ${label(group)}: decode inverts encode for every kind, at a fixed length`, () => {
    for (const { kind, bytes, recode, header, g1, g2 } of samples(group)) {
      const scalars = kind === "skU" ? 2 * (2 + 3) : 0;
      assertEquals(bytes.length, header + 32 * scalars + 48 * g1 + 96 * g2, kind);
      assertEquals(recode(bytes), bytes, kind);
      const buffer = new Uint8Array(bytes.length + 13); // a view into a larger buffer
      buffer.set(bytes, 5);
      assertEquals(recode(buffer.subarray(5, 5 + bytes.length)), bytes);
    }
  });
}

const all = samples(fastest);

for (const [index, { kind, bytes, decode, recode, header, g1, g2 }] of all.entries()) {
  const name = `qfe: decode ${kind}${index === 5 ? " of one party" : ""}`;
  const refuses = (bad: Uint8Array, state: string) =>
    assertThrows(() => decode(bad), RangeError, state);

  Deno.test(`${name} refuses a wrong header`, () => {
    const magic = new TextEncoder().encode("fhip");
    refuses(patched(bytes, 0, magic), `Cannot decode ${kind}: magic "fhip", expected "qfe`);
    refuses(patched(bytes, 4, [9]), `Cannot decode ${kind}: this is unknown kind 9`);
    refuses(patched(bytes, 4, [0]), `Cannot decode ${kind}: this is unknown kind 0`);
    refuses(patched(bytes, 5, [2]), `Cannot decode ${kind}: version 2, expected 1`);
    refuses(patched(bytes, 6, [2]), `Cannot decode ${kind}: curve id 2, expected 1 for bls12-381`);
    refuses(patched(bytes, 7, [0, 0, 0, 0]), `Cannot decode ${kind}: n 0 is not an integer`);
    const batched = ["skC", "ctU", "skU"].includes(kind);
    if (batched) refuses(patched(bytes, 11, [0, 0, 0, 0]), `Cannot decode ${kind}: batch 0 is not`);
    const boundX = batched ? 15 : 11;
    refuses(patched(bytes, boundX, [0, 0, 0, 0]), `Cannot decode ${kind}: boundX 0 is not`);
    refuses(patched(bytes, boundX, [127, 255, 255, 255]), "exceeds 2^40");
  });

  Deno.test(`${name} refuses every other kind, every truncation, trailing bytes, another n`, () => {
    for (const other of all) {
      if (other.kind !== kind) refuses(other.bytes, `Cannot decode ${kind}: `);
    }
    for (let length = 0; length < bytes.length; length++) {
      refuses(bytes.subarray(0, length), `Cannot decode ${kind}: ${length} bytes, `);
    }
    const trailing = new Uint8Array([...bytes, 0]);
    refuses(trailing, `${bytes.length + 1} bytes, expected ${bytes.length} for n = 2`);
    if (kind !== "skF" && kind !== "skC" && index !== 5) {
      // A promise of 2^24 entries is refused by its length, or by its columns, before anything is allocated.
      refuses(patched(bytes, 7, [0, 255, 255, 255]), `Cannot decode ${kind}: `);
    }
  });

  Deno.test(`${name} refuses a bad element at each place`, () => {
    const places = [
      ...Array.from({ length: g1 }, (_, i) => ({ at: header + 48 * i, size: 48 })),
      ...Array.from({ length: g2 }, (_, i) => ({ at: header + 48 * g1 + 96 * i, size: 96 })),
    ];
    for (const { at, size } of places) {
      const identity = new Uint8Array(size);
      identity[0] = 0xc0;
      refuses(patched(bytes, at, identity), "element: it is the identity");
      const low = new Uint8Array(size); // x = 4 in Fp, 1 + u in Fp2: outside the subgroup
      low[0] = 0x80;
      low[size - 1] = size === 48 ? 4 : 1;
      if (size === 96) low[47] = 1;
      for (const bad of [low, new Uint8Array(size).fill(255), new Uint8Array(size)]) {
        refuses(patched(bytes, at, bad), "not a canonical encoding of a group element");
      }
    }
    assertEquals(recode(bytes), bytes);
  });
}

Deno.test("qfe: decode skC and ctU refuse counts and columns that no batch has", () => {
  const [, , , keys, whole] = all;
  for (const count of [0, 4]) {
    const bad = patched(keys.bytes, 23, [0, 0, 0, count]);
    assertThrows(() => keys.decode(bad), RangeError, `count ${count} is not in [1, 3]`);
  }
  for (const [from, to] of [[0, 5], [2, 2], [3, 1]]) {
    const bad = patched(patched(whole.bytes, 23, [0, 0, 0, from]), 27, [0, 0, 0, to]);
    assertThrows(
      () => whole.decode(bad),
      RangeError,
      `Cannot decode ctU: columns [${from}, ${to}) are not within [0, 4)`,
    );
  }
  const secret = all[6];
  for (const [at, value] of [[0, 0n], [9, 0n], [4, fastest.order], [5, 2n ** 256n - 1n]] as const) {
    const hex = Uint8Array.fromHex(value.toString(16).padStart(64, "0"));
    const bad = patched(secret.bytes, secret.header + 32 * at, hex);
    assertThrows(() => secret.decode(bad), RangeError, "Cannot decode skU: a scalar is not in");
  }
  // γ left out: 96 bytes too few.
  const { bytes, decode, header, g1 } = whole;
  const at = header + 48 * g1;
  const without = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + 96)]);
  assertThrows(() => decode(without), RangeError, `${without.length} bytes, expected`);
});
