import { Ckks } from "lib/he/ckks.ts";
import { CkksEvaluator } from "lib/he/evaluator.ts";
import type { CkksParams } from "lib/he/params.ts";
import type { Seal } from "lib/he/seal.ts";
import { SecretKey } from "lib/he/secret_key.ts";

/** SEAL's WebAssembly is read from a file. */
export const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";

/** Small and quick: one product. */
export const SMALL: CkksParams = { degree: 4096, depth: 1, scaleBits: 30, baseBits: 39 };

/** A client's key and a server that has keys of it. */
export interface Rig extends Disposable {
  readonly ckks: Ckks;
  readonly key: SecretKey;
  readonly server: CkksEvaluator;
}

/** @param rotations that the server has keys for. */
export async function rig(params: CkksParams, rotations: Iterable<number> = []): Promise<Rig> {
  const ckks = await Ckks.setup(params);
  const [key, server] = [new SecretKey(ckks), new CkksEvaluator(ckks)];
  server.addRelinearisationKey(key.relinearisationKey());
  for (const step of new Set(rotations)) server.addRotationKey(key.rotationKey(step));
  const dispose = () => {
    key[Symbol.dispose]();
    server[Symbol.dispose]();
  };
  return { ckks, key, server, [Symbol.dispose]: dispose };
}

/** A test that runs where SEAL can be read, and shows as ignored elsewhere. */
export function sealTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

/** The largest difference of two vectors, of which the second may be shorter. */
export function error(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(b).reduce((most, value, i) => Math.max(most, Math.abs(a[i] - value)), 0);
}

const COUNTED = [
  ...["Ciphertext", "Plaintext", "RelinKeys", "GaloisKeys"],
  ...["KeyGenerator", "Encryptor", "Decryptor"],
] as const;

/** Counts the objects in SEAL's memory that were made and not deleted, from now on until it is disposed of. */
export function countHandles(seal: Seal): { readonly live: number } & Disposable {
  const classes = seal as unknown as Record<string, new () => { delete(): void } & Disposable>;
  const originals = COUNTED.map((name) => classes[name]);
  let live = 0;
  COUNTED.forEach((name, i) => {
    classes[name] = new Proxy(originals[i], {
      construct(Class, args: []) {
        const handle = new Class(...args);
        const original = handle.delete.bind(handle);
        live++;
        handle.delete = handle[Symbol.dispose] = () => {
          live--;
          original();
        };
        return handle;
      },
    });
  });
  return {
    get live() {
      return live;
    },
    [Symbol.dispose]: () => COUNTED.forEach((name, i) => classes[name] = originals[i]),
  };
}
