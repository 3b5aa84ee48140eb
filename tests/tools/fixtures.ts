/** Tiny notebooks and folders for the tests of the command-line tools. */
import { formatIpynb, type Ipynb } from "lib/tools/ipynb.ts";

/** Whether a test may use files, subprocesses, the network and the environment: else it is skipped. */
export const permitted: boolean = (await Promise.all(
  (["read", "write", "run", "net", "env", "sys"] as const).map((name) =>
    Deno.permissions.query({ name })
  ),
)).every(({ state }) => state === "granted");

/** A notebook with these code cells, not yet run. */
export function notebookOf(...sources: string[]): Ipynb {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
      language_info: { name: "typescript" },
    },
    cells: sources.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      source,
      execution_count: null,
      outputs: [],
    })),
  };
}

/** Runs `body` with a fresh folder that is gone afterwards. */
export async function withFolder(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "cli-test-" }));
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Writes a notebook file and returns its path. */
export async function writeNotebook(path: string, notebook: Ipynb): Promise<string> {
  await Deno.writeTextFile(path, formatIpynb(notebook));
  return path;
}

/** Waits for a process: its exit status and all that it printed. */
export async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
