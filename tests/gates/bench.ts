/** `deno task bench`: all benches, with the machine and the Deno that ran them beside the numbers.
 * @module */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { machine } from "lib/notebook/notebook.ts";
import { runCommand } from "lib/tools/args.ts";
import { ROOT } from "lib/tools/workspace.ts";

/** One bench; times per iteration. */
export interface BenchRow {
  file: string;
  group: string | null;
  name: string;
  baseline: boolean;
  avgMs: number;
  minMs: number;
  p75Ms: number;
  iterations: number;
}

interface DenoBench {
  origin: string;
  group: string | null;
  name: string;
  baseline: boolean;
  results: { ok?: { n: number; min: number; avg: number; p75: number }; failed?: unknown }[];
}

/** Reads `deno bench --json`: what benches themselves printed may stand before it.
 * @throws {Error} no report, or a bench that failed. */
export function parseBenches(stdout: string, root: string = ROOT): BenchRow[] {
  const start = stdout.search(/^\{$/m);
  if (start < 0) throw new Error("deno bench gave no report");
  const { benches } = JSON.parse(stdout.slice(start)) as { benches: DenoBench[] };
  return benches.map(({ origin, group, name, baseline, results: [result] }) => {
    const ok = result?.ok;
    if (ok === undefined) throw new Error(`the bench "${name}" failed`);
    const ms = (nanoseconds: number) => nanoseconds / 1e6;
    return {
      file: relative(root, fileURLToPath(origin)),
      group,
      name,
      baseline,
      avgMs: ms(ok.avg),
      minMs: ms(ok.min),
      p75Ms: ms(ok.p75),
      iterations: ok.n,
    };
  });
}

if (import.meta.main) {
  await runCommand({
    name: "bench",
    summary: "Runs the benches; each checks its result before it is timed.",
    flags: { json: { type: "switch", help: "print one JSON object, times in milliseconds" } },
  }, async ({ json }) => {
    const where = { deno: Deno.version.deno, machine: machine() };
    const { cores, os, arch } = where.machine;
    if (!json) console.log(`Deno ${where.deno}, ${os} ${arch}, ${cores} cores`);
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["bench", "--allow-all", ...json ? ["--json"] : [], join("tests", "bench")],
      cwd: ROOT,
      stdin: "null",
      stdout: json ? "piped" : "inherit",
      stderr: "inherit",
    }).output();
    if (json) {
      const benches = parseBenches(new TextDecoder().decode(output.stdout));
      console.log(JSON.stringify({ ...where, benches }, null, 2));
    }
    return output.success ? 0 : 1;
  });
}
