/** `deno task lab`: JupyterLab on this workspace, with the Deno kernel.
 * @module */
import { runCommand } from "./args.ts";
import { ensureVenv } from "./venv.ts";
import { ROOT } from "./workspace.ts";

/** JupyterLab's command line on a workspace. As root (in a container) it wants that said. */
export function labArguments(options: { root: string; port?: number; browser: boolean }): string[] {
  return [
    "-m",
    "jupyterlab",
    `--ServerApp.root_dir=${options.root}`,
    "--LabApp.default_url=/lab/tree/notebooks",
    "--ServerApp.answer_yes=True",
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
