/** Randomness, always passed in: the system's CSPRNG for secrets, a seeded stream for experiments.
 *
 * Every function that draws takes an `Rng` as its optional last argument and defaults to
 * `secureRng()`. `seededRng(insecureSeed)` makes an experiment repeat; its name and its `source` say
 * that nothing drawn from it is secret. The authors' code seeded both parties' weights with 0, which
 * gave the secret W1 of iteration 0 to the server: here a seed is always visible in the result.
 * @module */
import { shake256 } from "@noble/hashes/sha3.js";

/** A stream of uniform bytes. */
export interface Rng {
  /** "csprng" or "insecureSeed=7": printed with every result. */
  readonly source: string;
  /** The next `length` bytes of the stream. */
  bytes(length: number): Uint8Array;
}

/** The most that crypto.getRandomValues fills in one call. */
const QUOTA_BYTES = 65536;

/** The system's CSPRNG. */
export function secureRng(): Rng {
  return {
    source: "csprng",
    bytes(length) {
      const out = new Uint8Array(length);
      for (let at = 0; at < length; at += QUOTA_BYTES) {
        crypto.getRandomValues(out.subarray(at, at + QUOTA_BYTES));
      }
      return out;
    },
  };
}

/** A deterministic stream, the same on every machine: the output of SHAKE256 over the ASCII string
 * `fe-leakage/rng/v1/<seed in decimal>`. Not secret: whoever knows the seed knows every draw.
 * @param stream names another stream of the same seed: `/<stream>` follows the seed.
 * @throws {RangeError} the seed is not a safe integer. */
export function seededRng(insecureSeed: number, stream?: string): Rng {
  if (!Number.isSafeInteger(insecureSeed)) {
    throw new RangeError(`Cannot seed: expected a safe integer, got ${insecureSeed}`);
  }
  const xof = shake256.create({}).update(
    new TextEncoder().encode(
      `fe-leakage/rng/v1/${insecureSeed}${stream === undefined ? "" : `/${stream}`}`,
    ),
  );
  return { source: `insecureSeed=${insecureSeed}`, bytes: (length) => xof.xof(length) };
}

/** A stream that only who has the secret can tell from a random one: the output of SHAKE256 over the secret and a name.
 * One secret gives a stream for each name, which need not be kept.
 * @param secret 32 bytes of the CSPRNG.   @throws {TypeError} a secret of another length. */
export function expandedRng(secret: Uint8Array, name: string): Rng {
  if (secret.length !== 32) {
    throw new TypeError(`Cannot expand a secret: expected 32 bytes, got ${secret.length}`);
  }
  const xof = shake256.create({}).update(secret) // of one length, so where the name begins is plain
    .update(new TextEncoder().encode(`fe-leakage/expanded/v1/${name}`));
  return { source: "csprng", bytes: (length) => xof.xof(length) };
}

/** `count` uniform scalars in [0, order), by rejection, from few large draws: one by one, a matrix of them
 * would take ten times as long as all that is done with it.
 * @throws {RangeError} order < 1. */
export function randomScalars(order: bigint, rng: Rng, count: number): bigint[] {
  if (order < 1n) throw new RangeError(`Cannot draw a scalar: order ${order} is below 1`);
  const bits = (order - 1n).toString(2).length;
  const words = Math.ceil(bits / 64);
  const out: bigint[] = [];
  while (out.length < count) {
    const bytes = rng.bytes(8 * words * (count - out.length));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length;) {
      let value = 0n;
      for (let word = 0; word < words; word++, at += 8) {
        value = (value << 64n) | view.getBigUint64(at);
      }
      value = BigInt.asUintN(bits, value);
      if (value < order) out.push(value);
    }
  }
  return out;
}

/** `count` uniform scalars in [1, order). */
export function randomNonZero(order: bigint, rng: Rng, count: number): bigint[] {
  return randomScalars(order - 1n, rng, count).map((scalar) => scalar + 1n);
}

/** The top 53 bits of 8 bytes (little endian) as a number in [0, 1). */
function unit(view: DataView, at: number): number {
  const low = view.getUint32(at, true) >>> 11;
  return (view.getUint32(at + 4, true) * 2 ** 21 + low) / 2 ** 53;
}

/** A uniform number in [0, 1) with 53 random bits. */
export function uniform(rng: Rng): number {
  return unit(new DataView(rng.bytes(8).buffer), 0);
}

/** `length` independent draws from N(0, 1), by Box and Muller's transform: two uniforms, two normals. */
export function gaussian(rng: Rng, length: number): Float64Array {
  const out = new Float64Array(length);
  const pairs = Math.ceil(length / 2);
  const bytes = rng.bytes(16 * pairs);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let i = 0; i < pairs; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - unit(view, 16 * i))); // 1 − u is never 0
    const angle = 2 * Math.PI * unit(view, 16 * i + 8);
    out[2 * i] = radius * Math.cos(angle);
    if (2 * i + 1 < length) out[2 * i + 1] = radius * Math.sin(angle);
  }
  return out;
}
