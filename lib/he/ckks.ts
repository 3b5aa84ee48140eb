/** CKKS: arithmetic on encrypted vectors of real numbers, approximate (ePrint 2016/421), over Microsoft SEAL.
 *
 * One `Ckks` is what both parties set up from the same parameters: SEAL's context and encoder, the levels and their
 * scales. `secret_key.ts` is the client's side of it, `evaluator.ts` the server's. A number x stands in a ciphertext
 * as round(x · scale) plus noise; the scale changes with every product, exactly known:
 *
 *   scale of the top level = 2^scaleBits,   scale of level l − 1 = (scale of level l)² / q_l
 *
 * so a product of two ciphertexts that have their level's own scale has that of the level below, and sums of what
 * went different ways need no approximate agreement.
 *
 * **Security.** IND-CPA under ring LWE, about 128 bits, for who is given ciphertexts and the keys that work on them.
 * Not against who is given decrypted results too: their noise tells the secret key (Li and Micciancio, ePrint
 * 2020/1533). So nothing that was decrypted goes back to whoever has the ciphertexts.
 * @module */
import type {
  Ciphertext as SealCiphertext,
  CKKSEncoder,
  Evaluator,
  ParmsIdType,
  Plaintext,
  SEALContext,
} from "node-seal";
import { decodeSealed, encodeSealed } from "./encoding.ts";
import { checkCkksParams, type CkksParams, primeBits, slotsOf } from "./params.ts";
import { attempt, type Seal, startSeal } from "./seal.ts";

/** A ciphertext in SEAL's memory: dispose of it. */
export class Ciphertext implements Disposable {
  constructor(readonly handle: SealCiphertext, readonly keyId: string) {}

  /** Products that are left. */
  get level(): number {
    return this.handle.coeffModulusSize() - 1;
  }

  /** What its numbers are multiplied by. */
  get scale(): number {
    return this.handle.scale();
  }

  [Symbol.dispose](): void {
    this.handle.delete();
  }
}

/** A level of the chain of primes. */
interface Level {
  readonly parmsId: ParmsIdType;
  /** The prime that a product at this level divides by. */
  readonly prime: number;
  /** q_0 ⋯ q_l. */
  readonly modulus: number;
  /** The level's own scale. */
  readonly scale: number;
}

/** The levels, from 0. */
function levelsOf(context: SEALContext, params: CkksParams, primes: readonly number[]): Level[] {
  const levels: Level[] = [];
  let scale = 2 ** params.scaleBits;
  let data = context.firstContextData();
  for (let level = params.depth; level >= 0; level--) {
    const modulus = primes.slice(0, level + 1).reduce((product, prime) => product * prime, 1);
    levels[level] = { parmsId: data.parmsId(), prime: primes[level], modulus, scale };
    scale = scale * scale / primes[level];
    const next = level > 0 ? data.nextContextData() : undefined;
    data.delete();
    if (next) data = next;
  }
  return levels;
}

const setups = new Map<string, Promise<Ckks>>();

/** What both parties set up from the parameters. */
export class Ckks {
  /** Numbers that a ciphertext holds. */
  readonly slots: number;

  private constructor(
    readonly seal: Seal,
    readonly params: CkksParams,
    readonly context: SEALContext,
    /** SEAL's operations. */
    readonly operations: Evaluator,
    private readonly encoder: CKKSEncoder,
    private readonly levels: readonly Level[],
  ) {
    this.slots = slotsOf(params);
  }

  /** Sets up parameters, once in a process: SEAL takes two seconds for the largest. It holds nothing secret, and stays.
   * @throws {RangeError} parameters out of range or not secure.  {Error} SEAL cannot be read. */
  static setup(params: CkksParams): Promise<Ckks> {
    const name = primeBits(checkCkksParams(params)).concat(params.degree).join();
    const setup = setups.get(name) ?? Ckks.#setup(params);
    setups.set(name, setup);
    setup.catch(() => setups.delete(name));
    return setup;
  }

  static async #setup(params: CkksParams): Promise<Ckks> {
    const seal = await startSeal();
    return attempt(seal, "set up CKKS", () => {
      using parameters = new seal.EncryptionParameters(seal.SchemeType.ckks);
      parameters.setPolyModulusDegree(params.degree);
      using moduli = seal.CoeffModulus.Create(params.degree, Int32Array.from(primeBits(params)));
      parameters.setCoeffModulus(moduli);
      const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128);
      const primes = Array.from({ length: params.depth + 1 }, (_, i) => {
        using prime = moduli.get(i)!;
        return Number(prime.value());
      });
      const [operations, encoder] = [new seal.Evaluator(context), new seal.CKKSEncoder(context)];
      const levels = levelsOf(context, params, primes);
      return new Ckks(seal, params, context, operations, encoder, levels);
    });
  }

  /** The level of a fresh ciphertext. */
  get top(): number {
    return this.params.depth;
  }

  /** The scale that belongs to a level: see the module's text. */
  scaleOf(level: number): number {
    return this.#level(level).scale;
  }

  /** The prime that a product at this level is divided by, q_l. */
  primeOf(level: number): number {
    return this.#level(level).prime;
  }

  /** How large a number may be at a level: q_0 ⋯ q_l / (2 · scale). A larger one wraps around. */
  boundOf(level: number, scale = this.scaleOf(level)): number {
    return this.#level(level).modulus / (2 * scale);
  }

  /** SEAL's name of a level. */
  parmsIdOf(level: number): ParmsIdType {
    return this.#level(level).parmsId;
  }

  #level(level: number): Level {
    const found = this.levels[level];
    if (found !== undefined) return found;
    throw new RangeError(`Cannot use level ${level}: there are 0 to ${this.top}`);
  }

  /** Numbers as a plaintext of a level; the slots that they leave are 0. Dispose of it.
   * @throws {TypeError} more numbers than slots.
   * @throws {RangeError} one that is not finite, or too large for the level. */
  encode(values: Float64Array, level = this.top, scale = this.scaleOf(level)): Plaintext {
    if (values.length > this.slots) {
      throw new TypeError(
        `Cannot encode: ${values.length} numbers, a ciphertext has ${this.slots} slots`,
      );
    }
    const bound = this.boundOf(level, scale);
    const wrong = values.findIndex((value) => !(Math.abs(value) < bound)); // SEAL encodes NaN as any number
    if (wrong >= 0) {
      throw new RangeError(
        `Cannot encode: values[${wrong}] = ${values[wrong]} is not within ±${
          Number(bound.toPrecision(3))
        }, ` +
          `what level ${level} holds`,
      );
    }
    const full = new Float64Array(this.slots);
    full.set(values);
    using scope = new DisposableStack();
    const plaintext = scope.use(new this.seal.Plaintext());
    attempt(this.seal, "encode", () => {
      this.encoder.encode(full, scale, plaintext);
      this.operations.plainModSwitchToInplace(plaintext, this.parmsIdOf(level));
    });
    scope.move();
    return plaintext;
  }

  /** The numbers in the slots of a plaintext. */
  decode(plaintext: Plaintext): Float64Array {
    return attempt(this.seal, "decode", () => this.encoder.decodeFloat64(plaintext));
  }

  /** A ciphertext's bytes. */
  save({ handle, keyId }: Ciphertext): Uint8Array {
    const body = handle.saveToArray(this.seal.ComprModeType.zstd);
    return encodeSealed(this.params, { kind: "ciphertext", step: 0, keyId }, body);
  }

  /** The ciphertext that bytes hold. Dispose of it.
   * @throws {RangeError} truncated, altered, under other parameters, or no ciphertext of two parts. */
  load(bytes: Uint8Array): Ciphertext {
    const { keyId, body } = decodeSealed(this.params, "ciphertext", bytes);
    const handle = new this.seal.Ciphertext();
    try {
      attempt(this.seal, "read ciphertext", () => handle.loadFromArray(this.context, body));
      const { top } = this;
      const level = handle.coeffModulusSize() - 1;
      const scale = handle.scale();
      if (handle.size() !== 2 || !handle.isNttForm() || level > top || !(scale >= 1)) {
        throw new RangeError(
          `Cannot read ciphertext: ${handle.size()} parts, level ${level}, scale ${scale}; expected ` +
            `2 parts, a level up to ${top} and a scale of at least 1`,
        );
      }
    } catch (error) {
      handle.delete();
      throw error;
    }
    return new Ciphertext(handle, keyId);
  }
}

/** The first digits of a key's id. */
export const short = (id: string): string => id.slice(0, 8);

/** Refuses a rotation that is none. @throws {RangeError} */
export function checkStep(step: number, slots: number): void {
  if (Number.isInteger(step) && step !== 0 && Math.abs(step) < slots) return;
  throw new RangeError(
    `Cannot rotate: step ${step} is not an integer with 0 < |step| < ${slots}`,
  );
}
