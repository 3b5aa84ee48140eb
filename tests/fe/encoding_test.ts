import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import * as ipfe from "lib/fe/ipfe.ts";
import { group } from "lib/math/group.ts";
import { seededRng } from "lib/math/rng.ts";
import { ALL_GROUPS, GROUPS } from "../math/weierstrass.ts";
import * as ipfeSecret from "./ipfe_secret.ts";
import { SCHEMES } from "./schemes.ts";

const HEADER = 19;

/** One object of each kind, with its codec and the place of its first scalar and element. */
function samples(masks: 1 | 2, over = group("ristretto255")) {
  const pp = { group: over, n: 2, boundX: 3, boundY: 300, masks };
  const { mpk, msk } = ipfe.setup(pp, seededRng(1));
  const skY = ipfe.keyDerive(msk, [-300, 7]);
  const ctX = ipfe.encrypt(mpk, [1, -3], seededRng(2));
  const sample = <T extends { readonly pp: ipfe.IpfeParams }>(
    kind: string,
    object: T,
    encode: (object: T) => Uint8Array,
    decode: (bytes: Uint8Array) => T,
    scalarAt: number | null,
    elementAt: number | null,
  ) => ({ kind, bytes: encode(object), decode, encode, scalarAt, elementAt });
  return [
    sample("mpk", mpk, ipfe.encodeMasterPublicKey, ipfe.decodeMasterPublicKey, null, HEADER),
    sample(
      "msk",
      msk,
      ipfeSecret.encodeMasterSecretKey,
      ipfeSecret.decodeMasterSecretKey,
      HEADER,
      null,
    ),
    sample("skY", skY, ipfe.encodeFunctionalKey, ipfe.decodeFunctionalKey, HEADER + 8, null),
    sample("ctX", ctX, ipfe.encodeCiphertext, ipfe.decodeCiphertext, null, HEADER),
  ];
}
type Sample = ReturnType<typeof samples>[number];

const recode = ({ decode, encode }: Sample, bytes: Uint8Array) =>
  (encode as (object: unknown) => Uint8Array)(decode(bytes));

/** A copy with `values` written at `at`. */
function patched(bytes: Uint8Array, at: number, values: ArrayLike<number>): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

for (const { name, masks } of SCHEMES) {
  const all = samples(masks);
  const lengths = (size: number) =>
    [2 * size, 2 * masks * 32, 8 + masks * 32, (2 + masks) * size].map((body) => HEADER + body);

  Deno.test(`${name}: decode inverts encode for every kind, at a fixed length`, () => {
    assertEquals(all.map(({ bytes }) => bytes.length), lengths(32));
    for (const sample of all) {
      assertEquals(recode(sample, sample.bytes), sample.bytes);
      const pp = { group: group("ristretto255"), n: 2, boundX: 3, boundY: 300, masks };
      assertEquals(sample.decode(sample.bytes).pp, pp);
    }
  });

  for (const other of ALL_GROUPS.slice(1)) {
    Deno.test(`${name}: objects over ${other.name} have their length, and are of an unknown group`, () => {
      const foreign = samples(masks, other);
      assertEquals(foreign.map(({ bytes }) => bytes.length), lengths(other.elementBytes));
      for (const { bytes, decode } of foreign) {
        assertThrows(() => decode(bytes), RangeError, `unknown group id ${other.id}`);
      }
    });
  }

  Deno.test(`${name}: decode reads a view into a larger buffer`, () => {
    for (const sample of all) {
      const buffer = new Uint8Array(sample.bytes.length + 13);
      buffer.set(sample.bytes, 5);
      const view = buffer.subarray(5, 5 + sample.bytes.length);
      assertEquals(recode(sample, view), sample.bytes);
    }
  });

  for (const { kind, bytes, decode, scalarAt, elementAt } of all) {
    const refuses = (bad: Uint8Array, state: string) =>
      assertThrows(() => decode(bad), RangeError, state);

    Deno.test(`${name}: decode ${kind} refuses a wrong header`, () => {
      refuses(
        patched(bytes, 0, new TextEncoder().encode("fhip")),
        `Cannot decode ${kind}: magic "fhip", expected "ipf1" or "ipf2"`,
      );
      refuses(patched(bytes, 4, [9]), `Cannot decode ${kind}: this is unknown kind 9`);
      refuses(patched(bytes, 4, [0]), `Cannot decode ${kind}: this is unknown kind 0`);
      refuses(patched(bytes, 5, [2]), `Cannot decode ${kind}: version 2, expected 1`);
      refuses(patched(bytes, 6, [77]), "Cannot decode: unknown group id 77");
      refuses(patched(bytes, 7, [0, 0, 0, 0]), `Cannot decode ${kind}: n 0 is not an integer`);
      refuses(patched(bytes, 11, [0, 0, 0, 0]), `Cannot decode ${kind}: boundX 0 is not`);
      refuses(
        patched(bytes, 15, [255, 0, 0, 0]),
        `Cannot decode ${kind}: boundY 4278190080 is not`,
      );
      refuses(patched(bytes, 11, [127, 255, 255, 255]), "exceeds 2^40");
    });

    Deno.test(`${name}: decode ${kind} refuses every other kind`, () => {
      for (const other of all.filter((sample) => sample.kind !== kind)) {
        refuses(other.bytes, `Cannot decode ${kind}: this is ${other.kind}`);
      }
    });

    Deno.test(`${name}: decode ${kind} refuses every truncation, and trailing bytes`, () => {
      for (let length = 0; length < bytes.length; length++) {
        refuses(bytes.subarray(0, length), `Cannot decode ${kind}: ${length} bytes, `);
      }
      refuses(
        new Uint8Array([...bytes, 0]),
        `Cannot decode ${kind}: ${bytes.length + 1} bytes, expected ${bytes.length} for n = 2`,
      );
      // A promise of 2^24 entries is refused by its length, before anything is allocated.
      refuses(patched(patched(bytes, 7, [1, 0, 0, 0]), 15, [0, 0, 0, 1]), "expected");
    });

    Deno.test(`${name}: decode ${kind} takes a flipped byte for a refusal or another object`, () => {
      for (let at = 0; at < bytes.length; at++) {
        for (const mask of [0x01, 0x80, 0xff]) {
          const bad = patched(bytes, at, [bytes[at] ^ mask]);
          try {
            const object = decode(bad);
            const again = all.find((sample) => sample.kind === kind)!;
            assertEquals((again.encode as (object: unknown) => Uint8Array)(object), bad);
            assertNotEquals(bad, bytes);
          } catch (error) {
            assert(error instanceof RangeError, `byte ${at}: ${error}`);
          }
        }
      }
    });

    if (scalarAt !== null) {
      Deno.test(`${name}: decode ${kind} refuses a scalar that is not below q`, () => {
        const { order } = group("ristretto255");
        const hex = (scalar: bigint) => Uint8Array.fromHex(scalar.toString(16).padStart(64, "0"));
        for (let at = scalarAt; at < bytes.length; at += 32) {
          decode(patched(bytes, at, hex(order - 1n)));
          for (const scalar of [order, order + 1n, 2n ** 256n - 1n]) {
            refuses(
              patched(bytes, at, hex(scalar)),
              `Cannot decode ${kind}: a scalar is not below`,
            );
          }
        }
      });
    }

    if (elementAt !== null) {
      Deno.test(`${name}: decode ${kind} refuses the identity and a foreign point, at each place`, () => {
        for (let at = elementAt; at < bytes.length; at += 32) {
          refuses(patched(bytes, at, new Uint8Array(32)), "element: it is the identity");
          refuses(patched(bytes, at, new Uint8Array(32).fill(255)), "not a canonical encoding");
          refuses(
            patched(bytes, at, GROUPS["p256"].encode(GROUPS["p256"].generator).subarray(1)),
            "element",
          );
        }
      });
    }
  }

  Deno.test(`${name}: an object says which scheme it is of, and one of the other does not fit`, () => {
    const [mpk, , skY, ctX] = all;
    const magic = (bytes: Uint8Array, name: string) =>
      patched(bytes, 0, new TextEncoder().encode(name));
    const [other, expected] = masks === 1 ? ["ipf2", 2] : ["ipf1", 1];
    for (const { bytes, decode } of [skY, ctX]) {
      assertThrows(() => decode(magic(bytes, other as string)), RangeError, "bytes, expected");
    }
    const renamed = ipfe.decodeMasterPublicKey(magic(mpk.bytes, other as string)); // as long in both
    assertEquals(renamed.pp.masks, expected);
    assertThrows(
      () => ipfe.decrypt(ipfe.decodeFunctionalKey(skY.bytes), ipfe.encrypt(renamed, [1, 1])),
      TypeError,
      "2 masks",
    );
  });

  Deno.test(`${name}: decode skY refuses a y over its bound`, () => {
    const { bytes, decode } = all[2];
    assertThrows(
      () => decode(patched(bytes, HEADER, [0, 0, 1, 45])), // 301
      RangeError,
      "Cannot decode skY: y[0] = 301 is not an integer in [-300, 300]",
    );
    assertThrows(
      () => decode(patched(bytes, HEADER + 4, [128, 0, 0, 0])),
      RangeError,
      "Cannot decode skY: y[1] = -2147483648 is not an integer",
    );
  });

  Deno.test(`${name}: encode refuses an element that no honest party makes`, () => {
    const { identity } = group("ristretto255");
    const pp = all[0].decode(all[0].bytes).pp;
    const forged = { pp, h: [identity, identity] };
    assertThrows(() => ipfe.encodeMasterPublicKey(forged), RangeError, "it is the identity");
  });
}
