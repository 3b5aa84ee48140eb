/** The row of inner-product encryption at n = 784: the ciphertext of a digit under the keys of 300 neurons, from what a
 * server holds to the integers z1, on one core and on two Workers, which take 150 keys each. The row of encryption is
 * `ipfe_encrypt.ts`. The peers are curve25519-dalek, without the logarithms, and this workspace's own algorithm over
 * noble-curves, in JavaScript's big integers.
 * @module */
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as ipfe from "lib/fe/ipfe.ts";
import { rangeOf } from "lib/fe/params.ts";
import { prepareDlog } from "lib/math/dlog.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { group } from "lib/math/group.ts";
import { gaussian, randomScalars, type Rng, secureRng, seededRng } from "lib/math/rng.ts";
import { Decryption } from "lib/protocol/decryption.ts";
import { takeTurns } from "./turns.ts";

const [N, HIDDEN, BOUND_X, BOUND_Y] = [784, 300, 255, 1342];
/** Bytes of an encoded key, and of what is before the elements in other encodings (lib/fe/encoding.ts). */
const [HEADER, KEY] = [19, 19 + 4 * N + 32];

/** What both rows work on. */
export interface Inputs {
  readonly mpk: Uint8Array;
  readonly keys: readonly Uint8Array[];
  readonly ctX: Uint8Array;
  readonly x: Uint8Array;
  /** The randomness of the encryption that is timed. */
  readonly rng: Rng;
}

const little = (scalar: bigint) =>
  Uint8Array.fromHex(scalar.toString(16).padStart(64, "0")).reverse();

/** Writes the inputs, for us as encodings, for others as arrays, and says what the row is. */
export async function prepare(folder: string, row: Readonly<Record<string, unknown>>) {
  const G = group("ristretto255");
  const W1 = toFixed(gaussian(seededRng(1), HIDDEN * N), 8);
  const x = seededRng(2).bytes(N).map((byte) => byte < 200 ? 0 : byte);
  const rows = Array.from({ length: HIDDEN }, (_, k) => W1.subarray(k * N, (k + 1) * N));
  const { mpk, msk } = ipfe.setup({ group: G, n: N, boundX: BOUND_X, boundY: BOUND_Y });
  const keys = rows.map((y) => ipfe.keyDerive(msk, y));
  const [h, ctX] = [ipfe.encodeMasterPublicKey(mpk), ipfe.encodeCiphertext(ipfe.encrypt(mpk, x))];
  const z = Int32Array.from(rows, (y) => y.reduce((sum, v, i) => sum + v * x[i], 0));
  const [r] = randomScalars(G.order, secureRng(), 1);
  const joined = (parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((p) => [...p]));
  const files = {
    ...{
      "mpk.bin": h,
      "h.bin": h.subarray(HEADER),
      "ctX.bin": ctX,
      "ct.bin": ctX.subarray(HEADER),
    },
    "skY.bin": joined(keys.map(ipfe.encodeFunctionalKey)),
    "keys.bin": joined(keys.map(({ skY }) => little(skY[0]))),
    ...{ "x.bin": x, "r.bin": little(r) },
    ...{ "y.bin": new Uint8Array(W1.buffer), "z.bin": new Uint8Array(z.buffer) },
  };
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(join(folder, name), bytes);
  }
  console.log(JSON.stringify({ variants: [], tolerance: 0, blas: false, ...row }));
}

/** Reads the inputs. */
export async function read(folder: string): Promise<Inputs> {
  const file = (name: string) => Deno.readFile(join(folder, name));
  const skY = await file("skY.bin");
  const r = (await file("r.bin")).reverse();
  return {
    ...{ mpk: await file("mpk.bin"), ctX: await file("ctX.bin"), x: await file("x.bin") },
    keys: Array.from({ length: HIDDEN }, (_, k) => skY.subarray(k * KEY, (k + 1) * KEY)),
    rng: { source: "r", bytes: () => r.slice() },
  };
}

/** The first 16 hexadecimal digits of SHA-256 over the elements of a ciphertext. */
export function digest(ctX: ipfe.Ciphertext): string {
  const elements = ipfe.encodeCiphertext(ctX).subarray(HEADER);
  return createHash("sha256").update(elements).digest("hex").slice(0, 16);
}

/** Σ k·z_k, k from 1. */
export const weighed = (z: Float64Array) => z.reduce((sum, value, k) => sum + value * (k + 1), 0);

/** Each Worker has its half of the keys, and the ciphertext. */
async function twoWorkers({ ctX, keys }: Inputs): Promise<() => Promise<Float64Array>> {
  const workers = [0, 1].map(() => new Decryption({ name: "ipfe" }, ctX.length, 1));
  await Promise.all(workers.map((worker) => worker.store([ctX])));
  const half = HIDDEN / 2;
  return async () => {
    const parts = await Promise.all(
      workers.map((worker, k) => worker.open(keys.slice(k * half, (k + 1) * half), 0, 1)),
    );
    return Float64Array.from(parts.flatMap((part) => [...part]));
  };
}

if (import.meta.main) {
  const [first, second] = Deno.args;
  if (first === "prepare") {
    await prepare(second, {
      what: `IPFE, n = ${N}: the ${HIDDEN} neurons of a digit`,
      variants: ["one core", "two Workers"],
      peers: ["dalek/ neurons", "ipfe_noble.ts neurons"],
    });
  } else {
    const inputs = await read(first);
    const [ctX, keys] = [
      ipfe.decodeCiphertext(inputs.ctX),
      inputs.keys.map(ipfe.decodeFunctionalKey),
    ];
    await prepareDlog(ctX.pp.group, rangeOf(ctX.pp));
    const work = second === "two Workers"
      ? await twoWorkers(inputs)
      : () => ipfe.decryptMany(keys, ctX);
    for (let i = 0; i < 3; i++) await work();
    await takeTurns(`ours, ${second}, with logarithms`, work, weighed);
    if (second === "two Workers") Deno.exit(); // the Workers would stay
  }
}
