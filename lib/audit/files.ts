/** The files of an audit: the page, the same as JSON, and each picture as PNG. What stands in them, field by field:
 * `README.md` beside this file.
 * @module */
import { dirname, join, resolve } from "node:path";
import { DataError } from "../data/dataset.ts";
import { writeAtomic } from "../data/write_atomic.ts";
import { isRow, pairGridPng, pairPng } from "../plot/pair_png.ts";
import type { AttackFinding, Audit, Pair } from "./findings.ts";
import { auditPage } from "./page.ts";

/** A pair in the JSON file. */
export interface PairReport {
  readonly name: string;
  readonly caption: string;
  /** Whether the private sample is known, and whether the attack gave anything. */
  readonly hasTruth: boolean;
  readonly hasRecovered: boolean;
  /** Original | recovered: a path below the JSON file's folder. */
  readonly picture: string;
}

/** An attack in the JSON file. */
export interface AttackReport extends Omit<AttackFinding, "pairs"> {
  /** All pairs in one; null: there is none. */
  readonly picture: string | null;
  readonly pairs: readonly PairReport[];
}

/** An audit in the JSON file: pictures by the names of their files. */
export interface AuditReport extends Omit<Audit, "attacks"> {
  readonly attacks: readonly AttackReport[];
}

/** An attack's name as a file's, which no other attack of the audit has: "tv-sum", "tv-sum-again". A number at its end
 * would be taken for a pair's. */
function fileNames(attacks: readonly AttackFinding[]): string[] {
  const taken = new Set<string>();
  return attacks.map(({ name }) => {
    let plain = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60);
    if (plain === "" || /(^|-)\d+$/.test(plain)) plain += "-attack";
    while (taken.has(plain)) plain += "-again";
    taken.add(plain);
    return plain;
  });
}

const gridPath = (name: string) => `pictures/${name}.png`;
const pairPath = (name: string, k: number) => `pictures/${name}-${k + 1}.png`;

/** The audit without pixels, as `report.json` has it. */
export function auditReport(audit: Audit): AuditReport {
  const names = fileNames(audit.attacks);
  const pairReport = ({ name, caption, truth, recovered }: Pair, picture: string) => ({
    ...{ name, caption, hasTruth: truth !== null, hasRecovered: recovered !== null, picture },
  });
  return {
    ...audit,
    attacks: audit.attacks.map(({ pairs, ...finding }, i) => ({
      ...finding,
      picture: pairs.length === 0 ? null : gridPath(names[i]),
      pairs: pairs.map((pair, k) => pairReport(pair, pairPath(names[i], k))),
    })),
  };
}

/** Every file, by its path in the folder of the report: `report.html`, `report.json`, `pictures/NAME-K.png` for the k-th
 * pair of an attack, original | recovered, and `pictures/NAME.png` with all of them.
 * @throws {TypeError} a picture's length is not the shape's. */
export function auditFiles(audit: Audit): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    "report.html": auditPage(audit),
    "report.json": `${JSON.stringify(auditReport(audit), null, 2)}\n`,
  };
  const { shape, attacks } = audit, [height, width] = shape;
  // An image of about 112 pixels; a row of a table of about 480, its bars 32 to 128 high.
  const zoom = isRow(shape)
    ? Math.min(4, Math.max(1, Math.floor(480 / width)))
    : Math.max(1, Math.floor(112 / Math.max(height, width)));
  const names = fileNames(attacks);
  attacks.forEach(({ pairs }, i) => {
    if (pairs.length === 0) return;
    files[gridPath(names[i])] = pairGridPng(pairs, shape, zoom);
    pairs.forEach(({ truth, recovered }, k) => {
      files[pairPath(names[i], k)] = pairPng(truth, recovered, shape, zoom);
    });
  });
  return files;
}

const statOf = (path: string) => Deno.stat(path).catch(() => null);

/** The pictures that a report in this folder names. */
async function picturesOf(directory: string): Promise<string[]> {
  try {
    const text = await Deno.readTextFile(join(directory, "report.json"));
    const { schema, attacks } = JSON.parse(text) as AuditReport;
    if (!schema.startsWith("fe-leakage-audit/")) return [];
    const named = attacks.flatMap((
      { picture, pairs },
    ) => [picture, ...pairs.map((pair) => pair.picture)]);
    return named.filter((path) => path !== null).filter((path) =>
      /^pictures\/[a-z0-9-]+\.png$/.test(path)
    );
  } catch {
    return []; // no report, or another's: its files are not ours
  }
}

/** What the system said, without the names of files: "Permission denied (os error 13)". */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return (cause instanceof Error ? cause.message : message).replace(/: .*$/s, "");
}

/** Writes the files of an audit into a folder, all or none; an earlier report there is replaced, with its pictures, and
 * other files stay.
 * @throws {DataError} the folder is a file, cannot be written, or the disk is full; then nothing has changed. */
export async function writeAudit(directory: string, audit: Audit): Promise<void> {
  const refuse = (why: string): never => {
    throw new DataError(
      `Cannot write the report to ${directory}: ${why}; choose another folder with --out`,
    );
  };
  const files = auditFiles(audit);
  if ((await statOf(directory))?.isFile) refuse("it is a file");
  if ((await statOf(join(directory, "pictures")))?.isFile) refuse("pictures in it is a file");
  for (const path of Object.keys(files)) {
    if ((await statOf(join(directory, path)))?.isDirectory) refuse(`${path} in it is a folder`);
  }
  // What is made for the report goes again if it cannot be written.
  let made: string | null = null;
  for (
    let path = resolve(directory, "pictures");
    await statOf(path) === null;
    path = dirname(path)
  ) made = path;
  const old = await picturesOf(directory);
  try {
    await Deno.mkdir(join(directory, "pictures"), { recursive: true });
    await writeAtomic(directory, files);
  } catch (error) {
    if (made !== null) await Deno.remove(made, { recursive: true }).catch(() => {});
    refuse(reasonOf(error));
  }
  for (const path of old) {
    if (!(path in files)) await Deno.remove(join(directory, path)).catch(() => {});
  }
}
