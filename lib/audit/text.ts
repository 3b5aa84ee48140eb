/** An audit on the terminal.
 * @module */
import { table, tableText } from "../notebook/table.ts";
import type { Audit } from "./findings.ts";
import { printable } from "./html.ts";
import { aboutText, countText, OUTCOMES, stopText, verdictWord } from "./words.ts";

/** Columns of the terminal, and attacks listed there. */
const MOST_COLUMNS = 110, MOST_ATTACKS = 12;

/** A text of so many characters at most. */
function cut(text: string, most: number): string {
  const letters = [...printable(text)];
  return letters.length <= most ? letters.join("") : `${letters.slice(0, most - 1).join("")}…`;
}

/** Lines broken between words, a word that is longer broken too. */
function broken(text: string): string[] {
  return text.match(
    new RegExp(`\\S.{0,${MOST_COLUMNS - 1}}(?=\\s|$)|\\S{1,${MOST_COLUMNS}}`, "gu"),
  ) ?? [];
}

/** The verdict, a line for each attack, and where the files are: at most 30 lines of at most 110 columns, but for the
 * folder's name.
 * @param directory where the report was written; null: nowhere. */
export function auditText(audit: Audit, directory: string | null): string {
  const { attacks, notTried, verdict } = audit;
  const head = `${verdictWord(audit)}: ${printable(verdict.sentence)}`;
  const columns = ["attack", "outcome", "recovered", "certified", "what stops it"];
  const rows = attacks.slice(0, MOST_ATTACKS).map((finding) => [
    cut(finding.title, 34),
    OUTCOMES[finding.outcome].word.toLowerCase(),
    countText(finding.counts.exact, finding.counts.attacked),
    countText(finding.counts.certified, finding.counts.attacked),
    stopText(finding),
  ]);
  const lines = tableText(table({ columns, rows })).split("\n");
  const more = attacks.length > MOST_ATTACKS ? [`and ${attacks.length - MOST_ATTACKS} more`] : [];
  const left = notTried.length === 0
    ? []
    : [`Not tried: ${notTried.map(({ attack }) => attack).join(", ")}.`];
  const proof = verdict.leaks
    ? []
    : ["That these attacks got no further proves nothing about others."];
  const where = directory === null
    ? []
    : [`The page: ${printable(directory)}/report.html; beside it report.json, and pictures/.`];
  const text = [
    ...broken(head).slice(0, 4),
    ...broken(printable(verdict.advice)).slice(0, 3),
    aboutText(audit),
    "",
    ...lines,
    ...more,
    "",
    ...left,
    ...proof,
  ].map((line) => line === "" ? "" : cut(line, MOST_COLUMNS).trimEnd());
  return [...text, ...where].join("\n"); // a path that is cut is of no use
}
