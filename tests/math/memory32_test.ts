import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Kernel, Memory32, memoryOf } from "lib/math/memory32.ts";

Deno.test("Memory32.take() gives arrays of their own that stay where they are when it grows", () => {
  using memory = Memory32.open();
  const first = memory.take(5).fill(1);
  const large = memory.take(2 ** 20).fill(2);
  assert(first.every((value) => value === 1) && large.every((value) => value === 2));
  assert([first, large, first.subarray(2)].every((array) => memoryOf(array) === memory));
  assertEquals(memoryOf(new Float32Array(5)), undefined);
});

Deno.test("Memory32.give() lets the smallest room that is large enough be used again", () => {
  using memory = Memory32.open();
  const [large, small, used] = [memory.take(1000), memory.take(100), memory.take(100)];
  memory.give(large);
  memory.give(small);
  assertEquals(memory.take(50).byteOffset, small.byteOffset);
  assertEquals(memory.take(50).byteOffset, large.byteOffset);
  assert(memory.take(50).byteOffset > used.byteOffset);
  memory.give(new Float32Array(3)); // another's: left alone
});

Deno.test("Memory32.hold() copies what lies elsewhere, and only that", () => {
  using memory = Memory32.open();
  using other = Memory32.open();
  const own = memory.take(3);
  assertEquals(memory.hold(own), own);
  assertEquals(memory.hold(own).byteOffset, own.byteOffset);
  for (const foreign of [Float32Array.of(1, 2, 3), other.take(3).fill(4)]) {
    const held = memory.hold(foreign);
    assert(memoryOf(held) === memory);
    assertEquals([...held], [...foreign]);
  }
});

Deno.test("Memory32.open() takes a memory that was disposed of, never one in use", () => {
  const first = Memory32.open();
  const { buffer } = first.take(10);
  first[Symbol.dispose]();
  using second = Memory32.open();
  using third = Memory32.open();
  assertStrictEquals(second.take(10).buffer, buffer);
  assert(third.take(10).buffer !== buffer);
});

Deno.test("Memory32 that was disposed of, once or twice, leaves its memory to the next", () => {
  const first = Memory32.open();
  const before = first.take(10);
  first[Symbol.dispose]();
  using second = Memory32.open();
  const own = second.take(10).fill(1);
  first[Symbol.dispose]();
  using third = Memory32.open();
  third.take(10).fill(3);
  second.take(10).fill(2);
  assertEquals([...own], Array(10).fill(1));
  const kernel = new Kernel(() => new Uint8Array());
  for (
    const use of [
      () => first.take(1),
      () => first.give(before),
      () => first.hold(Float32Array.of(1)),
      () => first.run(kernel),
    ]
  ) assertThrows(use, Error, "Cannot use a memory: it was disposed of");
});

Deno.test("Memory32.take() refuses more than it can have", () => {
  using memory = Memory32.open();
  assertThrows(() => memory.take(2 ** 31), RangeError);
});
