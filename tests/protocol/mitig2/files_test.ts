import { assert, assertEquals, assertThrows } from "@std/assert";
import { seal, unseal } from "lib/data/safetensors.ts";
import { decodeModel } from "lib/protocol/mitig2/client.ts";
import { decodeFirst, decodeUpper, encodeFirst, encodeUpper } from "lib/protocol/mitig2/files.ts";
import { sessionOf } from "lib/protocol/mitig2/terms.ts";

const file = "model.safetensors";
const notes = {
  file,
  sessionKey: new Uint8Array(16).fill(7),
  orderKey: new Uint8Array(32).fill(9),
  terms: JSON.stringify({ hidden: 2, pixelScale: 0.5 }),
  source: "csprng",
};
const first = {
  W1: Float32Array.of(1, 2, 3, 4, 5, 6),
  steps: 4,
  moments: [new Float32Array(6), new Float32Array(6).fill(2)],
};
const good = encodeFirst(first, 3, notes);

Deno.test("decodeFirst() returns what encodeFirst() took, and decodeModel() W1 for pixels in 0..255", () => {
  const { hidden, n, pixelScale, ...rest } = decodeFirst(good, file);
  assertEquals(rest, { ...first, ...notes });
  assertEquals([hidden, n, pixelScale], [2, 3, 0.5]);
  const { W1, session, sessionKey } = decodeModel(good);
  assertEquals([...W1], [0.5, 1, 1.5, 2, 2.5, 3]);
  assertEquals([sessionKey, session], [notes.sessionKey, sessionOf(notes.sessionKey)]);
});

Deno.test("decodeModel() and decodeUpper() refuse intact files that lack something, with a RangeError each", () => {
  const { tensors, metadata } = unseal(good);
  const faults: [change: Record<string, string | undefined>, reason: string][] = [
    [{ terms: undefined }, "its terms have no pixelScale"],
    [{ terms: "{}" }, "its terms have no pixelScale"],
    [{ terms: "null" }, "its terms have no pixelScale"],
    [{ terms: "not JSON" }, "its terms have no pixelScale"],
    [{ terms: '{"pixelScale":0}' }, "its terms have no pixelScale"],
    [{ terms: '{"pixelScale":"1"}' }, "its terms have no pixelScale"],
    [{ sessionKey: undefined }, "its sessionKey is missing"],
    [{ sessionKey: "abc" }, "its sessionKey is abc"],
    [{ orderKey: "" }, "its orderKey is"],
    [{ orderKey: "zz" }, "its orderKey is zz"],
    [{ steps: "-1" }, "steps = -1"],
    [{ steps: undefined }, "steps = undefined"],
    [{ version: "1" }, "its version is 1, expected 2"],
    [{ party: undefined }, "its party is missing, expected mitig2 client"],
    [
      { file: "epoch-1.safetensors" },
      "its file is epoch-1.safetensors, expected model.safetensors",
    ],
  ];
  for (const [change, reason] of faults) {
    const changed = Object.entries({ ...metadata, ...change })
      .filter((entry): entry is [string, string] => entry[1] !== undefined);
    const bytes = seal(tensors, Object.fromEntries(changed));
    assertThrows(() => decodeModel(bytes), RangeError, `Cannot read model: ${reason}`);
  }
  const { W1, ...moments } = tensors;
  assertThrows(() => decodeModel(seal(moments, metadata)), RangeError, "expected W1 of shape");
  const flat = { ...tensors, W1: { ...W1, shape: [6] } };
  assertThrows(() => decodeModel(seal(flat, metadata)), RangeError, "expected W1 of shape");
  assertThrows(() => decodeUpper(good), RangeError, "its party is mitig2 client, expected");

  const none = { steps: 3, moments: [] };
  const upper = {
    weights: { b1: new Float32Array(2), W2: new Float32Array(6), b2: new Float32Array(3) },
    optimizers: { b1: none, W2: none, b2: none },
  };
  const theirs = encodeUpper(upper, { file, session: "a" });
  assertEquals(decodeUpper(theirs, { file, session: "a" }), upper);
  assertThrows(
    () => decodeUpper(theirs, { session: "b" }),
    RangeError,
    "its session is a, expected b",
  );
  assertThrows(() => decodeUpper(theirs, { terms: "x" }), RangeError, "its terms is missing");
  assert(!new TextDecoder().decode(theirs).includes("sessionKey"));
});
