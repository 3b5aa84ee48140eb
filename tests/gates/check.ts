/** `deno task check`: formatting, lint, types, the same for the notebooks' cells, and what the claims rest on.
 * @module */
import { join } from "node:path";
import { runCommand } from "lib/tools/args.ts";
import { basisText, claimProblems, readClaims, readmeProblems } from "./check_claims.ts";
import { checkNotebook } from "./check_notebooks.ts";
import { FIGURES, notebookNames, NOTEBOOKS, ROOT } from "lib/tools/workspace.ts";

const STEPS: Record<string, string[]> = {
  // Not the notebooks: their cells come below. (`--ignore` would undo the excludes of deno.json.)
  format: ["fmt", "--check", "lib", "tests", "README.md", "deno.json"],
  lint: ["lint"],
  types: ["check", "lib", "tests"],
};

/** Runs a deno subcommand in the workspace, its report shown only when it fails. */
async function passes(args: string[]): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  if (!success) { for (const text of [stdout, stderr]) Deno.stderr.writeSync(text); }
  return success;
}

/** Prints each claim with its n. @returns what README and claims say of random draws that they cannot. */
async function listClaims(): Promise<string[]> {
  const problems = readmeProblems(await Deno.readTextFile(join(ROOT, "README.md")));
  for (const name of notebookNames()) {
    const claims = await readClaims(FIGURES, name);
    console.log(`claims of ${name}:`);
    for (const claim of claims) console.log(`  ${basisText(claim).padEnd(28)} ${claim.statement}`);
    problems.push(...claimProblems(claims).map((problem) => `${name}: ${problem}`));
  }
  return problems;
}

if (import.meta.main) {
  await runCommand({
    name: "check",
    summary:
      "Checks formatting, lint and types, in lib, in tests and in the notebooks' cells, and the claims.",
    flags: {},
  }, async () => {
    const failed: string[] = [];
    const report = (step: string, passed: boolean) => {
      console.log(`${step}: ${passed ? "ok" : "FAILED"}`);
      if (!passed) failed.push(step);
    };
    for (const [step, args] of Object.entries(STEPS)) report(step, await passes(args));
    for (const name of notebookNames()) {
      const problems = await checkNotebook(join(NOTEBOOKS, `${name}.ipynb`));
      for (const problem of problems) console.error(problem);
      report(`notebook ${name}`, problems.length === 0);
    }
    const claims = await listClaims();
    for (const problem of claims) console.error(problem);
    report("claims", claims.length === 0);
    console.log(failed.length === 0 ? "check passed" : `check FAILED: ${failed.join(", ")}`);
    return failed.length === 0 ? 0 : 1;
  });
}
