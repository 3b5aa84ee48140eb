/** Command lines for the tasks: one declaration gives typed values, `--help` and the refusals.
 *
 * A flag is a switch, a text, a path, an integer or one of several words. Whatever does not fit (an unknown
 * flag, a missing value, a word not on the list, a number out of range) is one line on stderr and
 * exit status 2, before any work starts.
 * @module */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { withoutPasswords } from "../data/package_file.ts";
import { ROOT } from "./workspace.ts";

/** One flag; its name is its key in {@link Command.flags}. */
export type Flag =
  | { type: "switch"; help: string }
  | { type: "text"; help: string; placeholder: string; default?: string }
  /** The value is absolute: see {@linkcode fromCaller}. A default lies in the workspace. */
  | { type: "path"; help: string; placeholder: string; default?: string }
  | { type: "choice"; help: string; choices: readonly string[]; default?: string }
  | { type: "integer"; help: string; min: number; max: number; default?: number };

/** A task as its `--help` shows it. `rest` names the positional arguments where some are taken. */
export interface Command<F extends Record<string, Flag>> {
  name: string;
  summary: string;
  flags: F;
  rest?: string;
}

type Required<T extends Flag, V> = T extends { default: V } ? V : V | undefined;
type FlagValue<T extends Flag> = T extends { type: "switch" } ? boolean
  : T extends { type: "choice"; choices: readonly (infer C)[] }
    ? T extends { default: unknown } ? C : C | undefined
  : T extends { type: "integer" } ? Required<T, number>
  : Required<T, string>;

/** What {@link parseCommand} returns: a value per flag, undefined where absent without default. */
export type Values<F extends Record<string, Flag>> = { [K in keyof F]: FlagValue<F[K]> };

/** The command line does not fit: the message is the one line to show. */
export class UsageError extends Error {
  override name = "UsageError";
}

function usage(name: string, flag: Flag): string {
  switch (flag.type) {
    case "switch":
      return `--${name}`;
    case "text":
    case "path":
      return `--${name} ${flag.placeholder}`;
    case "choice":
      return `--${name} ${flag.choices.join("|")}`;
    case "integer":
      return `--${name} N`;
  }
}

/** The text of `--help`. */
export function helpText(command: Command<Record<string, Flag>>): string {
  const rows = Object.entries(command.flags).map(([name, flag]) => {
    const fallback = flag.type !== "switch" && flag.default !== undefined
      ? ` (default: ${flag.default})`
      : "";
    return [usage(name, flag), flag.help + fallback];
  });
  rows.push(["--help", "show this text"]);
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  const rest = command.rest ? ` ${command.rest}` : "";
  return `${command.summary}\n\nUsage: deno task ${command.name} [flags]${rest}\n\n${
    lines.join("\n")
  }`;
}

/** What was meant by an unknown flag: the only one whose name holds its letters, as --insecure-seed does for
 * --seed. */
function meant(name: string, flags: readonly string[]): string {
  const letters = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const wanted = letters(name);
  const [flag, ...others] = flags.filter((flag) => letters(flag).includes(wanted));
  const clear = wanted.length >= 3 && flag !== undefined && others.length === 0;
  return clear ? `: did you mean --${flag}?` : "";
}

/** A path as the user means it: relative to where the command was given. `deno task` runs in the workspace's top
 * folder and keeps the user's own in INIT_CWD; a process that it started elsewhere has a folder of its own. */
export function fromCaller(path: string): string {
  const here = Deno.cwd();
  const caller = realpathSync(here) === realpathSync(ROOT) ? Deno.env.get("INIT_CWD") : undefined;
  return resolve(here, caller ?? "", path);
}

function readValue(name: string, flag: Flag, given: unknown): unknown {
  if (flag.type === "switch") return given === true;
  if (given === undefined) {
    return flag.type === "path" && flag.default !== undefined
      ? resolve(ROOT, flag.default)
      : flag.default;
  }
  const text = given as string;
  if (flag.type === "choice" && !flag.choices.includes(text)) {
    throw new UsageError(`--${name} must be one of ${flag.choices.join(", ")}: got "${text}"`);
  }
  if (flag.type === "path") {
    if (text === "") throw new UsageError(`--${name} needs a value`);
    return fromCaller(text);
  }
  if (flag.type !== "integer") return text;
  const { min, max } = flag;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new UsageError(`--${name} must be an integer in [${min}, ${max}]: got "${text}"`);
  }
  return value;
}

/** Parses `args`, whose first may be the `--` that npm wants before flags and `deno task` hands on.
 * @returns a value for each flag; `help` is true when `--help` stands among them and nothing else is wrong.
 * @throws {UsageError} with the line to show. */
export function parseCommand<const F extends Record<string, Flag>>(
  command: Command<F>,
  args: readonly string[],
): { values: Values<F>; rest: string[]; help: boolean } {
  const options: Record<string, { type: "boolean" | "string"; short?: string }> = {
    help: { type: "boolean", short: "h" },
  };
  for (const [name, flag] of Object.entries(command.flags)) {
    options[name] = { type: flag.type === "switch" ? "boolean" : "string" };
  }
  // Strict mode is left off: its messages run over several lines and advise on quoting.
  const flags = args[0] === "--" ? args.slice(1) : [...args];
  const { tokens } = parseArgs({ args: flags, options, strict: false, tokens: true });
  const given: Record<string, unknown> = {};
  const rest: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (command.rest === undefined) {
        throw new UsageError(`unexpected argument "${token.value}"`);
      }
      rest.push(token.value);
    } else if (token.kind === "option") {
      const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
      if (option === undefined) {
        const hint = meant(token.name, Object.keys(command.flags));
        throw new UsageError(`unknown flag ${token.rawName}${hint}`);
      }
      // node:util takes a following flag as the value; nobody means that.
      const missing = token.value === undefined || (!token.inlineValue && /^--/.test(token.value));
      if (option.type === "string" && missing) {
        throw new UsageError(`${token.rawName} needs a value`);
      }
      if (option.type === "boolean" && token.value !== undefined) {
        throw new UsageError(`${token.rawName} takes no value`);
      }
      if (Object.hasOwn(given, token.name)) throw new UsageError(`${token.rawName} is given twice`);
      given[token.name] = token.value ?? true;
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(command.flags)) {
    values[name] = readValue(name, flag, given[name]);
  }
  return { values: values as Values<F>, rest, help: given.help === true };
}

/** Runs a task: parses the command line, then exits with the status that `main` returns.
 * An error that `main` throws becomes one line on stderr and status 1; bad usage is status 2. */
export async function runCommand<const F extends Record<string, Flag>>(
  command: Command<F>,
  main: (values: Values<F>, rest: string[]) => Promise<number>,
): Promise<never> {
  try {
    const { values, rest, help } = parseCommand(command, Deno.args);
    if (help) {
      console.log(helpText(command));
      Deno.exit(0);
    }
    Deno.exit(await main(values, rest));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof UsageError ? ` (see deno task ${command.name} --help)` : "";
    console.error(withoutPasswords(`${command.name}: ${message}${hint}`));
    Deno.exit(error instanceof UsageError ? 2 : 1);
  }
}
