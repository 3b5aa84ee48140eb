/** The row of function-hiding encryption at n = 784: one key against one ciphertext, without the logarithm,
 * D1 = e(K1, C1) and D2 = ∏ e(K2_i, C2_i), on one core. The lines of the ciphertext are kept, as a server keeps them
 * that has many keys for it; in `fhipe_fresh.ts` nothing is. The peer is blst.
 * @module */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { invert, mod } from "@noble/curves/abstract/modular.js";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import {
  decodeCiphertext,
  decodeFunctionalKey,
  encodeCiphertext,
  encodeFunctionalKey,
  encrypt,
  keyDerive,
  pairings,
  prepareCiphertext,
  setup,
} from "lib/fe/fhipe.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { type GT, powerGT, startPairing } from "lib/math/pairing/group.ts";
import { LIMB_BITS, R_BITS } from "lib/math/pairing/kernel.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { takeTurns } from "./turns.ts";

const [N, BOUND_X, BOUND_Y] = [784, 255, 1342];
const P = bls12_381.fields.Fp.ORDER;
const R_INVERSE = invert(1n << R_BITS, P);

/** The first 16 hexadecimal digits of SHA-256 over what each value shares with its inverse, since only up to the sign
 * of the exponent do implementations agree on a pairing: the coefficients of w⁰, w², w⁴, big endian. */
function digest(values: readonly GT[]): string {
  const hash = createHash("sha256");
  for (const limbs of values as unknown as readonly Float64Array[]) {
    for (const number of [0, 1, 4, 5, 8, 9]) { // Re and Im of every other coefficient
      const value = limbs.subarray(8 * number, 8 * number + 8)
        .reduceRight((sum, limb) => (sum << BigInt(LIMB_BITS)) + BigInt(limb), 0n);
      hash.update(mod(value * R_INVERSE, P).toString(16).padStart(96, "0"), "hex");
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** Makes the key and the ciphertext, and says what the row is. */
async function prepare(folder: string, setting: "kept" | "fresh"): Promise<void> {
  const y = toFixed(gaussian(seededRng(1), N), 8);
  const x = seededRng(2).bytes(N).map((byte) => byte < 200 ? 0 : byte);
  const z = x.reduce((sum, value, i) => sum + value * y[i], 0);
  const group = await startPairing("bls12-381", "simd");
  const msk = setup({ group, n: N, boundX: BOUND_X, boundY: BOUND_Y });
  await Deno.writeFile(join(folder, "skY.bin"), encodeFunctionalKey(keyDerive(msk, y)));
  await Deno.writeFile(join(folder, "ctX.bin"), encodeCiphertext(encrypt(msk, x)));
  await Deno.writeTextFile(join(folder, "setting.json"), JSON.stringify({ z }));
  const lines = setting === "kept" ? "lines kept" : "nothing kept";
  console.log(JSON.stringify({
    what: `FHIPE, n = ${N}: a neuron without the logarithm, ${lines}, one core`,
    variants: [],
    peers: [`blst/ ${setting}`],
    tolerance: 0,
    blas: false,
  }));
}

/** Ours, for either row. */
export async function main([first, second]: readonly string[], setting: "kept" | "fresh") {
  if (first === "prepare") return await prepare(second, setting);
  const group = await startPairing("bls12-381", "simd");
  const skY = decodeFunctionalKey(group, await Deno.readFile(join(first, "skY.bin")));
  const ctX = decodeCiphertext(group, await Deno.readFile(join(first, "ctX.bin")));
  const { z } = JSON.parse(await Deno.readTextFile(join(first, "setting.json")));
  const kept = prepareCiphertext(ctX);
  const work = setting === "kept"
    ? () => pairings(skY, kept)
    // A copy of the key: what the group keeps of a key's points, it keeps for this one array.
    : () => pairings({ ...skY, k2: [...skY.k2] }, prepareCiphertext(ctX));
  for (let i = 0; i < 3; i++) {
    const [d1, d2] = work();
    if (!group.equal(powerGT(group, d1, z), d2)) throw new Error("⟨x, y⟩ is wrong");
  }
  await takeTurns("ours, WebAssembly with relaxed SIMD", work, digest);
}

if (import.meta.main) await main(Deno.args, "kept");
