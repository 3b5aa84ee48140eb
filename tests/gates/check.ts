/** `deno task check`: formatting, lint, types, the same for the notebooks' cells, and what the claims rest on.
 * @module */
import { join, relative } from "node:path";
import { runCommand } from "lib/tools/args.ts";
import { basisText, claimProblems, readClaims, readmeProblems } from "./check_claims.ts";
import { checkNotebook } from "./check_notebooks.ts";
import { type NotebookSizes, notebookSizes, sizeProblems, sizesText } from "./notebook_sizes.ts";
import { readIpynb } from "lib/tools/ipynb.ts";
import { readmeResults, RESULTS_DIFFER } from "lib/tools/results.ts";
import { FIGURES, notebookNames, NOTEBOOKS, ROOT } from "lib/tools/workspace.ts";

const STEPS: Record<string, string[]> = {
  // Not the notebooks: their cells come below. (`--ignore` would undo the excludes of deno.json.)
  format: [
    "fmt",
    "--check",
    "lib",
    "tests",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "deno.json",
  ],
  lint: ["lint"],
  types: ["check", "lib", "tests"],
};

/** Each export of lib carries a docstring. Members of an interface may speak for themselves.
 * @returns one line for each that does not. */
async function docstringProblems(): Promise<string[]> {
  const modules = modulesOf("lib");
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", ...modules],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const report = new TextDecoder().decode(stderr);
  return [...report.matchAll(/^error\[missing-jsdoc\].*\n +--> (.+)\n.*\n *\d+ \| (export .*)$/gm)]
    .map(([, place, line]) => `${relative(ROOT, place)}: no docstring: ${line}`);
}

function modulesOf(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? modulesOf(path) : name.endsWith(".ts") ? [path] : [];
  });
}

/** Measures the notebooks and prints what it finds. @returns what is over its limit. */
async function measureNotebooks(): Promise<string[]> {
  const sizes = new Map<string, NotebookSizes>();
  for (const name of notebookNames()) {
    sizes.set(name, notebookSizes(await readIpynb(join(NOTEBOOKS, `${name}.ipynb`))));
    console.log(`  ${name}: ${sizesText(sizes.get(name)!)}`);
  }
  const all = [...sizes.values()];
  const words = all.reduce((sum, { words }) => sum + words, 0);
  console.log(`  all: ${sizesText({ cells: all.flatMap(({ cells }) => cells), words })}`);
  return sizeProblems(sizes);
}

/** @returns why README's table of results is not that of the notebooks' last run, if it is not. */
async function resultsProblems(): Promise<string[]> {
  try {
    const { readme, expected } = await readmeResults();
    return readme === expected ? [] : [RESULTS_DIFFER];
  } catch (error) {
    return [(error as Error).message];
  }
}

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
      "Checks formatting, lint, types and docstrings, in lib, in tests and in the notebooks' cells; sizes, claims, results.",
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
    const lists = {
      docstrings: docstringProblems,
      "notebook sizes": measureNotebooks,
      claims: listClaims,
      "README's results": resultsProblems,
    };
    for (const [step, list] of Object.entries(lists)) {
      const problems = await list();
      for (const problem of problems) console.error(problem);
      report(step, problems.length === 0);
    }
    console.log(failed.length === 0 ? "check passed" : `check FAILED: ${failed.join(", ")}`);
    return failed.length === 0 ? 0 : 1;
  });
}
