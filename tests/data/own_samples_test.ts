import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import {
  checkTotal,
  labelBytes,
  type OwnSamples,
  splitSamples,
  takeSamples,
  withSharedClasses,
} from "lib/data/own_samples.ts";

const labels = (values: readonly string[]) => labelBytes("f", values, values.length);

Deno.test("labelBytes() keeps integers at their place among the outputs", () => {
  assertEquals(labels(["3", "0", "3"]), {
    ...{ y: Uint8Array.of(3, 0, 3), classes: ["0", "1", "2", "3"], labelled: true },
  });
  assertEquals(labels(["1.0", "0"]).y, Uint8Array.of(1, 0));
});

Deno.test("labelBytes() numbers names in sorted order, and numbers by size", () => {
  assertEquals(labels(["dog", "cat", "dog"]), {
    ...{ y: Uint8Array.of(1, 0, 1), classes: ["cat", "dog"], labelled: true },
  });
  assertEquals(labels(["10.5", "-2", "9"]).classes, ["-2", "9", "10.5"]);
  assertEquals(labels(["300", "7"]).classes, ["7", "300"]);
});

Deno.test("labelBytes() without labels is one class, and refuses what is no class", () => {
  assertEquals(labelBytes("f", null, 2), {
    ...{ y: new Uint8Array(2), classes: ["?"], labelled: false },
  });
  const many = Array.from({ length: 257 }, (_, k) => String(k / 2));
  assertThrows(() => labels(many), DataError, "257 different labels, at most 256");
});

/** Samples of one value, which says which they are. */
function samplesOf(y: readonly number[]): OwnSamples {
  return {
    ...{ name: "mine", x: Uint8Array.from(y.keys()), y: Uint8Array.from(y), count: y.length, n: 1 },
    ...{ shape: [1, 1, 1], classes: ["a", "b"], labelled: true, kind: "image", notes: [] },
    names: y.map((_, k) => `image ${k}`),
  };
}

Deno.test("splitSamples() takes every k-th of each class for the public half", () => {
  const mixed = samplesOf([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
  const { privateSamples, publicSamples } = splitSamples(mixed, 1 / 3);
  assertEquals([...publicSamples.x], [2, 5, 8, 11]);
  assertEquals(publicSamples.names, ["image 2", "image 5", "image 8", "image 11"]);
  assertEquals([...publicSamples.y], [0, 1, 0, 1]);
  assertEquals([...privateSamples.x], [0, 1, 3, 4, 6, 7, 9, 10]);
  assertEquals([privateSamples.count, publicSamples.count], [8, 4]);
});

Deno.test("splitSamples() leaves at least one sample on each side, and no sample on both", () => {
  for (const share of [0.01, 0.5, 0.99]) {
    const { privateSamples, publicSamples } = splitSamples(samplesOf([0, 1, 0]), share);
    assertEquals([...privateSamples.x, ...publicSamples.x].sort(), [0, 1, 2]);
    assertEquals(privateSamples.count > 0 && publicSamples.count > 0, true);
  }
});

Deno.test("splitSamples() and takeSamples() refuse what cannot be", () => {
  assertThrows(() => splitSamples(samplesOf([0]), 0.5), RangeError, "1 sample, expected 2 or more");
  assertThrows(() => splitSamples(samplesOf([0, 1]), 1), RangeError, "share 1 is not in (0, 1)");
  assertThrows(() => splitSamples(samplesOf([0, 1]), NaN), RangeError, "share NaN");
  assertThrows(() => takeSamples(samplesOf([0]), [1]), RangeError, "Cannot take image 1");
});

Deno.test("withSharedClasses() makes a label mean the same in both", () => {
  const named = (classes: string[], y: number[]) => ({ ...samplesOf(y), classes });
  const both = (a: OwnSamples, b: OwnSamples) =>
    withSharedClasses(a, b).map(({ classes, y }) => [classes.join(), ...y]);
  const [few, all] = [named(["0", "1"], [1, 0]), named(["0", "1", "2"], [2, 1])];
  assertEquals(both(few, all), [["0,1,2", 1, 0], ["0,1,2", 2, 1]]);
  assertEquals(both(all, few), [["0,1,2", 2, 1], ["0,1,2", 1, 0]]);
  const pets = both(named(["cat", "eel"], [1, 0]), named(["bat", "cat"], [0, 1]));
  assertEquals(pets, [["bat,cat,eel", 2, 1], ["bat,cat,eel", 0, 1]]);
  const without = { ...few, labelled: false, classes: ["?"] };
  assertEquals(withSharedClasses(without, all), [without, all]);
  assertThrows(
    () => withSharedClasses(named(["cat"], [0]), few),
    DataError,
    "Cannot use mine and mine together: no class in common, cat and 0, 1",
  );
});

Deno.test("checkTotal() bounds the memory before it is taken", () => {
  checkTotal("d", 60_000, 3072);
  assertThrows(() => checkTotal("d", 90_000, 3072), DataError, "277 MB, at most 268 MB");
});
