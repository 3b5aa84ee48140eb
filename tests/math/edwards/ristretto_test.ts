import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { kernelRistretto } from "lib/math/edwards/ristretto.ts";
import { type Element, type Group, group } from "lib/math/group.ts";
import { NOBLE_RISTRETTO } from "lib/math/noble_ristretto.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";
import { multiScalar } from "lib/math/msm.ts";

const started = kernelRistretto();
const ignore = started === null; // no fused relaxed SIMD here: group() does without
const G: Group = started!;
const N = NOBLE_RISTRETTO;
const bulk = G?.bulk!;
const test = (name: string, fn: () => void) => Deno.test({ name, ignore, fn });
const scalars = randomScalars(N.order, seededRng(1), 40);
/** The same elements in both groups, in representatives that have nothing to do with each other. */
const ours = ignore ? [] : scalars.map((k) => G.multiply(G.generator, k));
const nobles = scalars.map((k) => N.multiply(N.generator, k));
const hex = (of: Group, element: Element) => of.encode(element).toHex();

test("group() is the kernel's where it runs", () => assert(group("ristretto255").bulk));

test("elements, sums, doubles and negatives have noble's encodings and keys", () => {
  for (let i = 1; i < ours.length; i++) {
    const pairs: [Element, Element][] = [
      [ours[i], nobles[i]],
      [ours[i].add(ours[i - 1]), nobles[i].add(nobles[i - 1])],
      [ours[i].add(ours[i]), nobles[i].double()],
      [ours[i].double().negate(), nobles[i].double().negate()],
    ];
    for (const [our, noble] of pairs) {
      assertEquals(hex(G, our), hex(N, noble));
      assertEquals([...G.keys([our])], [...N.keys([noble])]);
    }
  }
  assert(G.equals(ours[0].add(ours[0].negate()), G.identity));
  assert(G.equals(G.sum(ours), G.multiply(G.generator, scalars.reduce((a, b) => a + b))));
});

test("multiply() reduces any integer mod q", () => {
  for (const k of [0n, 1n, -1n, N.order, N.order - 1n, N.order + 1n, -(2n ** 300n), 2n ** 256n]) {
    const noble = N.multiply(nobles[0], k);
    assert(G.equals(G.multiply(ours[0], k), G.multiply(G.generator, scalars[0] * k)));
    if (!N.equals(noble, N.identity)) {
      assertEquals(hex(G, G.multiply(ours[0], k)), hex(N, noble));
    }
  }
});

test("hash() is noble's", () => {
  const message = Uint8Array.of(1, 2, 3);
  assertEquals(hex(G, G.hash(message, "domain")), hex(N, N.hash(message, "domain")));
});

test("bulk.encode() and decode() take any number of elements, and name one that they refuse", () => {
  for (const count of [0, 1, 2, 3, 40]) {
    const encodings = bulk.encode(ours.slice(0, count));
    assertEquals(encodings.map((b) => b.toHex()), nobles.slice(0, count).map((e) => hex(N, e)));
    const decoded = bulk.decode(encodings);
    decoded.forEach((element, i) => assert(G.equals(element, ours[i])));
  }
  const encodings = bulk.encode(ours);
  assertThrows(() => bulk.encode([...ours, G.identity]), RangeError, "it is the identity");
  for (
    const [wrong, text] of [
      [encodings[7].subarray(1), "31 bytes, expected 32"],
      [new Uint8Array(32), "it is the identity"],
      [encodings[7].map((byte, k) => k === 0 ? byte ^ 1 : byte), "not a canonical encoding"],
      [encodings[7].map((byte, k) => k === 31 ? byte | 128 : byte), "not a canonical encoding"],
    ] as const
  ) {
    const some = encodings.map((bytes, i) => i === 33 ? wrong : bytes);
    assertThrows(
      () => bulk.decode(some),
      RangeError,
      `Cannot decode ristretto255 element: ${text}`,
    );
  }
});

test("bulk.sums() agrees with one multiplication per coordinate, in parts, at every window", () => {
  const entry = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: -9, max: 9 }),
    fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31), 1 << 30, -512, 511, 512),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 9 }), fc.integer({ min: 2, max: 10 }), (y, window) => {
      const points = ours.slice(0, y.length);
      const expected = y.reduce((sum, value, i) => sum + BigInt(value) * scalars[i], 0n);
      const vectors = [Int32Array.from(y), new Int32Array(y.length)];
      const sums = bulk.sums(points, vectors, window);
      assert(G.equals(sums[0], G.multiply(G.generator, expected)), `${y} ${window}`);
      assert(G.equals(sums[1], G.identity));
    }),
    { seed: 1, numRuns: 60 },
  );
});

test("bulk.sums() sums many points in parts, and reports once a vector", () => {
  const points = Array.from({ length: 250 }, (_, i) => ours[i % ours.length]); // 100 a part at window 10
  const y = Int32Array.from(points, (_, i) => 97 * i - 5000);
  const expected = y.reduce((sum, v, i) => sum + BigInt(v) * scalars[i % scalars.length], 0n);
  const seen: number[][] = [];
  const sums = bulk.sums(points, [y, y.map((v) => -v)], 10, (...at) => seen.push(at));
  assert(G.equals(sums[0], G.multiply(G.generator, expected)));
  assert(G.equals(sums[1], sums[0].negate()));
  assertEquals(seen, [[1, 2], [2, 2]]);
  const [same] = multiScalar({ ...G, bulk: undefined }, points, [y]);
  assert(G.equals(same, sums[0]));
});

test("bulk.sums() is right although its progress is told to someone who uses the kernel", () => {
  const points = ours.slice(0, 5);
  const y = Int32Array.of(1, -2, 300, -4, 5);
  const [expected] = bulk.sums(points, [y], 4);
  const sums = bulk.sums(points, [y, y, y], 4, () => void bulk.encode(ours));
  for (const sum of sums) assert(G.equals(sum, expected));
});

test("bulk.multiplesKeys() gives the keys of multiples, in portions even and odd", () => {
  const next = bulk.multiplesKeys(ours[0]);
  let k = 1n;
  for (const count of [4, 4, 1, 7, 1024, 3]) {
    const expected = Array.from({ length: count }, () => G.multiply(ours[0], k++));
    assertEquals([...next(count)], [...G.keys(expected)]);
  }
});
