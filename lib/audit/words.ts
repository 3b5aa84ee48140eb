/** What an audit's page and its lines on the terminal say in the same words.
 * @module */
import type { Shape } from "../attack/priors.ts";
import type { Scheme } from "../attack/training/view.ts";
import { durationText, narrowSpace, numberText, thousands } from "../plot/theme.ts";
import type { AttackFinding, Audit, Outcome } from "./findings.ts";
import { LEAKS_FROM, PART_FROM } from "./measure.ts";

/** Each scheme as texts write it. */
export const SCHEME_NAMES: Readonly<Record<Scheme, string>> = {
  cryptonn: "CryptoNN",
  mitig1: "MITIG1",
  mitig2: "MITIG2",
  mitig3: "mitig3",
};

/** How an outcome is drawn: filled, outlined, or outlined in grey. */
export type Tone = "leak" | "near" | "none" | "open";

/** Each outcome: its word, how it is drawn, and what it means. */
export const OUTCOMES: Readonly<
  Record<Outcome, { readonly word: string; readonly tone: Tone; readonly meaning: string }>
> = {
  recovered: {
    word: "Recovered",
    tone: "leak",
    meaning: "Private samples themselves: each of their numbers, rounded, is the private one.",
  },
  likeness: {
    word: "Likeness",
    tone: "near",
    meaning:
      `None exactly, but at least ${
        percentText(LEAKS_FROM)
      } of the way from what the attacker had anyway, ` +
      "the mean sample of a class, to the private samples; or columns of a table exactly; or their inner products " +
      `within classes, at a correlation of ${PART_FROM} or more; each by more than chance.`,
  },
  nothing: {
    word: "Nothing",
    tone: "none",
    meaning: "Less than that, or no more than chance.",
  },
  unmeasured: {
    word: "Unmeasured",
    tone: "open",
    meaning: "The attack made something, but the private samples were not given to hold it to.",
  },
  failed: {
    word: "Failed",
    tone: "open",
    meaning: "The attack made nothing, for the reason that stands with it.",
  },
  "out of time": {
    word: "Out of time",
    tone: "open",
    meaning: "The seconds of the audit ended first; more of them may change the outcome.",
  },
};

/** Whether there are leaks, in words. */
export function verdictWord({ verdict }: Audit): string {
  return verdict.leaks ? "Leaks found" : verdict.decided ? "No leak found" : "Undecided";
}

/** A share in percent, to a tenth: "83.4 %"; "–" for what is no number. */
export function percentText(share: number): string {
  return Number.isFinite(share) ? `${numberText(Math.round(share * 1000) / 10, 4)} %` : "–";
}

/** So many of so many; null: nobody knows how many. */
export function countText(part: number | null, whole: number): string {
  return part === null ? "not known" : `${thousands(part)} of ${thousands(whole)}`;
}

/** What a sample is: "images of 28 × 28", "rows of 30 columns". */
export function samplesText({ kind, shape: [height, width, channels] }: {
  readonly kind: Audit["kind"];
  readonly shape: Shape;
}): string {
  if (kind === "table") return `rows of ${thousands(width)} columns`;
  const colour = channels === 1 ? "grey" : channels === 3 ? "colour" : `${channels}-channel`;
  return `${colour} images of ${height}\u00a0×\u00a0${width}`;
}

/** The audit in a line: "CryptoNN · grey images of 28 × 28 · 4 attacks in 24 s". */
export function aboutText(audit: Audit): string {
  const { attacks, scheme, seconds } = audit;
  const tried = `${attacks.length} ${attacks.length === 1 ? "attack" : "attacks"}`;
  const time = durationText(seconds.taken);
  return [SCHEME_NAMES[scheme], samplesText(audit), `${tried} in ${time}`].join(" · ");
}

/** The verdict's first sentence, and what follows it. */
export function verdictSentences({ verdict: { sentence } }: Audit): [first: string, rest: string] {
  const end = /[.:] (?=\p{Lu})/u.exec(sentence);
  return end === null
    ? [sentence, ""]
    : [sentence.slice(0, end.index + 1), sentence.slice(end.index + 2)];
}

/** What stops an attack, or why nothing does. */
export function stopText({ change, changeNote }: AttackFinding): string {
  return change === null ? changeNote : change.what;
}

/** A number of the attack, or its text. */
export function valueText(value: number | string): string {
  if (typeof value === "string") return value;
  return Number.isFinite(value) ? numberText(value).replaceAll(" ", narrowSpace) : "–";
}
