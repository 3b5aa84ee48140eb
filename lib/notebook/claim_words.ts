/** Words that a sentence about random draws cannot keep: another seed breaks it.
 * @module */

const SWEEPING =
  /\b(every|never|always|none|no (?:digit|image|program|solution)s?|all (?:ten |the )?(?:digit|image|program)s|(\d+) of \2)\b/i;

/** The first such word or phrase, or null. "10 of 10" is one, "9 of 10" is not. */
export function sweepingWord(text: string): string | null {
  return SWEEPING.exec(text)?.[0] ?? null;
}
