/** What tasks take from their surroundings: the signals that end them, and for sweeps REDIS_URL and the folder that
 * modules are named from.
 * @module */
import { fromCaller } from "./args.ts";

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
