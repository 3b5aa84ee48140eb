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

/** How long a thread waits for the trial of another. */
const PATIENCE_MS = 5000;

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

/** The library, or why there is none.
 * @throws {Error} `FE_BLAS` names a library that cannot be used. */
export function findLibrary(): Library {
  const remembers = granted({ name: "env" });
  const reads = remembers || granted({ name: "env", variable: "FE_BLAS" });
  const wanted = (reads ? Deno.env.get("FE_BLAS") : undefined) ?? "";
  if (wanted === "off") return none("FE_BLAS=off");
  const verdict = (remembers ? remembered(wanted) : null) ?? judge(wanted, remembers);
  if (wanted !== "" && verdict.name === null) {
    throw new Error(`Cannot use FE_BLAS=${wanted}: ${verdict.why}. FE_BLAS=off goes without`);
  }
  if (verdict.name === null) return none(verdict.why);
  const native = new Native(verdict.name);
  const allocate = keepLibrary(verdict.name);
  return { native, beside: allocate && new Beside(native, allocate), why: "" };
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
  const verdict = JSON.parse(text) as Verdict;
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
  const ffi = Deno.permissions.querySync({ name: "ffi" }).state;
  if (ffi !== "granted") {
    const why = "no permission for FFI, --allow-ffi";
    return report({ wanted, name: null, why }, { remembers, aloud: remembers || ffi === "denied" });
  }
  if (!granted({ name: "run" })) {
    const why = "no permission to try a library in a child process first, --allow-run";
    return report({ wanted, name: null, why }, { remembers, aloud: true });
  }
  if (remembers) Deno.env.set(TRIED, trying());
  const names = wanted === "" ? NAMES[Deno.build.os] ?? [] : [wanted];
  const faults: string[] = [];
  for (let at = 0; at < names.length;) {
    const { name, file, refused } = trial(names.slice(at));
    faults.push(
      ...refused.filter(({ missing }) => !missing || wanted !== "").map(({ why }) => why),
    );
    if (name !== null) {
      const verdict = { wanted, name, file, stamp: stampOf(file), why: faults.join("; ") };
      return report(verdict, { remembers, aloud: faults.length > 0 });
    }
    at += Math.max(1, refused.length);
  }
  const why = faults.join("; ") || "no library found";
  return report({ wanted, name: null, why }, { remembers, aloud: faults.length > 0 });
}

function report(
  verdict: Verdict,
  { remembers, aloud }: { remembers: boolean; aloud: boolean },
): Verdict {
  if (remembers) Deno.env.set(TRIED, JSON.stringify(verdict));
  if (aloud && verdict.wanted === "") {
    const instead = verdict.name === null ? "WebAssembly" : verdict.name;
    console.warn(`Products of matrices go through ${instead}: ${verdict.why}`);
  }
  return verdict;
}

/** What a trial says, a line of JSON each: a name that it turns to, then what it found. */
export type TrialLine =
  | { readonly begin: string }
  | { readonly refused: string; readonly missing: boolean }
  | { readonly usable: string; readonly file?: string };

/** Tries names in a child process until one is usable, or crashes it. */
function trial(names: readonly string[]) {
  const { stdout, code, signal } = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--cached-only"],
      ...["--allow-ffi", "--allow-env", "--allow-read"],
      ...[new URL("./blas_trial.ts", import.meta.url).href, ...names],
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
  return { name: null, file: undefined, refused };
}
