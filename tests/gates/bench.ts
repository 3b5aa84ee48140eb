/** `deno task bench`: all benches, with the machine and the Deno that ran them beside the numbers.
 * @module */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { writeAtomic } from "lib/data/write_atomic.ts";
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

/** A time with three digits in the unit that fits. */
function timeText(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 1 ? `${ms.toPrecision(3)} ms` : `${(ms * 1000).toPrecision(3)} µs`;
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
  return `# Speed

Written by \`deno task bench --readme\`; each bench checks its result before it is timed. ${where}.

<!-- deno-fmt-ignore-start -->

${[...head, ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n")}

<!-- deno-fmt-ignore-end -->

What the benches say of themselves:

\`\`\`text
${notes.trim()}
\`\`\`
`;
}

if (import.meta.main) {
  await runCommand({
    name: "bench",
    summary: "Runs the benches; each checks its result before it is timed.",
    flags: {
      json: { type: "switch", help: "print one JSON object, times in milliseconds" },
      readme: { type: "switch", help: "write tests/bench/README.md" },
    },
  }, async ({ json, readme }) => {
    const where = { deno: Deno.version.deno, machine: machine() };
    const { cores, os, arch } = where.machine;
    const at = `Deno ${where.deno}, ${os} ${arch}, ${cores} cores`;
    const captured = json || readme;
    if (!json) console.log(at);
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
      if (json) console.log(JSON.stringify({ ...where, benches }, null, 2));
      const notes = stripVTControlCharacters(stdout.slice(0, stdout.search(/^\{$/m)));
      const text = benchTable(benches, at, notes);
      if (readme) await writeAtomic(join(ROOT, "tests", "bench"), { "README.md": text });
    }
    return output.success ? 0 : 1;
  });
}
