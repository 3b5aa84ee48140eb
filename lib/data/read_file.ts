/** A file that the user names, read whole.
 * @module */
import { refusal } from "./dataset.ts";

/** Reads a file.
 * @param most bytes that it may have.
 * @throws {DataError} no such file, none that may be read, a folder, or larger: it names the file. */
export async function readFile(path: string, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const fail = refusal(`Cannot read ${path}`);
  const reason = (error: Error): never =>
    fail(error instanceof Deno.errors.NotFound ? "no such file" : error.message);
  const { isFile, isDirectory, size } = await Deno.stat(path).catch(reason);
  if (isDirectory) fail("it is a folder");
  if (!isFile) fail("it is no regular file");
  if (size > most) fail(`it has ${size} bytes, at most ${most}`);
  return await Deno.readFile(path).catch(reason);
}
