/** The first step of every task: says in a line when Deno is too old for the rest, which would fail on the way in with a
 * message that helps nobody. It imports nothing for that reason.
 * @module */

/** The lowest that runs everything: 2.7 does not recognise a server's own private key, 2.6 cannot try a file's lock,
 * 2.4 has no Uint8Array.toHex, 2.3 no modules of bytes. Under 2.3 `deno task` itself refuses the lock file. */
const LOWEST = [2, 8];

/** What to say to a Deno of this version; null if it will do. */
export function tooOld(version: string): string | null {
  const [major, minor] = version.split(".").map(Number);
  if (major > LOWEST[0] || (major === LOWEST[0] && minor >= LOWEST[1])) return null;
  return `Cannot run on Deno ${version}: it takes ${
    LOWEST.join(".")
  } or newer, which deno upgrade installs`;
}

if (import.meta.main) {
  const message = tooOld(Deno.version.deno);
  if (message !== null) {
    console.error(message);
    Deno.exit(1);
  }
}
