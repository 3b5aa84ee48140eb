/** A peer of `ipfe.ts` and `ipfe_encrypt.ts`: the same over noble-curves, in JavaScript's big integers. `FOLDER neurons`
 * and `FOLDER encrypt`: this workspace's algorithms (combs, tables shared by all keys), as they run where the kernel
 * does not. `FOLDER unsafe`: noble's `multiplyUnsafe` for each coordinate.
 * @module */
import { ristretto255 } from "@noble/curves/ed25519.js";
import * as ipfe from "lib/fe/ipfe.ts";
import { rangeOf } from "lib/fe/params.ts";
import { prepareDlog } from "lib/math/dlog.ts";
import type { Element } from "lib/math/group.ts";
import { NOBLE_RISTRETTO as G } from "lib/math/noble_ristretto.ts";
import { digest, read, weighed } from "./ipfe.ts";
import { takeTurns } from "./turns.ts";

/** What was decoded, over noble: the bytes name the group, and its kernel would come with it. */
function overNoble<T extends { pp: ipfe.IpfeParams }>(object: T): T {
  const { group, ...pp } = object.pp;
  const elements = (some: readonly Element[]) => some.map((each) => G.decode(group.encode(each)));
  const moved = Object.entries(object).map(([key, value]) =>
    ["h", "ct0", "ct"].includes(key) ? [key, elements(value as unknown as Element[])] : [key, value]
  );
  return { ...Object.fromEntries(moved), pp: { ...pp, group: G } };
}

const [folder, what] = Deno.args;
const inputs = await read(folder);
const label = "noble-curves 2.4.0";
if (what === "neurons") {
  const ctX = overNoble(ipfe.decodeCiphertext(inputs.ctX));
  const keys = inputs.keys.map((bytes) => overNoble(ipfe.decodeFunctionalKey(bytes)));
  await prepareDlog(G, rangeOf(ctX.pp));
  const work = () => ipfe.decryptMany(keys, ctX);
  work();
  await takeTurns(`${label}, our algorithm, with logarithms`, work, weighed);
} else {
  const mpk = overNoble(ipfe.decodeMasterPublicKey(inputs.mpk));
  const work = what === "encrypt"
    ? () => ipfe.encrypt(mpk, inputs.x, inputs.rng)
    : () => encryptUnsafe(mpk, BigInt(`0x${inputs.rng.bytes(32).toHex()}`));
  work();
  const way = what === "encrypt" ? "our algorithm" : "multiplyUnsafe for each coordinate";
  await takeTurns(`${label}, ${way}`, work, digest);
}

function encryptUnsafe({ pp, h }: ipfe.MasterPublicKey, r: bigint): ipfe.Ciphertext {
  const { BASE, ZERO } = ristretto255.Point;
  const power = (base: Element) => G.multiply(base, r);
  const small = (x: number) => x === 0 ? ZERO : BASE.multiplyUnsafe(BigInt(x));
  const ct = h.map((base, i) => {
    const ep = small(inputs.x[i])["ep"] as unknown as Element;
    return power(base).add(ep);
  });
  return { pp, ct0: [power(G.generator)], ct };
}
