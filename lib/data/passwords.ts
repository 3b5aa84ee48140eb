/** Keeps passwords out of what is printed: a URL may come back in any message, a library's or a mistyped argument.
 * @module */

/** The text with what stands before the last `@` of each URL left out: a password may hold a raw `@` or `/`. */
export const withoutPasswords = (text: string): string =>
  text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, "$1***@");
