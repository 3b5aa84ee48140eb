/** A notebook's one object: shows results, follows progress, records headline numbers and claims, and
 * at the end files them as `figures/<name>/results.json`.
 *
 * A notebook's first line imports this, and from then on the stop button works; so what is slow to load
 * (plots) is loaded when it is first needed. A claim that does not hold throws, and so does one that says
 * "every" of random draws, and an end without one of the declared figures: the headless run then fails.
 * @module */
import { writeAtomic } from "../data/write_atomic.ts";
import { productsBy } from "../math/blas.ts";
import { FIRST_SIGNAL, interrupts, type On, runStep } from "./run.ts";
import { isFigure, type Item, show } from "./show.ts";
import { type Cell, markdown, table } from "./table.ts";

export { markdown, table };

/** How much is computed: minutes, or all that the paper has. */
export type Profile = "quick" | "full";

/** This machine, as far as timings, and the last bits of a product, depend on it. */
export interface Machine {
  readonly cores: number;
  readonly os: string;
  readonly arch: string;
  /** What multiplies matrices, such as "OpenBLAS 0.3.21, SkylakeX, one thread a call" or "WebAssembly (FE_BLAS=off)". */
  readonly products: string;
}

/** The machine that this runs on. @throws {Error} `FE_BLAS` names a library that cannot be used. */
export function machine(): Machine {
  const { os, arch } = Deno.build;
  return { cores: navigator.hardwareConcurrency, os, arch, products: productsBy() };
}

/** The workspace's `figures/`, wherever the process was started. */
export function figuresDirectory(): string {
  return `${import.meta.dirname}/../../figures`;
}

/** The profile from `FE_PROFILE`; quick where it is not set or may not be read. */
function readProfile(): Profile {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "FE_PROFILE" });
  const value = (state === "granted" ? Deno.env.get("FE_PROFILE") : undefined) ?? "quick";
  if (value === "quick" || value === "full") return value;
  throw new Error(`Cannot open notebook: FE_PROFILE is "${value}", expected "quick" or "full"`);
}

const SWEEPING =
  /\b(every|never|always|none|no (?:digit|image|program|solution)s?|all (?:ten |the )?(?:digit|image|program)s|(\d+) of \2)\b/i;

/** The first word or phrase that a sentence about random draws cannot keep, since another seed breaks it, or
 * null. "10 of 10" is one, "9 of 10" is not. */
export function sweepingWord(text: string): string | null {
  return SWEEPING.exec(text)?.[0] ?? null;
}

/** How a notebook opens. */
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

/** A sentence that the run has checked. */
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
  /** The most memory that its processes held, in MB; `deno task reproduce` notes it where /proc tells. */
  peakMB?: number;
  headline: Record<string, string | number>;
  claims: Claim[];
  figures: string[];
}

/** An open notebook; `openNotebook` makes it. */
export class Notebook {
  readonly profile: Profile = readProfile();
  readonly #options: Required<NotebookOptions>;
  readonly #start = performance.now();
  readonly #headline: Record<string, string | number> = {};
  readonly #claims = new Map<string, Claim>();
  readonly #shown = new Set<string>();

  /** @throws {TypeError} a name that is no file name. {Error} an unknown FE_PROFILE. */
  constructor({ name, figures, directory = figuresDirectory() }: NotebookOptions) {
    if (!/^[a-z0-9_-]+$/.test(name)) {
      throw new TypeError(`Cannot open notebook: name "${name}" is not a plain file name`);
    }
    this.#options = { name, figures, directory: `${directory}/${name}` };
  }

  /** Displays items one under the other and waits until they stand; a string is Markdown, a figure is
   * saved as well.
   * @throws {DOMException} the stop button was pressed meanwhile. */
  async show(...items: (Item | string)[]): Promise<void> {
    const { signal } = interrupts;
    for (const entry of items) {
      const item = typeof entry === "string" ? markdown(entry) : entry;
      if (isFigure(item)) {
        const { saveFigure } = await import("../plot/mime.ts");
        await saveFigure(this.#options.directory, item);
        this.#shown.add(item.name);
      }
      await show(item);
      signal.throwIfAborted();
    }
  }

  /** Shows the table that sets the paper, or the authors' code, against what is done here, and says why.
   * @param rows by subject: [paper, here, why they differ]. */
  compare(rows: Record<string, readonly [paper: Cell, here: Cell, why: Cell]>): Promise<void> {
    return this.show(table({
      columns: ["", "paper / authors' code", "here", "why they differ"],
      rows: Object.entries(rows).map(([subject, row]) => [subject, ...row]),
    }));
  }

  /** Runs a long step, whatever takes over a second, with a progress display that the stop button stops.
   * @throws what the work throws. {DOMException} the stop button was pressed. */
  run<T>(label: string, work: (on: On) => Promise<T>): Promise<T> {
    return runStep(label, work);
  }

  /** Records a claim. A rate of `sweep/summary.ts` is a basis as it stands.
   * @throws {Error} it does not hold. {TypeError} it says "every" or "never" and is not marked exact. */
  claim(statement: string, holds: boolean, { exact, n, low, high }: Basis = {}): void {
    const word = exact ? null : sweepingWord(statement);
    if (word !== null) {
      throw new TypeError(
        `Cannot claim "${statement}": "${word}" needs { exact: true }, or a rate with its n instead`,
      );
    }
    const basis = exact ? { exact } : n === undefined ? {} : { n, low, high };
    this.#claims.set(statement, { statement, holds, ...basis }); // a cell that runs again replaces its claim
    if (!holds) throw new Error(`Claim failed: ${statement}`);
  }

  /** Records a number for the results table. @throws {RangeError} it is not finite. */
  headline(label: string, value: string | number): void {
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw new RangeError(`Cannot record headline "${label}": ${value} is not finite`);
    }
    this.#headline[label] = value;
  }

  /** Writes results.json. @throws {Error} a declared figure was not shown, or a claim failed. */
  async finish(): Promise<void> {
    const { name, figures, directory } = this.#options;
    const claims = [...this.#claims.values()];
    const missing = figures.filter((figure) => !this.#shown.has(figure)).join(", ");
    if (missing !== "") throw new Error(`Cannot finish ${name}: not shown: ${missing}`);
    const failed = claims.find(({ holds }) => !holds);
    if (failed !== undefined) {
      throw new Error(`Cannot finish ${name}: claim failed: ${failed.statement}`);
    }
    const results: Results = {
      ...{ notebook: name, profile: this.profile, deno: Deno.version.deno, machine: machine() },
      elapsedMs: Math.round(performance.now() - this.#start),
      ...{ headline: this.#headline, claims, figures: [...this.#shown] },
    };
    await writeAtomic(directory, { "results.json": JSON.stringify(results, null, 2) + "\n" });
  }
}

/** A stop while the imports run stops the cell after them: nothing stops an import. */
let unheard: AbortSignal | null = FIRST_SIGNAL;

/** Opens a notebook; call it once, at the top.
 * @throws {TypeError} a name that is no file name. {Error} an unknown FE_PROFILE. {DOMException} the stop
 * button was pressed while the imports ran. */
// deno-lint-ignore require-await
export async function openNotebook(options: NotebookOptions): Promise<Notebook> {
  const notebook = new Notebook(options);
  const before = unheard;
  unheard = null;
  before?.throwIfAborted();
  return notebook;
}
