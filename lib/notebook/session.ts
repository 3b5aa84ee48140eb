/** What a run depends on beside its inputs: the profile, the machine, and where results go.
 * @module */

export type Profile = "quick" | "full";

export interface Machine {
  cores: number;
  os: string;
  arch: string;
}

/** The profile from `FE_PROFILE`; quick where it is not set or may not be read.
 * @throws {Error} an unknown profile. */
export function readProfile(): Profile {
  const readable =
    Deno.permissions.querySync({ name: "env", variable: "FE_PROFILE" }).state === "granted";
  const value = (readable ? Deno.env.get("FE_PROFILE") : undefined) ?? "quick";
  if (value !== "quick" && value !== "full") {
    throw new Error(`Cannot open notebook: FE_PROFILE is "${value}", expected "quick" or "full"`);
  }
  return value;
}

/** This machine, as far as timings depend on it. */
export function machine(): Machine {
  return { cores: navigator.hardwareConcurrency, os: Deno.build.os, arch: Deno.build.arch };
}

/** The workspace's `figures/`, wherever the process was started. */
export function figuresDirectory(): string {
  return `${import.meta.dirname}/../../figures`;
}
