/** What every TypeScript program of a row does between its first line and its last: a turn for each line on stdin.
 * @module */

/** Says `ready LABEL`; then, for each line on stdin, does the work once and says `done MILLISECONDS RESULT`.
 * @param label what it is and its version.
 * @param work the timed part.   @param resultOf its result as a short number or digest, made after the clock stops. */
export async function takeTurns<T>(
  label: string,
  work: () => T | Promise<T>,
  resultOf: (value: T) => string | number,
): Promise<void> {
  console.log(`ready ${label}`);
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const _ of lines) {
      const started = performance.now();
      const value = await work();
      const elapsedMs = performance.now() - started;
      console.log(`done ${elapsedMs} ${resultOf(value)}`);
    }
  }
}
