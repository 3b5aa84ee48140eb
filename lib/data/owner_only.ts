/** Whether a file that holds a secret is its owner's alone.
 * @module */

/** Looks at a file's mode.
 * @returns what is wrong and what to do, as the end of an error's line; null where only the owner gets at the file, and on
 * Windows, where nobody looks.   @throws as `Deno.stat`. */
export async function openToOthers(path: string): Promise<string | null> {
  const { mode } = await Deno.stat(path);
  if (Deno.build.os === "windows" || mode === null || (mode & 0o077) === 0) return null;
  const bits = (mode & 0o777).toString(8);
  const place = "take a folder on another disk if that changes nothing"; // drives of Windows in WSL, exFAT
  return `its mode ${bits} lets others at it; run chmod 600 ${path}, ${place}`;
}
