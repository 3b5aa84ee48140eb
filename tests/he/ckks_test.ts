import { assert, assertEquals, assertThrows } from "@std/assert";
import { Ckks } from "lib/he/ckks.ts";
import { encodeSealed } from "lib/he/encoding.ts";
import { CkksEvaluator } from "lib/he/evaluator.ts";
import { LINEAR_PARAMS } from "lib/he/params.ts";
import { SecretKey } from "lib/he/secret_key.ts";
import { attempt } from "lib/he/seal.ts";
import { countHandles, error, rig, sealTest, SMALL } from "./fixtures.ts";

const vector = (length: number, of: (i: number) => number) =>
  Float64Array.from({ length }, (_, i) => of(i));
const a = vector(2048, (i) => Math.sin(i));
const b = vector(2048, (i) => (i % 17) / 8 - 1);
/** What SMALL is good for. */
const SMALL_ERROR = 1e-3;

sealTest("decrypt() returns what encrypt() was given, at every level", async () => {
  using test = await rig(SMALL);
  const { key } = test;
  for (const level of [1, 0]) assert(error(key.decrypt(key.encrypt(a, level)), a) < SMALL_ERROR);
  assert(error(key.decrypt(key.encrypt(Float64Array.of(3))), [3, 0, 0, 0]) < SMALL_ERROR);
});

sealTest("encrypt() never gives the same ciphertext twice", async () => {
  using test = await rig(SMALL);
  const { key } = test;
  const [first, second] = [key.encrypt(a), key.encrypt(a)];
  assert(first.length !== second.length || first.some((byte, i) => byte !== second[i]));
});

sealTest(
  "add(), subtract(), multiply(), multiplyPlain() and rotate() are what they are in the clear",
  async () => {
    using test = await rig(SMALL, [1, -3]);
    const { key, server, ckks } = test;
    using x = server.load(key.encrypt(a));
    using y = server.load(key.encrypt(b));
    const check = (made: Disposable & Parameters<typeof ckks.save>[0], expected: Float64Array) => {
      using result = made;
      const worst = error(key.decrypt(ckks.save(result)), expected);
      assert(worst < SMALL_ERROR, `${worst}`);
    };
    const at = (values: Float64Array, i: number) => values[(i + 2048) % 2048];
    check(server.add(x, y), a.map((v, i) => v + b[i]));
    check(server.subtract(x, y), a.map((v, i) => v - b[i]));
    check(server.multiply(x, y), a.map((v, i) => v * b[i]));
    check(server.multiply(x, x), a.map((v) => v * v));
    check(server.multiplyPlain(x, b), a.map((v, i) => v * b[i]));
    check(server.rotate(x, 1), a.map((_, i) => at(a, i + 1)));
    check(server.rotate(x, -3), a.map((_, i) => at(a, i - 3)));
    check(server.drop(x, 0), a);
    using low = server.drop(x, 0);
    check(server.add(low, y), a.map((v, i) => v + b[i])); // at the lower level of the two; the scales agree
  },
);

sealTest(
  "a product has the scale of the level below, so sums of different ways fit exactly",
  async () => {
    using test = await rig(LINEAR_PARAMS);
    const { key, server, ckks } = test;
    using x = server.load(key.encrypt(a));
    using square = server.multiply(x, x);
    using scaled = server.multiplyPlain(x, a);
    assertEquals([square.level, scaled.level], [1, 1]);
    assertEquals([square.scale, scaled.scale], [ckks.scaleOf(1), ckks.scaleOf(1)]);
    using difference = server.subtract(square, scaled);
    assert(error(key.decrypt(ckks.save(difference)), new Float64Array(2048)) < 1e-7);
  },
);

sealTest("encode() refuses NaN, infinity, what is too large and too many numbers", async () => {
  using test = await rig(SMALL);
  const { key, ckks } = test;
  const refuse = (values: Float64Array, why: string, level?: number) =>
    assertThrows(() => key.encrypt(values, level), RangeError, why);
  refuse(Float64Array.of(0, NaN), "Cannot encode: values[1] = NaN is not within");
  refuse(Float64Array.of(Infinity), "values[0] = Infinity");
  refuse(Float64Array.of(1000), "values[0] = 1000 is not within ±256, what level 0 holds", 0);
  assert(error(key.decrypt(key.encrypt(Float64Array.of(1000))), [1000]) < SMALL_ERROR);
  assertThrows(() => ckks.encode(new Float64Array(2049)), TypeError, "2049 numbers, a ciphertext");
  assertThrows(() => key.encrypt(a, 2), RangeError, "Cannot use level 2: there are 0 to 1");
});

sealTest(
  "decrypt() refuses a foreign key, also where the ciphertext is labelled with its own",
  async () => {
    using test = await rig(SMALL);
    const { key, ckks } = test;
    using other = new SecretKey(ckks);
    const foreign = other.encrypt(a);
    assertThrows(
      () => key.decrypt(foreign),
      RangeError,
      "Cannot decrypt: the ciphertext is under key",
    );
    for (const level of [1, 0]) {
      for (const values of [a, new Float64Array(1)]) {
        const { body } = splitLabel(other.encrypt(values, level));
        const forged = encodeSealed(SMALL, { kind: "ciphertext", step: 0, keyId: key.id }, body);
        assertThrows(() => key.decrypt(forged), RangeError, "the key is another one");
      }
    }
  },
);

const splitLabel = (bytes: Uint8Array) => ({ body: bytes.subarray(50) });

sealTest("decrypt() refuses a number that a level does not hold", async () => {
  using test = await rig(SMALL);
  const { key, server, ckks } = test;
  using scope = new DisposableStack();
  let sum = scope.use(server.load(key.encrypt(Float64Array.of(100, 1), 0)));
  assert(error(key.decrypt(ckks.save(sum)), [100, 1]) < SMALL_ERROR);
  for (let i = 0; i < 2; i++) sum = scope.use(server.add(sum, sum));
  assertThrows(
    () => key.decrypt(ckks.save(sum)),
    RangeError,
    "a slot holds 400, level 0 at most 256",
  );
});

sealTest(
  "load() refuses truncated and altered bytes, and what SEAL takes for no ciphertext",
  async () => {
    using test = await rig(SMALL);
    const { key, server, ckks } = test;
    const bytes = key.encrypt(a);
    const altered = bytes.slice();
    altered[bytes.length - 100] ^= 4;
    for (const wrong of [bytes.subarray(0, 1000), altered, new Uint8Array(0)]) {
      assertThrows(() => server.load(wrong), RangeError, "Cannot read ciphertext: ");
      assertThrows(() => key.decrypt(wrong), RangeError, "Cannot read ciphertext: ");
    }
    const label = { kind: "ciphertext", step: 0, keyId: key.id } as const;
    for (const body of [new Uint8Array(100), bytes.subarray(50, 2000)]) {
      const labelled = encodeSealed(SMALL, label, body);
      assertThrows(() => ckks.load(labelled), RangeError, "Cannot read ciphertext: ");
    }
    const other = await Ckks.setup(LINEAR_PARAMS);
    assertThrows(() => other.load(bytes), RangeError, "it was made under other parameters");
  },
);

sealTest(
  "a server refuses products without a level or a key, other scales, and rotations without a key",
  async () => {
    using test = await rig(SMALL, [1]);
    const { key, server, ckks } = test;
    using x = server.load(key.encrypt(a));
    using y = server.load(key.encrypt(b));
    using product = server.multiply(x, y);
    assertThrows(
      () => server.multiply(product, x),
      RangeError,
      "no level is left after 1 products",
    );
    assertThrows(() => server.multiplyPlain(product, b), RangeError, "no level is left");
    assertThrows(() => server.add(product, x), RangeError, "Cannot add: the scales are 2^");
    assertThrows(() => server.drop(product, 1), RangeError, "the ciphertext is at level 0");
    assertThrows(() => server.rotate(x, 2), RangeError, "no key for step 2; there are keys for 1");
    using bare = new CkksEvaluator(ckks);
    assertThrows(() => bare.multiply(x, y), RangeError, "Cannot multiply: no relinearisation key");
    assertThrows(() => bare.rotate(x, 1), RangeError, "there are keys for none");
  },
);

sealTest(
  "a server refuses keys and ciphertexts of another secret key, and mislabelled keys",
  async () => {
    using test = await rig(SMALL, [1]);
    const { key, server, ckks } = test;
    using other = new SecretKey(ckks);
    assertThrows(
      () => server.load(other.encrypt(a)),
      RangeError,
      "Cannot read ciphertext: it is under key",
    );
    assertThrows(() => server.addRotationKey(other.rotationKey(1)), RangeError, "it is under key");
    assertThrows(
      () => server.addRelinearisationKey(other.relinearisationKey()),
      RangeError,
      "Cannot read relinearisation key: it is under key",
    );
    const { body } = splitLabel(key.rotationKey(1));
    const mislabelled = encodeSealed(SMALL, { kind: "rotation key", step: 2, keyId: key.id }, body);
    assertThrows(() => server.addRotationKey(mislabelled), RangeError, "it is not for step 2");
    assertThrows(
      () => server.addRotationKey(key.relinearisationKey()),
      RangeError,
      "the bytes hold a relinearisation key",
    );
    using x = ckks.load(key.encrypt(a));
    using y = ckks.load(other.encrypt(a));
    assertThrows(() => server.add(x, y), RangeError, "Cannot add: the ciphertexts are under keys");
    for (const step of [0, 2048, 0.5]) {
      assertThrows(() => key.rotationKey(step), RangeError, `step ${step} is not an integer`);
    }
  },
);

sealTest("attempt() tells what SEAL threw, with its text", async () => {
  using test = await rig(SMALL);
  const { seal } = test.ckks;
  const wrong = () => seal.CoeffModulus.Create(4096, Int32Array.of(99));
  assertThrows(
    () => attempt(seal, "make primes", wrong),
    RangeError,
    "Cannot make primes: bit_sizes",
  );
  assertThrows(
    () =>
      attempt(seal, "fail", () => {
        throw new TypeError("mine");
      }),
    TypeError,
    "mine",
  );
});

sealTest("every object of SEAL is deleted, also where an operation is refused", async () => {
  const ckks = await Ckks.setup(SMALL);
  using handles = countHandles(ckks.seal);
  {
    using test = await rig(SMALL, [1]);
    const { key, server } = test;
    using other = new SecretKey(ckks);
    const bytes = key.encrypt(a);
    using x = server.load(bytes);
    using sum = server.add(x, x);
    using product = server.multiply(x, sum);
    using rotated = server.rotate(x, 1);
    using scaled = server.multiplyPlain(rotated, a);
    key.decrypt(ckks.save(product));
    assert(handles.live >= 10);
    const label = { kind: "ciphertext", step: 0, keyId: key.id } as const;
    const refused = [
      () => server.rotate(x, 2),
      () => server.multiply(product, scaled),
      () => server.add(x, scaled),
      () => server.drop(product, 1),
      () => server.load(other.encrypt(a)),
      () => ckks.load(encodeSealed(SMALL, label, new Uint8Array(99))),
      () => server.addRotationKey(other.rotationKey(1)),
      () => server.addRelinearisationKey(bytes),
      () => key.decrypt(other.encrypt(a)),
      () => key.encrypt(Float64Array.of(NaN)),
      () => key.encrypt(a, 7),
    ];
    for (const refuse of refused) assertThrows(refuse, RangeError);
  }
  assertEquals(handles.live, 0);
});
