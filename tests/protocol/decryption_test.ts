import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import * as fhipe from "lib/fe/fhipe.ts";
import * as fhipeEncoding from "lib/fe/fhipe.ts";
import * as ipfe from "lib/fe/ipfe.ts";
import { group } from "lib/math/group.ts";
import { startPairing } from "lib/math/pairing/group.ts";
import { Decryption } from "lib/protocol/decryption.ts";
import { Samples, type Scheme } from "lib/protocol/samples.ts";

const read = (await Deno.permissions.query({ name: "read" })).state === "granted";
const images = [[1, 2], [0, 0], [255, 255], [30, 4], [5, 60], [7, 7], [8, 0]];
const rows = [[1, -1], [-100, 100], [3, 0]];
const far = rows.map(([a, b]) => [-b, -100 * Math.sign(a)]);
const sizes = { n: 2, boundX: 255, boundY: 100 };

/** The images under a scheme, and its keys for any rows. */
interface Encrypted {
  readonly scheme: Scheme;
  readonly samples: readonly Uint8Array[];
  keys(rows: readonly number[][]): Uint8Array[];
  /** Keys of another authority. */
  foreign(): Uint8Array[];
}

function underIpfe(): Encrypted {
  const pp = { ...sizes, group: group("ristretto255") };
  const { mpk, msk } = ipfe.setup(pp);
  const derive = (msk: ipfe.MasterSecretKey, rows: readonly number[][]) =>
    rows.map((y) => ipfe.encodeFunctionalKey(ipfe.keyDerive(msk, y)));
  return {
    scheme: { name: "ipfe" },
    samples: images.map((x) => ipfe.encodeCiphertext(ipfe.encrypt(mpk, x))),
    keys: (rows) => derive(msk, rows),
    foreign: () => derive(ipfe.setup(pp).msk, rows),
  };
}

const pp = { ...sizes, group: await startPairing() };
function underFhipe(): Encrypted {
  const msk = fhipe.setup(pp);
  const derive = (msk: fhipe.MasterSecretKey, rows: readonly number[][]) =>
    rows.map((y) => fhipeEncoding.encodeFunctionalKey(fhipe.keyDerive(msk, y)));
  return {
    scheme: { name: "fhipe", pp },
    samples: images.map((x) => fhipeEncoding.encodeCiphertext(fhipe.encrypt(msk, x))),
    keys: (rows) => derive(msk, rows),
    foreign: () => derive(fhipe.setup(pp), rows),
  };
}

const expected = (from: number, to: number) =>
  Float64Array.from(
    images.slice(from, to).flatMap(([a, b]) => rows.map(([c, d]) => a * c + b * d)),
  );

for (const { scheme, samples, ...of } of [underIpfe(), underFhipe()]) {
  const keys = of.keys(rows);
  for (const workers of read ? [0, 1, 3] : [0]) {
    Deno.test(`Decryption opens any run of samples under ${scheme.name}, however they came, with ${workers} Workers`, async () => {
      using decryption = new Decryption(scheme, 7, workers);
      for (const [from, to] of [[0, 1], [1, 5], [5, 7]]) {
        await decryption.store(samples.slice(from, to));
        assertEquals(decryption.count, to);
      }
      for (const [from, to] of [[0, 7], [2, 4], [3, 7], [6, 7], [0, 7]]) {
        assertEquals(await decryption.open(keys, from, to), expected(from, to));
      }
      const sums = far.map(([a, b]) => 255 * (a + b));
      assertEquals(await decryption.open(of.keys(far), 2, 3), Float64Array.from(sums)); // whatever the last guess
      assertEquals(await decryption.open(keys, 2, 3), expected(2, 3));
      assertEquals(await decryption.openOnce(keys, samples.slice(3)), expected(3, 7));
      assertEquals(await decryption.openOnce(keys, []), new Float64Array());
      assertEquals(decryption.count, 7);
      await assertRejects(
        () => decryption.openOnce(of.foreign(), samples.slice(2, 3)),
        Error,
        "no inner product in [-51000, 51000]",
      );
    });
  }

  Deno.test(`Decryption under ${scheme.name} stops when its signal aborts`, async () => {
    const stop = new AbortController();
    using decryption = new Decryption(scheme, 7, read ? 2 : 0, stop.signal);
    await decryption.store(samples);
    const many = Array.from({ length: 2000 }, () => keys[0]);
    const opened = decryption.open(many, 0, 7);
    const start = performance.now();
    setTimeout(() => stop.abort(new Error("stopped by hand")), 100);
    await assertRejects(() => opened, Error, "stopped by hand");
    assertLess(performance.now() - start, 5000);
  });
}

Deno.test("Decryption keeps none of some samples when one of them is malformed", async () => {
  const { scheme, samples, keys } = underFhipe();
  using decryption = new Decryption(scheme, 7, 0);
  const cut = samples[0].slice(1);
  await assertRejects(() => decryption.store([samples[0], cut]), RangeError, "Cannot decode ctX");
  assertEquals(decryption.count, 0);
  await decryption.store([samples[3]]);
  assertEquals(await decryption.open(keys(rows), 0, 1), expected(3, 4));
});

Deno.test("Decryption refuses what was made for other parameters, and what is malformed", async () => {
  const wide = { ...underFhipe(), scheme: { name: "fhipe", pp: { ...pp, boundY: 99 } } } as const;
  using fhipeDecryption = new Decryption(wide.scheme, 7, 0);
  const other = "it is for n = 2, boundX = 255, boundY = 100, expected n = 2";
  await assertRejects(() => fhipeDecryption.store(wide.samples), Error, `a ciphertext: ${other}`);
  await assertRejects(
    () => fhipeDecryption.openOnce(wide.keys(rows), []),
    Error,
    `a key: ${other}`,
  );
  const { scheme, samples, keys } = underIpfe();
  using decryption = new Decryption(scheme, 7, 0);
  await decryption.store([samples[0], samples[1].slice(1)]); // looked at when it is opened
  const good = keys(rows);
  assertEquals(await decryption.open(good, 0, 1), expected(0, 1));
  await assertRejects(() => decryption.open(good, 0, 2), RangeError, "Cannot decode ctX");
  await assertRejects(() => decryption.open([good[0].slice(1)], 0, 1), RangeError, "decode skY");
});

Deno.test("Decryption refuses a number of Workers that is none", () => {
  assertThrows(() => new Decryption({ name: "ipfe" }, 7, -1), RangeError, "-1 workers");
  assertThrows(() => new Decryption({ name: "ipfe" }, 7, 0.5), RangeError, "0.5 workers");
});

Deno.test("Samples stops between two keys of one sample when the look between them says so", async () => {
  const { scheme, samples, keys } = underFhipe();
  const stop = new AbortController();
  let looks = 0;
  const kept = new Samples(scheme, 2 ** 20, stop.signal, () => {
    if (++looks === 2) stop.abort(new Error("nobody waits"));
  });
  await kept.obey({ do: "store", ciphertexts: samples.slice(0, 1) });
  await assertRejects(
    () => kept.obey({ do: "open", keys: keys(rows), from: 0, to: 1 }),
    Error,
    "nobody waits",
  );
  assertEquals(looks, 2); // of three keys
});
