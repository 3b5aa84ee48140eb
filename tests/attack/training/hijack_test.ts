import { assert, assertEquals, assertThrows } from "@std/assert";
import { Hijacker } from "lib/attack/training/hijack.ts";
import { pilotOf } from "lib/attack/training/pilot.ts";
import { seededRng } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";

const [n, count, units, d] = [9, 40, 5, 3];
const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
const publicImages = { x: seededRng(1).bytes(count * n), y };
const how = () => ({
  ...{ pilot: pilotOf(publicImages, d), publicImages, classes: 2, units },
  ...{ strength: 1, rate: 0.01, penalty: 1, rng: seededRng(2) },
});

Deno.test("Hijacker moves codes that are far off towards the pilot's, and leaves other units alone", async () => {
  await startBackend();
  using hijacker = new Hijacker(how());
  const m = 20;
  const labels = Uint8Array.from({ length: m }, (_, i) => i % 2);
  const pilot = how().pilot.encode(publicImages.x);
  let start = 0;
  for (let i = 0; i < count; i++) start += pilot[i * d] / count;
  const z1 = new Float32Array(m * units).map((_, at) => at % units === 0 ? start + 20 : 0);
  const dz1 = new Float32Array(z1.length).fill(7);
  const before = z1[0];
  for (let step = 0; step < 150; step++) {
    const samples = Uint32Array.from({ length: m }, (_, i) => i);
    const sent = hijacker.steer({ samples, z1, labels, dz1, rate: 1 });
    assertEquals(sent[d], 7);
    for (let at = 0; at < z1.length; at++) if (at % units < d) z1[at] -= 0.5 * sent[at];
  }
  assert(Math.abs(z1[0] - start) < Math.abs(before - start), `${before} ${z1[0]} ${start}`);
});

Deno.test("Hijacker refuses a class without a public image, and a strength of 0", () => {
  assertThrows(() => new Hijacker({ ...how(), classes: 3 }), RangeError, "class 2");
  assertThrows(() => new Hijacker({ ...how(), strength: 0 }), RangeError, "strength = 0");
});
