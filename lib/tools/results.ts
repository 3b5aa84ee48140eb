/** What a notebook leaves behind: `figures/<name>/results.json` with its headline numbers and claims, and three files for
 * each figure listed there. A run counts only if it wrote them all anew.
 *
 * The table of results in README.md is written from these files and never by hand. It stands between two markers.
 * `deno task reproduce` writes it after a run; `deno task check` and a test refuse a README whose table differs.
 * @module */
import { join } from "node:path";
import { writeAtomic } from "../data/write_atomic.ts";
import type { Results } from "../notebook/notebook.ts";
import { markersOf, withGenerated } from "./generated.ts";
import { FIGURES, notebookNames, ROOT } from "./workspace.ts";

const FIGURE_FORMATS = ["png", "svg", "json"];

/** When each file of a folder was last written; empty where there is no such folder. */
export async function writeTimes(directory: string): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  try {
    for await (const { name, isFile } of Deno.readDir(directory)) {
      if (!isFile) continue;
      times.set(name, (await Deno.stat(join(directory, name))).mtime?.getTime() ?? 0);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return times;
}

function parseResults(text: string): Results {
  const results = JSON.parse(text);
  const { profile, headline, figures } = results;
  const isHeadline = typeof headline === "object" && headline !== null && !Array.isArray(headline);
  const isFigures = Array.isArray(figures) && figures.every((name) => typeof name === "string");
  if (typeof profile !== "string" || !isHeadline || !isFigures) {
    throw new Error("profile, headline or figures missing");
  }
  return results;
}

/** Reads the results of a run that began when the folder looked like `before`.
 * @returns the results, and everything that is missing, stale or wrong, one line each. */
export async function readResults(
  directory: string,
  profile: string,
  before: ReadonlyMap<string, number>,
): Promise<{ results: Results | null; problems: string[] }> {
  const after = await writeTimes(directory);
  const problemWith = (file: string): string[] => {
    if (!after.has(file)) return [`${file} is missing`];
    const isStale = after.get(file) === before.get(file);
    return isStale ? [`${file} is stale: this run did not write it`] : [];
  };
  const problems = problemWith("results.json");
  if (problems.length > 0) return { results: null, problems };
  try {
    const results = parseResults(await Deno.readTextFile(join(directory, "results.json")));
    if (results.profile !== profile) {
      problems.push(`results.json is of profile ${results.profile}, not ${profile}`);
    }
    const files = results.figures.flatMap((name) => FIGURE_FORMATS.map((ext) => `${name}.${ext}`));
    problems.push(...files.flatMap(problemWith));
    return { results, problems };
  } catch (error) {
    return { results: null, problems: [`results.json is malformed: ${(error as Error).message}`] };
  }
}

/** Files with a run's results how much memory it took, which the run itself cannot know. */
export async function noteMemory(
  directory: string,
  results: Results,
  peakMB: number,
): Promise<void> {
  const noted: Results = { ...results, peakMB };
  await writeAtomic(directory, { "results.json": JSON.stringify(noted, null, 2) + "\n" });
}

/** The headline numbers on one line. */
export function headlineText(results: Results): string {
  return Object.entries(results.headline).map(([label, value]) => `${label} ${value}`).join(" · ");
}

/** Everything between these two is generated. */
const MARKERS = markersOf("results", "deno task reproduce");

/** What to do about a README that says other numbers than the notebooks found. */
export const RESULTS_DIFFER =
  "README's results are not those of figures/*/results.json: deno task reproduce writes them";

/** One row: what was asked, what the paper says, and our answer in terms of headline numbers. */
interface Row {
  readonly question: string;
  readonly paper: string;
  readonly notebook: string;
  /** A text in which each `{label}` is replaced by the notebook's headline number of that label. */
  readonly here: string;
}

const ROWS: readonly Row[] = [
  {
    question: "300 inner products per digit, the published LP: exact digits",
    paper: "not reported",
    notebook: "01_leakage",
    here: "{published LP, digits exact at 300 units}",
  },
  {
    question: "the same equations, TV + ½·Σx: exact digits",
    paper: "–",
    notebook: "01_leakage",
    here: "{TV + ½·Σx, digits exact at 300 units}",
  },
  {
    question: "training on ciphertexts; at full size",
    paper: "marked not working",
    notebook: "01b_training_on_ciphertexts",
    here:
      "equal {encrypted run, W1 equal to the clear run}; {full encrypted run, predicted} predicted",
  },
  {
    question: "training on function-hiding ciphertexts (MITIG1); at full size",
    paper: "marked not working",
    notebook: "02_mitig1",
    here:
      "{z1 and weights against the clear run}; {full encrypted run, batch 250, 10 epochs, predicted} predicted",
  },
  {
    question: "split learning (MITIG2) on all of MNIST: 96.8 %",
    paper: "in 7 minutes",
    notebook: "03_mitig2",
    here: "in {seconds to 96.8 % over TLS, both parties} s; {test accuracy} at the end",
  },
  {
    question: "MITIG2's digits, drawn without W1 or a known image",
    paper: "nothing leaks",
    notebook: "06_mitigations_under_attack",
    here: "{MITIG2, third visit, drawn without W1 or a known image}",
  },
  {
    question: "the same attack on mitig3; MITIG2, mitig3, class mean",
    paper: "–",
    notebook: "06b_defences",
    here: "SSIM {blind alignment, SSIM: MITIG2, mitig3, class mean}",
  },
  {
    question: "linear model trained under quadratic FE; patients exact from its gradients",
    paper: "named as related",
    notebook: "07_other_encryptions",
    here:
      "{weights trained on ciphertexts}; {patients exact from batch gradients, B = 16, 16 visits}",
  },
];

/** The rows' answers as Markdown, by the results of each notebook.
 * @throws {Error} a notebook or a headline number that is not there. */
export function resultsTable(
  results: ReadonlyMap<string, Results>,
  rows: readonly Row[] = ROWS,
): string {
  const cells = rows.map(({ question, paper, notebook, here }) => {
    const headline = results.get(notebook)?.headline ?? {};
    const text = here.replaceAll(/\{([^}]+)\}/g, (_, label) => {
      if (!Object.hasOwn(headline, label)) {
        throw new Error(`Cannot write README's results: ${notebook} has no number "${label}"`);
      }
      return String(headline[label]);
    });
    return [question, paper, `[${text}](notebooks/${notebook}.ipynb)`];
  });
  const quick = [...results.values()].filter(({ profile }) => profile === "quick");
  const but = quick.length === 0
    ? ""
    : `, but quick for ${quick.map((r) => r.notebook).join(", ")}`;
  const profile = quick.length === results.size ? "quick" : `full${but}`;
  const lines = [["question", "paper", "here"], ["---", "---", "---"], ...cells]
    .map((row) => `| ${row.join(" | ")} |`);
  const [largest] = [...results.values()].filter(({ peakMB }) => peakMB !== undefined)
    .sort((a, b) => b.peakMB! - a.peakMB!);
  const memory = largest === undefined
    ? ""
    : ` Memory: at most ${largest.peakMB} MB (${largest.notebook}).`;
  return [...lines, "", `Profile ${profile}; rates with their 95 % interval.${memory}`].join("\n");
}

/** README's text with this table between its markers. @throws {Error} the markers are not there. */
export const withResults = (readme: string, table: string): string =>
  withGenerated("README's results", readme, MARKERS, table);

/** README as it is, and as the notebooks' results would have it.
 * @throws {Error} a notebook has no results yet, or markers or numbers are missing. */
export async function readmeResults(
  root: string = ROOT,
  figures: string = FIGURES,
): Promise<{ readme: string; expected: string }> {
  const results = new Map<string, Results>();
  for (const name of notebookNames("", join(root, "notebooks"))) {
    results.set(name, JSON.parse(await Deno.readTextFile(join(figures, name, "results.json"))));
  }
  const readme = await Deno.readTextFile(join(root, "README.md"));
  return { readme, expected: withResults(readme, resultsTable(results)) };
}

/** Brings README's table up to date. */
export async function writeReadmeResults(): Promise<void> {
  const { readme, expected } = await readmeResults();
  if (readme !== expected) await writeAtomic(ROOT, { "README.md": expected });
}
