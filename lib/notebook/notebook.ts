/** A notebook's one object: shows results, follows progress, records headline numbers and claims, and
 * at the end files them as `figures/<name>/results.json`, from which the README's table is made.
 *
 * A claim that does not hold throws, and so does one that says "every" of random draws, and an end without
 * one of the declared figures: the headless run then fails. @module */
import { writeAtomic } from "../data/write_atomic.ts";
import { saveFigure } from "../plot/save.ts";
import { sweepingWord } from "./claim_words.ts";
import { interrupts } from "./interrupt.ts";
import { type Progress, startProgress } from "./progress.ts";
import { figuresDirectory, type Machine, machine, type Profile, readProfile } from "./session.ts";
import { isFigure, type Item, show } from "./show.ts";

export { markdown, table } from "./table.ts";

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
  /** Aborted by the stop button, renewed after: read it anew in every cell. */
  readonly signal: AbortSignal;
  /** Displays an item and waits until it stands; a figure is saved as well. */
  show(item: Item): Promise<void>;
  /** A progress display; await its `done()` before the cell ends. */
  progress(label: string, total: number): Progress;
  /** Records a claim. A rate of `sweep/summary.ts` is a basis as it stands.
   * @throws {Error} it does not hold. {TypeError} it says "every" or "never" and is not marked exact. */
  claim(statement: string, holds: boolean, basis?: Basis): void;
  /** Records a number for the results table. */
  headline(label: string, value: string | number): void;
  /** Writes results.json. @throws {Error} a declared figure was not shown, or a claim failed. */
  finish(): Promise<void>;
}

/** Opens a notebook; call it once, at the top.
 * @throws {TypeError} a name that is no file name. {Error} an unknown FE_PROFILE. */
// deno-lint-ignore require-await
export async function openNotebook(options: NotebookOptions): Promise<Notebook> {
  const { name, figures } = options;
  if (!/^[a-z0-9_-]+$/.test(name)) {
    throw new TypeError(`Cannot open notebook: name "${name}" is not a plain file name`);
  }
  const directory = `${options.directory ?? figuresDirectory()}/${name}`;
  const profile = readProfile();
  const stop = interrupts();
  const start = performance.now();
  const headline: Record<string, string | number> = {};
  const claims = new Map<string, Claim>();
  const shown = new Set<string>();

  return {
    profile,
    get signal() {
      return stop.signal;
    },
    async show(item) {
      if (isFigure(item)) {
        await saveFigure(directory, item);
        shown.add(item.name);
      }
      await show(item);
    },
    progress: (label, total) => startProgress(label, total),
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
