import { assert, assertEquals } from "@std/assert";
import { bytesOfLimbs, compileCodec, limbsOfBytes } from "lib/math/edwards/codec.ts";
import { P } from "lib/math/edwards/constants.ts";
import { limbsOf, Machine, valueOf } from "lib/math/edwards/machine.ts";
import { fromNoble, toNoble } from "lib/math/edwards/ristretto.ts";
import { NOBLE_RISTRETTO as N } from "lib/math/noble_ristretto.ts";
import { randomScalars, seededRng } from "lib/math/rng.ts";
import vectors from "../../vectors/ristretto255.json" with { type: "json" };

const machine = Machine.start();
const ignore = machine === null; // no fused relaxed SIMD here: group() does without
const { encode, decode } = ignore ? {} as ReturnType<typeof compileCodec> : compileCodec(machine);
const test = (name: string, fn: () => void) => Deno.test({ name, ignore, fn });

test("decode() refuses on its own what noble refuses, and nothing else", () => {
  const bytes = seededRng(2).bytes(32 * 400);
  const candidates = Array.from({ length: 400 }, (_, i) => {
    const encoding = bytes.slice(32 * i, 32 * i + 32);
    if (i % 4 !== 0) { // mostly even and below 2^255: the curve decides
      encoding[0] &= 254;
      encoding[31] &= 127;
    }
    if (i < 40) encoding.fill(255, 1, 31); // at the end of the field
    return encoding;
  });
  candidates.push(new Uint8Array(32));
  candidates.push(...vectors.invalid.map((hex) => Uint8Array.fromHex(hex)));
  candidates.push(...vectors.multiples.slice(1).map((hex) => Uint8Array.fromHex(hex)));
  let accepted = 0;
  const decoded = decode(candidates);
  assertEquals(decoded.length, candidates.length);
  decoded.forEach((limbs, i) => {
    let expected;
    try {
      expected = N.decode(candidates[i]);
    } catch {
      assertEquals(limbs, null, candidates[i].toHex());
      return;
    }
    assert(limbs !== null && N.equals(toNoble(limbs), expected), candidates[i].toHex());
    assertEquals(encode([limbs])[0], candidates[i]);
    accepted++;
  });
  assert(accepted > 50, `${accepted}`);
});

test("encode() agrees with noble on every representative, and takes any number of points", () => {
  const scalars = randomScalars(N.order, seededRng(1), 1500); // more than a batch
  let point = N.multiply(N.generator, scalars[0]);
  const step = N.multiply(N.generator, scalars[1]);
  const points = scalars.map(() => point = point.add(step));
  for (const count of [0, 1, 2, 3, 1500]) {
    const some = points.slice(0, count);
    const encodings = encode(some.map(fromNoble));
    assertEquals(encodings.length, count);
    const [from] = [Math.max(0, count - 30)];
    encodings.slice(from).forEach((bytes, i) =>
      assertEquals(bytes.toHex(), N.encode(some[from + i]).toHex())
    );
  }
});

test("bytes and limbs: every bit of 255 has its place", () => {
  const integer = (bytes: Uint8Array) => BigInt("0x" + bytes.toReversed().toHex());
  for (let bit = 0n; bit < 255n; bit++) {
    for (const value of [1n << bit, (1n << bit) - 1n, (1n << 255n) - 20n - (1n << bit)]) {
      if (value < 0n || value >= P) continue;
      const bytes = Uint8Array.fromHex(value.toString(16).padStart(64, "0")).reverse();
      const limbs = limbsOfBytes(bytes);
      assertEquals(valueOf(limbs), value);
      assert(limbs.every((limb) => Math.abs(limb) <= 2 ** 50 + 19));
      const canonical = Float64Array.from(
        { length: 5 },
        (_, k) => Number(BigInt.asUintN(51, value >> BigInt(51 * k))),
      );
      assertEquals(integer(bytesOfLimbs(canonical)), value);
    }
  }
  assertEquals(valueOf(limbsOf(-1n)), P - 1n);
});
