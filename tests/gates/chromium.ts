/** Finds the browser that the front-end test drives.
 * @module */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome.exe",
];
const APPLICATIONS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The path of Chromium or Chrome: `CHROMIUM` if set, else the usual names and places.
 * @throws {Error} there is none. */
export function findChromium(
  env: { CHROMIUM?: string; PATH?: string } = Deno.env.toObject(),
): string {
  if (env.CHROMIUM) {
    if (existsSync(env.CHROMIUM)) return env.CHROMIUM;
    throw new Error(`CHROMIUM names no file: ${env.CHROMIUM}`);
  }
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = [...places, ...APPLICATIONS].find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Error("the front-end test needs Chromium: install it, or set CHROMIUM to its path");
}

/** For an unattended run: no GPU, no first-run page, no calls home. */
export const CHROMIUM_ARGUMENTS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
