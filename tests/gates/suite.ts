/** `deno task test`: the whole suite with the permissions it can use, and a last plain line that says
 * how it went. Files run side by side on all cores, but for a few. The counts come from the JUnit report, not from text for people.
 * @module */
import { existsSync } from "node:fs";
import { fromCaller, runCommand, UsageError } from "lib/tools/args.ts";
import { ROOT } from "lib/tools/workspace.ts";

/** Tests whose claims are about time and memory: they run after the others, with nothing beside them. */
const ALONE = ["tests/net/hostile_test.ts"];

/** How a suite went; the steps inside a test do not count apart. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Counts the tests in Deno's JUnit report. A step is named after its test: `test > step`. */
export function countTests(junit: string): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of junit.split("<testsuite ").slice(1)) {
    const names: string[] = [];
    for (
      const [, name, body] of suite.matchAll(/<testcase name="([^"]*)"[^>]*>(.*?)<\/testcase>/gs)
    ) {
      if (names.some((test) => name.startsWith(`${test} &gt; `))) continue;
      names.push(name);
      if (/<(failure|error)[ >]/.test(body)) counts.failed++;
      else if (body.includes("<skipped")) counts.skipped++;
      else counts.passed++;
    }
  }
  return counts;
}

/** The line that ends a run. A run that failed outside of any test counts as one failure. */
export function summaryLine(counts: Counts, success: boolean): string {
  const failed = success ? counts.failed : Math.max(counts.failed, 1);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  return `${counts.passed} passed, ${failed} failed${skipped}`;
}

/** Runs `deno test` with everything allowed, its output as it comes. @param args flags and files. */
export async function runTests(args: string[]): Promise<{ counts: Counts; success: boolean }> {
  const report = await Deno.makeTempFile({ prefix: "junit-", suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", `--junit-path=${report}`, ...args],
      cwd: ROOT,
      stdin: "null",
    }).spawn();
    const { success } = await child.status;
    return { counts: countTests(await Deno.readTextFile(report)), success };
  } finally {
    await Deno.remove(report);
  }
}

if (import.meta.main) {
  await runCommand({
    name: "test",
    summary: "Runs the test suite, or the given files of it, with all permissions.",
    flags: {
      filter: { type: "text", placeholder: "TEXT", help: "only the tests whose name contains it" },
    },
    rest: "[files]",
  }, async ({ filter }, files) => {
    const missing = files.find((file) => !existsSync(fromCaller(file)));
    if (missing !== undefined) throw new UsageError(`no such file: ${missing}`);
    const only = filter ? [`--filter=${filter}`] : [];
    const runs = files.length > 0
      ? [["--parallel", ...files.map(fromCaller)]]
      : [["--parallel", `--ignore=${ALONE}`, "tests/"], ALONE];
    const counts = { passed: 0, failed: 0, skipped: 0 };
    let success = true;
    for (const run of runs) {
      const part = await runTests([...only, ...run]);
      success &&= part.success;
      for (const name of ["passed", "failed", "skipped"] as const) {
        counts[name] += part.counts[name];
      }
    }
    const executed = counts.passed + counts.failed > 0;
    if (success && !executed) console.error("No test was executed.");
    console.log(summaryLine(counts, success));
    return success && executed ? 0 : 1;
  });
}
