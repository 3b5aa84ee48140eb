/** Files written whole or not at all: under a temporary name, onto the disk, then renamed, so that a reader
 * never meets half of one and a full disk or a killed process leaves the old ones as they were.
 * @module */
import { dirname } from "node:path";

async function writeSynced(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync(); // else a rename may reach the disk before the bytes do
}

/** Refuses a directory into which nothing can be written, before the work whose results go there. What is not there yet
 * is not made: its nearest folder that is there must take files.
 * @throws {Error} it is a file, or read-only. */
export async function checkWritable(directory: string): Promise<void> {
  const fail = (why: string): never => {
    throw new Error(`Cannot write into ${directory}: ${why}`);
  };
  let place = directory;
  for (;;) {
    try {
      if ((await Deno.stat(place)).isDirectory) break;
      fail(place === directory ? "it is a file" : `${place} is a file`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || isBelowFile(error))) throw error;
      place = dirname(place);
    }
  }
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: place, prefix: ".writable-" }));
  } catch (error) {
    fail((error as Error).message.replace(/:? (tmpfile|path .*)$/, ""));
  }
}

const isBelowFile = (error: unknown) => (error as { code?: string }).code === "ENOTDIR";

/** Writes files into one directory, all or none: each is complete before the first takes its name.
 * @param options `secret`: for their owner only (0600, a new directory 0700), from the first byte on.
 * @throws {Error} the directory cannot be written, or is full; its old files are untouched. */
export async function writeAtomic(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  { secret = false }: { secret?: boolean } = {},
): Promise<void> {
  const mark = `.${crypto.randomUUID()}.tmp`;
  const written: string[] = [];
  try {
    await Deno.mkdir(directory, { recursive: true, ...secret ? { mode: 0o700 } : {} });
    for (const [name, content] of Object.entries(files)) {
      const path = `${directory}/${name}${mark}`;
      written.push(path);
      await writeSynced(path, content, secret ? 0o600 : 0o666);
    }
    for (const path of written) await Deno.rename(path, path.slice(0, -mark.length));
  } catch (cause) {
    for (const path of written) await Deno.remove(path).catch(() => {});
    throw new Error(`Cannot write ${Object.keys(files).join(", ")} in ${directory}: ${cause}`, {
      cause,
    });
  }
}
