/** `deno task lab`: JupyterLab on this workspace. The one place that needs Python: a virtual environment of its own, with
 * the Deno that runs this code registered as a kernel inside it and nowhere else.
 *
 * The environment counts as made when it holds a copy of the requirements it was made from, written
 * last; one that was interrupted, is out of date or has lost its Python is built anew.
 * @module */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./args.ts";
import { registerKernel } from "./kernel_spec.ts";
import { NOTEBOOKS, ROOT } from "./workspace.ts";

const MIN_PYTHON = [3, 10];
const isWindows = Deno.build.os === "windows";

/** What is missing to make the environment: the message says what to do about it. */
export class PythonError extends Error {
  override name = "PythonError";
}

/** Where an environment is, and what it is made from. */
export interface VenvPlan {
  directory: string;
  requirements: string;
  /** Names under which Python may be found. */
  pythons: readonly string[];
  onProgress: (text: string) => void;
}

/** The workspace's own environment. */
export const LAB_VENV: VenvPlan = {
  directory: join(NOTEBOOKS, ".venv"),
  requirements: join(NOTEBOOKS, "requirements.txt"),
  pythons: isWindows ? ["py", "python"] : ["python3", "python"],
  onProgress: console.log,
};

/** The environment's own Python. */
export function venvPython(directory: string): string {
  return isWindows ? join(directory, "Scripts", "python.exe") : join(directory, "bin", "python");
}

async function run(command: string, args: string[]): Promise<{ success: boolean; text: string }> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { success, text: (decoder.decode(stdout) + decoder.decode(stderr)).trim() };
}

async function findPython(names: readonly string[]): Promise<string> {
  const tooOld: string[] = [];
  for (const name of names) {
    const code = "import sys; print(*sys.version_info[:2])";
    const answer = await run(name, ["-c", code]).catch(() => null);
    if (!answer?.success) continue;
    const [major, minor] = answer.text.split(" ").map(Number);
    if (major === MIN_PYTHON[0] && minor >= MIN_PYTHON[1]) return name;
    tooOld.push(`${name} is ${major}.${minor}`);
  }
  const found = tooOld.length > 0 ? tooOld.join(", ") : `none found as ${names.join(" or ")}`;
  const wanted = `Python ${MIN_PYTHON.join(".")} or later`;
  throw new PythonError(`JupyterLab needs ${wanted}: ${found}. Install it, then again.`);
}

async function isMade(directory: string, requirements: string): Promise<boolean> {
  const made = await Deno.readTextFile(join(directory, "requirements.txt")).catch(() => "");
  // The system's Python may have gone since: then this is a link to nowhere.
  return made === requirements && existsSync(venvPython(directory));
}

async function build(plan: VenvPlan, requirements: string): Promise<void> {
  const { directory, onProgress } = plan;
  const remove = () => rm(directory, { recursive: true, force: true });
  const python = await findPython(plan.pythons);
  await remove();
  onProgress(`Making ${directory} (once)`);
  const venv = await run(python, ["-m", "venv", directory]);
  if (!venv.success) {
    await remove();
    throw new PythonError(
      `Cannot make a virtual environment with ${python}: install its venv and pip parts ` +
        `(Debian: apt-get install python3-venv).\n${venv.text}`,
    );
  }
  onProgress("Installing JupyterLab there with pip (once, a minute or so)");
  const pip = await run(venvPython(directory), [
    ...["-m", "pip", "install", "--disable-pip-version-check", "--quiet"],
    ...["--requirement", plan.requirements],
  ]);
  if (!pip.success) {
    await remove();
    throw new PythonError(
      `Cannot install JupyterLab: is the package index reachable?\n${pip.text}`,
    );
  }
  await Deno.writeTextFile(join(directory, "requirements.txt"), requirements);
}

/** Makes the environment unless it stands. @returns its Python.
 * @throws {PythonError} Python, a part of it or the network is missing. */
export async function ensureVenv(plan: VenvPlan = LAB_VENV): Promise<string> {
  const requirements = await Deno.readTextFile(plan.requirements);
  if (!await isMade(plan.directory, requirements)) await build(plan, requirements);
  const data = join(plan.directory, "share", "jupyter");
  await registerKernel(data, { relayed: true }); // at each start, for Deno may move
  return venvPython(plan.directory);
}

/** JupyterLab's command line on a workspace. As root (in a container) it wants that said. */
export function labArguments(options: { root: string; port?: number; browser: boolean }): string[] {
  return [
    ...["-m", "jupyterlab", `--ServerApp.root_dir=${options.root}`],
    ...["--LabApp.default_url=/lab/tree/notebooks", "--ServerApp.answer_yes=True"],
    ...options.port === undefined ? [] : [`--port=${options.port}`, "--ServerApp.port_retries=0"],
    ...options.browser ? [] : ["--no-browser"],
    ...Deno.build.os !== "windows" && Deno.uid() === 0 ? ["--allow-root"] : [],
  ];
}

if (import.meta.main) {
  await runCommand({
    name: "lab",
    summary: "Starts JupyterLab on this workspace; makes its Python environment the first time.",
    flags: {
      "no-browser": { type: "switch", help: "print the address, open nothing" },
      port: {
        type: "integer",
        min: 1,
        max: 65_535,
        help: "listen here (default: a free one, 8888 up)",
      },
    },
  }, async (values) => {
    const python = await ensureVenv();
    const child = new Deno.Command(python, {
      args: labArguments({ root: ROOT, port: values.port, browser: !values["no-browser"] }),
      cwd: ROOT,
    }).spawn();
    // Ctrl-C reaches JupyterLab too: stay until it has stopped its kernels.
    Deno.addSignalListener("SIGINT", () => {});
    Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
    const { code, signal } = await child.status;
    return signal === null ? code : 0;
  });
}
