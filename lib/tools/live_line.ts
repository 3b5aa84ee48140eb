/** One line of progress that is rewritten in place on a terminal, and left out where there is none.
 * @module */
import { rewritesLines } from "../notebook/progress.ts";

const CLEAR_LINE = "\r\x1b[K";
const encoder = new TextEncoder();

/** Progress on stdout. `log` prints a lasting line, in a terminal and in a plain log alike. */
export class LiveLine {
  #terminal = rewritesLines(Deno.stdout);

  /** Rewrites the line; in a plain log nothing appears. */
  update(text: string): void {
    if (!this.#terminal) return;
    const { columns } = Deno.consoleSize();
    Deno.stdout.writeSync(encoder.encode(CLEAR_LINE + text.slice(0, columns - 1)));
  }

  /** Prints a line that stays, over the progress line if there is one. */
  log(text: string): void {
    if (this.#terminal) Deno.stdout.writeSync(encoder.encode(CLEAR_LINE));
    console.log(text);
  }

  /** Prints a line in a plain log only, where it stands for an update. */
  logPlain(text: string): void {
    if (!this.#terminal) console.log(text);
  }
}
