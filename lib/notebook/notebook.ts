/** A notebook's one object: shows results, follows progress, records headline numbers and claims, and
 * at the end files them as `figures/<name>/results.json`, from which the README's table is made.
 *
 * A notebook's first line imports this, and from then on the stop button works; so what is slow to load (plots) is
 * loaded when it is first needed.
 *
 * A claim that does not hold throws, and so does one that says "every" of random draws, and an end without
 * one of the declared figures: the headless run then fails. @module */
import { writeAtomic } from "../data/write_atomic.ts";
import { sweepingWord } from "./claim_words.ts";
import { FIRST_SIGNAL, interrupts } from "./interrupt.ts";
import { type On, runStep } from "./run.ts";
import { figuresDirectory, type Machine, machine, type Profile, readProfile } from "./session.ts";
import { isFigure, type Item, show } from "./show.ts";
import { type Cell, markdown, table } from "./table.ts";

export { markdown, table };

export interface NotebookOptions {
  /** The notebook's file name without suffix, such as "01_leakage". */
  name: string;
  /** Names of all figures that it promises to show. */
  figures: readonly string[];
  /** Where `<name>/` with the results goes; default: the workspace's `figures/`. */
  directory?: string;
}

/** What a claim rests on. Neither: a measurement of the run itself, such as a time. */
export interface Basis {
  /** Nothing random decides it: bits that are equal, a theorem, a count of fixed data. May say "every". */
  exact?: true;
  /** Random draws: how many there are, and the 95 % interval of their rate or ratio. */
  n?: number;
  low?: number;
  high?: number;
}

export interface Claim extends Basis {
  statement: string;
  holds: boolean;
}

/** The content of `results.json`. */
export interface Results {
  notebook: string;
  profile: Profile;
  deno: string;
  machine: Machine;
  elapsedMs: number;
  headline: Record<string, string | number>;
  claims: Claim[];
  figures: string[];
}

export interface Notebook {
  readonly profile: Profile;
  /** Displays items one under the other and waits until they stand; a string is Markdown, a figure is saved as well.
   * @throws {DOMException} the stop button was pressed meanwhile. */
  show(...items: (Item | string)[]): Promise<void>;
  /** Shows the table that sets the paper, or the authors' code, against what is done here, and says why.
   * @param rows by subject: [paper, here, why they differ]. */
  compare(rows: Record<string, readonly [paper: Cell, here: Cell, why: Cell]>): Promise<void>;
  /** Runs a long step with a progress display that the stop button stops: whatever takes over a second.
   * @throws what the work throws. {DOMException} the stop button was pressed. */
  run<T>(label: string, work: (on: On) => Promise<T>): Promise<T>;
  /** Records a claim. A rate of `sweep/summary.ts` is a basis as it stands.
   * @throws {Error} it does not hold. {TypeError} it says "every" or "never" and is not marked exact. */
  claim(statement: string, holds: boolean, basis?: Basis): void;
  /** Records a number for the results table. */
  headline(label: string, value: string | number): void;
  /** Writes results.json. @throws {Error} a declared figure was not shown, or a claim failed. */
  finish(): Promise<void>;
}

/** A stop while the imports run stops the cell after them: nothing stops an import. */
let unheard: AbortSignal | null = FIRST_SIGNAL;

/** Opens a notebook; call it once, at the top.
 * @throws {TypeError} a name that is no file name. {Error} an unknown FE_PROFILE. {DOMException} the stop button
 * was pressed while the imports ran. */
// deno-lint-ignore require-await
export async function openNotebook(options: NotebookOptions): Promise<Notebook> {
  const { name, figures } = options;
  if (!/^[a-z0-9_-]+$/.test(name)) {
    throw new TypeError(`Cannot open notebook: name "${name}" is not a plain file name`);
  }
  const directory = `${options.directory ?? figuresDirectory()}/${name}`;
  const profile = readProfile();
  const stop = interrupts();
  const before = unheard;
  unheard = null;
  before?.throwIfAborted();
  const start = performance.now();
  const headline: Record<string, string | number> = {};
  const claims = new Map<string, Claim>();
  const shown = new Set<string>();

  async function showAll(...items: (Item | string)[]): Promise<void> {
    const { signal } = stop;
    for (const entry of items) {
      const item = typeof entry === "string" ? markdown(entry) : entry;
      if (isFigure(item)) {
        const { saveFigure } = await import("../plot/mime.ts");
        await saveFigure(directory, item);
        shown.add(item.name);
      }
      await show(item);
      signal.throwIfAborted();
    }
  }

  return {
    profile,
    show: showAll,
    compare: (rows) =>
      showAll(table({
        columns: ["", "paper / authors' code", "here", "why they differ"],
        rows: Object.entries(rows).map(([subject, row]) => [subject, ...row]),
      })),
    run: (label, work) => runStep(label, work),
    claim(statement, holds, { exact, n, low, high } = {}) {
      const word = exact ? null : sweepingWord(statement);
      if (word !== null) {
        throw new TypeError(
          `Cannot claim "${statement}": "${word}" needs { exact: true }, or a rate with its n instead`,
        );
      }
      const basis = exact ? { exact } : n === undefined ? {} : { n, low, high };
      claims.set(statement, { statement, holds, ...basis }); // a cell that runs again replaces its claim
      if (!holds) throw new Error(`Claim failed: ${statement}`);
    },
    headline(label, value) {
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw new RangeError(`Cannot record headline "${label}": ${value} is not finite`);
      }
      headline[label] = value;
    },
    async finish() {
      const missing = figures.filter((figure) => !shown.has(figure));
      if (missing.length > 0) {
        throw new Error(`Cannot finish ${name}: not shown: ${missing.join(", ")}`);
      }
      const failed = [...claims.values()].find(({ holds }) => !holds);
      if (failed !== undefined) {
        throw new Error(`Cannot finish ${name}: claim failed: ${failed.statement}`);
      }
      const results: Results = {
        notebook: name,
        profile,
        deno: Deno.version.deno,
        machine: machine(),
        elapsedMs: Math.round(performance.now() - start),
        headline,
        claims: [...claims.values()],
        figures: [...shown],
      };
      await writeAtomic(directory, { "results.json": JSON.stringify(results, null, 2) + "\n" });
    },
  };
}
