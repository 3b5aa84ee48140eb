/** Command lines for the tasks: one declaration gives typed values, `--help` and the refusals; and what else tasks take
 * from their surroundings, signals and REDIS_URL.
 *
 * A flag is a switch, a text, a path or several, an integer or one of several words. Whatever does not fit (an unknown
 * flag, a missing value, a word not on the list, a number out of range) is one line on stderr and
 * exit status 2, before any work starts.
 * @module */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { distance } from "fastest-levenshtein";
import { withoutPasswords } from "../data/package_file.ts";
import { ROOT } from "./workspace.ts";

/** One flag; its name is its key in {@link Command.flags}. */
export type Flag =
  | { type: "switch"; help: string }
  | { type: "text"; help: string; placeholder: string; default?: string }
  /** The value is absolute: see {@linkcode fromCaller}. A default lies in the workspace. */
  | { type: "path"; help: string; placeholder: string; default?: string }
  /** One or more, absolute: all that follows up to the next flag, so that a shell's `*.png` is one value. */
  | { type: "paths"; help: string; placeholder: string }
  | { type: "choice"; help: string; choices: readonly string[]; default?: string }
  | { type: "integer"; help: string; min: number; max: number; default?: number };

/** A task as its `--help` shows it. `rest` names the positional arguments where some are taken. */
export interface Command<F extends Record<string, Flag>> {
  name: string;
  summary: string;
  flags: F;
  rest?: string;
  /** Exit status of an error that is not bad usage; 1 by default, for tasks where 1 is no finding. */
  failure?: number;
}

type Required<T extends Flag, V> = T extends { default: V } ? V : V | undefined;
type FlagValue<T extends Flag> = T extends { type: "switch" } ? boolean
  : T extends { type: "choice"; choices: readonly (infer C)[] }
    ? T extends { default: unknown } ? C : C | undefined
  : T extends { type: "integer" } ? Required<T, number>
  : T extends { type: "paths" } ? readonly string[] | undefined
  : Required<T, string>;

/** What {@link parseCommand} returns: a value per flag, undefined where absent without default. */
export type Values<F extends Record<string, Flag>> = { [K in keyof F]: FlagValue<F[K]> };

/** The command line does not fit: the message is the one line to show. */
export class UsageError extends Error {
  override name = "UsageError";
}

function usage(name: string, flag: Flag): string {
  if (flag.type === "switch") return `--${name}`;
  if (flag.type === "choice") return `--${name} ${flag.choices.join("|")}`;
  return `--${name} ${flag.type === "integer" ? "N" : flag.placeholder}`;
}

const defaultOf = (flag: Flag) => "default" in flag ? flag.default : undefined;

/** The text of `--help`. */
export function helpText(command: Command<Record<string, Flag>>): string {
  const rows = Object.entries(command.flags).map(([name, flag]) => {
    const fallback = defaultOf(flag);
    return [
      usage(name, flag),
      flag.help + (fallback === undefined ? "" : ` (default: ${fallback})`),
    ];
  });
  rows.push(["--help", "show this text"]);
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  const line = `Usage: deno task ${command.name} [flags] ${command.rest ?? ""}`.trimEnd();
  return [command.summary, "", line, "", ...lines].join("\n");
}

/** What was meant by an unknown name: the only one that holds its letters, as insecure-seed does for seed; else the
 * nearest in letters, where at most a third of them differ. undefined where neither is clear. */
export function meant(name: string, names: readonly string[]): string | undefined {
  const letters = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const wanted = letters(name);
  if (wanted.length < 3) return undefined;
  const [one, ...others] = names.filter((known) => letters(known).includes(wanted));
  if (one !== undefined) return others.length === 0 ? one : undefined;
  const steps = (known: string) => distance(wanted, letters(known));
  const [nearest] = [...names].sort((a, b) => steps(a) - steps(b));
  return nearest !== undefined && steps(nearest) <= wanted.length / 3 ? nearest : undefined;
}

/** A path as the user means it: relative to where the command was given. `deno task` runs in the workspace's top
 * folder and keeps the user's own in INIT_CWD; a process that it started elsewhere has a folder of its own. */
export function fromCaller(path: string): string {
  const here = Deno.cwd();
  const caller = realpathSync(here) === realpathSync(ROOT) ? Deno.env.get("INIT_CWD") : undefined;
  return resolve(here, caller ?? "", path);
}

function readValue(name: string, flag: Flag, texts: readonly string[]): unknown {
  if (flag.type === "switch") return texts.length > 0;
  if (flag.type === "paths") {
    if (texts.includes("")) throw new UsageError(`--${name} needs a value`);
    return texts.length === 0 ? undefined : texts.map(fromCaller);
  }
  const [text] = texts;
  const isPath = flag.type === "path";
  if (text === undefined) {
    return isPath && flag.default !== undefined ? resolve(ROOT, flag.default) : flag.default;
  }
  const refuse = (expected: string): never => {
    throw new UsageError(`--${name} must be ${expected}: got "${text}"`);
  };
  if (flag.type === "choice") {
    return flag.choices.includes(text) ? text : refuse(`one of ${flag.choices.join(", ")}`);
  }
  if (isPath && text === "") throw new UsageError(`--${name} needs a value`);
  if (flag.type !== "integer") return isPath ? fromCaller(text) : text;
  const { min, max } = flag;
  const value = Number(text);
  const fits = /^-?\d+$/.test(text) && Number.isSafeInteger(value) && value >= min && value <= max;
  return fits ? value : refuse(`an integer in [${min}, ${max}]`);
}

/** Parses `args`, whose first may be the `--` that npm wants before flags and `deno task` hands on.
 * @returns a value for each flag; `help` is true when `--help` stands among them and nothing else is wrong.
 * @throws {UsageError} with the line to show. */
export function parseCommand<const F extends Record<string, Flag>>(
  command: Command<F>,
  args: readonly string[],
): { values: Values<F>; rest: string[]; help: boolean } {
  const names = Object.keys(command.flags);
  const options: NonNullable<ParseArgsConfig["options"]> = {
    help: { type: "boolean", short: "h" },
  };
  for (const name of names) {
    options[name] = { type: command.flags[name].type === "switch" ? "boolean" : "string" };
  }
  // Strict mode is left off: its messages run over several lines and advise on quoting.
  const flags = args[0] === "--" ? args.slice(1) : [...args];
  const { tokens } = parseArgs({ args: flags, options, strict: false, tokens: true });
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  let open: string[] | undefined; // takes what follows
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      open = undefined;
      continue;
    }
    if (token.kind === "positional") {
      if (open !== undefined) {
        open.push(token.value);
        continue;
      }
      if (command.rest === undefined) throw new UsageError(`unexpected argument "${token.value}"`);
      rest.push(token.value);
      continue;
    }
    const { name, rawName, value } = token;
    if (!Object.hasOwn(options, name)) {
      const flag = meant(name, names);
      const advice = flag === undefined ? "" : `: did you mean --${flag}?`;
      throw new UsageError(`unknown flag ${rawName}${advice}`);
    }
    const isSwitch = options[name].type === "boolean";
    if (isSwitch && value !== undefined) throw new UsageError(`${rawName} takes no value`);
    // node:util takes a following flag as the value; nobody means that.
    const missing = value === undefined || (!token.inlineValue && value.startsWith("--"));
    if (!isSwitch && missing) throw new UsageError(`${rawName} needs a value`);
    if (given.has(name)) throw new UsageError(`${rawName} is given twice`);
    const own = [value ?? ""];
    given.set(name, own);
    open = command.flags[name]?.type === "paths" ? own : undefined;
  }
  const values = Object.fromEntries(
    names.map((name) => [name, readValue(name, command.flags[name], given.get(name) ?? [])]),
  );
  return { values: values as Values<F>, rest, help: given.has("help") };
}

/** Runs a task: parses the command line, then exits with the status that `main` returns.
 * An error that `main` throws becomes one line on stderr and status 1, or `failure`; bad usage is status 2.
 * @param args what follows the script; a script of several tasks takes the task's name off first. */
export async function runCommand<const F extends Record<string, Flag>>(
  command: Command<F>,
  main: (values: Values<F>, rest: string[]) => Promise<number>,
  args: readonly string[] = Deno.args,
): Promise<never> {
  try {
    const { values, rest, help } = parseCommand(command, args);
    if (help) {
      console.log(helpText(command));
      Deno.exit(0);
    }
    Deno.exit(await main(values, rest));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof UsageError ? ` (see deno task ${command.name} --help)` : "";
    console.error(withoutPasswords(`${command.name}: ${message}${hint}`));
    Deno.exit(error instanceof UsageError ? 2 : command.failure ?? 1);
  }
}

const STOP_SIGNALS = [
  "SIGINT",
  ...Deno.build.os === "windows" ? [] : ["SIGTERM" as const],
] as const;

/** A signal that aborts at the first SIGINT or SIGTERM; the second ends the process at once. */
export function stopSignal(onStop?: () => void): AbortController {
  const stop = new AbortController();
  for (const name of STOP_SIGNALS) {
    Deno.addSignalListener(name, () => {
      if (stop.signal.aborted) Deno.exit(130);
      stop.abort();
      onStop?.();
    });
  }
  return stop;
}

/** A sweep's name as it is; the path of a module as the user means it. */
export const moduleOf = (name: string): string => /\.[jt]s$/.test(name) ? fromCaller(name) : name;

/** The flag's value, else that of REDIS_URL: a password there is neither shown by `deno task`, which prints the
 * flags it is given, nor in the list of processes. */
export function redisUrl(flag: string | undefined): string | undefined {
  return flag ?? (Deno.env.get("REDIS_URL") || undefined);
}
