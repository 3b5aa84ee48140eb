/** What an audit says, as data: the page, the JSON file and the terminal show these and nothing else.
 *
 * Bytes stand for pixels 0..255, `[height, width, channels]` row-major; a table's row is `[1, columns, 1]`. In the JSON
 * file pictures are left out: they lie beside it as PNG.
 * @module */
import type { Shape } from "../attack/priors.ts";
import type { Scheme } from "../attack/training/view.ts";
import type { Machine } from "../notebook/notebook.ts";

/** The version of the JSON file: changes where a reader would misread. */
export const SCHEMA = "fe-leakage-audit/1";

/** How an attack ended. "recovered": private samples, exactly; "likeness": nearer to them than the labels alone bring;
 * "nothing": no nearer than that; "unmeasured": an estimate with no truth to hold it to; "failed": nothing, for a reason;
 * "out of time": the audit's seconds ended first. */
export type Outcome =
  | "recovered"
  | "likeness"
  | "nothing"
  | "unmeasured"
  | "failed"
  | "out of time";

/** A private sample and what an attack made of it. */
export interface Pair {
  /** Of the sample: a file's name, or "row 17". */
  readonly name: string;
  /** null where nobody has the truth. */
  readonly truth: Uint8Array | null;
  /** null where the attack gave nothing. */
  readonly recovered: Uint8Array | null;
  /** What is known of the recovery, in a few words: "certified", "SSIM 0.71". */
  readonly caption: string;
}

/** One setting that was tried to stop an attack. */
export interface Trial {
  /** "212 units", "mitig3, σ 0.7". */
  readonly setting: string;
  /** Share that the attack recovers, in [0, 1]: of samples recovered exactly, or of the way from what the labels alone
   * give to the exact image. */
  readonly leakage: number;
  readonly stops: boolean;
}

/** What a change costs; null where it was not measured, for the reason in `note`. */
export interface Cost {
  /** Test accuracy in [0, 1], of the configuration as it is and as changed. */
  readonly accuracy: { readonly now: number; readonly then: number } | null;
  /** Seconds of one epoch over the samples given, or of its forward passes: the note says. */
  readonly seconds: { readonly now: number; readonly then: number } | null;
  /** Bytes a sample and visit sends and gets. */
  readonly bytes: { readonly now: number; readonly then: number } | null;
  readonly note: string;
}

/** The smallest change that stopped an attack. */
export interface Change {
  readonly kind: "width" | "visits" | "sigma" | "scheme";
  /** As an instruction: "keep the first layer at 212 units or fewer". */
  readonly what: string;
  /** In the order tried. */
  readonly trials: readonly Trial[];
  readonly cost: Cost;
  /** What stopping means here, and what it does not. */
  readonly note: string;
}

/** One attack. */
export interface AttackFinding {
  /** Its name in the library: "tv-sum", "gradient", "align". */
  readonly name: string;
  /** "Linear program, TV + ½·Σx". */
  readonly title: string;
  readonly outcome: Outcome;
  /** What came of it, in a sentence. */
  readonly sentence: string;
  /** What the attacker is assumed to know or have done beside its view. */
  readonly assumption: string;
  /** Numbers by what they are, in the order to show: "SSIM" → 0.71. */
  readonly numbers: Readonly<Record<string, number | string>>;
  /** Samples attacked, of these recovered exactly (null: no truth), and certified without the truth. */
  readonly counts: {
    readonly attacked: number;
    readonly exact: number | null;
    readonly certified: number;
  };
  /** Some of them. */
  readonly pairs: readonly Pair[];
  readonly seconds: number;
  /** null: nothing to stop, or nothing found; then `changeNote` says why. */
  readonly change: Change | null;
  readonly changeNote: string;
}

/** A row of the threat model. */
export interface ThreatRow {
  readonly quantity: string;
  readonly value: string;
  readonly attackerHas: boolean;
}

/** What was audited, in lines of name and value. */
export type SubjectLines = readonly (readonly [name: string, value: string])[];

/** All that an audit says. */
export interface Audit {
  readonly schema: typeof SCHEMA;
  readonly scheme: Scheme;
  /** Of a sample. */
  readonly shape: Shape;
  /** "image" or "table". */
  readonly kind: "image" | "table";
  readonly verdict: {
    /** With `decided` the exit status: 1 where there are leaks. */
    readonly leaks: boolean;
    /** Whether an attack came to an end that says something: else "no leaks" would mean nothing. */
    readonly decided: boolean;
    /** "Every one of the 10 images is recovered exactly, certified." */
    readonly sentence: string;
    /** The change that stops all that was found, as far as one was found; "" where nothing was. */
    readonly advice: string;
    /** The attack whose pairs are the verdict's picture; null without pictures. */
    readonly attack: string | null;
  };
  readonly subject: SubjectLines;
  readonly threat: readonly ThreatRow[];
  /** What got furthest first. */
  readonly attacks: readonly AttackFinding[];
  readonly notTried: readonly { readonly attack: string; readonly why: string }[];
  /** What was taken how, and what the numbers do not say, in a line each. */
  readonly notes: readonly string[];
  readonly seconds: { readonly given: number; readonly taken: number };
  /** Repeats what was drawn, given as `insecureSeed`. */
  readonly insecureSeed: number;
  readonly machine: Machine;
  /** Of the workspace, and of Deno. */
  readonly versions: { readonly workspace: string; readonly deno: string };
}
