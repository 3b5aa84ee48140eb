/** Baby-step tables on disk, under data/cache/: a table of 2^20 entries takes seconds to build and
 * milliseconds to load.
 *
 * Only large tables are kept, and only where this process may already read and write: it asks for no
 * permission. A file is written beside its place and renamed, so nobody sees half of it; it is checked
 * in full when loaded, and a file that fails is named, refused and replaced.
 * @module */
import { createHash } from "node:crypto";
import { type DlogTable, tableWords } from "./dlog_table.ts";
import type { Group } from "./group.ts";

/** Smaller tables build faster than they are worth keeping. */
const MIN_ENTRIES = 2 ** 18;
const MAGIC = "fe-dlog1";
/** magic (8), group id, entries (u32 each), SHA-256 of everything but itself, padding. */
const HEADER_BYTES = 64;
const DIGEST_AT = 16;
const DIGEST_BYTES = 32;

function defaultDirectory(): string {
  return `${import.meta.dirname}/../../data/cache`;
}

function granted(name: "read" | "write", path: string): boolean {
  return Deno.permissions.querySync({ name, path }).state === "granted";
}

function pathOf(directory: string, group: Group, entries: number): string {
  return `${directory}/dlog-${group.name}-${entries}.bin`;
}

function header(group: Group, { entries, data }: DlogTable): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, group.id, true);
  view.setUint32(12, entries, true);
  const digest = createHash("sha256").update(bytes)
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest();
  bytes.set(digest.subarray(0, DIGEST_BYTES), DIGEST_AT);
  return bytes;
}

/** The table in the cache; null where there is none, none is allowed, or the file is damaged. */
export function loadTable(
  group: Group,
  entries: number,
  directory: string = defaultDirectory(),
): DlogTable | null {
  if (entries < MIN_ENTRIES || !granted("read", directory)) return null;
  const path = pathOf(directory, group, entries);
  let state = "truncated or corrupt";
  try {
    const bytes = Deno.readFileSync(path);
    if (bytes.length === HEADER_BYTES + 4 * tableWords(entries)) {
      const table = { entries, data: new Uint32Array(bytes.buffer, HEADER_BYTES) };
      if (header(group, table).every((byte, i) => byte === bytes[i])) return table;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    state = error instanceof Error ? error.message : String(error);
  }
  console.warn(`Cannot load ${path}: ${state}; building the table again`);
  return null;
}

/** Keeps a table for the next process, where that is allowed and worth it. */
export function saveTable(
  group: Group,
  table: DlogTable,
  directory: string = defaultDirectory(),
): void {
  if (table.entries < MIN_ENTRIES || !granted("read", directory) || !granted("write", directory)) {
    return;
  }
  const path = pathOf(directory, group, table.entries);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    Deno.mkdirSync(directory, { recursive: true });
    const file = Deno.openSync(temporary, { write: true, createNew: true });
    try {
      for (
        const part of [
          header(group, table),
          new Uint8Array(table.data.buffer, table.data.byteOffset, table.data.byteLength),
        ]
      ) {
        for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
      }
    } finally {
      file.close();
    }
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch { /* nothing was created */ }
    console.warn(`Cannot keep ${path}: ${error instanceof Error ? error.message : error}`);
  }
}
