/** JupyterLab on a throw-away copy of the workspace, so that nothing a front end does (saving, new
 * figures) touches the real one. Settings of the person who runs it play no part.
 * @module */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { type Ipynb, readIpynb, writeIpynb } from "lib/tools/ipynb.ts";
import { freePorts } from "lib/tools/kernel_process.ts";
import { ensureVenv, labArguments } from "lib/tools/lab.ts";
import { notebookNames, NOTEBOOKS, ROOT } from "lib/tools/workspace.ts";

const START_TIMEOUT_MS = 120_000;

/** Every cell stands on the page at once (else JupyterLab drops those out of sight), nothing is saved
 * by itself, nothing asks for news. */
const SETTINGS = {
  "notebook-extension/tracker": { windowingMode: "none" },
  "docmanager-extension/plugin": { autosave: false },
  "apputils-extension/notification": { fetchNews: "false", checkForUpdates: false },
};

/** A running JupyterLab. */
export interface LabServer extends AsyncDisposable {
  /** The page of a notebook in the copy's `notebooks/`. */
  notebookUrl(name: string): string;
}

async function copyWorkspace(to: string, extra: Record<string, Ipynb>): Promise<void> {
  for (const name of ["deno.json", "deno.lock", "lib"]) {
    await cp(join(ROOT, name), join(to, name), { recursive: true });
  }
  await Deno.symlink(join(ROOT, "data"), join(to, "data"));
  await Deno.mkdir(join(to, "notebooks"));
  for (const name of notebookNames()) {
    extra[name] = await readIpynb(join(NOTEBOOKS, `${name}.ipynb`));
  }
  for (const [name, notebook] of Object.entries(extra)) {
    const cleared = structuredClone(notebook);
    for (const cell of cleared.cells.filter(({ cell_type }) => cell_type === "code")) {
      cell.outputs = [];
      cell.execution_count = null;
    }
    await writeIpynb(join(to, "notebooks", `${name}.ipynb`), cleared);
  }
}

async function writeSettings(directory: string): Promise<void> {
  for (const [plugin, settings] of Object.entries(SETTINGS)) {
    const file = join(directory, "@jupyterlab", `${plugin}.jupyterlab-settings`);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(file, JSON.stringify(settings));
  }
}

async function untilReady(url: string, ended: Promise<string>): Promise<void> {
  const giveUp = performance.now() + START_TIMEOUT_MS;
  const isReady = () => fetch(url).then((reply) => reply.text().then(() => reply.ok), () => false);
  while (!await isReady()) {
    const wait = new Promise<null>((resolve) => setTimeout(resolve, 200, null));
    const log = await Promise.race([ended, wait]);
    if (log !== null) throw new Error(`JupyterLab ended:\n${log}`);
    if (performance.now() > giveUp) throw new Error("JupyterLab did not answer in time");
  }
}

/** Starts JupyterLab on a copy of the workspace, all outputs cleared, with `extra` notebooks added. */
export async function startLab(extra: Record<string, Ipynb>): Promise<LabServer> {
  const python = await ensureVenv();
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "test-lab-" }));
  const root = join(directory, "workspace");
  await Deno.mkdir(root);
  await copyWorkspace(root, { ...extra });
  await writeSettings(join(directory, "settings"));
  const [port] = freePorts(1);
  const token = crypto.randomUUID();
  const child = new Deno.Command(python, {
    args: [...labArguments({ root, port, browser: false }), `--IdentityProvider.token=${token}`],
    cwd: root,
    env: {
      FE_PROFILE: "quick",
      JUPYTER_CONFIG_DIR: join(directory, "config"),
      JUPYTER_DATA_DIR: join(directory, "data"),
      JUPYTER_RUNTIME_DIR: join(directory, "runtime"),
      JUPYTERLAB_SETTINGS_DIR: join(directory, "settings"),
      JUPYTERLAB_WORKSPACES_DIR: join(directory, "workspaces"),
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log = new Response(child.stderr).text();
  const stop = async () => {
    try {
      child.kill("SIGTERM"); // It stops its kernels first.
    } catch {
      // Ended already.
    }
    const kill = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
    await log;
    await child.status;
    clearTimeout(kill);
    await Deno.remove(directory, { recursive: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(`${url}/api/status?token=${token}`, log);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    notebookUrl: (name) => `${url}/lab/tree/notebooks/${name}.ipynb?token=${token}&reset`,
    [Symbol.asyncDispose]: stop,
  };
}
