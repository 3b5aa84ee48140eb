/** `deno task bench`: all benches against the slow obvious way, or with `--peers` ours against published packages; with
 * the machine and the Deno that ran them beside the numbers.
 * @module */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { writeAtomic } from "lib/data/write_atomic.ts";
import { machine } from "lib/notebook/notebook.ts";
import { runCommand, stopSignal, UsageError } from "lib/tools/args.ts";
import { markersOf, withGenerated } from "lib/tools/generated.ts";
import { ROOT } from "lib/tools/workspace.ts";
import { benchPeers, machineLine, timeText } from "./peers.ts";

const MARKERS = markersOf("benches", "deno task bench --readme");

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

const ratioText = (ratio: number) => ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0);

/** The benches as Markdown: each against the baseline of its group.
 * @param notes what the benches printed themselves. */
export function benchTable(rows: readonly BenchRow[], where: string, notes: string): string {
  const cells = rows.map((row) => {
    const slow = rows.find(({ file, group, baseline }) =>
      baseline && row.group !== null && file === row.file && group === row.group
    );
    const ratio = slow === undefined || slow === row
      ? slow === row ? "baseline" : "–"
      : `${ratioText(slow.avgMs / row.avgMs)}×`;
    const name = row.group === null ? row.name : `${row.group}: ${row.name}`;
    return [name.replaceAll("|", "\\|"), timeText(row.avgMs), ratio, row.iterations];
  });
  const head = [["what", "mean time", "faster than its baseline", "runs"], [
    "---",
    "--:",
    "--:",
    "--:",
  ]];
  return `${where}.

${[...head, ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n")}

What the benches say of themselves:

\`\`\`text
${notes.trim()}
\`\`\``;
}

/** Runs `deno bench` over all of them. @returns its exit status. */
async function benchAll({ json, readme }: { json: boolean; readme: boolean }): Promise<number> {
  const captured = json || readme;
  if (!json) console.log(machineLine());
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "--allow-all", ...captured ? ["--json"] : [], join("tests", "bench")],
    cwd: ROOT,
    stdin: "null",
    stdout: captured ? "piped" : "inherit",
    stderr: "inherit",
  }).output();
  if (captured) {
    const stdout = new TextDecoder().decode(output.stdout);
    const benches = parseBenches(stdout);
    const where = { deno: Deno.version.deno, machine: machine() };
    if (json) console.log(JSON.stringify({ ...where, benches }, null, 2));
    if (readme) {
      const notes = stripVTControlCharacters(stdout.slice(0, stdout.search(/^\{$/m)));
      const folder = join(ROOT, "tests", "bench");
      const page = await Deno.readTextFile(join(folder, "README.md"));
      const text = benchTable(benches, machineLine(), notes);
      const written = withGenerated("tests/bench/README.md", page, MARKERS, text);
      await writeAtomic(folder, { "README.md": written });
    }
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
      readme: { type: "switch", help: "write the numbers into tests/bench/README.md" },
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
    if (only !== undefined || rounds !== undefined) {
      throw new UsageError("--only and --rounds need --peers");
    }
    return await benchAll({ json, readme });
  });
}
