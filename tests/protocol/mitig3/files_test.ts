import { assert, assertEquals, assertThrows } from "@std/assert";
import { seal, unseal } from "lib/data/safetensors.ts";
import { decodeModel } from "lib/protocol/mitig3/client.ts";
import { decodeClient, decodeHead, encodeClient, encodeHead } from "lib/protocol/mitig3/files.ts";
import { sessionOf } from "lib/protocol/split/terms.ts";

const file = "model.safetensors";
const notes = {
  ...{ file, sessionKey: new Uint8Array(16).fill(7), source: "csprng" },
  terms: JSON.stringify({ units: 2, pixelScale: 0.5 }),
};
const numbers = (length: number, from: number) => Float32Array.from({ length }, (_, i) => from + i);
const adam = (length: number) => ({ steps: 4, moments: [numbers(length, 1), numbers(length, 2)] });
const state = {
  first: { W1: numbers(6, 1), ...adam(6) },
  bottleneck: {
    weights: { b1: numbers(2, 10), V: numbers(8, 20), c: numbers(4, 30) },
    optimizers: { b1: adam(2), V: adam(8), c: adam(4) },
  },
};
const head = { A: numbers(12, 40), b: numbers(3, 60) };
const good = encodeClient(state, head, notes);

Deno.test("decodeClient() returns what encodeClient() took, and decodeModel() the model", () => {
  assertEquals(decodeClient(good, file), { ...notes, state, head, n: 3, pixelScale: 0.5 });
  assertEquals(decodeModel(good), {
    ...{ session: sessionOf(notes.sessionKey), W1: state.first.W1, n: 3, pixelScale: 0.5, head },
    ...state.bottleneck.weights,
  });
});

Deno.test("decodeClient() and decodeHead() refuse intact files that lack something, with a RangeError each", () => {
  const { tensors, metadata } = unseal(good);
  const faults: [change: Record<string, string | undefined>, reason: string][] = [
    [{ terms: undefined }, "its terms have no pixelScale"],
    [{ terms: "null" }, "its terms have no pixelScale"],
    [{ sessionKey: undefined }, "its sessionKey is missing"],
    [{ sessionKey: "abc" }, "its sessionKey is abc"],
    [{ steps: "-1" }, "steps = -1"],
    [{ party: "mitig2 client" }, "its party is mitig2 client, expected mitig3 client"],
    [{ file: "epoch-1.safetensors" }, "its file is epoch-1.safetensors, expected model"],
  ];
  for (const [change, reason] of faults) {
    const changed = Object.entries({ ...metadata, ...change })
      .filter((entry): entry is [string, string] => entry[1] !== undefined);
    const bytes = seal(tensors, Object.fromEntries(changed));
    assertThrows(() => decodeClient(bytes, file), RangeError, `Cannot read model: ${reason}`);
  }
  for (const name of ["W1", "b1", "V", "c", "A", "b"]) {
    const { [name]: _, ...rest } = tensors;
    assertThrows(() => decodeClient(seal(rest, metadata), file), RangeError, `expected ${name} of`);
  }
  const flat = { ...tensors, V: { ...tensors.V, shape: [8] } };
  assertThrows(() => decodeClient(seal(flat, metadata), file), RangeError, "expected V of shape");

  const theirs = { weights: head, optimizers: { A: adam(12), b: adam(3) } };
  const bytes = encodeHead(theirs, { file, session: "a" });
  assertEquals(decodeHead(bytes, { file, session: "a" }), theirs);
  assertThrows(
    () => decodeHead(bytes, { session: "b" }),
    RangeError,
    "its session is a, expected b",
  );
  assertThrows(() => decodeHead(good), RangeError, "its party is mitig3 client");
  const text = new TextDecoder().decode(bytes);
  assert(!text.includes("sessionKey") && !text.includes("sigma"));
});
