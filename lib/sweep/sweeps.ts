/** The sweeps by name, and those of the user's own modules.
 * @module */
import { pathToFileURL } from "node:url";
import type { Sweep } from "./grid.ts";

/** The names that `deno task sweep` knows. */
export const SWEEPS: readonly string[] = ["attack", "rates", "training", "cost"];

/** Loads a sweep.
 * @param name one of {@linkcode SWEEPS}, or the path of a module that exports a `sweep` made by `defineSweep`.
 * @throws {TypeError} an unknown name, no such module, or a module without one. */
export async function loadSweep(name: string): Promise<Sweep> {
  const own = /\.[jt]s$/.test(name);
  if (!own && !SWEEPS.includes(name)) {
    throw new TypeError(
      `Cannot sweep "${name}": expected ${SWEEPS.join(", ")} or the path of a module`,
    );
  }
  const url = own ? pathToFileURL(name).href : new URL(`./${name}.ts`, import.meta.url).href;
  const module = await import(url).catch((error) => {
    throw new TypeError(`Cannot load sweep ${name}: ${error.message}`);
  });
  if (typeof module.sweep?.run !== "function") {
    throw new TypeError(`Cannot load sweep ${name}: the module exports no sweep`);
  }
  return module.sweep;
}
