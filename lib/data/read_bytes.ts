/** A user's file as bytes, or one line that says why not.
 * @module */
import { refusal } from "./dataset.ts";

/** Far above any file of samples here; one is read whole. */
const MAX_BYTES = 2 ** 30;

/** Why the system gave no file, in a few words. */
export function fileProblem(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or folder";
  if (error instanceof Deno.errors.PermissionDenied) return "its owner does not let you read it";
  if (error instanceof Deno.errors.NotCapable) return "run with --allow-read";
  if (error instanceof Deno.errors.FilesystemLoop) return "its symbolic links lead in a circle";
  return error instanceof Error ? error.message : String(error);
}

/** Reads a file.
 * @param most bytes that it may have.
 * @throws {DataError} there is none, it cannot be read, is empty, or larger. */
export async function readBytes(
  path: string,
  most: number = MAX_BYTES,
): Promise<Uint8Array<ArrayBuffer>> {
  const fail = refusal(`Cannot read ${path}`);
  const refuse = (error: unknown): never => fail(fileProblem(error));
  const { isFile, size } = await Deno.stat(path).catch(refuse);
  if (!isFile) fail("it is no regular file");
  if (size > most) {
    const [got, allowed] = [size, most].map((bytes) =>
      bytes < 1e8 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e9).toFixed(1)} GB`
    );
    fail(`${got}, at most ${allowed}: save a part of it`);
  }
  const bytes = await Deno.readFile(path).catch(refuse);
  if (bytes.length === 0) fail("it is empty");
  return bytes;
}
