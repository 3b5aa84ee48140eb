/** `deno task bench`: all benches against the slow obvious way, or with `--peers` ours against published packages; with
 * the machine and the Deno that ran them beside the numbers.
 * @module */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { machine } from "lib/notebook/notebook.ts";
import { runCommand, stopSignal, UsageError } from "lib/tools/args.ts";
import { ROOT } from "lib/tools/workspace.ts";
import { benchPeers, machineLine } from "./peers.ts";

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

/** Runs `deno bench` over all of them. @returns its exit status. */
async function benchAll(json: boolean): Promise<number> {
  if (!json) console.log(machineLine());
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "--allow-all", ...json ? ["--json"] : [], join("tests", "bench")],
    cwd: ROOT,
    stdin: "null",
    stdout: json ? "piped" : "inherit",
    stderr: "inherit",
  }).output();
  if (json) {
    const benches = parseBenches(new TextDecoder().decode(output.stdout));
    const where = { deno: Deno.version.deno, machine: machine() };
    console.log(JSON.stringify({ ...where, benches }, null, 2));
  }
  return output.success ? 0 : 1;
}

if (import.meta.main) {
  await runCommand({
    name: "bench",
    summary: "Runs the benches, or ours against peers; results are checked before they are timed.",
    flags: {
      peers: {
        type: "switch",
        help: "ours against published packages (Python, Rust), those that are here",
      },
      only: { type: "text", placeholder: "ROW", help: "with --peers: one row" },
      rounds: {
        type: "integer",
        min: 5,
        max: 1000,
        help: "with --peers: turns of each (default: 5)",
      },
      json: { type: "switch", help: "print one JSON object, times in milliseconds" },
      readme: { type: "switch", help: "with --peers: write the table of tests/bench/README.md" },
    },
  }, async ({ peers, only, rounds, json, readme }) => {
    if (peers) {
      return await benchPeers({
        only,
        rounds: rounds ?? 5,
        json,
        readme,
        signal: stopSignal().signal,
      });
    }
    if (only !== undefined || rounds !== undefined || readme) {
      throw new UsageError("--only, --rounds and --readme need --peers");
    }
    return await benchAll(json);
  });
}
