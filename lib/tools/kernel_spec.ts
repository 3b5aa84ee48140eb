/** The file that tells Jupyter, and so JupyterLab and VS Code, how to start the Deno kernel; `deno task kernel`
 * writes it for this person.
 *
 * It names the very Deno that writes it, by its absolute path, because an editor seldom has the PATH of a
 * terminal. Where that Deno lies in a cache (npx), which may be cleaned at any time, the kernel gets a copy.
 * @module */
import { basename, join } from "node:path";
import { runCommand } from "./args.ts";

const RELAY = join(import.meta.dirname!, "kernel_relay.ts");

/** What is written, and from what. */
export interface KernelSpec {
  /** The `kernels/deno` folder. */
  directory: string;
  /** The Deno that the kernel is. */
  deno: string;
  /** Whether that is a copy, made because this one may go. */
  copied: boolean;
}

/** A person's own Jupyter data, where every Jupyter looks.
 * @throws {Error} the environment does not name it, as for a service without a home.
 * @see https://docs.jupyter.org/en/latest/use/jupyter-directories.html */
export function jupyterData(
  env: Record<string, string | undefined> = Deno.env.toObject(),
  os: string = Deno.build.os,
): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  const home = (name: string): string => {
    if (env[name]) return env[name];
    throw new Error(`Cannot find Jupyter's folder: neither ${name} nor JUPYTER_DATA_DIR is set`);
  };
  if (os === "windows") {
    return join(env.APPDATA || join(home("USERPROFILE"), "AppData/Roaming"), "jupyter");
  }
  if (os === "darwin") return join(home("HOME"), "Library", "Jupyter");
  return join(env.XDG_DATA_HOME || join(home("HOME"), ".local", "share"), "jupyter");
}

/** Whether some folder of the path is one that package managers and systems clean. */
export function liesInCache(path: string): boolean {
  return path.split(/[\\/]/).some((part) =>
    /^(_npx|_cacache|dlx(-.*)?|bunx-.*|\.?caches?|npm-cache|te?mp)$/i.test(part)
  );
}

async function copyOf(deno: string, directory: string): Promise<string> {
  const suffix = deno.endsWith(".exe") ? ".exe" : "";
  const copy = join(directory, `deno-${Deno.version.deno}${suffix}`);
  const size = async (path: string) => (await Deno.stat(path).catch(() => null))?.size;
  if (await size(copy) !== await size(deno)) {
    await Deno.copyFile(deno, `${copy}.partial`);
    await Deno.rename(`${copy}.partial`, copy);
  }
  for await (const { name } of Deno.readDir(directory)) {
    const other = name.startsWith("deno-") && name !== basename(copy);
    if (other) await Deno.remove(join(directory, name)).catch(() => {}); // a kernel may run from it
  }
  return copy;
}

/** Registers this very Deno as the kernel `deno` of a Jupyter.
 * @param data its data folder, in which `kernels/deno` is.
 * @param options.relayed through this workspace's `kernel_relay.ts`.   @param options.deno for tests. */
export async function registerKernel(
  data: string,
  { deno = Deno.execPath(), relayed = false }: { deno?: string; relayed?: boolean } = {},
): Promise<KernelSpec> {
  const directory = join(data, "kernels", "deno");
  await Deno.mkdir(directory, { recursive: true });
  const copied = liesInCache(deno);
  const lasting = copied ? await copyOf(deno, directory) : deno;
  const spec = {
    argv: relayed
      ? [lasting, "run", "--quiet", "-A", RELAY, "{connection_file}"]
      : [lasting, "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
  };
  await Deno.writeTextFile(join(directory, "kernel.json"), JSON.stringify(spec, null, 2) + "\n");
  return { directory, deno: lasting, copied };
}

if (import.meta.main) {
  await runCommand({
    name: "kernel",
    summary:
      "Registers this Deno as a Jupyter kernel of yours, which VS Code and any JupyterLab find.",
    flags: {},
  }, async () => {
    const { directory, deno, copied } = await registerKernel(jupyterData());
    console.log(`wrote ${join(directory, "kernel.json")}`);
    console.log(`the kernel is ${deno}, version ${Deno.version.deno}`);
    if (copied) console.log(`a copy of ${Deno.execPath()}, which lies in a cache and may go`);
    return 0;
  });
}
