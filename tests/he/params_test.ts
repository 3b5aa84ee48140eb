import { assertEquals, assertThrows } from "@std/assert";
import {
  checkCkksParams,
  type CkksParams,
  keyBytes,
  LINEAR_PARAMS,
  NETWORK_PARAMS,
  primeBits,
  slotsOf,
} from "lib/he/params.ts";

Deno.test("checkCkksParams() takes the two sets that models use", () => {
  for (const params of [LINEAR_PARAMS, NETWORK_PARAMS]) {
    assertEquals(checkCkksParams(params), params);
  }
  assertEquals(slotsOf(LINEAR_PARAMS), 4096);
  assertEquals(primeBits(LINEAR_PARAMS), [60, 48, 48, 60]);
  assertEquals(keyBytes(LINEAR_PARAMS), 3 * 2 * 4 * 8192 * 8);
});

Deno.test("checkCkksParams() refuses what is out of range or insecure, and says what would do", () => {
  const refuse = (change: Partial<CkksParams>, why: string) =>
    assertThrows(() => checkCkksParams({ ...LINEAR_PARAMS, ...change }), RangeError, why);
  refuse({ degree: 8000 }, "degree = 8000, expected one of 4096, 8192, 16384");
  refuse({ degree: 32768 }, "degree = 32768");
  refuse({ depth: 3 }, "264 bits at degree 8192 are insecure, at most 218; take depth at most 2");
  refuse({ degree: 4096, depth: 0 }, "120 bits at degree 4096 are insecure, at most 109");
  refuse({ depth: 1.5 }, "depth = 1.5 is not an integer in [0, 20]");
  refuse({ depth: -1 }, "depth = -1");
  refuse({ scaleBits: 19 }, "scaleBits = 19");
  refuse({ scaleBits: NaN }, "scaleBits = NaN");
  refuse({ baseBits: 49 }, "baseBits = 49 is not an integer in [50, 60]");
});
