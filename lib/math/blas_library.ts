/** Which native BLAS is used: the one that `FE_BLAS` names, or what the loader finds, once it stood its trial.
 *
 * A trial (`blas_trial.ts`) runs in a child process, because a library can crash. Its verdict stands in the
 * environment variable `FE_BLAS_TRIED` of this process: Workers and children read it there. A library that is not the
 * file that was tried, by size and time, is tried again.
 * @module */
import { Beside } from "./blas_beside.ts";
import { Native } from "./blas_native.ts";
import { keepLibrary } from "./blas_system.ts";

/** What products are computed by: a library, or a reason for none. */
export interface Library {
  readonly native: Native | null;
  /** Null where calls beside this thread are not safe. */
  readonly beside: Beside | null;
  readonly why: string;
}

/** What the loader looks for, in this order. */
const NAMES: Record<string, string[]> = {
  darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate"],
  linux: [
    ...["libopenblas.so.0", "libopenblas.so", "libblis.so.4", "libblis.so"],
    ...["libmkl_rt.so.2", "libmkl_rt.so"],
  ],
  windows: ["libopenblas.dll", "mkl_rt.2.dll"],
};

const TRIED = "FE_BLAS_TRIED";
/** The last line that was said, for those who would say it again. */
const SAID = "FE_BLAS_SAID";

/** How long a trial may take, and how long a thread waits for that of another. */
const [TRIAL_MS, PATIENCE_MS] = [10_000, 12_000];

/** What became of a search. */
interface Verdict {
  /** What `FE_BLAS` was; "" for a search. */
  readonly wanted: string;
  /** A name or path that the loader takes, or null. */
  readonly name: string | null;
  /** The file behind it, where it is known, with its size and time. */
  readonly file?: string;
  readonly stamp?: string;
  readonly why: string;
}

/** The library, or why there is none. What others found counts only where this thread may load it.
 * @throws {Error} `FE_BLAS` names a library that cannot be used. */
export function findLibrary(): Library {
  const remembers = granted({ name: "env" });
  const reads = remembers || granted({ name: "env", variable: "FE_BLAS" });
  const wanted = (reads ? Deno.env.get("FE_BLAS") : undefined) ?? "";
  if (wanted === "off") return none("FE_BLAS=off");
  const without = (why: string, aloud: boolean): Library => {
    if (wanted !== "") {
      throw new Error(`Cannot use FE_BLAS=${wanted}: ${why}. FE_BLAS=off goes without`);
    }
    if (aloud) say("WebAssembly", why, remembers);
    return none(why);
  };
  const ffi = Deno.permissions.querySync({ name: "ffi" }).state;
  if (ffi !== "granted") {
    return without("no permission for FFI, --allow-ffi", remembers || ffi === "denied");
  }
  let verdict = remembers ? remembered(wanted) : null;
  if (!verdict && !granted({ name: "run" })) {
    return without(
      "no permission to try a library in a child process first, --allow-run",
      true,
    );
  }
  verdict ??= judge(wanted, remembers);
  if (verdict.name === null) return without(verdict.why, false);
  try {
    const native = new Native(verdict.name);
    const allocate = keepLibrary(verdict.name);
    return { native, beside: allocate && new Beside(native, allocate), why: "" };
  } catch (error) { // another loader's path, or a permission for some files only
    return without(`${verdict.name} does not load (${(error as Error).message.trim()})`, true);
  }
}

const none = (why: string): Library => ({ native: null, beside: null, why });

function granted(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}

/** What this process tree knows already; waits for a thread that is about to know. */
function remembered(wanted: string): Verdict | null {
  const end = performance.now() + PATIENCE_MS;
  while (Deno.env.get(TRIED) === trying() && performance.now() < end) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  const text = Deno.env.get(TRIED);
  if (text === undefined || !text.startsWith("{")) return null;
  let verdict: Verdict;
  try {
    verdict = JSON.parse(text);
  } catch {
    return null; // not ours
  }
  const same = verdict.wanted === wanted && verdict.stamp === stampOf(verdict.file);
  return same ? verdict : null;
}

const trying = () => `tried by ${Deno.pid}`;

function stampOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const { size, mtime } = Deno.statSync(file);
    return `${size} ${mtime?.getTime()}`;
  } catch {
    return "unknown";
  }
}

/** Looks and tries; one line on stderr where something stands in the way of a library. */
function judge(wanted: string, remembers: boolean): Verdict {
  if (remembers) Deno.env.set(TRIED, trying());
  const names = wanted === "" ? NAMES[Deno.build.os] ?? [] : [wanted];
  const faults: string[] = [];
  for (let at = 0; at < names.length;) {
    const { name, file, refused } = safeTrial(names.slice(at));
    faults.push(
      ...refused.filter(({ missing }) => !missing || wanted !== "").map(({ why }) => why),
    );
    if (name !== null) {
      const verdict = { wanted, name, file, stamp: stampOf(file), why: faults.join("; ") };
      return report(verdict, remembers);
    }
    at += Math.max(1, refused.length);
  }
  const why = faults.join("; ") || "no library found";
  return report({ wanted, name: null, why }, remembers, faults.length > 0);
}

function report(verdict: Verdict, remembers: boolean, aloud = verdict.why !== ""): Verdict {
  const { wanted, name, why } = verdict;
  if (remembers) Deno.env.set(TRIED, JSON.stringify(verdict));
  if (aloud && wanted === "") say(name ?? "WebAssembly", why, remembers);
  return verdict;
}

/** A line on stderr, once in this process and its children. */
function say(instead: string, why: string, remembers: boolean): void {
  const line = `Products of matrices go through ${instead}: ${why}`;
  if (remembers && Deno.env.get(SAID) === line) return;
  if (remembers) Deno.env.set(SAID, line);
  console.warn(line);
}

/** What a trial says, a line of JSON each: a name that it turns to, then what it found. */
export type TrialLine =
  | { readonly begin: string }
  | { readonly refused: string; readonly missing: boolean }
  | { readonly usable: string; readonly file?: string };

/** What a trial found: a library, and before it those that cannot be used. */
interface Found {
  readonly name: string | null;
  readonly file?: string;
  readonly refused: { readonly why: string; readonly missing: boolean }[];
}

/** A trial; where no child process can be started, none of the names is usable. */
function safeTrial(names: readonly string[]): Found {
  try {
    return trial(names);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const why = `no library can be tried in a child process (${error.message})`;
    return { name: null, refused: names.map((_, k) => ({ why, missing: k > 0 })) };
  }
}

/** Tries names in a child process until one is usable, or crashes it. */
function trial(names: readonly string[]): Found {
  const { stdout, code, signal } = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--cached-only"],
      ...["--allow-ffi", "--allow-env", "--allow-read", "--allow-run"],
      ...[new URL("./blas_trial.ts", import.meta.url).href, `${TRIAL_MS}`, ...names],
    ],
    ...{ stdin: "null", stdout: "piped", stderr: "null" },
  }).outputSync();
  const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as TrialLine);
  const refused: { why: string; missing: boolean }[] = [];
  let begun = names[0];
  for (const line of lines) {
    if ("begin" in line) begun = line.begin;
    else if ("usable" in line) return { name: line.usable, file: line.file, refused };
    else refused.push({ why: `${begun} ${line.refused}`, missing: line.missing });
  }
  if (refused.length < names.length) {
    const how = signal ? `ends its process by ${signal}` : `ends its process with status ${code}`;
    refused.push({ why: `${begun} ${how}`, missing: false });
  }
  return { name: null, refused };
}
