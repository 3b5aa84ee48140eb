/** The claims of the notebooks with what they rest on, and what README and claims say of random draws.
 *
 * A rate comes with its n and interval; "every" and its like are for what no draw decides. @module */
import { join } from "node:path";
import { type Claim, sweepingWord } from "lib/notebook/notebook.ts";

/** What a claim rests on, in a few words: "n = 500, 0.939 to 0.972", "exact", "this run". */
export function basisText({ exact, n, low, high }: Claim): string {
  if (exact) return "exact";
  if (n === undefined) return "this run";
  const interval = low === undefined || high === undefined
    ? ""
    : `, ${low.toPrecision(3)} to ${high.toPrecision(3)}`;
  return `n = ${n}${interval}`;
}

/** Claims that say more than they rest on, one line each. */
export function claimProblems(claims: readonly Claim[]): string[] {
  return claims.flatMap((claim) => {
    const { statement, exact, n, low, high } = claim;
    const word = exact ? null : sweepingWord(statement);
    if (word !== null) return [`"${statement}": "${word}", and it is not exact`];
    if (n !== undefined && !(low! <= high!)) {
      return [`"${statement}": n = ${n} without an interval`];
    }
    return [];
  });
}

/** Rows of README's results that speak of random draws as if none could differ, one line each. A row that says
 * "bit for bit" is about no draw. */
export function readmeProblems(readme: string): string[] {
  const [, after = ""] = readme.split(/^## What we found$/m);
  const rows = after.split(/^## /m)[0].split("\n").filter((line) => line.startsWith("|"));
  if (rows.length < 3) return ["README has no table of results"];
  return rows.flatMap((row) => {
    const word = row.includes("bit for bit") ? null : sweepingWord(row);
    return word === null ? [] : [`README, results: "${word}" in "${row.split("|")[1].trim()}"`];
  });
}

/** The claims as `finish()` filed them. @throws {Error} no results.json, or a malformed one. */
export async function readClaims(figures: string, notebook: string): Promise<Claim[]> {
  const path = join(figures, notebook, "results.json");
  try {
    const { claims } = JSON.parse(await Deno.readTextFile(path));
    if (!Array.isArray(claims)) throw new TypeError("it holds no claims");
    return claims;
  } catch (error) {
    throw new Error(`Cannot read the claims of ${notebook}: ${(error as Error).message}`);
  }
}
