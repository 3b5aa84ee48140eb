import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";

Deno.test("assertThrows() refuses a wrong class, a wrong message and a function that returns", () => {
  const boom = () => {
    throw new RangeError("Cannot boom: too loud");
  };
  assertThrows(boom, RangeError, "too loud");
  assertThrows(() => assertThrows(boom, TypeError), Error);
  assertThrows(() => assertThrows(boom, RangeError, "too quiet"), Error);
  assertThrows(() => assertThrows(() => 1, Error), Error);
});

Deno.test("assertRejects() and assertEquals() can fail", async () => {
  await assertRejects(() => Promise.reject(new TypeError("no")), TypeError, "no");
  await assertRejects(() => assertRejects(() => Promise.resolve(1), Error), Error);
  assertThrows(() => assertEquals([1, 2], [1, 3]), Error);
  assertThrows(() => assert(0), Error);
});
