/** What a stream can show.
 * @module */

/** Whether a line may be rewritten in place: a terminal, and one that is not asked to do without escape codes. */
export function rewritesLines(
  stream: { isTerminal(): boolean },
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): boolean {
  return stream.isTerminal() && variable("TERM") !== "dumb" && !variable("NO_COLOR");
}
