/** `@std/assert` for this workspace: the package `jsr:@std/assert` where it can be reached (its hash
 * is in `deno.lock`), else a stand-in over `node:assert/strict` with the same names and semantics, so
 * that the suite passes unchanged on a machine without access to JSR.
 *
 * Only the assertions that the suite uses are exported. `assertSource` says which of the two is at work.
 * @module */
import strict from "node:assert/strict";

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

interface Assertions {
  assert(value: unknown, message?: string): asserts value;
  assertEquals<T>(actual: T, expected: T, message?: string): void;
  assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
  assertAlmostEquals(actual: number, expected: number, tolerance?: number, message?: string): void;
  assertGreater<T>(actual: T, expected: T, message?: string): void;
  assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  assertLess<T>(actual: T, expected: T, message?: string): void;
  assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  assertMatch(actual: string, expected: RegExp, message?: string): void;
  assertStringIncludes(actual: string, expected: string, message?: string): void;
  assertInstanceOf<E extends Error>(
    actual: unknown,
    expected: ErrorClass<E>,
    message?: string,
  ): asserts actual is E;
  assertThrows<E extends Error = Error>(
    fn: () => unknown,
    errorClass: ErrorClass<E>,
    messageIncludes?: string,
  ): E;
  assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass: ErrorClass<E>,
    messageIncludes?: string,
  ): Promise<E>;
}

function holds(condition: boolean, message: string): void {
  if (!condition) throw new strict.AssertionError({ message });
}

/** The shared check behind assertThrows and assertRejects: class first, then message. */
function matchesError<E extends Error>(error: unknown, expected: ErrorClass<E>, text = ""): E {
  holds(error instanceof expected, `Expected ${expected.name}, got ${error}`);
  const caught = error as E;
  holds(
    caught.message.includes(text),
    `Expected error message to include "${text}", got "${caught.message}"`,
  );
  return caught;
}

const standIn: Assertions = {
  assert: (value, message) => holds(Boolean(value), message ?? `Expected truthy, got ${value}`),
  assertEquals: (actual, expected, message) => strict.deepStrictEqual(actual, expected, message!),
  assertNotEquals: (actual, expected, message) =>
    strict.notDeepStrictEqual(actual, expected, message!),
  assertStrictEquals: (actual, expected, message) => strict.strictEqual(actual, expected, message!),
  assertAlmostEquals: (actual, expected, tolerance, message) =>
    holds(
      Math.abs(actual - expected) <= (tolerance ?? Math.max(1e-7, Math.abs(expected) * 1e-7)),
      message ?? `Expected ${actual} to be close to ${expected}`,
    ),
  assertGreater: (a, b, message) => holds(a > b, message ?? `Expected ${a} > ${b}`),
  assertGreaterOrEqual: (a, b, message) => holds(a >= b, message ?? `Expected ${a} >= ${b}`),
  assertLess: (a, b, message) => holds(a < b, message ?? `Expected ${a} < ${b}`),
  assertLessOrEqual: (a, b, message) => holds(a <= b, message ?? `Expected ${a} <= ${b}`),
  assertMatch: (actual, expected, message) => strict.match(actual, expected, message!),
  assertStringIncludes: (actual, expected, message) =>
    holds(actual.includes(expected), message ?? `Expected "${actual}" to contain "${expected}"`),
  assertInstanceOf: (actual, expected, message) =>
    holds(actual instanceof expected, message ?? `Expected ${expected.name}, got ${actual}`),
  assertThrows(fn, errorClass, messageIncludes) {
    try {
      fn();
    } catch (error) {
      return matchesError(error, errorClass, messageIncludes);
    }
    throw new strict.AssertionError({ message: "Expected function to throw" });
  },
  async assertRejects(fn, errorClass, messageIncludes) {
    try {
      await fn();
    } catch (error) {
      return matchesError(error, errorClass, messageIncludes);
    }
    throw new strict.AssertionError({ message: "Expected promise to reject" });
  },
};

const std = await import("jsr-std-assert").catch(() => null) as Assertions | null;

/** Which assertions run: the real package, or the stand-in where JSR cannot be reached. */
export const assertSource: string = std === null ? "node:assert stand-in" : "jsr:@std/assert";

// Assertion signatures need explicitly typed names, hence one line each.
const chosen: Assertions = std ?? standIn;
export const assert: Assertions["assert"] = chosen.assert;
export const assertEquals: Assertions["assertEquals"] = chosen.assertEquals;
export const assertNotEquals: Assertions["assertNotEquals"] = chosen.assertNotEquals;
export const assertStrictEquals: Assertions["assertStrictEquals"] = chosen.assertStrictEquals;
export const assertAlmostEquals: Assertions["assertAlmostEquals"] = chosen.assertAlmostEquals;
export const assertGreater: Assertions["assertGreater"] = chosen.assertGreater;
export const assertGreaterOrEqual: Assertions["assertGreaterOrEqual"] = chosen.assertGreaterOrEqual;
export const assertLess: Assertions["assertLess"] = chosen.assertLess;
export const assertLessOrEqual: Assertions["assertLessOrEqual"] = chosen.assertLessOrEqual;
export const assertMatch: Assertions["assertMatch"] = chosen.assertMatch;
export const assertStringIncludes: Assertions["assertStringIncludes"] = chosen.assertStringIncludes;
export const assertInstanceOf: Assertions["assertInstanceOf"] = chosen.assertInstanceOf;
export const assertThrows: Assertions["assertThrows"] = chosen.assertThrows;
export const assertRejects: Assertions["assertRejects"] = chosen.assertRejects;
