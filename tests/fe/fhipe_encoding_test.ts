import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { encrypt, keyDerive, setup } from "lib/fe/fhipe.ts";
import * as codec from "lib/fe/fhipe.ts";
import * as ipfe from "lib/fe/ipfe.ts";
import { group as primeGroup } from "lib/math/group.ts";
import type { PairingGroup } from "lib/math/pairing/group.ts";
import { seededRng } from "lib/math/rng.ts";
import { fastest, label, PAIRINGS } from "../math/pairing/backends.ts";
import * as ipfeSecret from "./ipfe_secret.ts";
import * as secret from "./fhipe_secret.ts";

const HEADER = 19;

/** One object of each kind, with its codec. */
function samples(group: PairingGroup) {
  const pp = { group, n: 2, boundX: 3, boundY: 300 };
  const msk = setup(pp, seededRng(1));
  const sample = <T>(
    kind: string,
    object: T,
    encode: (object: T) => Uint8Array,
    decode: (group: PairingGroup, bytes: Uint8Array) => T,
    elementBytes = 0,
  ) => ({
    kind,
    bytes: encode(object),
    decode: (bytes: Uint8Array) => decode(group, bytes) as unknown,
    recode: (bytes: Uint8Array) => encode(decode(group, bytes)),
    elementBytes,
  });
  return [
    sample("msk", msk, secret.encodeMasterSecretKey, secret.decodeMasterSecretKey),
    sample(
      "skY",
      keyDerive(msk, [-300, 7], seededRng(2)),
      codec.encodeFunctionalKey,
      codec.decodeFunctionalKey,
      group.g1Bytes,
    ),
    sample(
      "ctX",
      encrypt(msk, [1, -3], seededRng(3)),
      codec.encodeCiphertext,
      codec.decodeCiphertext,
      group.g2Bytes,
    ),
  ];
}

/** A copy with `values` written at `at`. */
function patched(bytes: Uint8Array, at: number, values: ArrayLike<number>): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

for (const group of PAIRINGS) {
  Deno.test(`fhipe ${label(group)}: decode inverts encode for every kind, at a fixed length`, () => {
    const lengths = [16 * 32, 5 * group.g1Bytes, 5 * group.g2Bytes];
    samples(group).forEach(({ kind, bytes, recode }, i) => {
      assertEquals(bytes.length, HEADER + lengths[i], kind);
      assertEquals(recode(bytes), bytes, kind);
      const buffer = new Uint8Array(bytes.length + 13); // a view into a larger buffer
      buffer.set(bytes, 5);
      assertEquals(recode(buffer.subarray(5, 5 + bytes.length)), bytes);
    });
  });
}

Deno.test("fhipe: messages of BLS12-381 are the same from every backend", () => {
  const [reference, ...others] = PAIRINGS.map((group) => samples(group).map(({ bytes }) => bytes));
  for (const other of others) assertEquals(other, reference);
});

for (const group of PAIRINGS) {
  const all = samples(group);
  const name = label(group);

  for (const { kind, bytes, decode, recode, elementBytes } of all) {
    const refuses = (bad: Uint8Array, state: string) =>
      assertThrows(() => decode(bad), RangeError, state);

    Deno.test(`fhipe ${name}: decode ${kind} refuses a wrong header`, () => {
      refuses(
        patched(bytes, 0, new TextEncoder().encode("ipf1")),
        `Cannot decode ${kind}: magic "ipf1"`,
      );
      refuses(patched(bytes, 4, [9]), `Cannot decode ${kind}: this is unknown kind 9`);
      refuses(patched(bytes, 4, [0]), `Cannot decode ${kind}: this is unknown kind 0`);
      refuses(patched(bytes, 5, [2]), `Cannot decode ${kind}: version 2, expected 1`);
      refuses(
        patched(bytes, 6, [2]),
        `Cannot decode ${kind}: curve id 2, expected 1 for bls12-381`,
      );
      refuses(patched(bytes, 7, [0, 0, 0, 0]), `Cannot decode ${kind}: n 0 is not an integer`);
      refuses(patched(bytes, 11, [0, 0, 0, 0]), `Cannot decode ${kind}: boundX 0 is not`);
      refuses(
        patched(bytes, 15, [255, 0, 0, 0]),
        `Cannot decode ${kind}: boundY 4278190080 is not`,
      );
      refuses(patched(bytes, 11, [127, 255, 255, 255]), "exceeds 2^40");
    });

    Deno.test(`fhipe ${name}: decode ${kind} refuses every other kind, and plain IPFE's`, () => {
      for (const other of all.filter((sample) => sample.kind !== kind)) {
        refuses(other.bytes, `Cannot decode ${kind}: this is ${other.kind}`);
      }
      const plain = { group: primeGroup("ristretto255"), n: 2, boundX: 3, boundY: 300 };
      const foreign = ipfeSecret.encodeMasterSecretKey(ipfe.setup(plain).msk);
      refuses(foreign, `Cannot decode ${kind}: magic "ipf1", expected "fhip"`);
    });

    Deno.test(`fhipe ${name}: decode ${kind} refuses every truncation, trailing bytes, another n`, () => {
      for (let length = 0; length < bytes.length; length++) {
        refuses(bytes.subarray(0, length), `Cannot decode ${kind}: ${length} bytes, `);
      }
      const trailing = new Uint8Array([...bytes, 0]);
      refuses(trailing, `${bytes.length + 1} bytes, expected ${bytes.length} for n = 2`);
      refuses(patched(bytes, 7, [0, 0, 0, 3]), "for n = 3");
      // A promise of 2^24 entries is refused by its length, before anything is allocated.
      refuses(patched(patched(bytes, 7, [1, 0, 0, 0]), 15, [0, 0, 0, 1]), "for n = 16777216");
    });

    if (elementBytes === 0) continue;

    Deno.test(`fhipe ${name}: decode ${kind} refuses a bad element at each place`, () => {
      const identity = new Uint8Array(elementBytes);
      identity[0] = 0xc0;
      const low = new Uint8Array(elementBytes); // x = 4 in Fp, 1 + u in Fp2: outside the subgroup
      low[0] = 0x80;
      low[elementBytes - 1] = kind === "skY" ? 4 : 1;
      if (kind === "ctX") low[47] = 1;
      const off = low.slice(); // x = 1 in Fp, u in Fp2: off the curve
      off[elementBytes - 1] = kind === "skY" ? 1 : 0;
      for (let at = HEADER; at < bytes.length; at += elementBytes) {
        refuses(patched(bytes, at, identity), "element: it is the identity");
        for (const bad of [low, off, new Uint8Array(elementBytes).fill(255)]) {
          refuses(patched(bytes, at, bad), "not a canonical encoding of a group element");
        }
      }
    });

    Deno.test(`fhipe ${name}: decode ${kind} takes a flipped bit for a refusal or another object`, () => {
      const places = group.backend === "noble" ? [0, 19, 40] : bytes.keys();
      for (const at of places) {
        const bad = patched(bytes, at, [bytes[at] ^ 0x20]);
        try {
          assertEquals(recode(bad), bad);
          assertNotEquals(bad, bytes);
        } catch (error) {
          assert(error instanceof RangeError, `byte ${at}: ${error}`);
        }
      }
    });
  }
}

Deno.test("fhipe: decode msk refuses a scalar that is not below q, and a singular matrix", () => {
  const group = fastest;
  const { bytes, decode } = samples(group)[0];
  const hex = (scalar: bigint) => Uint8Array.fromHex(scalar.toString(16).padStart(64, "0"));
  for (let at = HEADER; at < bytes.length; at += 32) {
    decode(patched(bytes, at, hex(group.order - 1n)));
    for (const scalar of [group.order, 2n ** 256n - 1n]) {
      assertThrows(
        () => decode(patched(bytes, at, hex(scalar))),
        RangeError,
        "Cannot decode msk: a scalar is not below the group order",
      );
    }
  }
  // N = 4: six scalars of L, then the rows of U, each beginning on the diagonal.
  for (const row of [6, 10, 13, 15]) {
    assertThrows(
      () => decode(patched(bytes, HEADER + 32 * row, new Uint8Array(32))),
      RangeError,
      "Cannot invert: a diagonal entry is 0",
    );
  }
});
