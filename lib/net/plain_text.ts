/** What a peer says, made fit for a log, a terminal and an error: one line, no control codes, not long.
 * @module */

/** Long enough for any message of ours. */
const MAX_CHARACTERS = 300;
/** Control codes (an escape code begins with one, a forged line with another), marks that turn or hide
 * what follows, line separators, halves of characters, and characters that nobody has defined. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** The text with `�` in place of each character that is not fit to print, cut to 300 characters. */
export function plainText(text: string): string {
  const cut = text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS - 1)}…`;
  return cut.replace(UNFIT, "\ufffd");
}
