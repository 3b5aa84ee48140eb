/** Parts of pages that a command writes and nobody edits: they stand between two lines that say so.
 * @module */

/** The lines around a part. @param name what it is.   @param by the command that writes it. */
export const markersOf = (name: string, by: string) =>
  [
    `<!-- ${name}: written by ${by}, do not edit -->\n<!-- deno-fmt-ignore-start -->`,
    `<!-- deno-fmt-ignore-end -->\n<!-- /${name} -->`,
  ] as const;

/** The page with this text between the markers.
 * @param page its name, for the error.   @throws {Error} the markers are not there. */
export function withGenerated(
  page: string,
  content: string,
  markers: readonly [string, string],
  text: string,
): string {
  const [from, to] = markers.map((marker) => content.indexOf(marker));
  if (from < 0 || to < from) {
    throw new Error(`Cannot write ${page}: the lines "${markers.join('" and "')}" are missing`);
  }
  return `${content.slice(0, from + markers[0].length)}\n\n${text}\n\n${content.slice(to)}`;
}
