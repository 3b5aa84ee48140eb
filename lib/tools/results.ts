/** What a notebook leaves behind: `figures/<name>/results.json` with its headline numbers and claims, and three files for
 * each figure listed there. A run counts only if it wrote them all anew.
 * @module */
import { join } from "node:path";
import type { Results } from "../notebook/notebook.ts";

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

/** The headline numbers on one line. */
export function headlineText(results: Results): string {
  return Object.entries(results.headline).map(([label, value]) => `${label} ${value}`).join(" · ");
}
