import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromKnown } from "lib/attack/training/known.ts";
import { planted } from "./planted.ts";

/** Squares of 2 × 2 at one of nine places, on black, of one grey level each. */
function squares(count: number): Uint8Array {
  const x = new Uint8Array(count * 16);
  for (let i = 0; i < count; i++) {
    const [place, grey] = [i % 9, 100 + 5 * i];
    for (const p of [0, 1, 4, 5]) x[i * 16 + p + 4 * Math.floor(place / 3) + place % 3] = grey;
  }
  return x;
}

const { view, x } = planted({ count: 20, units: 8, visits: 4, batch: 5, x: squares(20) });
const knownOf = (names: readonly number[]) => ({
  samples: Uint32Array.from(names),
  x: Uint8Array.from(names.flatMap((name) => [...x.subarray(name * 16, (name + 1) * 16)])),
});

Deno.test("fromKnown() recovers images from their inner products with known ones", async () => {
  const names = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const found = await fromKnown(view, { known: knownOf(names) });
  assertEquals([found.status, found.message], ["estimate", ""]);
  assertEquals([...found.samples], [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  found.samples.forEach((name, row) => {
    for (let p = 0; p < 16; p++) {
      assert(Math.abs(found.X![row * 16 + p] - x[name * 16 + p]) < 2, `pixel ${p} of ${name}`);
    }
  });
});

Deno.test("fromKnown() counts a known image and its double once", async () => {
  const { samples } = await fromKnown(view, { known: knownOf([0, 9]), samples: [12] });
  assertEquals([...samples], [12]); // 9 is 0 in another grey: one equation
});

Deno.test("fromKnown() fails where G is missing, and refuses images that are none", async () => {
  const short = { ...view, steps: view.steps.slice(0, 4) };
  const { status, X, message } = await fromKnown(short, { known: knownOf([0]) });
  assertEquals([status, X], ["failed", null]);
  assert(message.startsWith("no inner products: no sample was met twice"), message);
  const refuse = (
    known: Parameters<typeof fromKnown>[1]["known"],
    E: typeof TypeError,
    t: string,
  ) => assertRejects(() => fromKnown(view, { known }), E, t);
  await refuse(knownOf([]), RangeError, "0 of them");
  await refuse(knownOf([3, 3]), RangeError, "named twice");
  await refuse({ ...knownOf([1]), x: new Uint8Array(5) }, TypeError, "5 pixels, expected 1 × 16");
  await refuse({ ...knownOf([1]), samples: Uint32Array.of(20) }, RangeError, "G has no sample 20");
  const black = { samples: Uint32Array.of(1), x: new Uint8Array(16) };
  assertEquals((await fromKnown(view, { known: black })).status, "failed");
});
