/** An audit on the terminal.
 * @module */
import { table, tableText } from "../notebook/table.ts";
import { durationText } from "../plot/theme.ts";
import type { Audit } from "./findings.ts";
import { printable } from "./html.ts";
import { countText, OUTCOMES, samplesText, SCHEME_NAMES, stopText, verdictWord } from "./words.ts";

/** Columns of the terminal, and attacks listed there. */
const MOST_COLUMNS = 110, MOST_ATTACKS = 14;

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

/** The verdict, a line for each attack, and where the files are: at most 30 lines of at most 110 columns.
 * @param directory where the report was written; null: nowhere. */
export function auditText(audit: Audit, directory: string | null): string {
  const { attacks, notTried, scheme, seconds, verdict } = audit;
  const head = `${verdictWord(audit)}: ${printable(verdict.sentence)}`;
  const about = `${SCHEME_NAMES[scheme]}, ${samplesText(audit)}; ${durationText(seconds.taken)} ` +
    `of ${durationText(seconds.given)}`;
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
    : [`The page: ${directory}/report.html; beside it report.json, and pictures/.`];
  const text = [
    ...broken(head).slice(0, 4),
    about,
    "",
    ...lines,
    ...more,
    "",
    ...left,
    ...proof,
    ...where,
  ];
  return text.map((line) => line === "" ? "" : cut(line, MOST_COLUMNS).trimEnd()).join("\n");
}
