/** Where things are, from this file's own place: never from the working directory.
 * @module */
import { join } from "node:path";

/** The workspace's top folder. */
export const ROOT: string = join(import.meta.dirname!, "..", "..");
/** The notebooks' folder. */
export const NOTEBOOKS: string = join(ROOT, "notebooks");
/** Each notebook's figures and results have a folder here. */
export const FIGURES: string = join(ROOT, "figures");

/** The notebooks' names without `.ipynb`, in order; `only` is the beginning of the wanted name.
 * @throws {Error} there is none. */
export function notebookNames(only = "", directory: string = NOTEBOOKS): string[] {
  const names = [...Deno.readDirSync(directory)]
    .filter(({ name, isFile }) => isFile && name.endsWith(".ipynb") && name.startsWith(only))
    .map(({ name }) => name.slice(0, -".ipynb".length))
    .sort();
  if (names.length === 0) {
    throw new Error(only ? `no notebook begins with "${only}"` : "no notebook in notebooks/");
  }
  return names;
}
