/** Microsoft SEAL 4.1 compiled to WebAssembly (npm:node-seal), and how its faults become errors.
 *
 * What SEAL throws is a `WebAssembly.Exception` without a text: the text is a pointer into its memory. And its
 * objects live in that memory, which no garbage collector sees: whoever makes one deletes it, with `using`.
 * @module */
import start, { type MainModule } from "node-seal";

/** SEAL's module: its classes, as Emscripten exposes them. */
export type Seal = MainModule & {
  /** The type and the text of a C++ exception. */
  getExceptionMessage(exception: unknown): [type: string, text: string];
  decrementExceptionRefcount(exception: unknown): void;
};

/** Missing among Deno's types. */
const { Exception } = WebAssembly as unknown as { Exception: new () => object };

let started: Promise<Seal> | undefined;

/** Starts SEAL, once in a process (40 ms).
 * @throws {Error} its WebAssembly cannot be read: the process lacks the permission. */
export function startSeal(): Promise<Seal> {
  return started ??= load();
}

async function load(): Promise<Seal> {
  try {
    return await start({ printErr: () => {} }) as Seal; // it says the same in what it throws
  } catch (cause) {
    started = undefined;
    const { message } = cause as Error;
    const way = /permission|read access/i.test(message) ? "; allow it with --allow-read" : "";
    throw new Error(`Cannot start SEAL: ${message.split("\n")[0]}${way}`, { cause });
  }
}

/** Does something with SEAL.
 * @param action completes "Cannot …".   @throws {RangeError} what SEAL threw, with its text. */
export function attempt<T>(seal: Seal, action: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Exception)) throw cause;
    const [, text] = seal.getExceptionMessage(cause);
    seal.decrementExceptionRefcount(cause);
    throw new RangeError(`Cannot ${action}: ${text || "SEAL failed without a reason"}`, { cause });
  }
}
